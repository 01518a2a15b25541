"""The keys with which cards prove themselves: parsing, comparing, verifying.

A key is stored as its SubjectPublicKeyInfo in DER, always in the encoding of this module, so that
two keys are equal where their bytes are.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, assert_never
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kiosk.authority.crypto.revocation import Revocation, RevocationLists
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import (
    CURVE_KINDS,
    RSA_EXPONENT,
    RSA_KINDS,
    CardChallenge,
    CardId,
    CardProof,
    KeyKind,
)
from kiosk.contract.sensitive import Sensitive

LONGEST: Final = 32 * 1024
"""Bytes of a certificate that are read; a card holds less than 2 KiB."""

KEY_NAME: Final = "ca"
"""Begins the identifier of a card that only its key identifies."""

_NAMED: Final = len(KEY_NAME) + 64
"""Digits of such an identifier: a GUID has 32."""

NAMED_BY_KEY: Final = KEY_NAME + "_" * 64
"""The form of such an identifier, for LIKE."""

_NOT_TO_BE_READ: Final = (
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

_LOG_IN: Final = frozenset(
    {ExtendedKeyUsageOID.CLIENT_AUTH, x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.2")}
)
_NUMBERS: Final = (NameOID.SERIAL_NUMBER, NameOID.USER_ID)
_CARD_AUTHENTICATION: Final = x509.ObjectIdentifier("2.16.840.1.101.3.6.8")

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def key_from(der: bytes | None) -> bytes | None:
    """Return the key in a certificate or in a SubjectPublicKeyInfo.

    None where nothing can be read, or a card cannot prove itself with this kind of key.
    """
    found = None if der is None else _in_certificate(der) or _bare(der)
    return None if found is None else spki_of(found)


def kind_of(key: bytes) -> KeyKind:
    """Return the kind of a key; ``ValueError`` for what ``key_from`` would not return."""
    kind = _kind(_bare(key))
    if kind is None:
        raise ValueError("that is no key that a card can prove itself with")
    return kind


def spki_of(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: bytes) -> str:
    """Return the SHA-256 of a key in hexadecimal, as people see it."""
    return sha256(key).hexdigest()


def may_be(card: CardId, key: bytes) -> bool:
    """Return whether a card with this identifier can have this key; it may name its key."""
    made_from_a_key = card.identifier.startswith(KEY_NAME) and len(card.identifier) == _NAMED
    return named_by_key(card, key) or not made_from_a_key


def named_by_key(card: CardId, key: bytes) -> bool:
    """Return whether the identifier is made from the key: proving the key is being that card."""
    return card.identifier == KEY_NAME + fingerprint(key)


def proves(key: bytes, challenge: CardChallenge, proof: CardProof) -> bool:
    """Return whether the holder of ``key`` signed ``challenge``."""
    found = _bare(key)
    if found is None or _kind(found) is not challenge.key:
        return False
    return _signed(found, challenge.message, proof.signature)


def verify_pin_proof(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether the holder of ``public_key`` (SubjectPublicKeyInfo, DER) signed ``message``.

    False for a kind of key with which no card proves itself.
    """
    found = _bare(public_key)
    return found is not None and _signed(found, message, signature)


def certifies(certificate: bytes, public_key: bytes) -> bool:
    """Return whether the certificate (DER) is of that key (SubjectPublicKeyInfo, DER).

    False for a kind of key with which no card proves itself. It does not check the issuer of the
    certificate or its validity: ``Issuers`` does.
    """
    named = _in_certificate(certificate)
    wanted = _bare(public_key)
    return named is not None and wanted is not None and spki_of(named) == spki_of(wanted)


def offers_unsupported_key(certificate: bytes | None) -> bool:
    """Return whether a card offers a key of a kind that cannot be checked here."""
    return certificate is not None and key_from(certificate) is None


def names_of(der: bytes) -> tuple[str, datetime] | None:
    """Return the issuer that a certificate names (RFC 4514), and from when on it is valid."""
    read = _certificate(der)
    try:
        return None if read is None else (read.issuer.rfc4514_string(), read.not_valid_before_utc)
    except ValueError:
        return None


