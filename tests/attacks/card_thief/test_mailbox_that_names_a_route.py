"""Before: a holder registered a mailbox anywhere, as one of an approved domain.

Relays may forward what is sent to ``mallory%evil.org@nhs.net`` to ``mallory@evil.org``.
"""

from __future__ import annotations

import pytest

from kiosk.authority.administration.fields import read_email
from kiosk.contract.messages import EmailRefused, Purpose
from kiosk.contract.policy import EmailProblem, Policy, email_problem
from tests.authority.world import World

ROUTES = ("mallory%evil.org@nhs.net", "evil.org!mallory@nhs.net")


@pytest.mark.parametrize("address", ROUTES)
def test_no_code_goes_to_a_mailbox_elsewhere(world: World, address: str) -> None:
    visit = world.insert(world.registered_card())
    visit.authority.choose(visit.visit, Purpose.CHANGE_EMAIL)
    visit.verify_pin()
    reply = visit.email(address)
    assert [mail.to for mail in world.relay.sent] == []
    assert isinstance(reply, EmailRefused)
    assert reply.domain


@pytest.mark.parametrize("address", ROUTES)
def test_mailbox_that_names_a_route_is_of_no_approved_domain(address: str) -> None:
    assert email_problem(address, Policy().email_domains) is EmailProblem.DOMAIN
    assert read_email(address) == address, "a recorded address is judged by nobody's domains"
