"""A person of each family of cards, from registration to a new PIN.

The stations are the installed program on pcscd; every card here but the GIDS card is one that
we did not write, and so is the PKCS#11 module. Where the family allows it the unblock secret
is another one afterwards: the one that is stored then opens the card at the desk.
"""

from __future__ import annotations

import os
import pwd
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hardware.apdu import GENERAL_AUTHENTICATE, RESET_RETRY_COUNTER
from hardware.card_access import PcscCards
from hardware.driver import Driver, load_driver
from hardware.drivers.openpgp import Secret
from kiosk.authority.crypto import card_keys
from kiosk.contract.errors import PinBlocked, PinWrong
from kiosk.contract.messages import CardId, KeyChallenge, Purpose, Reason
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from screens.words.reasons import REFUSALS
from tests.authority.forged_keys import Listening
from tests.e2e import records
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import Person
from tests.e2e.processes import Authority, StationAlone
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.support.gids_card import new_gids_card

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

MAKERS_PIN, MAKERS_SECRET, CODE = "123456", "12345678", "73918264"
NEW_PIN, DESKS_PIN = "480593", "615827"
ADMIN_KEY = "8f3b10d95d7a43e61c85b6049e2fc26bf1618c375ba84c13"
GIDS = load_driver("gids", "admin-key")
PIV, BY_CODE, BY_ADMIN_PIN = (
    load_driver("piv", "puk"),
    load_driver("openpgp", Secret.RESETTING_CODE),
    load_driver("openpgp", Secret.ADMIN_PIN),
)
OPENSC = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
OPENSC_CONF = """
app opensc-pkcs11 {
    pkcs11 {
        user_pin_unblock_style = init_pin_in_so_session;
    }
}
"""


def by_secret(held: CardHold, secret: Sensitive) -> None:
    """Set the PIN again with what the card compares."""
    held.unblock(secret, Sensitive(DESKS_PIN))


def by_key(held: CardHold, secret: Sensitive) -> None:
    """Set the PIN again with what the admin key makes."""
    ours = card_keys.draw_nonce()
    cards = held.begin_mutual_authentication(KeyChallenge(ours)).nonce
    answer = held.complete_mutual_authentication(card_keys.cryptogram(secret, ours, cards))
    assert card_keys.is_right(answer.cryptogram, card_keys.awaited(secret, ours, cards))
    held.reset_pin(Sensitive(DESKS_PIN))


@dataclass(frozen=True)
class Family:
    """How an estate of one family is set up; ``reads`` is how a card of it is locked here.

    OpenSC's module does not tell that a PIN is blocked before it is tried. A resetting code
    is not changed by whoever knows it, and an admin key is not given away by a use.
    """

    driver: str
    reads: Driver
    secret: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    changes_secret: bool = True
    opens: Callable[[CardHold, Sensitive], None] = by_secret


FAMILIES = {
    "PIV": Family("piv", PIV, MAKERS_SECRET),
    "OpenPGP by resetting code": Family("openpgp", BY_CODE, CODE, changes_secret=False),
    "OpenPGP by admin PIN": Family(
        "openpgp", BY_ADMIN_PIN, MAKERS_SECRET, {"cards": {"openpgp_secret": "admin-pin"}}
    ),
    "PKCS#11": Family(
        "pkcs11",
        BY_ADMIN_PIN,
        MAKERS_SECRET,
        {
            "cards": {"families": []},
            "pkcs11": {"module": OPENSC, "token": "OpenPGP card (User PIN)", "timeout_s": 60},
        },
    ),
    "GIDS": Family("gids", GIDS, ADMIN_KEY, changes_secret=False, opens=by_key),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_registers_locks_the_card_and_unlocks_it(
    name: str, make_world: MakeWorld, tmp_path: Path
) -> None:
    family = FAMILIES[name]
    world = make_world(**family.settings)
    conf = tmp_path / "opensc.conf"
    conf.write_text(OPENSC_CONF)
    card = a_card(tmp_path, family)
    dee = Person("900100200303", "Dee Lister", MAKERS_PIN, family.secret, card)  # type: ignore[arg-type]
    named = CardId(family.driver, identifier_of(world, dee, family))
    world.take_in(dee, named)

    station = world.station(program=HASTY, environ={"OPENSC_CONF": str(conf)})
    visitor = Visitor(world, dee, station)
    visitor.comes().chooses(Purpose.REGISTER).proves_pin().shows_that_it_is_them()
    visitor.registers_answers().confirms_email().finishes(Purpose.REGISTER)
    visitor.goes()
    lock(world, dee, family)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(dee.email))
    visitor.sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    visitor.goes()

    takes(world, dee, family, NEW_PIN)
    secret = records.unblock_secret(world, named)
    assert (secret.reveal() != family.secret) == family.changes_secret
    is_opened_by(world, dee, family, secret)
    proofs = [apdu for apdu in received(card) if apdu[1] == GENERAL_AUTHENTICATE]
    assert bool(proofs) == (family.driver in ("piv", "gids")), "a card proves itself where it can"
    assert bytes.fromhex(ADMIN_KEY) not in b"".join(received(card))
    verdict = world.kiosk("audit", "verify", check=True)
    assert re.search(r"\d+ rows? and \d+ anchors? fit", verdict.stdout)


