"""Before: who put a copy or a stolen card in read that no mail reaches the holder any more."""

from __future__ import annotations

from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.mail.bounces import Bounces, Taken
from kiosk.contract.messages import EnterCode
from tests.authority.card_in_reader import KeylessCard
from tests.authority.station_visit import StationVisit
from tests.authority.world import World
from tests.support.reports import BOUNCES, report


def pages(visit: StationVisit, world: World, status: str) -> EnterCode:
    """Let the code that was asked for come back, and ask for another."""
    visit.to_code()
    local, _, domain = BOUNCES.rpartition("@")
    bounces = Bounces(world.store, CodeMac(world.ring), BOUNCES)
    to = f"{local}+{world.relay.sent[-1].tag}@{domain}"
    action = "failed" if status.startswith("5") else "delayed"
    assert bounces.take_in(report(to, status, action)) in (Taken.FAILING, Taken.LATE)
    world.clock.forward(minutes=2)
    page = visit.send()
    assert isinstance(page, EnterCode)
    return page


def test_copy_of_a_card_does_not_read_that_mail_fails(world: World) -> None:
    card = world.add_card(holder := world.add_holder())
    world.register(holder)
    page = pages(world.insert(card, blocked=True, reader_card=KeylessCard()), world, "5.1.1")
    assert page.sent_to is not None
    assert not page.sent_to.may_fail
    assert not any(each.may_fail for each in page.routes)


def test_thief_of_a_card_does_not_read_whether_mail_fails_or_is_late(world: World) -> None:
    """Who knew that the holder's mailbox is gone would know that no notice is read."""
    shown = set()
    for status, number in (("5.1.1", "1"), ("5.2.2", "2"), ("4.4.1", "3")):
        holder = world.add_holder(number=f"90012345678{number}")
        world.register(holder)
        page = pages(world.insert(world.add_card(holder), blocked=True), world, status)
        assert page.sent_to is not None
        shown.add((page.sent_to.masked, page.sent_to.may_fail))
    assert len(shown) == 1
    assert shown.pop()[1]
