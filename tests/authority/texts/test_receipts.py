"""Notify is asked what did not arrive, and the number is marked: by its reference alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.app.composition.authority import build_caretaker, build_outbox
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.mail.bounces import NO_SUCH_ADDRESS
from kiosk.authority.records import Address, Card
from kiosk.authority.texts.receipts import Receipts
from kiosk.authority.texts.senders import MailAndTexts, NotifySender, open_texts
from kiosk.config.settings import Settings
from kiosk.contract.messages import SetPin
from tests.authority.visit.test_several_routes import asked
from tests.authority.visit.test_text_messages import add_number
from tests.authority.world import World
from tests.support.gateway import Gateway, gateway

ENDED, LATER = "2026-03-02T12:00:00.000000Z", "2026-03-02T12:00:01.000000Z"


@pytest.fixture
def at(world: World, tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path / "gateway", lambda: world.now.timestamp()) as made:
        yield made


@pytest.fixture
def notify(world: World, at: Gateway) -> NotifySender:
    made = open_texts(at.notify_settings(), {}, world.clock)
    assert isinstance(made, NotifySender)
    return made


def receipts(world: World, notify: NotifySender) -> Receipts:
    return Receipts(world.store, CodeMac(world.ring), notify)


def sent_notice(world: World, card: Card, at: Gateway, notify: NotifySender) -> str:
    """Have the number told that it was added; return the reference of that message."""
    add_number(world, card)
    mailer = MailAndTexts(world.relay, notify)
    build_outbox(Settings(), world.store, mailer, world.clock, ring=world.ring).drain_once()
    [message] = [one.json for one in at.requests if one.path == "/v2/notifications/sms"]
    return str(message["reference"])


def number_of(world: World, card: Card) -> Address:
    [number] = world.addresses_of(card).further
    return number


def failed(at: Gateway, reference: object, ended_at: object = ENDED) -> None:
    at.undelivered.insert(0, {"reference": reference, "completed_at": ended_at})


def test_number_that_a_notice_did_not_reach_is_marked(
    world: World, card: Card, at: Gateway, notify: NotifySender
) -> None:
    reference = sent_notice(world, card, at, notify)
    assert receipts(world, notify).take_in() == 0
    assert not number_of(world, card).is_failing
    failed(at, reference)
    world.clock.forward(minutes=1)
    assert receipts(world, notify).take_in() == 1
    assert number_of(world, card).bounce == NO_SUCH_ADDRESS


def test_reference_that_was_made_up_marks_nothing(
    world: World, card: Card, at: Gateway, notify: NotifySender
) -> None:
    reference = sent_notice(world, card, at, notify)
    other = "0" if reference[-1] != "0" else "1"
    for wrong in ("", None, 7, "x" * len(reference), reference[:-1] + other):
        failed(at, wrong)
    failed(at, reference, "yesterday")
    failed(at, reference, None)
    assert receipts(world, notify).take_in() == 0
    assert not number_of(world, card).is_failing


def test_notify_is_asked_once_a_minute_by_one_process(
    world: World, at: Gateway, notify: NotifySender
) -> None:
    for _ in range(3):
        receipts(world, notify).take_in()
    assert len(at.requests) == 1
    world.clock.forward(minutes=1)
    receipts(world, notify).take_in()
    assert len(at.requests) == 2


def test_failure_that_was_taken_in_marks_no_number_that_is_reached_since(
    world: World, card: Card, at: Gateway, notify: NotifySender
) -> None:
    """Notify lists a failure for a week."""
    reference = sent_notice(world, card, at, notify)
    failed(at, reference)
    assert receipts(world, notify).take_in() == 1
    visit, task = asked(world, card)
    visit.send(route=task.routes[1].id)
    assert isinstance(visit.enter(world.relay.code), SetPin)
    world.clock.forward(minutes=1)
    assert receipts(world, notify).take_in() == 0
    assert not number_of(world, card).is_failing
    failed(at, reference, LATER)
    world.clock.forward(minutes=1)
    assert receipts(world, notify).take_in() == 1


def test_caretaker_of_an_authority_asks_notify(
    world: World, at: Gateway, notify: NotifySender
) -> None:
    build_caretaker(Settings(), world.store, world.ring, world.clock, texts=notify).run()
    assert [one.path.partition("?")[0] for one in at.requests] == ["/v2/notifications"]


def test_notify_that_is_away_holds_up_nothing(
    world: World, at: Gateway, notify: NotifySender, caplog: pytest.LogCaptureFixture
) -> None:
    odd: list[object] = [b"<html>", {"notifications": [7, None]}, {"notifications": 7}, []]
    for answer in ((503, b""), *((200, each) for each in odd)):
        at.answers.append(answer)
        assert receipts(world, notify).take_in() == 0
        world.clock.forward(minutes=1)
    assert "text messages that did not arrive are not known: Notify answered 503" in caplog.text
