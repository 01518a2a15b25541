"""A code and notices by text message, through a gateway with the paths and answers of Notify."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import asdict

from kiosk.authority.mail.words import TO_HOLDERS
from kiosk.contract.messages import Purpose
from kiosk.station.states import CodeLack
from screens.words import choices, email
from screens.words.staff.ways import BY_TEXT as BY_TEXT_EXPLAINED
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import Person
from tests.e2e.records import events
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, SECONDS, World
from tests.support.gateway import Gateway, gateway, refusal

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NUMBER, MASKED = "+447400123456", "•••56"
BY_TEXT = f"Text message: {MASKED}"
NEW_PIN = "480593"
GROUNDS = ("--reason", "asked for at the desk", "--identified-by", "photo ID at the desk")


@pytest.fixture
def notify(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path / "gateway", time.time) as made:
        yield made


@pytest.fixture
def world(make_world: MakeWorld, notify: Gateway) -> World:
    return make_world(
        texts=asdict(notify.notify_settings()), policy={"address_cooling_off_hours": 0}
    )


def with_number(world: World) -> Person:
    """Return Ada, registered, with a number that staff added, and her card blocked."""
    ada = world.ada
    world.register(ada)
    world.kiosk("people", "add-address", ada.number, "07400 123456", *GROUNDS, check=True)
    world.block(ada)
    return ada


def picks(visitor: Visitor, label: str) -> None:
    station = visitor.station
    station.see(choices.ROUTES_TITLE, label)
    visitor.hands.choose(station, station.number_of(label), label)


def test_code_by_text_message_unlocks_and_the_notice_comes_as_well(
    world: World, notify: Gateway
) -> None:
    ada = with_number(world)
    visitor = Visitor(world, ada, world.station(program=HASTY))
    visitor.comes().unlocks().answers()
    picks(visitor, BY_TEXT)
    visitor.station.see(email.code_title(Purpose.UNLOCK, proves_owner=False), MASKED)
    to, text = notify.wait_for("is your code for", SECONDS)
    assert to == NUMBER
    found = re.match(r"(\d{4}) (\d{4}) ", text)
    assert found is not None
    visitor.enters_code("".join(found.groups())).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()

    subject = TO_HOLDERS["unlocked"].subject
    world.wait_for_mail(ada.email, subject)
    to, text = notify.wait_for(str(subject), SECONDS)
    assert to == NUMBER
    assert re.search(r"\d{4} \d{4} \d{4}", text)
    (sent,) = events(world, "code-sent")
    assert sent.detail["by_text"] is True
    world.kiosk("audit", "verify", check=True)


def test_number_that_is_refused_is_said_and_the_mailbox_is_chosen(
    world: World, notify: Gateway
) -> None:
    ada = with_number(world)
    visitor = Visitor(world, ada, world.station(60, 20, program=HASTY))
    visitor.comes().unlocks().answers()
    notify.refuses = refusal(400, "ValidationError", "phone_number Not a valid phone number")
    picks(visitor, BY_TEXT)
    visitor.station.see(email.LACKS[CodeLack.REFUSED][0])
    visitor.hands.go_on(visitor.station, email.NEW_CODE)
    notify.refuses = None
    station = visitor.station
    station.see(choices.ROUTES_TITLE)
    visitor.hands.choose(station, 1, station.row_of(1))
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    shown = world.kiosk("audit", "list", "--limit", "50", check=True).stdout
    assert "the number takes no text messages" in shown


def test_doctor_looks_at_the_gateway_and_sends_nothing(world: World, notify: Gateway) -> None:
    said = world.kiosk("doctor").stdout
    assert "text messages" in said
    assert "the gateway can be reached" in said
    assert notify.texts == []


def test_policy_is_explained_with_the_restricted_route(world: World) -> None:
    said = world.kiosk("policy", "explain", check=True).stdout
    assert BY_TEXT_EXPLAINED in said
    world.more_environ["KIOSK_TEXTS__SERVICE"] = "none"
    assert BY_TEXT_EXPLAINED not in world.kiosk("policy", "explain", check=True).stdout
