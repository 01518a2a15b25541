"""OpenPGP cards for tests: one that answers from a table and counts, and a whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jcecard.main import OpenPGPCard
from jcecard.piv.data_objects import PIVAlgorithm, PIVKeyData, PIVSlot

from hardware.apdu import CommandApdu, ResponseApdu, encode
from hardware.drivers.piv import CARD_AUTHENTICATION_CERTIFICATE
from tests.hardware import certificates
from tests.hardware.fakes import response

KDF = "8101038201088304000186a0840830313233343536378508414243444546474886084142434445464748"
"""Iterated and salted, SHA-256, 100000 bytes; PW1's salt, the code's and PW3's."""

ED25519 = "162b06010401da470f01"
RSA_2048 = "010800002000"
"""Algorithm attributes of keys that this card can make."""

_PASSWORDS = {0x81: 0, 0x82: 0, 0x83: 2}


class Passwords:
    """Answers ``answer`` to whatever carries a password, and ``then`` to what follows a 9000.

    A verdict on a password takes one of the tries in ``left`` (PW1, code, PW3). The state
    of the passwords is reported ``silent_after`` times, where that is given; ``counted`` is
    whether a lost answer to that would have left a change unknown.
    """

    def __init__(
        self,
        answer: str = "9000",
        then: str | None = None,
        left: list[int] | None = None,
        objects: dict[str, str] | None = None,
        silent_after: int | None = None,
    ) -> None:
        self.left = left or [3, 3, 3]
        self.spent: list[str] = []
        self.counted: list[bool] = []
        self._answer = [answer]
        self._then = then
        self._objects = objects or {}
        self._reports = silent_after

    def send(self, command: CommandApdu) -> ResponseApdu:
        header = command.header
        if (header.ins, header.p1, header.p2) == (0xCA, 0x00, 0xC4):
            self.counted.append(command.changes_card)
        if header.ins == 0xCA:
            return response(self._object(f"{header.p1:02x}{header.p2:02x}"))
        first = not self.spent
        self.spent.append(encode(command, t0=False).hex())
        status = self._answer[0] if first or self._then is None else self._then
        if status[:2] == "63" or status in ("6982", "6983"):
            self._count(header.ins, header.p1, header.p2)
        return response(status)

    def _object(self, tag: str) -> str:
        if tag != "00c4" or tag in self._objects:
            return self._objects.get(tag, "6a88")
        if self._reports is not None:
            if not self._reports:
                return "6f00"
            self._reports -= 1
        return "017f7f7f" + bytes(self.left).hex() + "9000"

    def _count(self, ins: int, p1: int, p2: int) -> None:
        if ins == 0x2C and p1 == 0x02:  # carries no password that could be wrong
            return
        self.left[1 if ins == 0x2C else _PASSWORDS[p2]] -= 1


class ForeignCard:
    """A card that we did not write: an OpenPGP application, and a PIV application beside it."""

    def __init__(self, directory: Path, serial: int = 0x01234567) -> None:
        self._card = OpenPGPCard(storage_path=directory)
        self._card.card_state.serial_number = serial
        self.passwords: Any = self._card._pin_manager
        self.received: list[bytes] = []

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return bytes(self._card.get_atr())

    @property
    def serial(self) -> int:
        """The serial number."""
        number: int = self._card.card_state.serial_number
        return number

    def generate_authentication_key(self, attributes: str = ED25519) -> None:
        """Have the card make its authentication key, with its makers' PW3."""
        commands = (
            "00a4040006d27600012401",
            "0020008308" + b"12345678".hex(),
            f"00da00c3{len(attributes) // 2:02x}" + attributes,
            "0047800002a40000",
        )
        for command in commands:
            answer = self.transmit(bytes.fromhex(command))
            assert answer[-2:] == b"\x90\x00" or answer[-2] == 0x61, (command, answer.hex())
        self.lose_power()
        self.received.clear()

    def reset(self) -> None:
        """Forget what was selected and verified, as ISO/IEC 7816-4 wants it.

        By itself this card keeps what was verified until it loses its power.
        """
        self.lose_power()

    def lose_power(self) -> None:
        """Forget everything but what a card keeps."""
        self._card.power_off()
        self._card.power_on()

    def transmit(self, command: bytes) -> bytes:
        """Answer one APDU."""
        self.received.append(command)
        return bytes(self._card.process_apdu(command))

    def personalise_piv(self) -> None:
        """Give its PIV application an identifier and the key of ``certificates.der()``."""
        objects = self._card._piv_applet.data_objects
        objects.chuid = objects.create_default_chuid()
        private = certificates.key(7).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        objects.put_key(PIVSlot.CARD_AUTH, PIVKeyData(PIVAlgorithm.ECC_P256, private, b""))
        objects.put_data_object(
            CARD_AUTHENTICATION_CERTIFICATE, certificates.content(certificates.der())
        )

    @property
    def left(self) -> tuple[int, int, int]:
        """The tries of PW1, of the resetting code and of PW3."""
        counters: tuple[int, int, int] = self.passwords.get_retry_counters()
        return counters

    def spent(self) -> list[bytes]:
        """The headers of what carried a password."""
        return [apdu[:4] for apdu in self.received if apdu[1] in (0x20, 0x24, 0x2C)]


def resetting_code(card: ForeignCard, code: str) -> None:
    """Give it a resetting code, with its makers' PW3."""
    commands = (
        "00a4040006d27600012401",
        "0020008308" + b"12345678".hex(),
        f"00da00d3{len(code):02x}" + code.encode().hex(),
    )
    for command in commands:
        answer = card.transmit(bytes.fromhex(command))
        assert answer[-2:] == b"\x90\x00" or answer[-2] == 0x61, (command, answer.hex())
    card.lose_power()
    card.received.clear()
