"""Right answers to questions that were replaced open nothing, at whatever step they are used."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Finished, Purpose, Refusal, SendCode, VisitOpened
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, give, kept, office_beside
from tests.authority.registering import given
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World


@pytest.fixture
def card(each_world: World) -> Card:
    return each_world.registered_card()


@pytest.fixture
def other(each_world: World, card: Card) -> Card:
    """Another card of the same holder, whose PIN works."""
    with each_world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    return each_world.add_card(holder)


def _proven(world: World, card: Card, purpose: Purpose) -> StationVisit:
    station_visit = world.insert(card, station="B")
    station_visit.authority.choose(station_visit.visit, purpose)
    station_visit.verify_pin()
    return station_visit


def change(world: World, other: Card) -> None:
    visit = _proven(world, other, Purpose.CHANGE_QUESTIONS)
    reply = visit.authority.save_questions(visit.visit, given())
    assert reply == Finished(Purpose.CHANGE_QUESTIONS)


def register_anew(world: World, other: Card) -> None:
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).revoke_registration(as_seen(office, other), GROUNDS)
    visit = _proven(world, other, Purpose.REGISTER)
    visit.authority.save_questions(visit.visit, given())
    visit.email(EMAIL)
    assert visit.enter(world.relay.code) == Finished(Purpose.REGISTER)


REPLACE: Final[list[Callable[[World, Card], None]]] = [change, register_anew]


@pytest.mark.parametrize("replace", REPLACE)
def test_no_code_is_sent_on_them(
    each_world: World, card: Card, other: Card, replace: Callable[[World, Card], None]
) -> None:
    station_visit = each_world.insert(card, blocked=True)
    assert isinstance(station_visit.answer(station_visit.questions()), SendCode)
    replace(each_world, other)
    before = len(each_world.relay.sent)
    with pytest.raises(StepRefused):
        station_visit.send()
    assert len(each_world.relay.sent) == before


@pytest.mark.parametrize("replace", REPLACE)
def test_a_code_that_was_sent_on_them_opens_nothing(
    each_world: World, card: Card, other: Card, replace: Callable[[World, Card], None]
) -> None:
    station_visit = each_world.insert(card, blocked=True)
    station_visit.to_code()
    code = each_world.relay.code
    replace(each_world, other)
    with pytest.raises(StepRefused):
        station_visit.enter(code)
    station_visit.pull()
    back = each_world.insert(card, blocked=True)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is None
    assert {one.id for one in back.questions().questions} < {5, 6, 7, 8}, "the new ones"


@pytest.mark.parametrize("replace", REPLACE)
def test_no_secret_is_released_on_them(
    each_world: World, card: Card, other: Card, replace: Callable[[World, Card], None]
) -> None:
    station_visit = each_world.insert(card, blocked=True)
    station_visit.to_new_pin()
    replace(each_world, other)
    with suppress(StepRefused):
        assert isinstance(station_visit.release(), Refusal)
    assert "secret-released" not in each_world.kinds()


def test_answers_that_are_being_checked_prove_nothing_and_cost_nothing(
    each_world: World, card: Card, other: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    station_visit = each_world.insert(card, blocked=True)
    task, check = station_visit.questions(), each_world.hasher.check

    def change_first(holder_id: str, answers: dict[int, Sensitive], kept: object) -> bool:
        monkeypatch.undo()
        change(each_world, other)
        return check(holder_id, answers, kept)  # type: ignore[arg-type]

    monkeypatch.setattr(type(each_world.hasher), "check", lambda _, *given: change_first(*given))
    with pytest.raises(StepRefused):
        station_visit.answer(task)
    assert each_world.proofs(station_visit) == {}
    assert each_world.registration(card).failures == 0


def test_a_code_that_staff_gave_stays(each_world: World, card: Card, other: Card) -> None:
    """It carries no answers: they are given in the visit in which it is entered."""
    office = office_beside(each_world)
    issued = give(office, card)
    change(each_world, other)
    assert kept(each_world, issued).revoked_at is None
