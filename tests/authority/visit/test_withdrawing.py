"""Whoever closes everything for a holder leaves nothing open, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Seen
from kiosk.authority.records import Card, Proof
from kiosk.authority.roles import Role
from kiosk.authority.service import LocalAuthority
from kiosk.authority.stations import StationIdentity
from kiosk.authority.visit.context import VisitContext
from kiosk.authority.visit.factors import FACTORS
from kiosk.authority.visit.factors.questions import QuestionRules
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Factor, Reason, Refusal
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.saving import POLICY, save_codes, to_new_pin
from tests.authority.station_visit import StationVisit, ready
from tests.authority.world import World

CLOSES: dict[str, Callable[[PeopleDesk, Seen], object]] = {
    "stop": lambda desk, seen: desk.report_misuse(seen, GROUNDS),
    "revoke": lambda desk, seen: desk.revoke_registration(seen, GROUNDS),
    "leave": lambda desk, seen: desk.mark_leaver(seen, GROUNDS),
}
PASSED = {"asked": 0, "answered": 1, "proven": 2}


def begun(world: World, card: Card, passed: int) -> StationVisit:
    station_visit = world.insert(card, blocked=True)
    asked = station_visit.questions()
    if passed:
        station_visit.answer(asked)
        station_visit.send()
    if passed > 1:
        station_visit.enter(world.relay.code)
    return station_visit


def is_refused(station_visit: StationVisit) -> bool:
    try:
        return isinstance(station_visit.release(), Refusal)
    except StepRefused:
        return True


@pytest.mark.parametrize("passed", PASSED.values(), ids=PASSED)
@pytest.mark.parametrize("close", CLOSES.values(), ids=CLOSES)
def test_nothing_that_was_passed_opens_the_card(
    world: World, card: Card, close: Callable[[PeopleDesk, Seen], object], passed: int
) -> None:
    station_visit = begun(world, card, passed)
    staff = office_beside(world, Role.MANAGER)
    close(PeopleDesk(staff), as_seen(staff, card))
    assert Factor.QUESTIONS not in world.proofs(station_visit)
    assert world.live_code(card) is None
    assert is_refused(station_visit)
    assert "secret-released" not in world.kinds()


@pytest.mark.parametrize("passed", PASSED.values(), ids=PASSED)
def test_person_is_erased_with_what_they_passed(world: World, card: Card, passed: int) -> None:
    station_visit = begun(world, card, passed)
    station_visit.pull()
    staff = office_beside(world, Role.MANAGER)
    PeopleDesk(staff).erase(as_seen(staff, card), GROUNDS)
    assert world.proofs(station_visit) == {}


@pytest.mark.parametrize("factor", Factor)
def test_factor_that_is_withdrawn_counts_no_more(world: World, card: Card, factor: Factor) -> None:
    if factor is Factor.SAVED_CODE:
        world.policy = POLICY
        code = save_codes(world, card)[0]
        station_visit = to_new_pin(world, card, code)
    else:
        station_visit = world.insert(card, blocked=True)
        station_visit.to_new_pin()
    with world.store.begin() as uow:
        FACTORS[factor].withdraw(uow, card.holder_id)
        uow.commit()
    assert is_refused(station_visit)
    assert "secret-released" not in world.kinds()


class _FallenAnswers(QuestionRules):
    def stands(self, context: VisitContext, proof: Proof) -> bool:
        return False

    def refusal(self, context: VisitContext, proof: Proof) -> Reason:
        return Reason.ANSWERS_LIMITED


def test_factor_whose_proof_has_fallen_says_why(world: World, card: Card) -> None:
    """Before: a code was said to be withdrawn, whatever the factor was."""
    visit = ready(world, card)
    factors = {**FACTORS, Factor.QUESTIONS: _FallenAnswers()}
    authority = LocalAuthority(replace(world.parts, factors=factors)).seen_by(StationIdentity("A"))
    assert authority.release(visit.visit, "1") == Refusal(Reason.ANSWERS_LIMITED)
