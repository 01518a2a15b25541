"""Before: what a trial exchanged with a card had its PIN, its secret and its holder in it."""

from __future__ import annotations

from hardware.apdu import CommandApdu, CommandHeader, encode
from hardware.connection import RawExchange
from hardware.drivers import piv
from hardware.virtual.piv import VirtualCard, new_card
from kiosk.app.trial.recording import Names, RecordedCall
from kiosk.app.trial.redaction import Redaction
from kiosk.contract.sensitive import Sensitive

PIN, PUK = "482915", "73918265"
HOLDER = "Canary Holder"
MORE = 0x61


def written(card: VirtualCard, commands: list[bytes], names: Names) -> str:
    """Have the card answer, and return what a transcript has of it."""
    sent: list[RawExchange] = []
    for each in commands:
        sent.append(RawExchange(each, card.transmit(each), 0.0))
        while sent[-1].answer[-2] == MORE:
            rest = bytes((0x00, 0xC0, 0x00, 0x00, sent[-1].answer[-1]))
            sent.append(RawExchange(rest, card.transmit(rest), 0.0))
    (call,) = Redaction(names).calls([RecordedCall("read", exchanges=sent)])
    answers = "".join(each.answer[:-4] for each in call.exchanges)
    return " ".join([*(each.command for each in call.exchanges), answers])


def select() -> bytes:
    header = CommandHeader(0x00, 0xA4, 0x04, 0x00)
    return encode(CommandApdu(header, piv.APPLICATION_IDS[0], 256), t0=False)


def objects() -> list[bytes]:
    tags = (piv.CHUID, piv.AUTHENTICATION_CERTIFICATE, piv.CARD_AUTHENTICATION_CERTIFICATE)
    return [encode(piv.get_data(tag), t0=False) for tag in tags]


def secrets() -> list[bytes]:
    pin, puk = PIN.encode().ljust(8, b"\xff"), PUK.encode()
    return [
        b"\x00\x20\x00\x80\x08" + pin,
        b"\x00\x24\x00\x81\x10" + puk + puk,
        b"\x00\x2c\x00\x80\x10" + puk + pin,
    ]


def test_secrets_of_the_trial_are_not_in_it() -> None:
    names = Names()
    names.add("pin", Sensitive(PIN))
    names.add("secret", Sensitive(PUK))
    text = written(new_card(holder_name=HOLDER, pin=PIN, puk=PUK), [select(), *secrets()], names)
    assert PIN.encode().hex() not in text
    assert PUK.encode().hex() not in text


def test_unnamed_secrets_are_not_in_it() -> None:
    card = new_card(holder_name=HOLDER, pin=PIN, puk=PUK)
    text = written(card, [select(), *secrets()], Names())
    assert PIN.encode().hex() not in text
    assert PUK.encode().hex() not in text


def test_identifier_of_the_card_is_not_in_it() -> None:
    card = new_card(holder_name=HOLDER, pin=PIN, puk=PUK)
    assert card.state.guid.hex() not in written(card, [select(), *objects()], Names())


def test_certificates_are_not_in_it() -> None:
    card = new_card(holder_name=HOLDER, pin=PIN, puk=PUK)
    text = written(card, [select(), *objects()], Names())
    assert HOLDER.encode().hex() not in text
    for slot in (0x9A, 0x9E):
        assert card.public_key(slot)[-32:].hex() not in text


def test_object_that_nobody_knows_is_not_in_it() -> None:
    card = new_card(holder_name=HOLDER, pin=PIN, puk=PUK)
    card.state.objects[0x5FC109] = b"\x01\x0d" + HOLDER.encode()
    printed = encode(piv.get_data(bytes.fromhex("5fc109")), t0=False)
    assert HOLDER.encode().hex() not in written(card, [select(), printed], Names())