# ROCA (CVE-2017-15361): primes of Infineon's library are k * M + (65537 ** a mod M), where M is a
# product of small primes. Each such modulus is therefore in the group of 65537 for each of them.
# One of another maker is with a probability of about 2^-28. After Nemec and others, "The Return of
# Coppersmith's Attack", section 3.3.

_ROCA_PRIMES: Final = tuple(
    prime for prime in range(3, 168, 2) if all(prime % divisor for divisor in range(3, prime, 2))
)


def _group_of(prime: int) -> frozenset[int]:
    return frozenset(pow(RSA_EXPONENT, power, prime) for power in range(prime - 1))


_ROCA_GROUPS: Final = tuple((prime, _group_of(prime)) for prime in _ROCA_PRIMES)


def is_roca(key: bytes) -> bool:
    """Return whether a key (SubjectPublicKeyInfo, DER) is one that can be factored by ROCA."""
    found = _bare(key)
    if not isinstance(found, rsa.RSAPublicKey):
        return False
    modulus = found.public_numbers().n
    return all(modulus % prime in group for prime, group in _ROCA_GROUPS)


class Issuers:
    """The certificates of the card issuers in the settings, with the lists of what they revoked.

    ``past_refuses``: a certificate is refused as well where no list of its issuer is current.
    """

    def __init__(
        self,
        certificates: tuple[x509.Certificate, ...],
        lists: RevocationLists | None = None,
        *,
        past_refuses: bool = False,
    ) -> None:
        self._certificates = certificates
        self.lists = lists
        self._past_refuses = past_refuses

    @classmethod
    def load(
        cls, path: Path, revoked: Sequence[Path] = (), *, past_refuses: bool = False
    ) -> Issuers:
        """Read a PEM file of one certificate or several; raises ``ConfigError`` naming it.

        ``revoked`` are the files of their lists.
        """
        certificates = _load(path, "cards.issuers")
        lists = RevocationLists.load(revoked, certificates) if revoked else None
        return cls(certificates, lists, past_refuses=past_refuses)

    def revocation(self, der: bytes | None, now: datetime) -> Revocation:
        """Return what the lists say of a certificate; good where it is none of these issuers'.

        ``PAST`` is said only where the settings have it refused.
        """
        read = None if der is None or self.lists is None else self._issued(der, now)
        if read is None or self.lists is None:
            return Revocation.GOOD
        said = self.lists.status(read, now)
        is_good = said is Revocation.PAST and not self._past_refuses
        return Revocation.GOOD if is_good else said

    def vouch(self, der: bytes, card: CardId, now: datetime) -> bool:
        """Return whether one of them issued this certificate, for this card, and it is valid now.

        A certificate names its card by the GUID as a urn:uuid in its alternative names (SP 800-73-5
        part 1, FIPS 201-3, 2.9.2.1): another holder's is not accepted.
        """
        read = self._issued(der, now)
        return read is not None and _names(read, card)

    def vouch_for_pin_key(
        self, der: bytes, card: CardId, number: str, email: str | None, now: datetime
    ) -> bool:
        """Return whether one of them issued this certificate for a key that wants a PIN.

        It names the card as ``vouch`` has it, or its holder by number or address. It has to be
        for log-in (RFC 5280, 4.2.1.12, or the smart card log-on of Windows) and not for card
        authentication (SP 800-73-5 part 1, 3.1.3): that key signs without a PIN.
        """
        read = self._issued(der, now)
        if read is None:
            return False
        try:
            usage = set(read.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        except (ValueError, *_NOT_TO_BE_READ):
            return False
        if not usage & _LOG_IN or _CARD_AUTHENTICATION in usage:
            return False
        if _names(read, card):
            return True
        if number and number in [one.value for one in read.subject if one.oid in _NUMBERS]:
            return True
        return bool(email) and str(email).lower() in _named(read, x509.RFC822Name)

    def _issued(self, der: bytes, now: datetime) -> x509.Certificate | None:
        """Return a certificate that one of them issued and that is valid now."""
        read = _certificate(der)
        if read is None or not _is_valid(read, now):
            return None
        return read if any(_is_issued_by(read, one) for one in self._certificates) else None


def _load(path: Path, setting: str) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise ConfigError(f"{setting}: {path}: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{setting}: {path}: holds no certificate in PEM") from None


def _is_valid(read: x509.Certificate, now: datetime) -> bool:
    try:
        return read.not_valid_before_utc <= now < read.not_valid_after_utc
    except ValueError:  # a time that Python does not know
        return False


def _is_issued_by(read: x509.Certificate, by: x509.Certificate) -> bool:
    with suppress(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        read.verify_directly_issued_by(by)
        return True
    return False


# Attestation: a card certifies that it made a key by itself, and when it asks for the PIN.
#
# After Yubico's "PIV attestation": the key of slot F9, which the maker certified, signs a
# certificate of the key in another slot. An attestation names no GUID. It is bound to a card by its
# key: who could have another key attested cannot sign with the one that is known for the card.

_MADE_BY = "1.3.6.1.4.1.41482.3"
_FIRMWARE: Final = x509.ObjectIdentifier(f"{_MADE_BY}.3")
_POLICIES: Final = x509.ObjectIdentifier(f"{_MADE_BY}.8")
"""Two bytes: the policy of the PIN, then that of the touch."""

_WANTS_PIN: Final = frozenset({2, 3})
"""Once and always. 1 is never; with 4 and 5 a fingerprint does in place of the PIN."""


class AttestationRoots:
    """The certificates, in the settings, of makers whose cards attest their keys."""

    def __init__(self, certificates: tuple[x509.Certificate, ...]) -> None:
        self._roots = certificates

    @classmethod
    def load(cls, path: Path) -> AttestationRoots:
        """Read a PEM file of one certificate or several; raises ``ConfigError`` naming it."""
        return cls(_load(path, "cards.attestation_roots"))

    def attest_pin(self, attested: bytes, attesting: bytes, key: bytes, now: datetime) -> bool:
        """Return whether a card made ``key`` itself and uses it only after its PIN.

        ``attested`` is the certificate (DER) of the key, ``attesting`` that of the key which signed
        it, issued by one of the roots. A key that is itself attested attests no other: its owner
        signs with it what they like. The certificates of the attestation keys of some YubiKeys are
        not marked as those of a CA; each has the maker's extension with the firmware.
        """
        made, by = _certificate(attested), _certificate(attesting)
        if made is None or by is None or not (_is_valid(made, now) and _is_valid(by, now)):
            return False
        policies = _extension(made, _POLICIES)
        if policies is None or len(policies) != 2 or policies[0] not in _WANTS_PIN:
            return False
        attests = _is_ca(by) or _extension(by, _FIRMWARE) is not None
        if not attests or _extension(by, _POLICIES) is not None:
            return False
        if key_from(attested) != key or not _is_issued_by(made, by):
            return False
        return any(_is_issued_by(by, root) for root in self._roots)


def _extension(read: x509.Certificate, oid: x509.ObjectIdentifier) -> bytes | None:
    """Return the bytes of an extension of a maker; None where it is not there."""
    try:
        value = read.extensions.get_extension_for_oid(oid).value
    except (ValueError, *_NOT_TO_BE_READ):
        return None
    return value.value if isinstance(value, x509.UnrecognizedExtension) else None


def _is_ca(read: x509.Certificate) -> bool:
    try:
        return read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, *_NOT_TO_BE_READ):
        return False


def _certificate(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der) if len(der) <= LONGEST else None
    except (ValueError, x509.InvalidVersion):
        return None


def _in_certificate(der: bytes) -> PublicKey | None:
    read = _certificate(der)
    try:
        return _usable(read.public_key()) if read is not None else None
    except (ValueError, UnsupportedAlgorithm):
        return None


def _bare(der: bytes) -> PublicKey | None:
    try:
        return _usable(load_der_public_key(der)) if len(der) <= LONGEST else None
    except (ValueError, UnsupportedAlgorithm):
        return None


def _usable(key: object) -> PublicKey | None:
    """Return the key where a card can prove itself with it."""
    return key if isinstance(key, PublicKey) and _kind(key) is not None else None


def _kind(key: PublicKey | None) -> KeyKind | None:
    match key:
        case None:
            return None
        case rsa.RSAPublicKey():
            usual = key.public_numbers().e == RSA_EXPONENT
            return RSA_KINDS.get(key.key_size) if usual else None
        case ec.EllipticCurvePublicKey():
            return CURVE_KINDS.get(key.curve.name)
        case ed25519.Ed25519PublicKey():
            return KeyKind.ED25519
        case _:
            assert_never(key)


def _signed(key: PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), SHA256())
            case ec.EllipticCurvePublicKey():
                hashed = SHA384() if _kind(key) is KeyKind.P_384 else SHA256()
                key.verify(signature, message, ec.ECDSA(hashed))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, message)
            case _:
                assert_never(key)
    except InvalidSignature:
        return False
    return True


