"""A PIV card that counts."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware.virtual.piv import SLOT_CARD_AUTHENTICATION, CardProfile, Reference, new_card, padded
from tests.authority.world import PUK
from tests.cuts.counting_card import CountedReaderCard
from tests.cuts.inspected_card import FIRST_PIN

_WITHOUT_A_COUNT = bytes.fromhex("6300")


class PivReaderCard(CountedReaderCard):
    """A virtual PIV card; a silent one says "wrong" and not how many tries are left."""

    def __init__(
        self, expires: datetime, profile: CardProfile, *, silent: bool, blocked: bool
    ) -> None:
        card = new_card(
            holder_name="Asha Okafor", pin=FIRST_PIN, puk=PUK, expires=expires, profile=profile
        )
        super().__init__(card)
        self._state = card.state
        self._silent = silent
        if blocked:
            self.block()

    @property
    def identifier(self) -> str:
        """The GUID."""
        return self._state.guid.hex()

    @property
    def public_key(self) -> bytes:
        """The key by which it proves itself without a PIN, as SubjectPublicKeyInfo in DER."""
        key = self._state.keys[SLOT_CARD_AUTHENTICATION].public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def _pin(self) -> Reference:
        return self._state.pin

    @property
    def _secret(self) -> Reference:
        return self._state.puk

    def has_pin(self, pin: str) -> bool:
        """Look into its memory."""
        return self._pin.body == padded(pin)

    def opens_with(self, secret: str) -> bool:
        """Look into its memory."""
        return self._secret.body == padded(secret)

    def transmit(self, command: bytes) -> bytes:
        """Answer as any card, or as a silent one."""
        wrong = self.wrong
        answer = super().transmit(command)
        return _WITHOUT_A_COUNT if self._silent and self.wrong > wrong else answer
