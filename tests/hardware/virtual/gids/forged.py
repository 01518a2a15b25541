"""A GIDS card that was forged: its identifier is right, and it does not know the admin key."""

from __future__ import annotations

from tests.support.gids_card import GidsCard

CRYPTOGRAM = bytes.fromhex("008700002C7C2A8228")
"""How the second step of GENERAL AUTHENTICATE begins."""


class AcceptsAnyKey(GidsCard):
    """Takes whatever cryptogram it is given, and answers one that it made up."""

    def transmit(self, command: bytes) -> bytes:
        """Answer as the card would, but where it would have to know the key."""
        answer = super().transmit(command)
        if not command.startswith(CRYPTOGRAM):
            return answer
        return bytes.fromhex("7C2A8228") + bytes(40) + b"\x90\x00"
