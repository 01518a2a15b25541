"""Cards that answer anything at all: no crash, no hang, and no more tries than allowed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from hardware.apdu import SELECT, CommandApdu, encode
from hardware.connection import Connection
from hardware.driver import CardSession, Driver, PinKey, load_driver, open_session, recognise
from hardware.drivers.openpgp import Secret
from hardware.virtual.piv import new_card
from kiosk.contract.errors import CardError, PinRefused
from kiosk.contract.messages import (
    CardChallenge,
    CardId,
    KeyChallenge,
    KeyKind,
    PinChallenge,
    UnblockNotSent,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.station.unblock import outcome_of
from tests.hardware import certificates
from tests.hardware.drivers.openpgp_cards import KDF, Passwords
from tests.hardware.fuzzing import Answer, FuzzLink, Plan, plans
from tests.support import gids_card as cryptograms
from tests.support.campaigns import often
from tests.support.gids_card import ADMIN_KEY, new_gids_card
from tests.support.printed import Printed

PIN, NEW = Sensitive("482915"), Sensitive("60514273")
SECRET, NEW_SECRET = Sensitive("73918264"), Sensitive("50283746")
HOST = bytes(range(16))
EXAMPLES = often(200, 1_000)

PIV_CARD = new_card(holder_name="Ada Example")
GIDS_CARD = new_gids_card(pin=PIN.reveal())
AID = "d27600012401030400060123456700009000"


def piv_card() -> Answer:
    """The virtual card, with all its tries."""
    for reference, told in ((PIV_CARD.state.pin, PIN), (PIV_CARD.state.puk, SECRET)):
        reference.left = reference.limit
        reference.body = told.reveal().encode().ljust(8, b"\xff")
    PIV_CARD.reset()
    return lambda command: PIV_CARD.transmit(encode(command, t0=False))


def openpgp_card() -> Answer:
    """A card that derives its passwords and takes each."""
    objects = {"004f": AID, "00f9": KDF + "9000", "7f21": certificates.der().hex() + "9000"}
    card = Passwords(objects=objects)

    def answer(command: CommandApdu) -> bytes:
        if command.header.ins == SELECT:
            return b"\x90\x00"
        said = card.send(command)
        return said.data + int(said.status).to_bytes(2)

    return answer


def gids_card() -> Answer:
    """The virtual card, with all its tries."""
    for reference in (GIDS_CARD.state.pin, GIDS_CARD.state.key):
        reference.left = reference.limit
    GIDS_CARD.state.pin.body = PIN.reveal().encode()
    GIDS_CARD.reset()
    return lambda command: GIDS_CARD.transmit(encode(command, t0=False))


Make = Callable[[], Answer]
FAMILIES: dict[str, tuple[Driver, Make, str]] = {
    "piv": (load_driver("piv", "puk"), piv_card, PIV_CARD.state.guid.hex()),
    "openpgp by code": (
        load_driver("openpgp", Secret.RESETTING_CODE),
        openpgp_card,
        "000601234567",
    ),
    "openpgp by admin PIN": (
        load_driver("openpgp", Secret.ADMIN_PIN),
        openpgp_card,
        "000601234567",
    ),
    "gids": (load_driver("gids", "admin-key"), gids_card, GIDS_CARD.state.card_id.hex()),
}


def read(session: CardSession) -> object:
    return (
        session.identifier(),
        session.pin_state(),
        session.expires_at(),
        session.certificate(),
        session.prove(CardChallenge(bytes(32), KeyKind.P_256)),
        session.secret_tries(),
    )


def unblock_by_key(session: CardSession) -> None:
    nonce = session.begin_mutual_authentication(KeyChallenge(HOST)).nonce
    session.complete_mutual_authentication(cryptograms.make(ADMIN_KEY, nonce, HOST))
    session.reset_pin(NEW)


def verify_and_sign(session: CardSession) -> None:
    key = session.pin_key() or PinKey(KeyKind.RSA_2048, b"", reference=0x81)
    session.verify_pin(PIN)
    session.sign_with_pin_key(key, PinChallenge(bytes(64)))


ACTS: dict[str, Callable[[CardSession], object]] = {
    "read": read,
    "verify": lambda session: session.verify_pin(PIN),
    "verify and sign": verify_and_sign,
    "change": lambda session: session.change_pin(PIN, NEW),
    "unblock": lambda session: session.unblock(SECRET, NEW),
    "unblock by key": unblock_by_key,
    "change secret": lambda session: session.change_secret(SECRET, NEW_SECRET),
}


def sends_nothing(family: str, act: str) -> bool:
    """Whether cards of this family have no such act: then nothing ever goes to them."""
    if family == "gids":
        return act in ("unblock", "change secret")
    return act == "unblock by key" or (family, act) == ("openpgp by code", "change secret")


CASES = [(family, act) for family in FAMILIES for act in ACTS if not sends_nothing(family, act)]


def act_on(driver: Driver, link: FuzzLink, identifier: str, act: str) -> CardError | None:
    """Read as a station reads, and act as it acts, on the card that was addressed.

    Return what it raised, if it is of the kind that a station knows.
    """
    connection = Connection(link)
    try:
        if act == "read":
            read(recognise([driver], connection)[1])
        else:
            ACTS[act](open_session([driver], connection, CardId(driver.name, identifier)))
    except CardError as error:
        return error
    return None


def is_reported(link: FuzzLink, error: CardError | None) -> bool:
    """Whether nobody is told that nothing was sent, where something was and was not taken."""
    untaken = [status for _, _, status in link.spent() if not status.is_ok]
    if error is None or isinstance(error, PinRefused):
        return True  # a new PIN that is refused is a separate verdict
    return not untaken or outcome_of(error) != UnblockNotSent()


def within_bounds(link: FuzzLink, act: str) -> None:
    """A secret is sent once, and a second command only follows one that the card took."""
    spent = link.spent()
    assert len({(ins, reference) for ins, reference, _ in spent}) == len(spent)
    assert len(spent) <= (0 if act == "read" else 2)
    assert all(status.is_ok for _, _, status in spent[:-1])


@pytest.mark.parametrize(("family", "act"), CASES)
def test_any_answer(family: str, act: str, printed: Printed) -> None:
    driver, make, identifier = FAMILIES[family]
    inputs = ends = 0

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(plans)
    def whatever(plan: Plan) -> None:
        nonlocal inputs, ends
        link = FuzzLink(make(), plan)
        error = act_on(driver, link, identifier, act)
        assert not any(secret.reveal() in str(error) for secret in (PIN, NEW, SECRET))
        within_bounds(link, act)
        assert is_reported(link, error)
        inputs += link.wrong
        ends += error is None

    whatever()
    assert inputs > EXAMPLES / 3
    assert 0 < ends < EXAMPLES, "some get through, and some do not"
    printed(f"[fuzz] {family}, {act}: {inputs} wrong answers in {EXAMPLES} plans")


@pytest.mark.parametrize(("family", "act"), CASES)
@pytest.mark.parametrize("step", range(8))
@pytest.mark.parametrize("size", [0, 1, 256])
def test_an_answer_without_an_end(family: str, act: str, step: int, size: int) -> None:
    driver, make, identifier = FAMILIES[family]
    link = FuzzLink(make(), Plan(step, [bytes(size) + b"\x61\x00"], forever=True))
    error = act_on(driver, link, identifier, act)
    assert (error is None) == (link.wrong == 0)
    within_bounds(link, act)
    assert is_reported(link, error)


@pytest.mark.parametrize(("family", "act"), [case for case in CASES if case[1] != "read"])
@pytest.mark.parametrize("answer", ["0000", "6100", "6d00", "6400", "ffff"])
def test_every_answer_to_a_secret_that_was_sent(family: str, act: str, answer: str) -> None:
    driver, make, identifier = FAMILIES[family]
    for step in range(8):
        link = FuzzLink(make(), Plan(step, [bytes.fromhex(answer)], forever=False))
        assert is_reported(link, act_on(driver, link, identifier, act))
