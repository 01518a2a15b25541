"""Forged cards in a real reader, at a station that does its part: what were they sent?

A forged card takes any PIN and any unblock secret, as a thief's would: whatever it is
sent it keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hardware.virtual import piv
from hardware.virtual.chip import read
from hardware.virtual.link import Chip
from hardware.virtual.piv import SLOT_CARD_AUTHENTICATION, CardProfile, VirtualCard, new_card
from kiosk.authority.crypto.card_keys import key_from
from kiosk.authority.records import Card
from kiosk.contract.messages import Finished, KeyKind, Purpose, Reason, Refusal, VisitOpened
from kiosk.contract.ports import CardAddress
from tests.authority.headless_station import Desk
from tests.authority.world import PUK, World
from tests.hardware.failing import CHANGE, RESET, VERIFY, FailingCard, answers
from tests.support.faults import answering
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

EXPIRES = datetime(2035, 1, 1, tzinfo=UTC)
PROVE = 0x87
GENUINE, FORGED = 0, 1
"""Slots of the reader."""


def make(guid: bytes | None = None, kind: KeyKind = KeyKind.P_256) -> VirtualCard:
    profile = CardProfile(key=kind)
    return new_card(
        blocked=True,
        holder_name="Asha Okafor",
        puk=PUK,
        guid=guid,
        expires=EXPIRES,
        profile=profile,
    )


@pytest.fixture
def genuine() -> FailingCard:
    return FailingCard(make())


@pytest.fixture
def card(world: World, genuine: FailingCard) -> Card:
    """The record of the genuine card, with its key."""
    content = read(genuine.card.state.objects[piv.CERT_CARD_AUTHENTICATION])
    key = key_from(content[0x70])
    assert key is not None
    return world.registered_card(identifier=genuine.card.state.guid.hex(), auth_key=key)


def sent_secrets(chip: FailingCard) -> int:
    """How often a card was sent a PIN or an unblock secret."""
    return sum(chip.count(instruction) for instruction in (VERIFY, CHANGE, RESET))


def greedy(card: VirtualCard) -> FailingCard:
    """A card that takes whatever it is sent."""
    chip = FailingCard(card)
    chip.fail(dict.fromkeys((CHANGE, RESET), answers("9000")))
    return chip


def with_another_key(genuine: FailingCard) -> FailingCard:
    return greedy(make(genuine.card.state.guid))


def with_its_certificate(genuine: FailingCard) -> FailingCard:
    forged = make(genuine.card.state.guid)
    forged.state.objects.update(genuine.card.state.objects)
    return greedy(forged)


def without_a_key(genuine: FailingCard) -> FailingCard:
    forged = make(genuine.card.state.guid)
    del forged.state.objects[piv.CERT_CARD_AUTHENTICATION]
    del forged.state.keys[SLOT_CARD_AUTHENTICATION]
    return greedy(forged)


def replaying(genuine: FailingCard) -> FailingCard:
    """Answer each challenge as the genuine card answered one of the same form before."""
    forged = with_its_certificate(genuine)
    command = next(one for one in genuine.apdus if one[1] == PROVE)
    genuine.card.transmit(bytes.fromhex("00a4040005a000000308"))
    answer = genuine.card.transmit(command)
    assert answer[-2:] == b"\x90\x00"
    forged.fail({PROVE: answering(answer), **dict.fromkeys((CHANGE, RESET), answers("9000"))})
    return forged


Forge = Callable[[FailingCard], FailingCard]
KINDS: dict[str, Forge] = {
    "right GUID, another key": with_another_key,
    "right certificate, another key": with_its_certificate,
    "no key where one was recorded": without_a_key,
    "a replayed answer": replaying,
}


def serve(world: World, chip: Chip, insert: Insert) -> object:
    """Take a holder through an unlock with one card."""
    desk = Desk(world)
    opened = desk.open(insert(chip).reader)
    if isinstance(opened.reply, Refusal):
        return opened.reply
    assert isinstance(opened.reply, VisitOpened)
    desk.pass_every_factor()
    return desk.unblock(desk.at)


def test_the_genuine_card_is_sent_its_secret(
    world: World, card: Card, genuine: FailingCard, insert: Insert
) -> None:
    assert serve(world, genuine, insert) == Finished(Purpose.UNLOCK)
    # At the insertion, before the release, and once with the new PIN.
    assert (genuine.count(PROVE), genuine.count(RESET)) == (3, 1)
    reset = [apdu[1] for apdu in genuine.apdus].index(RESET)
    assert genuine.apdus[reset - 1][1] == PROVE, "nothing comes between proof and secret"


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_card_is_sent_nothing_and_its_bearer_is_asked_nothing(
    kind: str, world: World, card: Card, genuine: FailingCard, insert: Insert
) -> None:
    Desk(world).open(insert(genuine, GENUINE).reader)
    forged = KINDS[kind](genuine)
    desk = Desk(world)
    reply = desk.open(insert(forged, FORGED).reader).reply
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.NOT_GENUINE
    assert forged.count(PROVE) == 1
    assert sent_secrets(forged) == 0
    assert world.relay.sent == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_card_that_is_put_in_after_the_questions_is_sent_nothing(
    kind: str, world: World, card: Card, genuine: FailingCard, insert: Insert
) -> None:
    desk = Desk(world)
    desk.open(insert(genuine, GENUINE).reader)
    desk.pass_every_factor()
    forged = KINDS[kind](genuine)
    at = CardAddress(insert(forged, FORGED).reader, desk.at.card)
    reply = desk.unblock(at)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.NOT_GENUINE
    assert forged.count(PROVE) == 1
    assert sent_secrets(forged) == 0
    assert world.card(card).secret_exposure == 0


def test_a_card_with_another_identifier_is_not_even_asked(
    world: World, card: Card, genuine: FailingCard, insert: Insert
) -> None:
    desk = Desk(world)
    desk.open(insert(genuine, GENUINE).reader)
    desk.pass_every_factor()
    other = greedy(make())
    reason = desk.unblock(CardAddress(insert(other, FORGED).reader, desk.at.card))
    assert reason is Reason.CARD_UNREADABLE
    assert other.count(PROVE) == sent_secrets(other) == 0
    assert "secret-released" not in world.kinds()


@pytest.mark.parametrize("kind", [KeyKind.ED25519, KeyKind.RSA_4096])
def test_a_key_of_a_kind_that_the_standard_lacks_has_to_be_proven_too(
    world: World, insert: Insert, kind: KeyKind
) -> None:
    mine = FailingCard(make(kind=kind))
    world.registered_card(identifier=mine.card.state.guid.hex())
    copy = make(mine.card.state.guid, kind)
    copy.state.objects.update(mine.card.state.objects)
    forged = greedy(copy)
    reply = serve(world, forged, insert)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.NOT_GENUINE
    assert sent_secrets(forged) == 0
    desk = Desk(world)
    desk.open(insert(mine, slot=1).reader)
    desk.pass_every_factor()
    assert desk.unblock(desk.at) == Finished(Purpose.UNLOCK)
