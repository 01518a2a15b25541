"""Reading the key of a card in a file of people.

Apart from the other cells, which are also read where somebody types them: only here the
cryptography is needed.
"""

from __future__ import annotations

import base64

from kiosk.administration.people_fields import CARD_RULES, CellRefused
from kiosk.dialogue import CardId, KeyKind
from kiosk.secrets.card_keys import key_from, may_be

_KEYS = ", ".join(KeyKind)


def auth_key(text: str, card: CardId | None) -> bytes | None:
    """Return the key that a card proves itself with; an empty cell is None."""
    key = _key("auth_key", text, card)
    if key is None or card is None:
        return None
    if not CARD_RULES[card.driver].proves_itself:
        raise CellRefused("auth_key", f"{card.driver} cards are not asked to prove themselves")
    if not may_be(card, key):
        raise CellRefused("auth_key", "is not the key that card_id was made from")
    return key


def pin_key(text: str, card: CardId | None, auth: bytes | None) -> bytes | None:
    """Return the key that a card uses only after its PIN; an empty cell is None.

    It has to be another one than ``auth``, which the card uses without.
    """
    key = _key("pin_key", text, card)
    if key is not None and key == auth:
        raise CellRefused("pin_key", "is the same as auth_key, which needs no PIN")
    return key


def _key(cell: str, text: str, card: CardId | None) -> bytes | None:
    """Read base64: a SubjectPublicKeyInfo in DER, or a certificate that holds one."""
    if not text:
        return None
    if card is None:
        raise CellRefused(cell, "there is no card_id that it could belong to")
    try:
        key = key_from(base64.b64decode("".join(text.split()), validate=True))
    except ValueError:
        raise CellRefused(cell, "must be DER in base64, without the lines around it") from None
    if key is None:
        raise CellRefused(cell, f"must be a certificate or public key: {_KEYS}")
    return key