def test_a_station_that_would_present_another_kind_of_secret_registers_and_spends_no_try(
    make_world: MakeWorld, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    family = FAMILIES["OpenPGP by admin PIN"]
    socket, me = str(tmp_path / "a.sock"), pwd.getpwuid(os.getuid()).pw_name
    world = make_world(**family.settings, authority={"socket": socket, "station_user": me})
    card = a_card(tmp_path, family)
    dee = Person("900100200303", "Dee Lister", MAKERS_PIN, family.secret, card)  # type: ignore[arg-type]
    world.take_in(dee, CardId("openpgp", identifier_of(world, dee, family)))
    authority = Authority(world, forked=True)
    request.addfinalizer(lambda: authority.end(signal.SIGKILL))

    to_authority = f'[authority]\nsocket = "{socket}"\n'
    station = StationAlone(world, to_authority).start(hasty=True)
    visitor = Visitor(world, dee, station)
    visitor.comes().chooses(Purpose.REGISTER).proves_pin().shows_that_it_is_them()
    visitor.registers_answers().confirms_email().finishes(Purpose.REGISTER)
    visitor.goes()
    lock(world, dee, family)
    visitor.comes()
    station.see(REFUSALS[Reason.SECRET_KIND_DIFFERS].title)
    visitor.goes()
    station.close()
    assert RESET_RETRY_COUNTER not in [apdu[1] for apdu in received(card)]
    told = world.kiosk("audit", "list", check=True).stdout
    assert "as resetting-code, but the authority has admin-pin stored." in told

    as_stored = f'{to_authority}[cards]\nopenpgp_secret = "admin-pin"\n'
    station = StationAlone(world, as_stored).start(hasty=True)
    Visitor(world, dee, station).comes().unlocks()


LONG_PIN = "482915048291"


@pytest.mark.parametrize("name", ["OpenPGP by resetting code", "GIDS"])
def test_a_pin_of_twelve_digits_registers_and_is_changed(
    name: str, make_world: MakeWorld, tmp_path: Path
) -> None:
    family = FAMILIES[name]
    world = make_world(**family.settings)
    card = a_card(tmp_path, family)
    dee = Person("900100200303", "Dee Lister", LONG_PIN, family.secret, card)  # type: ignore[arg-type]
    world.take_in(dee, CardId(family.driver, identifier_of(world, dee, family)))
    cards, reader = cards_of(family), world.insert(dee, slot=1).reader
    at = CardAddress(reader, cards.read(reader).card)
    cards.change_pin(at, Sensitive(MAKERS_PIN), Sensitive(LONG_PIN))
    world.remove(dee)

    station = world.station(program=HASTY)
    visitor = Visitor(world, dee, station)
    visitor.comes().chooses(Purpose.REGISTER)
    station.see("If your PIN has letters")
    visitor.proves_pin().shows_that_it_is_them()
    visitor.registers_answers().confirms_email().finishes(Purpose.REGISTER)
    visitor.goes()
    visitor.comes().chooses(Purpose.CHANGE_PIN).proves_pin()
    visitor.sets_pin(NEW_PIN).finishes(Purpose.CHANGE_PIN)
    visitor.goes()
    takes(world, dee, family, NEW_PIN)


def a_card(directory: Path, family: Family) -> ForeignCard | Listening:
    if family.reads is GIDS:
        return Listening(new_gids_card(pin=MAKERS_PIN, admin_key=bytes.fromhex(ADMIN_KEY)))
    card = ForeignCard(directory / "card")
    if family.reads is PIV:
        card.personalise_piv()
    assert card.passwords.set_reset_code(CODE, admin_verified=True).is_success
    return card


def received(card: ForeignCard | Listening) -> list[bytes]:
    return card.apdus if isinstance(card, Listening) else card.received


def identifier_of(world: World, whose: Person, family: Family) -> str:
    """Read the card at the desk."""
    reader = world.insert(whose, slot=1).reader
    identifier = cards_of(family).read(reader).card.identifier
    world.remove(whose)
    return identifier


def cards_of(family: Family) -> PcscCards:
    return PcscCards([family.reads])


def lock(world: World, whose: Person, family: Family) -> None:
    """Enter wrong PINs at the desk until the card is blocked."""
    cards, reader = cards_of(family), world.insert(whose, slot=1).reader
    at = CardAddress(reader, cards.read(reader).card)
    for _ in range(2):
        with pytest.raises(PinWrong):
            cards.verify_pin(at, Sensitive("000000"))
    with pytest.raises(PinBlocked):
        cards.verify_pin(at, Sensitive("000000"))
    world.remove(whose)


def takes(world: World, whose: Person, family: Family, pin: str) -> None:
    """Show at the desk that the card takes the PIN."""
    cards, reader = cards_of(family), world.insert(whose, slot=1).reader
    cards.verify_pin(CardAddress(reader, cards.read(reader).card), Sensitive(pin))
    world.remove(whose)


def is_opened_by(world: World, whose: Person, family: Family, secret: Sensitive) -> None:
    """Show at the desk that a secret sets the card's PIN again."""
    cards, reader = cards_of(family), world.insert(whose, slot=1).reader
    at = CardAddress(reader, cards.read(reader).card)
    cards.hold(at, lambda held: family.opens(held, secret))
    cards.verify_pin(at, Sensitive(DESKS_PIN))
    world.remove(whose)
