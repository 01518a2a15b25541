"""A virtual PIV card: its state, its objects, its commands, and making one for a person."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import assert_never
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from hardware.tlv import make as tlv
from hardware.virtual.chip import Answer, AppletChip, ChipProfile, ReceivedCommand, Status, read
from kiosk.contract.messages import KeyKind


@dataclass(frozen=True, slots=True)
class CardProfile(ChipProfile):
    """How one make of card differs; the defaults follow the standard."""

    pin_tries: int = 3
    puk_tries: int = 3
    blocked_status: int = 0x6983  # or 63C0: cards have both, and both mean blocked
    tries_status: int = 0x63C0  # the tries left as 63Cx; 6300 for an old family, which has 630x
    last_try_status: int = 0x63C0  # to the wrong value that spends the last try; or already 6983
    verified_answers_9000: bool = True  # to an empty VERIFY after a right PIN, not the tries left
    wrong_length_status: int = 0x6A80  # or 6700: for a body of another length than 8 or 16 bytes
    accepts_any_new_pin: bool = False  # enforces no rule: takes five digits, letters, an empty PIN
    history: int = 0  # how many former PINs are refused with 6984
    complexity_rule: bool = False  # a new PIN that repeats a single digit is refused with 6985
    holds_puk_validation: bool = False  # after a right PUK any PUK resets the PIN, until a reset
    numeric_puk: bool = False  # a new PUK must be eight digits, not any eight bytes
    erases_keys_when_both_blocked: bool = False  # the private keys, once PIN and PUK are blocked
    full_aid: bool = True  # answers SELECT by the nine-byte application identifier
    short_aid: bool = True  # answers SELECT by the five-byte prefix
    absent_status: int = 0x6A82  # to SELECT for an absent application: cards also have 6D00, 6999
    template_tag: bool = True  # the application property template has its outer tag 61
    metadata: bool = False  # answers the vendor command F7 (GET METADATA) for PIN, PUK and keys
    key: KeyKind = KeyKind.P_256  # the kind of the keys
    ed25519_bytes: int | None = None  # messages of another length get another one's signature
    pin_policy: int = 0x4000  # of the discovery object; 6010, 6020: a Global PIN, too, and which


# The persistent memory of a card: its PIN and PUK, its objects, its keys.

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

BODY = 8
"""PIN and PUK are eight bytes on the wire, padded with FF (SP 800-73-5 part 2, 2.4.3)."""


def padded(text: str) -> bytes:
    """Return a PIN or PUK as it is sent; raises ``ValueError`` when too long."""
    body = text.encode("ascii")
    if len(body) > BODY:
        raise ValueError("a PIV PIN or PUK has at most eight characters")
    return body.ljust(BODY, b"\xff")


@dataclass(slots=True)
class Reference:
    """A PIN or a PUK with its counter; ``left`` is 0 when it is blocked."""

    body: bytes = field(repr=False)
    limit: int
    left: int
    former: list[bytes] = field(default_factory=list, repr=False)

    @property
    def blocked(self) -> bool:
        return self.left == 0

    def replace(self, body: bytes, history: int) -> None:
        """Set a new value and a full counter."""
        self.former = [self.body, *self.former][:history]
        self.body = body
        self.left = self.limit


@dataclass(slots=True)
class CardState:
    """Everything in the card's permanent memory."""

    profile: CardProfile
    holder_name: str
    guid: bytes
    serial: int
    pin: Reference
    puk: Reference
    global_pin: Reference | None = None  # of the whole card, not of this application
    objects: dict[int, bytes] = field(default_factory=dict, repr=False)  # contents by their tag
    keys: dict[int, PrivateKey] = field(default_factory=dict, repr=False)  # by slot: 9A, 9E
    pin_never: set[int] = field(default_factory=lambda: {0x9E})
    """The slots whose key has the PIN policy "never": it signs without the PIN."""
    attesting: tuple[PrivateKey, x509.Certificate] | None = field(default=None, repr=False)
    """The key of slot F9 with its certificate, where the card attests its keys."""


# The data objects that identify a card (SP 800-73-5 part 1, appendix A).

CHUID = 0x5FC102
CAPABILITY = 0x5FC107
DISCOVERY = 0x7E
CERT_PIV_AUTHENTICATION = 0x5FC105
CERT_CARD_AUTHENTICATION = 0x5FC101
CERT_ATTESTATION = 0x5FFF01

