"""A card that is pulled at each point of an unblock leaves what ``docs/one-unlock.md`` says.

What it leaves of a card that is asked for no proof, and of a station that is killed, is said in
``docs/unblock-journal.md``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from campaigns.one_unlock.page import INSTRUCTIONS
from campaigns.one_unlock.pulled import ROWS, Left, Row, row_after
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import UnblockPin
from kiosk.station.events import CardOut, ResultSide
from kiosk.station.states import Attract, PulledFrom, VisitState, Work, Working
from kiosk.station.step import step
from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import COMMIT, Cut, Fault, Side
from tests.cuts.estate import Estate
from tests.cuts.inspected_card import NEW_PIN
from tests.cuts.runs import Stations
from tests.cuts.stations import station


def test_a_card_that_is_pulled_leaves_what_the_page_says(open_estate: OpenEstate) -> None:
    estate = open_estate("piv", blocked=True)
    found: dict[Row, set[Left]] = defaultdict(set)
    for before, left in pulled_everywhere(estate):
        found[row_after([INSTRUCTIONS[int(one, 16)] for one in before if one != COMMIT])].add(left)
    assert found == {row: row.leaves for row in ROWS}


def test_a_card_that_is_asked_for_no_proof_is_last_asked_as_it_is_held(
    open_estate: OpenEstate,
) -> None:
    estate = open_estate("openpgp by resetting code", blocked=True)
    lefts = list(pulled_everywhere(estate))
    held = next(before for before, _ in lefts if COMMIT in before)[:-1]
    found: dict[bool, set[Left]] = defaultdict(set)
    for before, left in lefts:
        if "2C" not in before:
            found[len(before) >= len(held)].add(left)
    nothing, unknown, *_ = ROWS
    assert set(held) == {"A4", "CA"}
    assert found == {False: nothing.leaves, True: unknown.leaves}


def test_the_old_puk_stays_alone_where_the_station_is_killed(
    open_estate: OpenEstate, stations: Stations
) -> None:
    estate = open_estate("piv", blocked=True)
    assert estate.comes("A") is None
    start = estate.keep("start")
    stations.run(estate, None)
    recorded = estate.steps.index("2C") + 1
    estate.back_to(start)
    stations.run(estate, Cut(recorded, Side.AFTER, Fault.KILL))
    assert estate.has_new_pin
    assert list(estate.secrets()) == ["current"]


def pulled_everywhere(estate: Estate) -> Iterator[tuple[list[str], Left]]:
    """Pull the card at each step; yield the steps before it, and what is left."""
    assert estate.comes("A") is None
    start = estate.keep("start")
    station(estate.line(None))
    whole = estate.steps
    for number in range(len(whole)):
        for side in Side:
            estate.back_to(start)
            told = station(estate.line(Cut(number, side, Fault.TORN)))
            assert told is not None
            yield whole[:number], what_is_left(estate, told)


def what_is_left(estate: Estate, told: ResultSide) -> Left:
    card = estate.card
    with estate.world.store.read() as uow:
        entries = uow.journal.of_visit(estate.visit)
        code, visit = uow.codes.newest(card.id), uow.visits.get(estate.visit)
    assert code is not None
    assert visit is not None
    return Left(
        journal=entries[-1].state if entries else None,
        in_doubt=card.secret_exposure > 0,
        code_is_used=code.consumed_at is not None,
        ended=visit.how,
        pin_is_set=estate.has_new_pin,
        puks=tuple(estate.secrets()),
        page=first_page(estate, told),
    )


def first_page(estate: Estate, told: ResultSide) -> PulledFrom:
    visit = VisitState(estate.visit, CardAddress(estate.reader_card.reader, estate.id), "")
    command = UnblockPin(visit.id, visit.at, Sensitive(NEW_PIN), "1")
    out = CardOut(visit.id, visit.at.reader, 1)
    pulled = step(Working(visit, Work.SETTING_PIN, command, None), out).state
    shown = step(pulled, told).state
    assert isinstance(shown, Attract)
    assert shown.pulled is not None
    return shown.pulled
