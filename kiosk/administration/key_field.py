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
    """Return the key that a card proves itself with; an empty cell is None.

    It is given in base64: a SubjectPublicKeyInfo in DER, or a certificate that holds one.
    """
    if not text:
        return None
    if card is None:
        raise CellRefused("auth_key", "there is no card_id that it could belong to")
    if not CARD_RULES[card.driver].proves_itself:
        raise CellRefused("auth_key", f"{card.driver} cards are not asked to prove themselves")
    try:
        key = key_from(base64.b64decode("".join(text.split()), validate=True))
    except ValueError:
        raise CellRefused(
            "auth_key", "must be DER in base64, without the lines around it"
        ) from None
    if key is None:
        raise CellRefused("auth_key", f"must be a certificate or public key: {_KEYS}")
    if not may_be(card, key):
        raise CellRefused("auth_key", "is not the key that card_id was made from")
    return key