AID = bytes.fromhex("A00000030800001000")
AID_VERSION = bytes.fromhex("0100")
AID_PREFIX = AID[:5]
FULL_AID = AID + AID_VERSION

# A FASC-N without agency, system or person: the form for cards outside the federal scheme, which
# only their GUID identifies (part 1, 3.1.2).
_FASCN = bytes.fromhex("D4E739DA739CED39CE739D836858210842108421C84210C3EB")


def chuid(guid: bytes, expires: datetime) -> bytes:
    """The card holder unique identifier; ``guid`` is the 16 bytes of tag 34."""
    date = expires.astimezone(UTC).strftime("%Y%m%d").encode("ascii")
    return tlv(0x30, _FASCN) + tlv(0x34, guid) + tlv(0x35, date) + tlv(0x3E, b"") + tlv(0xFE, b"")


def capability(serial: int) -> bytes:
    """The card capability container; only its identifier (F0) has a meaning here."""
    identifier = bytes.fromhex("A000000116FF02") + serial.to_bytes(14, "big")
    known = {0xF0: identifier, 0xF1: b"\x21", 0xF2: b"\x21", 0xF5: b"\x10"}
    tags = *range(0xF0, 0xF8), *range(0xFA, 0xFF)
    return b"".join(tlv(tag, known.get(tag, b"")) for tag in tags)


def discovery(pin_policy: int) -> bytes:
    """The discovery object: which PINs count, and which of two the holder uses (3.3.2)."""
    return tlv(0x4F, FULL_AID) + tlv(0x5F2F, pin_policy.to_bytes(2))


def certificate(cert: x509.Certificate) -> bytes:
    """A certificate container: not compressed (71), no error detection code (FE)."""
    return tlv(0x70, cert.public_bytes(Encoding.DER)) + tlv(0x71, b"\x00") + tlv(0xFE, b"")


# GENERAL AUTHENTICATE (SP 800-73-5 part 2, 3.2.4): a key proves itself.
#
# Only internal authentication is implemented: the host sends a challenge (81) and asks for the
# response (82). The host does the hashing and the padding.

RSA_ALGORITHMS = {2048: 0x07, 3072: 0x05, 4096: 0x16}
CURVE_ALGORITHMS = {256: 0x11, 384: 0x14}
"""Algorithm identifiers by the size of the key (SP 800-78-5, table 6-2; 16 is a vendor's)."""
ED25519_ALGORITHM = 0xE0
"""A vendor's identifier, too."""
TEMPLATE = 0x7C
CHALLENGE = 0x81
RESPONSE = 0x82
PIN_NEVER, PIN_ONCE = 0x01, 0x02
TOUCH_NEVER = 0x01


def authenticate(
    key: PrivateKey, algorithm: int, data: bytes, ed25519_bytes: int | None = None
) -> tuple[bytes, int]:
    """Sign the challenge in ``data``; answers 6A80 for anything else, 6A86 for another key."""
    if algorithm != algorithm_of(key):
        return b"", Status.WRONG_P1P2
    try:
        template = read(read(data)[TEMPLATE])
        challenge = template[CHALLENGE]
    except (ValueError, KeyError):
        return b"", Status.WRONG_DATA
    if algorithm == ED25519_ALGORITHM and ed25519_bytes is not None:
        challenge = challenge[:ed25519_bytes].ljust(ed25519_bytes, b"\0")
    signature = _sign(key, challenge)
    if signature is None:
        return b"", Status.WRONG_DATA
    return tlv(TEMPLATE, tlv(RESPONSE, signature)), Status.OK


def metadata(key: PrivateKey, *, pin: bool) -> bytes:
    """The answer of GET METADATA for a key: algorithm, policies of PIN and touch, public key."""
    policies = bytes((PIN_ONCE if pin else PIN_NEVER, TOUCH_NEVER))
    algorithm = bytes((algorithm_of(key),))
    return tlv(0x01, algorithm) + tlv(0x02, policies) + tlv(0x04, _public(key))


FIRMWARE_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.3")
POLICIES_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.8")