def _names(read: x509.Certificate, card: CardId) -> bool:
    key = key_from(read.public_bytes(Encoding.DER))
    if key is not None and named_by_key(card, key):
        return True
    try:
        urn = UUID(card.identifier).urn
    except ValueError:
        return False
    return urn in _named(read, x509.UniformResourceIdentifier)


def _named(
    read: x509.Certificate, kind: type[x509.RFC822Name | x509.UniformResourceIdentifier]
) -> list[str]:
    """Return the alternative names of a kind, in lower case."""
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, *_NOT_TO_BE_READ):
        return []
    return [one.lower() for one in names.get_values_for_type(kind)]


# Admin keys: a card and the authority prove to each other that they have the same key.
#
# After the Generic Identity Device Specification 2.0, mutual authentication: each side draws a
# nonce of 16 bytes. The authority encrypts the card's nonce and its own, the card encrypts them
# in the reverse order, each followed by eight bytes without a meaning here (triple DES in CBC mode,
# zero initialisation vector). The key itself is never sent. Keys are in the form of
# ``kiosk.contract.families.tidy_admin_key``.

NONCE_BYTES: Final = 16
"""Of either side's nonce."""

_BLOCK: Final = 8
_CRYPTOGRAM_BYTES: Final = 2 * NONCE_BYTES + _BLOCK


