"""The security officer's PIN of a token is changed after its use: SoftHSM, at a real station."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hardware.pkcs11.cards import Pkcs11Cards
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.records import Card
from kiosk.authority.unblock.stored_secrets import open_current
from kiosk.contract.messages import Finished, Heartbeat, Purpose
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import UnblockPin
from kiosk.station.events import Replied
from kiosk.station.executor import Actions
from tests.authority.world import World
from tests.hardware.pkcs11.tokens import NEW, PIN, SO_PIN, Token, faulty_module, new_token

DONE = Finished(Purpose.UNLOCK)


@pytest.fixture
def token(tmp_path: Path) -> Token:
    return new_token(tmp_path / "softhsm")


@pytest.fixture
def card(world: World, token: Token) -> Card:
    """The token as it was imported: nobody said how many wrong PINs it takes."""
    label = SealLabel(token.at.card, SealKind.UNBLOCK, 1)
    return world.registered_card(
        driver=token.at.card.driver,
        identifier=token.serial,
        sealed_secret=world.parts.sealer.seal(SO_PIN, label),
        secret_limit=None,
    )


def unlock(world: World, card: Card, token: Token, cards: Pkcs11Cards) -> object:
    """Let its holder come to a station, and choose a new PIN there."""
    world.clock.forward(hours=1)
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    actions = Actions(world.authority, cards, Heartbeat())
    told = actions.perform(UnblockPin(station_visit.visit, token.at, NEW, station_visit.attempt()))
    assert isinstance(told, Replied), told
    return told.reply


def stored(world: World, card: Card) -> Sensitive:
    now = world.card(card)
    assert now.sealed_secret is not None
    return open_current(world.parts.sealer, now, now.sealed_secret)


def test_what_is_stored_afterwards_is_another_one_and_opens_the_token(
    world: World, card: Card, token: Token
) -> None:
    cards = token.cards()
    assert unlock(world, card, token, cards) == DONE
    assert stored(world, card) != SO_PIN
    cards.hold(token.at, lambda held: held.unblock(stored(world, card), PIN))
    cards.verify_pin(token.at, PIN)


@pytest.mark.parametrize("took_it", [True, False])
def test_a_module_that_crashes_within_the_change_costs_one_try_at_most(
    world: World, card: Card, token: Token, tmp_path: Path, *, took_it: bool
) -> None:
    crashes = token.cards(faulty_module(tmp_path, "C_SetPIN", aborts=True, after=took_it))
    assert unlock(world, card, token, crashes) == DONE
    assert world.kinds()[-1] == "secret-change-unknown"
    assert unlock(world, card, token, token.cards()) == DONE
    assert world.kinds().count("unblock-refused") == (0 if took_it else 1)
    assert world.card(card).set_aside_at is None
    token.cards().hold(token.at, lambda held: held.unblock(stored(world, card), PIN))


def test_a_secret_that_never_was_the_tokens_is_tried_once(
    world: World, card: Card, token: Token
) -> None:
    label = SealLabel(token.at.card, SealKind.UNBLOCK, 1)
    wrong = world.parts.sealer.seal(Sensitive("00000000"), label)
    world.put_card(replace(card, sealed_secret=wrong))
    reply = unlock(world, card, token, token.cards())
    assert getattr(reply, "reason", None) == "card-refused"
    assert world.card(card).set_aside_at == world.now
    assert world.kinds().count("secret-released") == 1
    token.cards().verify_pin(token.at, PIN)
