"""An unblock that changes the secret, cut before and after everything that it does.

The station is a process of its own; it is killed, or its card is torn out or reset, or an
answer is lost, of the card or of the database. Then the card comes back at another
station.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.virtual.state import padded
from kiosk.dialogue import Finished, Purpose
from tests.authority.world import copy_template
from tests.cuts.cutter import Cut, Fault, Side
from tests.cuts.estate import KILLED, Estate, Prepared, Stations, prepare
from tests.support.database import migrated, sqlite_url
from tests.support.printed import Printed

OUTCOMES = {
    "unblock-done",
    "unblock-refused",
    "unblock-not-sent",
    "unblock-unknown",
    "unblock-settled",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    template = tmp_path_factory.mktemp("template") / "kiosk.db"
    migrated(sqlite_url(template))
    return prepare(copy_template(template, tmp_path_factory.mktemp("prepared")))


@pytest.fixture(scope="module")
def stations() -> Iterator[Stations]:
    started = Stations()
    yield started
    started.close()


@pytest.fixture(scope="module")
def steps(prepared: Prepared, stations: Stations, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many steps an unblock has that nothing cuts; it changes the secret."""
    estate = Estate(prepared, tmp_path_factory.mktemp("whole") / "estate")
    with estate.served():
        assert stations.run(estate, None) == 0
    names = Counter(estate.steps)
    assert names["2C"] == names["24"] == 1
    assert names["commit"] == 5
    assert estate.secrets().keys() == {"current", "former 0"}
    assert estate.plastic.state.puk.body == padded(estate.secrets()["current"])
    told = estate.world.kinds()
    assert told.count("secret-changed") == 1
    estate.close()
    return names.total()


def cuts(steps: int) -> Iterator[Cut]:
    for step in range(steps):
        for side in Side:
            for fault in Fault:
                yield Cut(step, side, fault)


def test_no_cut_loses_a_card_or_costs_more_than_one_try(
    prepared: Prepared,
    stations: Stations,
    steps: int,
    tmp_path: Path,
    printed: Printed,
) -> None:
    tried, ends = 0, Counter[str]()
    for cut in cuts(steps):
        estate = Estate(prepared, tmp_path / "estate")
        try:
            ends[_lives_through(estate, stations, cut)] += 1
        except AssertionError as lost:
            raise AssertionError(f"{cut}: {estate.world.kinds()}") from lost
        tried += 1
        estate.close()
    printed(f"{tried} cut points of an unblock with a change of the secret: {dict(ends)}")
    assert tried == steps * len(Side) * len(Fault)


def _lives_through(estate: Estate, stations: Stations, cut: Cut) -> str:
    with estate.served():
        ended = stations.run(estate, cut)
    assert ended == (KILLED if cut.fault is Fault.KILL else 0)
    assert estate.plastic.wrong == 0
    _holds_the_cards_secret(estate)
    first = "unlocked at once" if estate.has_new_pin else "unlocked elsewhere"
    assert estate.unlock_elsewhere() == Finished(Purpose.UNLOCK)
    wrong = estate.plastic.wrong
    assert wrong <= 1
    _holds_the_cards_secret(estate)
    assert estate.plastic.state.puk.left == estate.plastic.state.puk.limit
    _audit_tells(estate)
    return f"{first}, {wrong} wrong"


def _holds_the_cards_secret(estate: Estate) -> None:
    held = {padded(secret) for secret in estate.secrets().values()}
    assert estate.plastic.state.puk.body in held


def _audit_tells(estate: Estate) -> None:
    with estate.world.store.read() as uow:
        assert uow.audit.verify().intact
    kinds = Counter(estate.world.kinds())
    told = sum(kinds[outcome] for outcome in OUTCOMES) - min(
        kinds["unblock-unknown"], kinds["unblock-settled"]
    )
    assert told == kinds["secret-released"]
    changed = kinds["secret-changed"] + kinds["secret-not-changed"] + kinds["secret-found"]
    assert changed == kinds["secret-drawn"]
