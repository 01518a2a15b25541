"""What is in a reader: a card that can sign, or a copy of one that cannot sign as it should."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kiosk.authority.crypto.card_keys import key_from
from kiosk.contract.messages import CardChallenge, CardProof, PinChallenge, PinProof

BEGAN, ENDS = datetime(2029, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC)
Private = ec.EllipticCurvePrivateKey


def private_key() -> Private:
    return ec.generate_private_key(ec.SECP256R1())


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Authorities:
    """Somebody who issues certificates."""

    name: str = "Issuer"
    key: Private = field(default_factory=private_key)

    @property
    def own(self) -> x509.Certificate:
        """Their own certificate."""
        return x509.load_der_x509_certificate(self.issue(self.key, subject=self.name))

    def issue(
        self,
        key: Private,
        urn: str = "",
        subject: str = "Card",
        ends: datetime = ENDS,
        *,
        log_in: bool = False,
        without_pin: bool = False,
        holder: x509.NameAttribute[str] | None = None,
        mailbox: str = "",
    ) -> bytes:
        """Certify a key, for the card that ``urn`` names, or for its ``holder`` or their mailbox.

        ``without_pin``: for card authentication (SP 800-73-5 part 1, 3.1.3).
        """
        builder = x509.CertificateBuilder(
            issuer_name=named(self.name),
            subject_name=x509.Name([holder]) if holder else named(subject),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=BEGAN,
            not_valid_after=ends,
        )
        names = [x509.UniformResourceIdentifier(urn)] if urn else []
        others = [x509.RFC822Name(mailbox)] if mailbox else []
        if names or others:
            alternative = x509.SubjectAlternativeName([*names, *others])
            builder = builder.add_extension(alternative, critical=False)
        usage = [ExtendedKeyUsageOID.CLIENT_AUTH] if log_in else []
        if without_pin:
            usage.append(x509.ObjectIdentifier("2.16.840.1.101.3.6.8"))
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)


def revocation_list(
    issuer: Authorities,
    revoked: Iterable[int],
    at: datetime,
    *,
    life: timedelta = timedelta(days=7),
    reason: x509.ReasonFlags | None = None,
    extension: x509.ExtensionType | None = None,
) -> x509.CertificateRevocationList:
    """Sign a list of these serial numbers; ``extension`` is critical."""
    builder = x509.CertificateRevocationListBuilder(named(issuer.name), at, at + life)
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder(serial, at)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer.key, SHA256())


def unsupported_certificate() -> bytes:
    """Return a certificate of a key of a kind that the product does not check."""
    key = ec.generate_private_key(ec.SECP521R1())
    builder = x509.CertificateBuilder(
        issuer_name=named("Issuer"),
        subject_name=named("Card"),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=BEGAN,
        not_valid_after=ENDS,
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


@dataclass
class ReaderCard:
    """A card with a key of its own; ``shows`` is the certificate that it reports, if any."""

    key: Private = field(default_factory=private_key)
    shows: bytes | None = None
    signs: bool = True
    pin_key: Private | None = field(default_factory=private_key)

    def __post_init__(self) -> None:
        if self.shows is None:
            self.shows = Authorities().issue(self.key)

    @property
    def public(self) -> bytes:
        """The key, as the authority records it."""
        found = key_from(Authorities().issue(self.key))
        assert found is not None
        return found

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the key in hexadecimal."""
        return sha256(self.public).hexdigest()

    def answer(self, challenge: CardChallenge) -> CardProof | None:
        """Sign, where it signs at all."""
        if not self.signs:
            return None
        return CardProof(self.key.sign(challenge.message, ec.ECDSA(SHA256())))

    @property
    def pin_public(self) -> bytes:
        """The key that it uses only after its PIN, as the authority records it."""
        assert self.pin_key is not None
        found = key_from(Authorities().issue(self.pin_key))
        assert found is not None
        return found

    def sign_pin(self, challenge: PinChallenge) -> PinProof | None:
        """Sign as a card does that has just verified its PIN."""
        if self.pin_key is None:
            return None
        signature = self.pin_key.sign(challenge.message, ec.ECDSA(SHA256()))
        return PinProof(signature, self.pin_public)

    def copy(self) -> ReaderCard:
        """Return a card that shows the same certificate and has another key."""
        return ReaderCard(shows=self.shows)


class KeylessCard(ReaderCard):
    """A card without a key: it shows nothing and signs nothing."""

    def __post_init__(self) -> None:
        self.shows, self.signs, self.pin_key = None, False, None