def draw_nonce() -> bytes:
    return secrets.token_bytes(NONCE_BYTES)


def mirrors(ours: bytes, cards: bytes) -> bool:
    """Return whether the card's nonce repeats a block of ours.

    A genuine card draws such a nonce once in 2^62 times. For a card that repeats ours, our
    cryptogram would be the very answer that it owes.
    """
    return not _blocks(ours).isdisjoint(_blocks(cards))


def cryptogram(key: Sensitive, ours: bytes, cards: bytes) -> bytes:
    """Return the authority's cryptogram; its last byte is the padding that cards expect."""
    return _encrypted(key, cards + ours + secrets.token_bytes(_BLOCK - 1) + b"\x80")


def awaited(key: Sensitive, ours: bytes, cards: bytes) -> bytes:
    """Return the digest of the card's only right answer: it does not reveal that."""
    return sha256(_encrypted(key, ours + cards)).digest()


def is_right(answer: bytes, digest: bytes) -> bool:
    """Return, in constant time, whether ``answer`` is the expected one."""
    given = sha256(answer[: 2 * NONCE_BYTES]).digest()
    return len(answer) == _CRYPTOGRAM_BYTES and hmac.compare_digest(given, digest)


def _encrypted(key: Sensitive, plain: bytes) -> bytes:
    # The key is never bound to a name: a traceback could show it.
    cipher = Cipher(TripleDES(bytes.fromhex(key.reveal())), CBC(bytes(_BLOCK))).encryptor()
    return cipher.update(plain) + cipher.finalize()


def _blocks(number: bytes) -> frozenset[bytes]:
    return frozenset((number[:_BLOCK], number[_BLOCK:]))
