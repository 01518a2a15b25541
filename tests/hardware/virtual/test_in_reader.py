"""A card in the virtual reader, seen through a real pcscd."""

from __future__ import annotations

from smartcard import scard

from hardware.virtual.making import new_card
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert, wait_for_presence, wait_for_readers

SELECT = bytes.fromhex("00A4040009A0000003080000100000")


def test_a_card_answers_through_pcscd(insert: Insert) -> None:
    seat = insert(new_card(holder_name="Ada Example"))
    answer = exchange(seat.reader, SELECT)
    assert answer[:1] == b"\x61"
    assert answer[-2:] == b"\x90\x00"


def test_a_card_comes_and_goes(insert: Insert) -> None:
    seat = insert(new_card(holder_name="Ada Example"))
    seat.remove()
    seat.insert()
    assert exchange(seat.reader, SELECT)[-2:] == b"\x90\x00"


def test_a_card_stays_in_over_the_death_of_pcscd(insert: Insert, pcscd: HotplugPcscd) -> None:
    seat = insert(new_card(holder_name="Ada Example"))
    pcscd.kill()
    pcscd.start()
    wait_for_presence(seat.reader, present=True)
    assert exchange(seat.reader, SELECT)[-2:] == b"\x90\x00"


def test_a_reader_is_unplugged_and_comes_back(insert: Insert, pcscd: HotplugPcscd) -> None:
    seat = insert(new_card(holder_name="Ada Example"))
    pcscd.unplug()
    wait_for_readers(())
    pcscd.replug()
    wait_for_readers(pcscd.reader_names)
    wait_for_presence(seat.reader, present=True)
    assert exchange(seat.reader, SELECT)[-2:] == b"\x90\x00"


def exchange(reader: str, *commands: bytes) -> bytes:
    """Send commands over one connection; return the last answer."""
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    code, card, protocol = scard.SCardConnect(
        context, reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY
    )
    assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)
    answer: list[int] = []
    for command in commands:
        code, answer = scard.SCardTransmit(card, protocol, list(command))
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)
    scard.SCardDisconnect(card, scard.SCARD_RESET_CARD)
    scard.SCardReleaseContext(context)
    return bytes(answer)
