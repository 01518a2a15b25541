"""What is left by a card that is pulled while its PUK is used: a table of ``docs/one-unlock.md``.

``tests/cuts/test_pulled_card.py`` pulls a card at each point, and holds each row against what it
finds then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from kiosk.authority.store.records import UnblockState
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
    known: str
    becomes: str
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
        "nothing was released or charged",
        "the visit ends",
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
        (
            "the PUK leaves even if the card is already out; nobody knows whether the card took it"
        ),
        (
            "`Link.send` in {connection} raises the `OutcomeUnknown` that `_lost` makes, as for "
            "every command that changes a card (`response_from` does for a torn answer); the "
            'station reports "unknown" (`outcome_of` in {station_unblock}): the charge of the PUK '
            "stays, its row in the journal stays open, as `unknown`, and the visit counts as "
            "refused"
        ),
        (
            "reads the same; the code is used up: another unlock asks the questions again and "
            "mails a new code"
        ),
    ),
    Row(
        UNBLOCK,
        _done("current", "pending"),
        "the PIN is set",
        (
            "the authority draws a new PUK all the same (`_new_secret` in {station_unblock}); "
            "it keeps both, sealed, and the next unblock finds out which one the card has, by one "
            "wrong try at most"
        ),
        _HAS_NEW_PIN,
    ),
    Row(
        CHANGE,
        _done("current", "former 0"),
        "the PIN is set, and the card has the new PUK",
        "nothing is left to find out: `confirm_rotation` makes the new PUK the current one",
        _HAS_NEW_PIN + _READ,
    ),
)  # fmt: skip


def row_after(answered: Sequence[str]) -> Row:
    """Return the row of a card that has answered these commands."""
    return next(row for row in reversed(ROWS) if row.since in (None, *answered))


def table() -> str:
    """Return the table, with the places of links."""
    lines = [
        "| the card is pulled | what is known | what becomes of it | the holder |",
        "| --- | --- | --- | --- |",
    ]
    for row, following in zip_longest(ROWS, ROWS[1:]):
        until = f"before it has answered {following.since}" if following else ""
        since = f"after it has answered {row.since}" if row.since else ""
        when = ", ".join(part for part in (since, until) if part)
        lines.append(f"| {when} | {row.known} | {row.becomes} | {row.holder} |")
    return "\n".join(lines)
