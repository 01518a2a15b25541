"""An OpenPGP card that we did not write, and that counts."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from hardware.drivers.openpgp import CODE, PW3, Secret
from tests.cuts.inspected_card import FIRST_PIN
from tests.cuts.reader import READER
from tests.hardware.drivers.openpgp_cards import ForeignCard

_MAKERS_PIN, _MAKERS_ADMIN_PIN = "123456", "12345678"
_PREFIX = {CODE: "rc", PW3: "pw3"}
TRIES = 3


class OpenPgpReaderCard:
    """``secret`` becomes the resetting code, or the admin PIN."""

    def __init__(self, folder: Path, which: Secret, secret: str, *, blocked: bool) -> None:
        self._card = ForeignCard(folder / "openpgp")
        self._which = CODE if which is Secret.RESETTING_CODE else PW3
        self.reader = READER
        self.wrong = self.in_a_row = 0
        self._card.generate_authentication_key()
        self._personalise(secret)
        if blocked:
            self.block()

    def _personalise(self, secret: str) -> None:
        passwords = self._card.passwords
        assert passwords.change_pw1(_MAKERS_PIN, FIRST_PIN).is_success
        if self._which == CODE:
            assert passwords.set_reset_code(secret, admin_verified=True).is_success
        else:
            assert passwords.change_pw3(_MAKERS_ADMIN_PIN, secret).is_success

    @property
    def identifier(self) -> str:
        """Maker and serial number, as in its application identifier."""
        self._card.transmit(bytes.fromhex("00a4040006d27600012401"))
        name = self._card.transmit(bytes.fromhex("00ca004f00"))
        self.reset()
        return name[8:14].hex()

    @property
    def is_blocked(self) -> bool:
        """By its own counter."""
        return not self._card.left[0]

    @property
    def is_full(self) -> bool:
        """By its own counter."""
        return self._card.left[self._which] == TRIES

    def block(self) -> None:
        """Set the counter to nothing."""
        self._data.pw1_retry_counter = 0

    def has_pin(self, pin: str) -> bool:
        """Look into its memory."""
        return bool(self._data.pw1_hash == self._card.passwords.hash_pin(pin))

    def opens_with(self, secret: str) -> bool:
        """Look into its memory."""
        known = getattr(self._data, f"{_PREFIX[self._which]}_hash")
        return bool(known == self._card.passwords.hash_pin(secret))

    def save(self) -> dict[str, Any]:
        """Copy its passwords and their counters."""
        return copy.copy(vars(self._data))

    def restore(self, saved: dict[str, Any]) -> None:
        """Put them back."""
        vars(self._data).update(saved)
        self.wrong = self.in_a_row = 0

    def reset(self) -> None:
        """Forget the session; this card does so only when it loses its power."""
        self._card.lose_power()

    def transmit(self, command: bytes) -> bytes:
        """Answer, and see whether a try of the secret went."""
        before = self._card.left[self._which]
        answer = self._card.transmit(command)
        left = self._card.left[self._which]
        self.wrong += left < before
        self.in_a_row = max(self.in_a_row, TRIES - left)
        return answer

    @property
    def _data(self) -> Any:
        return self._card.passwords.pin_data
