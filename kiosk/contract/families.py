"""The families of cards: one row says all that differs between them outside their drivers.

``hardware/drivers/<name>.py`` drives the family ``name``; the one row with ``by_module`` stands for
the PKCS#11 module of a card's maker.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

# Admin keys: keys of triple DES, three parts that all differ. With two equal parts a key is as weak
# as a much shorter one; makers deliver cards with such keys.

ADMIN_KEY_DIGITS: Final = 48
"""Length of a key as it is written: 24 bytes in hexadecimal."""

_PART: Final = 16
_WRITTEN: Final = re.compile(r"[0-9a-f]{48}")
_BETWEEN: Final = re.compile(r"[\s:-]")


def tidy_admin_key(text: str) -> str:
    """Return a key as it is stored: lower case, with the odd parity of DES.

    Raises ``ValueError`` with the reason, in words that fit after "it" and repeat no digit.
    """
    digits = _BETWEEN.sub("", text).lower()
    if not _WRITTEN.fullmatch(digits):
        raise ValueError(f"must be an admin key of {ADMIN_KEY_DIGITS} hexadecimal digits")
    parts = [with_parity(digits[at : at + _PART]) for at in range(0, ADMIN_KEY_DIGITS, _PART)]
    if len(set(parts)) < len(parts):
        raise ValueError(
            f"is an admin key with two parts of {_PART} digits that are the same, which makes it "
            "weak; give the card another one first"
        )
    return "".join(parts)


def with_parity(digits: str) -> str:
    """Make the number of ones in each byte odd by its lowest bit, which DES ignores."""
    upper = (byte & 0xFE for byte in bytes.fromhex(digits))
    return bytes(seven | (seven.bit_count() + 1) % 2 for seven in upper).hex()


class IdentifierForm(Struct, frozen=True):
    """A regular expression for lower-case letters without separators, and the same in words.

    The identifier is its group, where it has one; the rest is dropped. ``refused`` has expressions
    for identifiers that no issued card has, each with the reason.
    """

    pattern: str
    words: str
    refused: tuple[tuple[str, str], ...] = ()


class TextSecret(Struct, frozen=True):
    """``shortest`` to ``longest`` printable ASCII characters; a new one has eight digits."""

    shortest: int
    longest: int
    words: str


class AdminKey(Struct, frozen=True):
    """A key of triple DES, in hexadecimal."""

    words: str = f"the admin key, {ADMIN_KEY_DIGITS} hexadecimal digits"


class SecretKind(Struct, frozen=True):
    """One of the secrets that unblock cards of a family; ``rotates``: a session can replace it."""

    name: str
    rotates: bool


class CardFamily(Struct, frozen=True):
    """``name`` is part of ``CardId`` and of stored secrets' seals: it must never change.

    ``secret_kinds``: what an estate may have stored; where there are several, ``secret_setting``
    (section and name) is the setting that names one.
    ``proves_itself``: its cards have a key that signs without a PIN. ``proves_pin``: they have one
    that signs only after VERIFY. ``mutual_authentication``: card and authority prove the secret to
    each other, and it never leaves the authority.
    """

    name: str
    title: str
    identifier: IdentifierForm
    secret: TextSecret | AdminKey
    secret_kinds: tuple[SecretKind, ...]
    secret_setting: tuple[str, str] | None = None
    proves_itself: bool = False
    proves_pin: bool = False
    mutual_authentication: bool = False
    by_module: bool = False


_ROWS: Final = (
    # SP 800-73-5 part 2: the CHUID's GUID has 16 bytes (2.1 of part 1), a PUK 8 (2.4.3).
    # A card without a GUID is known by the hash of its card-authentication key.
    CardFamily(
        name="piv",
        title="PIV",
        identifier=IdentifierForm(
            "[0-9a-f]{32}|ca[0-9a-f]{64}",
            "32 hexadecimal digits, the GUID in its CHUID (or ca and 64 more, for a card "
            "without a GUID)",
            refused=(("f+", "is all FF, as on a card that was never issued"),),
        ),
        secret=TextSecret(8, 8, "the PUK, 8 characters"),
        secret_kinds=(SecretKind("puk", rotates=True),),
        proves_itself=True,
        proves_pin=True,
    ),
    # OpenPGP card 3.4: maker and serial number of the application identifier (4.2.1), which
    # may be given whole; resetting code and PW3 have 8 characters or more (4.3). A resetting
    # code is changed with the admin PIN, which is not stored beside it.
    CardFamily(
        name="openpgp",
        title="OpenPGP",
        identifier=IdentifierForm(
            "(?:d276000124010[0-9a-f]{3})?([0-9a-f]{12})(?:0000)?",
            "12 hexadecimal digits, maker and serial number (or the whole application identifier)",
            refused=(
                ("[0-9a-f]{4}0{8}", "has no serial number, so that no station serves the card"),
            ),
        ),
        secret=TextSecret(
            8, 64, "the resetting code or the admin PIN, as openpgp_secret in [cards] says"
        ),
        secret_kinds=(
            SecretKind("resetting-code", rotates=False),
            SecretKind("admin-pin", rotates=True),
        ),
        secret_setting=("cards", "openpgp_secret"),
        proves_pin=True,
    ),
    # PKCS #11: the token's serial number has 16 characters (CK_TOKEN_INFO); the module's maker sets
    # the length of a security officer's PIN or a PUK. No call changes a PUK.
    CardFamily(
        name="pkcs11",
        title="PKCS#11",
        identifier=IdentifierForm(
            "[0-9a-z]{1,16}", "the token's serial number, at most 16 letters and digits"
        ),
        secret=TextSecret(
            4, 64, "the security officer's PIN or the PUK, as style in [pkcs11] says"
        ),
        secret_kinds=(
            SecretKind("init-pin", rotates=True),
            SecretKind("set-pin-with-puk", rotates=False),
        ),
        secret_setting=("pkcs11", "style"),
        proves_pin=True,
        by_module=True,
    ),
    # GIDS 2.0: the minidriver's card identifier has 16 bytes.
    CardFamily(
        name="gids",
        title="GIDS",
        identifier=IdentifierForm(
            "[0-9a-f]{32}", "32 hexadecimal digits, the card identifier that Windows gave it"
        ),
        secret=AdminKey(),
        secret_kinds=(SecretKind("admin-key", rotates=False),),
        proves_pin=True,
        mutual_authentication=True,
    ),
)

FAMILIES: Final = {row.name: row for row in _ROWS}
DEFAULT: Final = _ROWS[0].name
"""For a file or a command that names no family."""

ON_PCSC: Final = tuple(row.name for row in _ROWS if not row.by_module)
"""The families with a driver, in the order in which a card is tried unless the settings differ."""

PROVE_THEMSELVES: Final = frozenset(row.name for row in _ROWS if row.proves_itself)
PROVE_PIN: Final = tuple(row.name for row in _ROWS if row.proves_pin)
MUTUALLY_AUTHENTICATED: Final = frozenset(row.name for row in _ROWS if row.mutual_authentication)


def secret_kind_names(family: str) -> tuple[str, ...]:
    """Return the values of the setting for ``family``, the usual one first."""
    return tuple(kind.name for kind in FAMILIES[family].secret_kinds)
