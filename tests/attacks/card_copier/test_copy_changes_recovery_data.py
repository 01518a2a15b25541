"""Before: a blank card with the victim's public identifier and a PIN of the thief's replaced the
questions and the address; the stolen card was then opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.contract.messages import CardId, Reason
from kiosk.contract.sensitive import Sensitive
from screens.words import reasons
from tests.attacks.stolen import ONE_TRY, behind, changes_nothing, register_by_name, registration_of
from tests.e2e import records
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import Person
from tests.e2e.test_families import FAMILIES, cards_of
from tests.e2e.test_softhsm import SOFTHSM_CONF, Stranger
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.hardware.pkcs11.keys import TokenKey, put_keys
from tests.hardware.pkcs11.test_pin_proof import made
from tests.hardware.pkcs11.tokens import named_module, new_token
from tests.support.gids_card import new_gids_card
from tests.support.hostile.copies import (
    THIEFS_PIN,
    Key,
    gids_copy,
    openpgp_copy,
    piv_copy,
    token_copy,
)
from tests.support.hotplug import HotplugPcscd

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

ADMIN_KEY = "8f3b10d95d7a43e61c85b6049e2fc26bf1618c375ba84c13"


def dee(card: object, secret: str = "73918264") -> Person:
    return Person("900100200303", "Dee Lister", "123456", secret, card)  # type: ignore[arg-type]


def is_only_claimed(world: World) -> bool:
    rows = records.events(world, "pin-verified")
    return {row.detail["evidence"] for row in rows} == {"claimed"}


@pytest.mark.parametrize("key", [Key.NONE, Key.SHOWN, Key.OWN])
def test_a_copy_of_a_piv_card_is_not_served(world_of_piv: World, key: Key) -> None:
    world, ada = world_of_piv, world_of_piv.ada
    world.register(ada)
    named = CardId("piv", ada.card.state.guid.hex())
    before = registration_of(world, named)
    thief = behind(ada, piv_copy(ada.card, card_key=key, pin_key=Key.OWN), THIEFS_PIN)
    station = world.station(program=HASTY)
    visitor = Visitor(world, thief, station).comes()
    shown = station.see(reasons.refusal(Reason.NOT_GENUINE).title)
    assert ada.name not in shown
    visitor.goes()
    assert registration_of(world, named) == before
    assert records.events(world, "card-unproven"), "staff see it"


@pytest.fixture
def world_of_piv(make_world: MakeWorld) -> World:
    return make_world(policy=ONE_TRY)


@pytest.mark.parametrize("pin_key", [False, True], ids=["no key", "a key of its own"])
def test_a_copy_of_a_gids_card(make_world: MakeWorld, *, pin_key: bool) -> None:
    world = make_world(policy=ONE_TRY)
    genuine = new_gids_card(pin="123456", admin_key=bytes.fromhex(ADMIN_KEY))
    victim, named = dee(genuine, ADMIN_KEY), CardId("gids", genuine.state.card_id.hex())
    register_by_name(world, victim, named)
    thief = behind(victim, gids_copy(genuine, pin_key=pin_key), THIEFS_PIN)
    changes_nothing(world, world.station(program=HASTY), thief, named)
    assert is_only_claimed(world)


def test_a_copy_of_an_openpgp_card(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(policy=ONE_TRY)
    genuine = ForeignCard(tmp_path / "genuine")
    victim = dee(genuine)
    thief = behind(victim, openpgp_copy(tmp_path / "copy", genuine), THIEFS_PIN)
    named = CardId("openpgp", identifier_of(world, thief))
    register_by_name(world, victim, named)
    changes_nothing(world, world.station(program=HASTY), thief, named)
    assert is_only_claimed(world)


def identifier_of(world: World, whose: Person) -> str:
    """Read the copy at the desk: it names the genuine card."""
    reader = world.insert(whose, slot=1).reader
    identifier = cards_of(FAMILIES["OpenPGP by resetting code"]).read(reader).card.identifier
    world.remove(whose)
    return identifier


def test_a_copy_of_a_pkcs11_token(
    make_world: MakeWorld, pcscd: HotplugPcscd, tmp_path: Path
) -> None:
    genuine = new_token(tmp_path / "genuine")
    copy = token_copy(tmp_path / "copy", genuine)
    put_keys(copy, TokenKey(made("P-256")), pin=Sensitive(THIEFS_PIN))
    module = named_module(tmp_path, pcscd.reader_names[0])
    world = make_world(pkcs11={"module": str(module)}, policy=ONE_TRY)
    victim, named = dee(Stranger()), CardId("pkcs11", genuine.serial)
    register_by_name(world, victim, named)
    station = world.station(program=HASTY, environ={SOFTHSM_CONF: copy.environ[SOFTHSM_CONF]})
    changes_nothing(world, station, behind(victim, Stranger(), THIEFS_PIN), named)
    assert is_only_claimed(world)
