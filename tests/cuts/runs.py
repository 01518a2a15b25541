"""Letting one unblock be cut everywhere, and what is asked of every cut."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kiosk.contract.messages import Finished, Reason
from tests.cuts.cutter import Cut, Fault, Side
from tests.cuts.estate import Estate
from tests.support.campaigns import WHOLE

KILLED = -9
OUTCOMES = {
    "unblock-done",
    "unblock-refused",
    "unblock-not-sent",
    "unblock-unknown",
    "unblock-settled",
}


class Stations:
    """Starts stations, each a process of its own."""

    def __init__(self) -> None:
        # The process forks while idle threads of its own first unblock are there.
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.cuts.stations"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def run(self, estate: Estate, cut: Cut | None) -> None:
        """Let one unblock the card, up to the cut."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        estate.world.store.close()
        print(estate.line(cut).written(), file=self._process.stdin, flush=True)
        ended = int(self._process.stdout.readline())
        assert ended == (KILLED if cut is not None and cut.fault is Fault.KILL else 0)

    def close(self) -> None:
        """Start no more."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def every_cut(steps: int, faults: Iterable[Fault]) -> Iterator[Cut]:
    """Return all that can happen to so many steps."""
    for step in range(steps):
        for side in Side:
            for fault in faults:
                yield Cut(step, side, fault)


def some_cuts(steps: int, faults: Sequence[Fault]) -> Iterator[Cut]:
    """Return all that can happen, or, where a run is to be short, cuts at each point all the same.

    There the station is killed at each point, and what else may happen does so in turn; of two
    faults each strikes at every other point.
    """
    in_turn = [fault for fault in faults if fault is not Fault.KILL or len(faults) == 2]
    for cut in every_cut(steps, faults):
        turn = cut.step + list(Side).index(cut.side)
        if WHOLE or cut.fault not in in_turn or cut.fault is in_turn[turn % len(in_turn)]:
            yield cut


def holds_the_cards_secret(estate: Estate) -> None:
    """Look that no cut loses a card."""
    assert any(map(estate.reader_card.opens_with, estate.secrets().values()))


def audit_tells(estate: Estate) -> None:
    """Look that each release has an outcome, and each new secret an end, in a chain that fits.

    A secret that still waits has none.
    """
    with estate.world.store.read() as uow:
        assert uow.audit.verify().intact
    kinds = Counter(estate.world.kinds())
    told = sum(kinds[outcome] for outcome in OUTCOMES) - min(
        kinds["unblock-unknown"], kinds["unblock-settled"]
    )
    assert told == kinds["secret-released"] + kinds["admin-key-used"]
    changed = kinds["secret-changed"] + kinds["secret-not-changed"] + kinds["secret-found"]
    assert changed + ("pending" in estate.secrets()) == kinds["secret-drawn"]


def comes_back(estate: Estate, *, may_be_refused: bool = False) -> str:
    """Let the card come to another station, and look that nothing is lost there; say how it ends.

    It may be refused only where as much may have been spent as can be.
    """
    reply = estate.comes("B") or estate.unlocks("B")
    holds_the_cards_secret(estate)
    audit_tells(estate)
    if isinstance(reply, Finished):
        assert estate.reader_card.is_full
        return "unlocked"
    assert may_be_refused
    assert reply.reason is Reason.SECRET_BLOCKED
    return "refused"
