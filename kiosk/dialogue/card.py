"""A card, as a station reports it, and how it proves that it is the one that it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from kiosk.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class CardId:
    """A card's stable name: the driver that read it and the identifier in lower-case hex."""

    driver: str
    identifier: str


@dataclass(frozen=True, slots=True)
class PinState:
    """Whether the PIN is blocked, and the tries left where the card says."""

    blocked: bool
    tries_left: int | None = None


@dataclass(frozen=True, slots=True)
class OnPad:
    """A PIN that is entered on the reader's own keys and that no program ever sees.

    The reader takes from ``min_length`` to ``max_length`` digits: without a rule, any PIN
    that is taken at the station. It cannot judge whether a new PIN is weak; it asks for a
    new one twice by itself.
    """

    min_length: int = 4
    max_length: int = 8


PinEntry = Sensitive | OnPad
"""A PIN that was typed at the station, or word that it is typed on the reader."""


@dataclass(frozen=True, slots=True)
class CardReport:
    """What a card tells without a PIN; ``expires_at`` is None where it does not say.

    ``pin_pad``: the reader that it is in takes PINs on keys of its own for this card;
    ``pad_changes``: where it does, these can change its PIN, too.

    ``secret_tries`` is how many wrong unblock secrets it still takes, None where it does not say.

    ``certificate`` (X.509, DER) is of the key that the card can prove itself with, where it
    offers one. Nothing of it is proven by being told.
    """

    card: CardId
    pin: PinState
    expires_at: datetime | None = None
    certificate: bytes | None = field(default=None, repr=False)
    pin_pad: bool = False
    pad_changes: bool = True
    secret_tries: int | None = None


class KeyKind(StrEnum):
    """The keys with which a card can prove itself (SP 800-78-5, table 3-1).

    RSA-4096 and Ed25519 are not in the standard; cards in use have them.
    """

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    P_256 = "p-256"
    P_384 = "p-384"
    ED25519 = "ed25519"


RSA_KINDS: Final = {2048: KeyKind.RSA_2048, 3072: KeyKind.RSA_3072, 4096: KeyKind.RSA_4096}
"""By the bits of the modulus; the public exponent is ``RSA_EXPONENT``."""

RSA_EXPONENT: Final = 65537

CURVE_KINDS: Final = {"secp256r1": KeyKind.P_256, "secp384r1": KeyKind.P_384}


CARD_FAMILIES: Final = ("piv", "openpgp", "gids", "pkcs11")


class ReadFault(StrEnum):
    """Why a station could not read a card."""

    NO_ANSWER = "no-answer"
    UNKNOWN_KIND = "unknown-kind"
    NO_IDENTIFIER = "no-identifier"
    TOO_SLOW = "too-slow"
    TAKEN_OUT = "taken-out"
    SWAPPED = "swapped"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class UnreadCard:
    """A card that a station could not read; ``family`` is empty where it did not get so far."""

    fault: ReadFault
    family: str = ""


@dataclass(frozen=True, slots=True)
class CardChallenge:
    """What a card has to sign, once and soon, with a key of this kind.

    RSA signs as PKCS #1 v1.5 with SHA-256; ECDSA with SHA-256, on P-384 with SHA-384; Ed25519
    signs the message itself.
    """

    message: bytes = field(repr=False)
    key: KeyKind


@dataclass(frozen=True, slots=True)
class CardProof:
    """What the card made of a challenge: an RSA or Ed25519 signature, or an ECDSA one in DER."""

    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PinChallenge:
    """What a card signs directly after VERIFY, in the same hold, to prove that it took the PIN."""

    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PinProof:
    """A signature over ``PinChallenge.message`` by a key that the card uses only after VERIFY.

    ``public_key`` is the SubjectPublicKeyInfo in DER; ``certificate`` (X.509, DER) certifies it
    where the card holds one. RSA signs as PKCS #1 v1.5 with SHA-256; ECDSA in DER with SHA-256,
    on P-384 with SHA-384; Ed25519 signs the message itself.
    """

    signature: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    certificate: bytes | None = field(default=None, repr=False)
