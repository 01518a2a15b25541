"""Making and entering saved codes, as a station does it."""

from __future__ import annotations

from kiosk.authority.records import Card
from kiosk.contract.messages import (
    ChooseWay,
    EnterCode,
    EnteredSavedCode,
    EnterSavedCode,
    Factor,
    Finished,
    Grant,
    KeepSavedCodes,
    MakeSavedCodes,
    Purpose,
    SendCode,
    SetPin,
    UnblockDone,
    Way,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit
from tests.authority.world import World

QUESTIONS: Way = (Factor.QUESTIONS, Factor.EMAIL_CODE)
SAVED: Way = (Factor.SAVED_CODE, Factor.EMAIL_CODE)
POLICY = Policy(verification=(QUESTIONS, SAVED), saved_codes=5, visits_a_minute=1000)


def to_shown(world: World, card: Card) -> tuple[StationVisit, tuple[Sensitive, ...]]:
    """Have codes made; they do not count yet."""
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.SAVED_CODES)
    assert isinstance(visit.verify_pin(), MakeSavedCodes)
    return visit, shown(visit)


def shown(visit: StationVisit) -> tuple[Sensitive, ...]:
    made = visit.authority.make_saved_codes(visit.visit)
    assert isinstance(made, KeepSavedCodes), made
    return made.codes


def save_codes(world: World, card: Card) -> tuple[Sensitive, ...]:
    """Have codes made, and write them down."""
    visit, codes = to_shown(world, card)
    assert visit.authority.keep_saved_codes(visit.visit) == Finished(Purpose.SAVED_CODES)
    visit.pull()
    return codes


def to_entry(world: World, card: Card, station: str = "A") -> StationVisit:
    """Choose to enter a saved code."""
    visit = world.insert(card, blocked=True, station=station)
    task = visit.authority.choose(visit.visit, Purpose.UNLOCK)
    assert isinstance(task, ChooseWay), task
    assert isinstance(visit.authority.choose_way(visit.visit, SAVED), EnterSavedCode)
    return visit


def enter(visit: StationVisit, code: Sensitive | str, attempt: str = "") -> object:
    text = code if isinstance(code, Sensitive) else Sensitive(code)
    return visit.authority.submit(visit.visit, attempt or visit.attempt(), EnteredSavedCode(text))


def pass_all(visit: StationVisit, code: Sensitive) -> None:
    """Pass every factor."""
    assert isinstance(enter(visit, code), SendCode)
    assert isinstance(visit.send(), EnterCode)
    assert isinstance(visit.enter(visit.world.relay.code), SetPin)


def to_new_pin(world: World, card: Card, code: Sensitive, station: str = "A") -> StationVisit:
    visit = to_entry(world, card, station)
    pass_all(visit, code)
    return visit


def to_grant(visit: StationVisit, code: Sensitive) -> Grant:
    pass_all(visit, code)
    return visit.grant()


def unlock(world: World, card: Card, code: Sensitive) -> Finished:
    visit = to_entry(world, card)
    grant = to_grant(visit, code)
    done = visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    assert isinstance(done, Finished), done
    visit.pull()
    world.clock.forward(minutes=2)
    return done
