"""Before: who has the card and the answers asked for codes by mail and by text message in turn.

So the telephone was flooded once the mailbox had its share, and a code that somebody read on a
locked telephone was good for as long as one in a mailbox.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from kiosk.authority.records import Card
from kiosk.contract.messages import CodeNotSent, EnterCode, SetPin
from tests.authority.visit.test_several_routes import asked
from tests.authority.visit.test_text_messages import add_number, by_text
from tests.authority.world import World


def test_text_messages_and_mails_count_under_one_limit(world: World, card: Card) -> None:
    add_number(world, card)
    visit, task = asked(world, card)
    first, number = task.routes
    most = world.parts.policy().codes_an_hour
    for _ in range(most):
        assert isinstance(visit.send(route=first.id), EnterCode)
        assert isinstance(visit.send(route=number.id), CodeNotSent)
        world.clock.forward(minutes=2)
    assert isinstance(visit.send(route=number.id), CodeNotSent)
    assert len(world.relay.sent) == most


def test_code_by_text_message_is_over_after_ten_minutes(world: World, card: Card) -> None:
    world.policy = replace(world.policy, code_life=timedelta(hours=1))
    add_number(world, card)
    visit, _ = by_text(world, card)
    code = world.relay.code
    world.clock.forward(minutes=10, seconds=1)
    assert not isinstance(visit.enter(code), SetPin)
