"""What is left by a card that is pulled while its PUK is used: a table of ``docs/one-unlock.md``.

``tests/cuts/test_pulled_card.py`` pulls a card at each point, and holds each row against what it
finds then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from kiosk.authority.records import UnblockState
from kiosk.contract.messages import VisitEnd
from kiosk.station.loop import IdleTimes
from kiosk.station.states import PulledFrom
from screens.words import waiting

PROOF = "GENERAL AUTHENTICATE"
UNBLOCK = "RESET RETRY COUNTER"
CHANGE = "CHANGE REFERENCE DATA"


@dataclass(frozen=True)
class Left:
    """What the card and the authority keep, and what the station's first page says.

    ``journal``: the state of its row there; None: nothing was released. ``in_doubt``: a try of the
    PUK is charged. ``ended``: how the authority has ended the visit, None: it has not.
    """

    journal: UnblockState | None
    in_doubt: bool
    code_is_used: bool
    ended: VisitEnd | None
    pin_is_set: bool
    puks: tuple[str, ...]
    page: PulledFrom


@dataclass(frozen=True)
class Row:
    """From the card's answer to ``since`` until the next row: what may be left, and in words."""

    since: str | None
    leaves: frozenset[Left]
    card: str
    keeps: str
    holder: str


def _done(*puks: str) -> frozenset[Left]:
    return frozenset(
        {Left(UnblockState.DONE, False, True, None, True, puks, PulledFrom.UNLOCKED)},
    )


_HAS_NEW_PIN = "has the new PIN, and the first page says so"
_READ = f", unless the success page had been up for {IdleTimes().read_s:g} s"
_CHECKED = f'"{" ".join(waiting.PULLED[PulledFrom.UNBLOCK])}"'

ROWS: Final = (
    Row(
        None,
        frozenset({Left(None, False, False, None, False, ("current",), PulledFrom.UNBLOCK)}),
        "as it was",
        "nothing: no PUK was released, nothing was charged; the visit ends",
        f"reads on the first page: {_CHECKED} The code is entered again, as long as it lives",
    ),
    Row(
        PROOF,
        frozenset(
            Left(
                UnblockState.UNKNOWN, True, True, VisitEnd.REFUSED, is_set, ("current",),
                PulledFrom.UNBLOCK,
            )
            for is_set in (False, True)
        ),
        "has the new PIN, or has not: the PUK leaves even if the card is already out",
        (
            "the charge of the PUK; its row in the journal, open, as `unknown`; "
            "the visit, as refused"
        ),
        (
            "reads the same; the code is used up: another unlock asks the questions again and "
            "mails a new code"
        ),
    ),
    Row(
        UNBLOCK,
        _done("current", "pending"),
        "has the new PIN, and the old PUK or the new one",
        (
            "both PUKs, sealed: the new one is drawn even if the card is already out "
            "(`_steps` in {station_unblock}); the next unblock finds out which one the card "
            "has, by one wrong try at most"
        ),
        _HAS_NEW_PIN,
    ),
    Row(
        CHANGE,
        _done("current", "former 0"),
        "has the new PIN and the new PUK",
        "the new PUK as the current one (`confirm_rotation`)",
        _HAS_NEW_PIN + _READ,
    ),
)  # fmt: skip


def row_after(answered: Sequence[str]) -> Row:
    """Return the row of a card that has answered these commands."""
    return next(row for row in reversed(ROWS) if row.since in (None, *answered))


def table() -> str:
    """Return the table, with the places of links."""
    lines = [
        "| the card is pulled | the card | the authority keeps | the holder |",
        "| --- | --- | --- | --- |",
    ]
    for row, following in zip_longest(ROWS, ROWS[1:]):
        until = f"before it has answered {following.since}" if following else ""
        since = f"after it has answered {row.since}" if row.since else ""
        when = ", ".join(part for part in (since, until) if part)
        lines.append(f"| {when} | {row.card} | {row.keeps} | {row.holder} |")
    return "\n".join(lines)
