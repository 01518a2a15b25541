"""Sends APDUs to a virtual PIV card without a reader."""

from __future__ import annotations

from hardware.tlv import make as tlv
from hardware.virtual.piv import CardProfile, VirtualCard, new_card, padded

PIN, PUK, OTHER = "482915", "73918264", "60514273"
WRONG = "11111111"
SELECT = bytes.fromhex("00A4040009A0000003080000100000")
SELECT_SHORT = bytes.fromhex("00A4040005A00000030800")


def card(**habits: object) -> VirtualCard:
    """A selected card with these habits (fields of ``CardProfile``)."""
    made = new_card(
        holder_name="Ada Example",
        pin=PIN,
        puk=PUK,
        profile=CardProfile(**habits),  # type: ignore[arg-type]
    )
    select(made)
    made.received.clear()
    return made


def select(made: VirtualCard) -> None:
    """Select by whichever name the card answers to."""
    end = -1 if made.state.profile.t0 else None  # T=0: no Le beside a body
    statuses = [status(made, command[:end]) for command in (SELECT, SELECT_SHORT)]
    assert any(status_word == 0x9000 or status_word >> 8 == 0x61 for status_word in statuses)


def apdu(cla: int, ins: int, p1: int, p2: int, data: bytes = b"", le: int | None = None) -> bytes:
    """A short command."""
    body = bytes([len(data)]) + data if data else b""
    return bytes([cla, ins, p1, p2]) + body + (b"" if le is None else bytes([le & 0xFF]))


def status(made: VirtualCard, command: bytes) -> int:
    """The status word of the answer."""
    return int.from_bytes(made.transmit(command)[-2:], "big")


def complete_answer(made: VirtualCard, command: bytes) -> bytes:
    """The data of an answer, collected to its end."""
    answer = made.transmit(command)
    data = answer[:-2]
    while answer[-2] == 0x61:
        answer = made.transmit(apdu(0, 0xC0, 0, 0, le=answer[-1] or 256))
        data += answer[:-2]
    assert answer[-2:] == b"\x90\x00", answer[-2:].hex()
    return data


def ask_pin(made: VirtualCard) -> int:
    """VERIFY with no body."""
    return status(made, apdu(0, 0x20, 0, 0x80))


def verify(made: VirtualCard, pin: str) -> int:
    """VERIFY."""
    return status(made, apdu(0, 0x20, 0, 0x80, padded(pin)))


def change(made: VirtualCard, old: str, new: str, which: int = 0x80) -> int:
    """CHANGE REFERENCE DATA."""
    return status(made, apdu(0, 0x24, 0, which, padded(old) + padded(new)))


def unblock(made: VirtualCard, puk: str, new: str) -> int:
    """RESET RETRY COUNTER."""
    return status(made, apdu(0, 0x2C, 0, 0x80, padded(puk) + padded(new)))


def get_data(tag: str) -> bytes:
    """GET DATA for a tag in hexadecimal."""
    return apdu(0, 0xCB, 0x3F, 0xFF, tlv(0x5C, bytes.fromhex(tag)), 256)
