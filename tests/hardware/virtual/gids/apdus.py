"""Sends APDUs to a GIDS card without a reader."""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from hardware.tlv import make as tlv
from hardware.virtual.chip import read
from tests.hardware.virtual.apdus import apdu
from tests.support.gids_card import ADMIN_KEY, GidsCard, GidsProfile, new_gids_card

PIN, OTHER, WRONG = b"482915", b"60514273", b"11111111"
HOST = bytes(range(16))
AID = bytes.fromhex("A000000397425446590201")


def card(*, blocked: bool = False, **habits: object) -> GidsCard:
    """A selected card with these habits (fields of ``GidsProfile``)."""
    profile = GidsProfile(**habits)  # type: ignore[arg-type]
    made = new_gids_card(pin=PIN.decode(), blocked=blocked, profile=profile)
    select(made)
    return made


def ask(made: GidsCard, command: bytes) -> int:
    """The status word of the answer."""
    return int.from_bytes(made.transmit(command)[-2:], "big")


def select(made: GidsCard, aid: bytes = AID) -> int:
    return ask(made, apdu(0, 0xA4, 4, 0, aid, 256))


def power_up(made: GidsCard) -> int:
    made.reset()
    return select(made)


def verify(made: GidsCard, pin: bytes = b"") -> int:
    return ask(made, apdu(0, 0x20, 0, 0x80, pin))


def change(made: GidsCard, old: bytes, new: bytes) -> int:
    return ask(made, apdu(0, 0x24, 0, 0x80, old + new))


def reset(made: GidsCard, new: bytes) -> int:
    return ask(made, apdu(0, 0x2C, 2, 0x80, new))


def choose(made: GidsCard, key: str = "830180") -> int:
    return ask(made, apdu(0, 0x22, 0xC1, 0xA4, bytes.fromhex(key)))


def authenticate(made: GidsCard, tag: int, value: bytes) -> tuple[int, bytes]:
    """Return the status word, and what came back under the same tag."""
    answer = made.transmit(apdu(0, 0x87, 0, 0, tlv(0x7C, tlv(tag, value)), 256))
    status = int.from_bytes(answer[-2:], "big")
    return status, read(read(answer[:-2])[0x7C])[tag] if status == 0x9000 else b""


def begin(made: GidsCard) -> bytes:
    assert choose(made) == 0x9000
    status, nonce = authenticate(made, 0x81, HOST)
    assert (status, len(nonce)) == (0x9000, 16)
    return nonce


def sealed(block: bytes, key: bytes = ADMIN_KEY) -> bytes:
    step = Cipher(TripleDES(key), modes.CBC(bytes(8))).encryptor()
    return step.update(block) + step.finalize()


def prove(made: GidsCard, key: bytes = ADMIN_KEY) -> int:
    nonce = begin(made)
    return authenticate(made, 0x82, sealed(nonce + HOST + b"seven77\x80", key))[0]
