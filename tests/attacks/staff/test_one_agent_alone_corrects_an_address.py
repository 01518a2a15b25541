"""Before: one agent put their own address in place, was mailed the code, and unlocked the card."""

from __future__ import annotations

import pytest

from kiosk.authority.errors import NotPermitted
from kiosk.authority.roles import Role
from kiosk.contract.messages import Purpose, SendCode
from screens.words.staff.proposals import why_not_words
from tests.attacks.four_eyes import Colleague, registration_of
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.world import EMAIL, World
from tests.support.refusals import refused

THIEF = "thief@nhs.net"


pytestmark = pytest.mark.usefixtures("four_eyes")


def test_the_code_still_goes_to_the_holder(world: World) -> None:
    card = world.registered_card()
    before = registration_of(world, card.holder_id)
    agent = Colleague(world, Role.AGENT, "Agent One")
    done = agent.desk.people.correct_email(as_seen(agent.office, card), THIEF, GROUNDS)
    assert done.waits
    (waiting,) = agent.desk.proposals.waiting()
    with refused(NotPermitted, match="proposed this yourself"):
        agent.desk.proposals.agree(waiting.proposal_id, GROUNDS)
    station_visit = world.insert(card, blocked=True)
    assert isinstance(station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK), SendCode)
    station_visit.send()
    assert [message.to for message in world.relay.sent] == [EMAIL]
    assert registration_of(world, card.holder_id) == before
    assert world.outbox() == []


def test_correction_with_a_second_member_is_mailed_to_both_addresses(world: World) -> None:
    """The same act, honestly: what is refused above is the missing colleague, not the change."""
    card = world.registered_card()
    agent, second = (Colleague(world, Role.AGENT, name) for name in ("Agent One", "Agent Two"))
    agent.desk.people.correct_email(as_seen(agent.office, card), "asha@nhs.uk", GROUNDS)
    (waiting,) = second.desk.proposals.waiting()
    assert (waiting.proposed_by, why_not_words(waiting)) == ("Agent One", "")
    second.desk.proposals.agree(waiting.proposal_id, GROUNDS)
    assert world.registered_email(card) == "asha@nhs.uk"
    assert {message.to for message in world.outbox()} == {EMAIL, "asha@nhs.uk"}
