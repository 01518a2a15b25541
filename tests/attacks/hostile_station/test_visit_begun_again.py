"""Before: a station began one visit again and again, twenty times a second, for a card that is
known by its name and was nowhere near: no limit held it, and each was a row in the story of its
holder, among which nobody found another one.
"""

from __future__ import annotations

import pytest

from kiosk.authority.audit.events import AuditKind
from kiosk.authority.records import new_id
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardReport,
    Factor,
    PinState,
    Purpose,
    SetPin,
    VisitId,
    VisitOpened,
)
from tests.authority.world import World


def test_visit_begun_again_is_one_in_the_story(world: World) -> None:
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    report, visit = CardReport(card.identity, PinState(blocked=False)), VisitId(new_id())
    for _ in range(5):
        assert isinstance(world.at("B").begin(visit, report), VisitOpened)
    assert world.kinds() == [AuditKind.VISIT_OPENED]
    world.at("B").choose(visit, Purpose.UNLOCK)
    with pytest.raises(StepRefused):
        world.at("B").begin(visit, report)


def test_visit_begun_again_keeps_no_proof_of_its_own(world: World) -> None:
    """What an earlier visit passed is carried on; the code has to be entered again."""
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    earlier = world.insert(card, blocked=True)
    earlier.to_code()
    earlier.pull()
    back = world.insert(card, blocked=True)
    assert isinstance(back.enter(world.relay.code), SetPin)
    assert set(world.proofs(back)) == {Factor.QUESTIONS, Factor.EMAIL_CODE}
    report = CardReport(card.identity, PinState(blocked=True))
    assert isinstance(back.authority.begin(back.visit, report), VisitOpened)
    assert set(world.proofs(back)) == {Factor.QUESTIONS}
    with pytest.raises(StepRefused):
        back.release()
