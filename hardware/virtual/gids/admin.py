"""The admin key of a GIDS card: host and card prove to each other that they know it.

Only the mutual authentication is here. The other one, in which the host alone proves
itself, would let a card pass that does not know the key.
"""

from __future__ import annotations

import secrets

from hardware.virtual.chip import Answer
from hardware.virtual.commands import Command, Status
from hardware.virtual.gids import cryptograms
from hardware.virtual.gids.state import GidsState, Nonces, Session
from hardware.virtual.tlv import read, tlv

_KEY = bytes.fromhex("830180")
_TEMPLATE, _NONCE, _CRYPTOGRAM = 0x7C, 0x81, 0x82


class AdminCommands:
    """MANAGE SECURITY ENVIRONMENT, and the two steps of GENERAL AUTHENTICATE."""

    def __init__(self, state: GidsState, session: Session) -> None:
        self._state = state
        self._session = session

    def choose(self, command: Command) -> int:
        """Choose the key to authenticate with; there is the admin key alone."""
        if (command.p1, command.p2) != (0xC1, 0xA4):
            return Status.WRONG_P1P2
        if command.data != _KEY:
            return Status.NO_REFERENCE
        self._session.key_chosen = True
        return Status.OK

    def authenticate(self, command: Command) -> Answer:
        """Draw a number (81), or judge what the host made of both (82) and answer it."""
        if (command.p1, command.p2) != (0x00, 0x00):
            return b"", Status.WRONG_P1P2
        if not self._session.key_chosen:
            return b"", Status.CONDITIONS
        try:
            template = read(read(command.data)[_TEMPLATE])
        except (ValueError, KeyError):
            return b"", Status.WRONG_DATA
        if _CRYPTOGRAM in template:
            return self._judge(template[_CRYPTOGRAM])
        return self._draw(template.get(_NONCE, b""))

    def _draw(self, host: bytes) -> Answer:
        if len(host) != cryptograms.NONCE:
            return b"", Status.WRONG_DATA
        self._session.key_proven = False
        nonces = Nonces(host, secrets.token_bytes(cryptograms.NONCE))
        self._session.nonces = nonces
        return tlv(_TEMPLATE, tlv(_NONCE, nonces.card)), Status.OK

    def _judge(self, cryptogram: bytes) -> Answer:
        nonces, self._session.nonces = self._session.nonces, None  # good for one attempt
        if nonces is None:
            return b"", Status.CONDITIONS
        status = self._try(cryptogram, nonces)
        if status != Status.OK:
            return b"", status
        self._session.key_proven = True
        answer = cryptograms.make(self._state.key.body, nonces.host, nonces.card)
        return tlv(_TEMPLATE, tlv(_CRYPTOGRAM, answer)), Status.OK

    def _try(self, cryptogram: bytes, nonces: Nonces) -> int:
        key, profile = self._state.key, self._state.profile
        if key.blocked:
            return profile.blocked_status
        # Charged before the comparison, so that power loss gives nothing away.
        key.left -= profile.key_tries is not None
        if cryptograms.fits(key.body, cryptogram, nonces.card, nonces.host):
            key.left = key.limit
            return Status.OK
        return self._wrong()

    def _wrong(self) -> int:
        profile = self._state.profile
        if profile.key_tries is None or not profile.tells_key_tries:
            return Status.NOT_SATISFIED
        left = self._state.key.left
        return 0x63C0 | left if left else profile.last_try_status