def attestation(
    key: CertificatePublicKeyTypes,
    by: PrivateKey,
    its: x509.Certificate,
    policies: bytes | None,
) -> x509.Certificate:
    """Certify a key as a YubiKey does with its key of slot F9; ``policies``: of PIN and touch."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "YubiKey 9a")]))
        .issuer_name(its.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(its.not_valid_before_utc)
        .not_valid_after(its.not_valid_after_utc)
        .add_extension(x509.UnrecognizedExtension(FIRMWARE_EXTENSION, VERSION), critical=False)
    )
    if policies is not None:
        told = x509.UnrecognizedExtension(POLICIES_EXTENSION, policies)
        builder = builder.add_extension(told, critical=False)
    return builder.sign(by, None if isinstance(by, ed25519.Ed25519PrivateKey) else SHA256())


def _public(key: PrivateKey) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return tlv(0x81, numbers.n.to_bytes(key.key_size // 8)) + tlv(0x82, b"\x01\x00\x01")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return tlv(0x86, key.public_key().public_bytes_raw())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return tlv(0x86, point)


def algorithm_of(key: PrivateKey) -> int:
    """The algorithm identifier of a key (SP 800-78 or a vendor's)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ED25519_ALGORITHM
    sizes = RSA_ALGORITHMS if isinstance(key, rsa.RSAPrivateKey) else CURVE_ALGORITHMS
    return sizes[key.key_size]


def _sign(key: PrivateKey, challenge: bytes) -> bytes | None:
    if isinstance(key, rsa.RSAPrivateKey):
        # The card does the bare exponentiation, which the library does not offer.
        numbers, value = key.private_numbers(), int.from_bytes(challenge)
        modulus, size = numbers.public_numbers.n, key.key_size // 8
        fits = len(challenge) == size and value < modulus
        return pow(value, numbers.d, modulus).to_bytes(size) if fits else None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(challenge)
    size = key.key_size // 8
    if len(challenge) > size:
        return None
    algorithm: HashAlgorithm = SHA384() if size == SHA384.digest_size else SHA256()
    return key.sign(challenge.rjust(size, b"\0"), ec.ECDSA(utils.Prehashed(algorithm)))


SLOT_PIV_AUTHENTICATION = 0x9A
SLOT_CARD_AUTHENTICATION = 0x9E
VERSION = bytes([5, 7, 2])
GLOBAL_PIN_REFERENCE = 0x00
PIN_REFERENCE = 0x80
PUK_REFERENCE = 0x81
FILLER = 0xFF


class PivApplet:
    """Answers whole commands; the chip does chaining and splits answers."""

    def __init__(self, state: CardState) -> None:
        self._state = state
        self.reset()

    def reset(self) -> None:
        """Forget the session, as on a loss of power."""
        self._selected = self._pin_verified = self._puk_proven = False

    def process(self, command: ReceivedCommand) -> Answer:
        if command.ins == 0xA4:
            return self._select(command)
        if not self._selected:
            return b"", Status.UNKNOWN_INS
        profile = self._state.profile
        match command.ins:
            case 0x20 | 0x24 | 0x2C if profile.contactless:
                return b"", Status.NOT_SATISFIED
            case 0x20:
                return b"", self._verify(command)
            case 0x24:
                return b"", self._change(command)
            case 0x2C:
                return b"", self._reset_retry_counter(command)
            case 0xCB:
                return self._get_data(command)
            case 0x87:
                return self._general_authenticate(command)
            case 0xF9 if self._state.attesting is not None:
                return self._attest(command.p1, *self._state.attesting)
            case 0xFD:
                return VERSION, Status.OK
            case 0xF8:
                return self._state.serial.to_bytes(4, "big"), Status.OK
            case 0xF7 if profile.metadata:
                return self._metadata(command)
            case _:
                return b"", Status.UNKNOWN_INS

    def _select(self, command: ReceivedCommand) -> Answer:
        if command.p1 != 0x04:
            return b"", Status.WRONG_P1P2
        profile, is_full = self._state.profile, command.data in (AID, FULL_AID)
        is_short = profile.short_aid and command.data == AID_PREFIX
        if not (profile.full_aid if is_full else is_short):
            return b"", profile.absent_status
        # A verified PIN stays verified when the application is selected again (3.1.1).
        self._selected = True
        template = tlv(0x4F, FULL_AID[5:]) + tlv(0x79, tlv(0x4F, AID_PREFIX))
        return tlv(0x61, template) if profile.template_tag else template, Status.OK

    def _get_data(self, command: ReceivedCommand) -> Answer:
        if (command.p1, command.p2) != (0x3F, 0xFF):
            return b"", Status.WRONG_P1P2
        try:
            tag = int.from_bytes(read(command.data)[0x5C], "big")
        except (ValueError, KeyError):
            return b"", Status.WRONG_DATA
        content = self._state.objects.get(tag)
        if content is None:
            return b"", Status.NOT_FOUND
        # Only the discovery object has its own tag where the others have 53.
        outer = tag if tag == DISCOVERY else 0x53
        return tlv(outer, content), Status.OK

    def _general_authenticate(self, command: ReceivedCommand) -> Answer:
        key = self._state.keys.get(command.p2)
        if key is None:
            return b"", Status.NO_REFERENCE
        if command.p2 not in self._state.pin_never and not self._pin_verified:
            return b"", Status.NOT_SATISFIED
        return authenticate(key, command.p1, command.data, self._state.profile.ed25519_bytes)

    def _attest(self, slot: int, by: PrivateKey, its: x509.Certificate) -> Answer:
        key = self._state.keys.get(slot)
        if key is None:
            return b"", Status.WRONG_DATA
        policies = bytes((PIN_NEVER if slot in self._state.pin_never else PIN_ONCE, TOUCH_NEVER))
        made = attestation(key.public_key(), by, its, policies)
        return made.public_bytes(Encoding.DER), Status.OK

    def _metadata(self, command: ReceivedCommand) -> Answer:
        key = self._state.keys.get(command.p2)
        if key is not None:
            return metadata(key, pin=command.p2 not in self._state.pin_never), Status.OK
        which = {PIN_REFERENCE: self._state.pin, PUK_REFERENCE: self._state.puk}.get(command.p2)
        if which is None:
            return b"", Status.NO_REFERENCE
        algorithm = tlv(0x01, b"\xff") + tlv(0x05, b"\x00")
        return algorithm + tlv(0x06, bytes([which.limit, which.left])), Status.OK

    # VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (SP 800-73-5 part 2, 3.2): only these
    # change the tries. Each returns a status word.

    def _verify(self, command: ReceivedCommand) -> int:
        """VERIFY: an empty body asks, P1=FF forgets, eight bytes spend a try."""
        pins = {PIN_REFERENCE: self._state.pin, GLOBAL_PIN_REFERENCE: self._state.global_pin}
        pin = pins.get(command.p2)
        if pin is None:
            return Status.NO_REFERENCE
        if command.p1 == 0xFF:
            if command.data:
                return Status.WRONG_DATA
            self._pin_verified = False
            return Status.OK
        if command.p1 != 0:
            return Status.WRONG_P1P2
        if not command.data:
            if self._pin_verified and self._state.profile.verified_answers_9000:
                return Status.OK
            return self._tries(pin)
        if len(command.data) != BODY:
            return self._state.profile.wrong_length_status
        return self._try(pin, command.data)

    def _change(self, command: ReceivedCommand) -> int:
        """CHANGE REFERENCE DATA: the old value, then the new one, of PIN or PUK."""
        if command.p2 not in (PIN_REFERENCE, PUK_REFERENCE) or command.p1 != 0:
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if len(command.data) != 2 * BODY:
            return self._state.profile.wrong_length_status
        old, new = command.data[:BODY], command.data[BODY:]
        which = self._state.pin if command.p2 == PIN_REFERENCE else self._state.puk
        status = self._try(which, old)
        return self._take(which, new) if status == Status.OK else status

    def _reset_retry_counter(self, command: ReceivedCommand) -> int:
        """RESET RETRY COUNTER: the PUK, then the new PIN."""
        if command.p2 != PIN_REFERENCE or command.p1 != 0:
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if len(command.data) != 2 * BODY:
            return self._state.profile.wrong_length_status
        puk = self._state.puk
        held = self._puk_proven and self._state.profile.holds_puk_validation
        if not held or puk.blocked:
            status = self._try(puk, command.data[:BODY])
            if status != Status.OK:
                return status
        self._pin_verified = False
        return self._take(self._state.pin, command.data[BODY:])

    def _try(self, which: Reference, body: bytes) -> int:
        status = self._compare(which, body)
        if which is self._state.puk:
            self._puk_proven = status == Status.OK
        else:
            self._pin_verified = status == Status.OK
        return status

    def _compare(self, which: Reference, body: bytes) -> int:
        if which.blocked:
            return self._state.profile.blocked_status
        # Charged before the comparison, so that pulling the card saves no try.
        which.left -= 1
        if not hmac.compare_digest(which.body, body):
            both = self._state.pin.blocked and self._state.puk.blocked
            if both and self._state.profile.erases_keys_when_both_blocked:
                self._state.keys.clear()
            if which.blocked:
                return self._state.profile.last_try_status
            return self._tries(which)
        which.left = which.limit
        return Status.OK

    def _tries(self, which: Reference) -> int:
        if which.blocked:
            return self._state.profile.blocked_status
        return self._state.profile.tries_status | which.left

    def _take(self, which: Reference, new: bytes) -> int:
        status = self._refusal(which, new)
        if status == Status.OK:
            which.replace(new, self._state.profile.history)
        return status

    def _refusal(self, which: Reference, new: bytes) -> int:
        profile = self._state.profile
        if which is self._state.puk:
            return Status.WRONG_DATA if profile.numeric_puk and not new.isdigit() else Status.OK
        if profile.accepts_any_new_pin:
            return Status.OK
        digits = new.rstrip(bytes([FILLER]))  # SP 800-73-5 part 2, 2.4.3
        if len(digits) < 6 or not all(0x30 <= byte <= 0x39 for byte in digits):
            return Status.WRONG_DATA
        if profile.complexity_rule and len(set(new) - {FILLER}) == 1:
            return Status.CONDITIONS
        used = profile.history and new in [which.body, *which.former]
        return Status.USED_BEFORE if used else Status.OK


class VirtualCard(AppletChip[CardState]):
    """The PIV application on its chip, without a reader; the methods read it without its PIN."""

    def __init__(self, state: CardState) -> None:
        super().__init__(state, PivApplet(state))

    def public_key(self, slot: int) -> bytes:
        """Return the public key of ``slot`` as SubjectPublicKeyInfo in DER."""
        key = self.state.keys[slot].public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, slot: int, message: bytes) -> bytes:
        """Sign like the card's answer to a challenge of the authority."""
        key = self.state.keys[slot]
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, padding.PKCS1v15(), SHA256())
        if isinstance(key, ec.EllipticCurvePrivateKey):
            hashed = SHA384() if key.key_size == 384 else SHA256()
            return key.sign(message, ec.ECDSA(hashed))
        return key.sign(message)


