"""A station whose master key is in a token: a card comes with a PUK of its own, and leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.app.composition.opening import open_store
from kiosk.authority.crypto.derivation import Derivation, Masters
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.records import Card
from kiosk.contract.messages import CardId, Purpose
from kiosk.contract.ports import SystemClock
from tests.authority.crypto.token.hsm import Hsm
from tests.e2e.conftest import MakeWorld
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.hardware.pkcs11.tokens import PIN, SOFTHSM

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "620487"


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[Hsm]:
    hsm = Hsm(tmp_path / "softhsm")
    (tmp_path / "token-pin").write_text(PIN.reveal())
    yield hsm
    hsm.close()


@pytest.fixture
def world(make_world: MakeWorld, hsm: Hsm, tmp_path: Path) -> World:
    world = make_world(
        secrets={
            "source": "derived",
            "module": str(SOFTHSM),
            "token": "kiosk",
            "pin_file": str(tmp_path / "token-pin"),
        }
    )
    world.more_environ["SOFTHSM2_CONF"] = hsm.environ["SOFTHSM2_CONF"]
    world.kiosk("setup", "authority", check=True)
    return world


def test_a_card_of_the_master_key_takes_its_next_puk_and_nobody_stores_one(
    world: World, hsm: Hsm
) -> None:
    ada, card = world.ada, _card(world)
    masters = Masters(KeyRing.load(world.state / "keys.json"), hsm.masters())
    ada.card.state.puk.replace(_puk(masters, card, 0).encode(), 0)  # personalised by others
    words = ("--derived-from", masters.current(), "--reason", "issued anew")
    world.kiosk("cards", "set-secret", ada.number, card.identifier, *words, check=True)
    world.register(ada)
    world.block(ada)
    visitor = Visitor(world, ada, world.station(program=HASTY)).comes().unlocks()
    visitor.answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email))
    visitor.sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    now = _card(world).secret_generation
    assert now
    puks = [_puk(masters, card, generation) for generation in (0, now)]
    assert ada.card.state.puk.body == puks[1].encode()
    kept = b"".join(path.read_bytes() for path in world.state.glob("kiosk.db*"))
    assert card.identifier.encode() in kept
    assert not any(puk.encode() in kept for puk in puks)


def _puk(masters: Masters, card: Card, generation: int) -> str:
    """Compute it as another system would that has the same token."""
    named = CardId(card.driver, card.identifier)
    return masters.derive(Derivation(masters.current(), generation), named).reveal()


def _card(world: World) -> Card:
    store = open_store(world.settings, SystemClock(), {})
    try:
        with store.read() as uow:
            (holder,) = uow.holders.by_numbers([world.ada.number]).values()
            (card,) = uow.cards.of_holder(holder.id)
            return card
    finally:
        store.close()
