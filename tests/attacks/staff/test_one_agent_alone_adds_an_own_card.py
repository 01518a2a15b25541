"""Before: one agent gave the victim a card whose PIN the agent knew, revoked the registration,
registered anew with it, and opened the victim's own card with the answers that they had chosen.
"""

from __future__ import annotations

import pytest

from kiosk.authority.administration.views import NewCard
from kiosk.authority.errors import NotPermitted
from kiosk.authority.roles import Role
from kiosk.contract.messages import CardId, Reason, Refusal
from tests.attacks.four_eyes import Colleague, registration_of
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.world import World
from tests.support.refusals import refused

OWN = "ab" * 16


pytestmark = pytest.mark.usefixtures("four_eyes")


def test_the_card_stays_unknown_and_the_registration_stays(world: World) -> None:
    card = world.registered_card()
    before = registration_of(world, card.holder_id)
    agent = Colleague(world, Role.AGENT, "Agent One")
    desk, seen = agent.desk, as_seen(agent.office, card)
    assert desk.cards.add(seen, NewCard(OWN), GROUNDS).waits
    assert desk.cards.replace(seen, card.id, NewCard(OWN), GROUNDS).waits
    assert desk.people.revoke_registration(seen, GROUNDS).waits
    for line in desk.proposals.waiting():
        with refused(NotPermitted, match="proposed this yourself"):
            desk.proposals.agree(line.proposal_id, GROUNDS)
    opened = world.insert(CardId("piv", OWN)).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.UNKNOWN_CARD
    assert registration_of(world, card.holder_id) == before
    assert world.card(card) == card