# Making a card for a person: keys, certificates and the objects that name them.

_SLOTS = {
    SLOT_PIV_AUTHENTICATION: CERT_PIV_AUTHENTICATION,
    SLOT_CARD_AUTHENTICATION: CERT_CARD_AUTHENTICATION,
}
_DEFAULT_PROFILE = CardProfile()


def new_card(
    *,
    holder_name: str,
    pin: str = "482915",
    puk: str = "73918264",
    global_pin: str = "",
    guid: bytes | None = None,
    expires: datetime | None = None,
    profile: CardProfile = _DEFAULT_PROFILE,
    keys: Mapping[int, PrivateKey] | None = None,
    blocked: bool = False,
) -> VirtualCard:
    """Make a card; ``expires`` (aware) is three years from now when not given.

    ``keys`` by slot take the place of fresh ones. ``blocked``: its PIN has no try left. A card with
    a ``global_pin`` says by the profile's ``pin_policy`` which of the two its holder uses.
    """
    tries = profile.pin_tries
    state = CardState(
        profile=profile,
        holder_name=holder_name,
        guid=guid or uuid4().bytes,
        serial=secrets.randbelow(2**31),
        pin=Reference(padded(pin), tries, 0 if blocked else tries),
        puk=Reference(padded(puk), profile.puk_tries, profile.puk_tries),
        global_pin=Reference(padded(global_pin), tries, tries) if global_pin else None,
    )
    expires = expires or datetime.now(UTC) + timedelta(days=3 * 365)
    state.objects[CHUID] = chuid(state.guid, expires)
    state.objects[CAPABILITY] = capability(state.serial)
    state.objects[DISCOVERY] = discovery(profile.pin_policy)
    for slot, tag in _SLOTS.items():
        key = (keys or {}).get(slot) or _generate(profile)
        state.keys[slot] = key
        state.objects[tag] = certificate(_self_signed(holder_name, key, expires))
    return VirtualCard(state)


def _generate(profile: CardProfile) -> PrivateKey:
    match profile.key:
        case KeyKind.RSA_2048 | KeyKind.RSA_3072 | KeyKind.RSA_4096:
            return rsa.generate_private_key(65537, int(profile.key.removeprefix("rsa-")))
        case KeyKind.P_256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyKind.P_384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyKind.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            assert_never(profile.key)


def _self_signed(holder_name: str, key: PrivateKey, expires: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, holder_name)])
    # A card may be made expired: its certificate then began before it ended.
    starts = min(datetime.now(UTC), expires) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(expires)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    )
