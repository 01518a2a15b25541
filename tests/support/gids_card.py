"""A virtual GIDS card: the identity application that Windows brings a driver for."""

from __future__ import annotations

import hmac
import secrets
import struct
from dataclasses import dataclass, field
from typing import ClassVar

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.hashes import SHA256

from hardware.tlv import make as tlv
from hardware.virtual.chip import Answer, AppletChip, ChipProfile, ReceivedCommand, Status, read
from hardware.virtual.piv import Reference

# The habits in which GIDS cards differ, one switch each.


@dataclass(frozen=True, slots=True)
class GidsProfile(ChipProfile):
    """How one make of card behaves."""

    pin_tries: int = 3

    key_tries: int | None = 5
    """So many wrong cryptograms in a row block the admin key; None: none is counted."""

    reports_key_tries: bool = True
    """A wrong cryptogram is answered with 63Cx; False, and where none is counted: 6982."""

    blocked_status: int = 0x6983
    """6983 or 63C0: both are found and both mean blocked."""

    last_try_status: int = 0x63C0
    """The answer to the wrong value that spends the last try: 63C0 or already 6983."""

    wrong_length_status: int | None = None
    """The answer to a PIN that is too short or too long, which is not counted; None: 63Cx."""

    reports_tries: bool = True
    """Has the PIN's status object; False: only an empty VERIFY tells the tries."""

    first_edition: bool = False
    """Tells the tries under the tag of the specification's first edition."""

    history: int = 0
    """So many former PINs are refused with 6984."""

    full_aid: bool = True
    """Answers SELECT by the whole application identifier."""

    short_aid: bool = True
    """Answers SELECT by the part that all editions share."""

    absent_status: int = 0x6A82
    """The answer to SELECT for what is not there."""


# What a GIDS card remembers without power, and what it forgets with it.

SHORTEST, LONGEST = 4, 16
"""The length of a PIN in bytes; it is not padded."""


@dataclass(slots=True)
class GidsState:
    """Everything in the card's permanent memory."""

    profile: GidsProfile
    card_id: bytes
    pin: Reference
    key: Reference
    """The admin key, three DES keys; its tries go down only where the make counts them."""
    files: dict[tuple[int, int], bytes] = field(default_factory=dict, repr=False)
    """Data objects by the file that they are in, such as A012, and their tag."""
    containers: tuple[rsa.RSAPrivateKey, ...] = field(default=(), repr=False)
    """The keys of the holder's certificates."""


@dataclass(frozen=True, slots=True)
class Nonces:
    """The random numbers of one attempt to authenticate each other."""

    host: bytes
    card: bytes


@dataclass(slots=True)
class Session:
    """What the card forgets with its power, and when the application is selected again."""

    pin_verified: bool = False
    key_chosen: bool = False
    key_proven: bool = False
    nonces: Nonces | None = None
    container: int | None = None

    def forget(self) -> None:
        """Drop everything that was proven, and what was begun."""
        self.pin_verified = self.key_chosen = self.key_proven = False
        self.nonces = self.container = None


# What host and card make of both random numbers with the admin key.
#
# Three-key DES in CBC mode from zeros, over five blocks: first the other's number, then one's
# own, then seven random bytes that end in 80.

NONCE = 16
CRYPTOGRAM = 40
_END = b"\x80"


def make(key: bytes, theirs: bytes, own: bytes) -> bytes:
    """Return the 40 bytes that prove knowledge of ``key`` to the side that drew ``theirs``."""
    step = _cipher(key).encryptor()
    block = theirs + own + secrets.token_bytes(7) + _END
    return step.update(block) + step.finalize()


def fits(key: bytes, cryptogram: bytes, own: bytes, theirs: bytes) -> bool:
    """Whether ``cryptogram`` was made with ``key`` over these two numbers."""
    if len(cryptogram) != CRYPTOGRAM:
        return False
    step = _cipher(key).decryptor()
    block = step.update(cryptogram) + step.finalize()
    return block.startswith(own + theirs) and block.endswith(_END)


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(TripleDES(key), modes.CBC(bytes(8)))  # as the specification has it


# The minidriver's files, each a data object in a file that stands for who may read and write it.
#
# Their contents are those of a card that holds no certificate yet. The master file is a list of
# names, each with the place of its content.

USER_CREATES, USER_WRITES, ADMIN_WRITES = 0xA000, 0xA010, 0xA012
MASTER_FILE = (USER_CREATES, 0xDF1F)
CARD_ID = (ADMIN_WRITES, 0xDF20)
CARD_APPLICATIONS = (USER_WRITES, 0xDF21)
CACHE_FILE = (USER_WRITES, 0xDF22)
CONTAINER_MAP = (USER_WRITES, 0xDF23)

_DIRECTORY = b"mscp"
_NAMES = (
    (b"", b"cardid", CARD_ID),
    (b"", b"cardapps", CARD_APPLICATIONS),
    (b"", b"cardcf", CACHE_FILE),
    (_DIRECTORY, b"cmapfile", CONTAINER_MAP),
)
_FORMAT = b"\x01"


def personalised(card_id: bytes) -> dict[tuple[int, int], bytes]:
    """Return the files of a new card; ``card_id`` is 16 bytes."""
    return {
        MASTER_FILE: _master_file(),
        CARD_ID: card_id,
        CARD_APPLICATIONS: _DIRECTORY.ljust(8, b"\0"),
        CACHE_FILE: bytes(6),
        CONTAINER_MAP: b"",
    }


def _master_file() -> bytes:
    directory = _record(_DIRECTORY, b"", (USER_CREATES, 0))
    return _FORMAT + directory + b"".join(_record(*names) for names in _NAMES)


def _record(directory: bytes, name: bytes, place: tuple[int, int]) -> bytes:
    """Two names of nine bytes and two that fill up; tag and file, the least byte first."""
    file, tag = place
    return struct.pack("<9s9sxxII", directory, name, tag, file)


# The keys in a GIDS card's containers: read by everybody, used once the PIN was verified.

FIRST = 0x81
"""The reference of the first container's key; the others follow."""

_MECHANISMS = {2048: 0x57, 3072: 0x58, 4096: 0x59}
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_VALID_AND_DEFAULT = 3


def container_map(keys: tuple[rsa.RSAPrivateKey, ...]) -> bytes:
    """The minidriver's file ``cmapfile``: a name, flags, bits for signatures, bits for exchange."""
    return b"".join(
        struct.pack("<80sBBHH", f"key {n}".encode("utf-16-le"), _VALID_AND_DEFAULT, 0, 0, bits)
        for n, bits in enumerate(key.key_size for key in keys)
    )


class ContainerCommands:
    """GET DATA for a public key, MANAGE SECURITY ENVIRONMENT and COMPUTE DIGITAL SIGNATURE."""

    def __init__(self, state: GidsState, session: Session) -> None:
        self._state = state
        self._session = session

    def public_key(self, wanted: bytes) -> Answer:
        """Answer a list of key reference and template; 6A88 for no such key."""
        key = self._key(wanted)
        if key is None:
            return b"", Status.NO_REFERENCE
        numbers = key.public_key().public_numbers()
        modulus = tlv(0x81, numbers.n.to_bytes(key.key_size // 8))
        return tlv(0x7F49, modulus + tlv(0x82, b"\x01\x00\x01")), Status.OK

    def choose(self, command: ReceivedCommand) -> int:
        """Choose a key and its mechanism for the next signatures."""
        key = self._key(command.data)
        if key is None:
            return Status.NO_REFERENCE
        if read(command.data).get(0x80) != bytes((_MECHANISMS[key.key_size],)):
            return Status.WRONG_DATA
        self._session.container = read(command.data)[0x84][0] - FIRST
        return Status.OK

    def sign(self, command: ReceivedCommand) -> Answer:
        """Sign a DigestInfo with the key that was chosen."""
        if (command.p1, command.p2) != (0x9E, 0x9A):
            return b"", Status.WRONG_P1P2
        if self._session.container is None:
            return b"", Status.CONDITIONS
        if not self._session.pin_verified:
            return b"", Status.NOT_SATISFIED
        if not command.data.startswith(_SHA256_INFO):
            return b"", Status.WRONG_DATA
        digest = command.data[len(_SHA256_INFO) :]
        key = self._state.containers[self._session.container]
        return key.sign(digest, padding.PKCS1v15(), utils.Prehashed(SHA256())), Status.OK

    def _key(self, data: bytes) -> rsa.RSAPrivateKey | None:
        try:
            index = read(data)[0x84][0] - FIRST
        except (ValueError, KeyError, IndexError):
            return None
        return self._state.containers[index] if 0 <= index < len(self._state.containers) else None


# The admin key of a GIDS card: host and card prove to each other that they know it.
#
# Only the mutual authentication is here. The other one, in which the host alone proves itself,
# would let a card pass that does not know the key.

_ADMIN_KEY = bytes.fromhex("830180")
_TEMPLATE, _NONCE, _CRYPTOGRAM = 0x7C, 0x81, 0x82


class AdminCommands:
    """MANAGE SECURITY ENVIRONMENT, and the two steps of GENERAL AUTHENTICATE."""

    def __init__(self, state: GidsState, session: Session) -> None:
        self._state = state
        self._session = session

    def choose(self, command: ReceivedCommand) -> int:
        """Choose the key to authenticate with; there is the admin key alone."""
        if (command.p1, command.p2) != (0xC1, 0xA4):
            return Status.WRONG_P1P2
        if command.data != _ADMIN_KEY:
            return Status.NO_REFERENCE
        self._session.key_chosen = True
        return Status.OK

    def authenticate(self, command: ReceivedCommand) -> Answer:
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
        if len(host) != NONCE:
            return b"", Status.WRONG_DATA
        self._session.key_proven = False
        nonces = Nonces(host, secrets.token_bytes(NONCE))
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
        answer = make(self._state.key.body, nonces.host, nonces.card)
        return tlv(_TEMPLATE, tlv(_CRYPTOGRAM, answer)), Status.OK

    def _try(self, cryptogram: bytes, nonces: Nonces) -> int:
        key, profile = self._state.key, self._state.profile
        if key.blocked:
            return profile.blocked_status
        # Charged before the comparison, so that power loss gives nothing away.
        key.left -= profile.key_tries is not None
        if fits(key.body, cryptogram, nonces.card, nonces.host):
            key.left = key.limit
            return Status.OK
        return self._wrong()

    def _wrong(self) -> int:
        profile = self._state.profile
        if profile.key_tries is None or not profile.reports_key_tries:
            return Status.NOT_SATISFIED
        left = self._state.key.left
        return 0x63C0 | left if left else profile.last_try_status


# VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER of a GIDS card's one PIN.

PIN = 0x80
EVERYTHING = 0x82
"""VERIFY with this reference asks for nothing: the card forgets all that was proven."""
_AFTER_THE_KEY = 0x02


class PinCommands:
    """The three commands; each returns a status word."""

    def __init__(self, state: GidsState, session: Session) -> None:
        self._state = state
        self._session = session

    def verify(self, command: ReceivedCommand) -> int:
        """VERIFY: an empty body asks, anything else of a fitting length spends a try."""
        if (command.p1, command.p2) == (0x00, EVERYTHING):
            self._session.forget()
            return Status.OK
        if (command.p1, command.p2) != (0x00, PIN):
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if not command.data:
            return self._tries()
        if not _fits(command.data):
            return self._wrong_length()
        return self._try(command.data)

    def change(self, command: ReceivedCommand) -> int:
        """CHANGE REFERENCE DATA: old and new PIN, cut by the length of the one that is held."""
        if (command.p1, command.p2) != (0x00, PIN):
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if not 2 * SHORTEST <= len(command.data) <= 2 * LONGEST:
            return self._wrong_length()
        cut = len(self._state.pin.body)
        status = self._try(command.data[:cut])
        return status if status != Status.OK else self._take(command.data[cut:])

    def reset_retry_counter(self, command: ReceivedCommand) -> int:
        """RESET RETRY COUNTER: the new PIN alone, once the admin key was proven."""
        if (command.p1, command.p2) != (_AFTER_THE_KEY, PIN):
            reset = command.p1 == _AFTER_THE_KEY
            return Status.NO_REFERENCE if reset else Status.WRONG_P1P2
        if not self._session.key_proven:
            return Status.NOT_SATISFIED
        status = self._take(command.data)
        if status == Status.OK:
            self._session.forget()
        return status

    def _try(self, body: bytes) -> int:
        pin = self._state.pin
        if pin.blocked:
            return self._state.profile.blocked_status
        # Charged before the comparison, so that power loss gives nothing away.
        pin.left -= 1
        self._session.pin_verified = hmac.compare_digest(pin.body, body)
        if not self._session.pin_verified:
            return self._state.profile.last_try_status if pin.blocked else self._tries()
        pin.left = pin.limit
        return Status.OK

    def _take(self, new: bytes) -> int:
        pin, history = self._state.pin, self._state.profile.history
        if not _fits(new):
            return Status.WRONG_LENGTH
        if history and new in [pin.body, *pin.former]:
            return Status.USED_BEFORE
        pin.replace(new, history)
        return Status.OK

    def _tries(self) -> int:
        blocked = self._state.pin.blocked
        return self._state.profile.blocked_status if blocked else 0x63C0 | self._state.pin.left

    def _wrong_length(self) -> int:
        return self._state.profile.wrong_length_status or self._tries()


def _fits(pin: bytes) -> bool:
    return SHORTEST <= len(pin) <= LONGEST


# The GIDS application: which command goes where, and what must come first.

AID = bytes.fromhex("A000000397425446590201")
SHARED_AID = AID[:9]
APPLICATION = 0x3FFF
PIN_STATUS = 0x7F71
_PROTECTED = (0x20, 0x22, 0x24, 0x2A, 0x2C, 0x87)
_KEY = 0x70
_MUTUAL_AND_EXTERNAL = b"\xc0"


class GidsApplet:
    """Answers whole commands; chaining and pieces are the chip's business."""

    def __init__(self, state: GidsState) -> None:
        self._state = state
        self._selected = False
        self._session = Session()
        self._pins = PinCommands(state, self._session)
        self._admin = AdminCommands(state, self._session)
        self._containers = ContainerCommands(state, self._session)

    def reset(self) -> None:
        """Forget the session, as a loss of power does."""
        self._selected = False
        self._session.forget()

    def process(self, command: ReceivedCommand) -> Answer:
        """Answer one command."""
        if command.ins == 0xA4:
            return self._select(command)
        if not self._selected:
            return b"", Status.UNKNOWN_INS
        if command.ins in _PROTECTED and self._state.profile.contactless:
            return b"", Status.NOT_SATISFIED
        match command.ins:
            case 0x20:
                return b"", self._pins.verify(command)
            case 0x24:
                return b"", self._pins.change(command)
            case 0x2C:
                return b"", self._pins.reset_retry_counter(command)
            case 0x22 if (command.p1, command.p2) == (0x41, 0xB6):
                return b"", self._containers.choose(command)
            case 0x22:
                return b"", self._admin.choose(command)
            case 0x2A:
                return self._containers.sign(command)
            case 0x87:
                return self._admin.authenticate(command)
            case 0xCB:
                return self._get_data(command)
            case _:
                return b"", Status.UNKNOWN_INS

    def _select(self, command: ReceivedCommand) -> Answer:
        if command.p1 != 0x04:
            return b"", Status.WRONG_P1P2
        profile = self._state.profile
        answers = {AID: profile.full_aid, SHARED_AID: profile.short_aid}
        if not answers.get(command.data, False):
            return b"", profile.absent_status
        self._selected = True
        self._session.forget()
        methods = tlv(0x73, tlv(0x40, _MUTUAL_AND_EXTERNAL))
        return tlv(0x61, tlv(0x4F, AID) + methods), Status.OK

    def _get_data(self, command: ReceivedCommand) -> Answer:
        try:
            wanted = read(command.data)
            if _KEY in wanted:
                return self._containers.public_key(wanted[_KEY])
            tag = int.from_bytes(wanted[0x5C], "big")
        except (ValueError, KeyError):
            return b"", Status.WRONG_DATA
        file = command.p1 << 8 | command.p2
        if (file, tag) == (APPLICATION, PIN_STATUS) and self._state.profile.reports_tries:
            return self._pin_status(), Status.OK
        content = self._state.files.get((file, tag))
        return (b"", Status.NO_REFERENCE) if content is None else (tlv(tag, content), Status.OK)

    def _pin_status(self) -> bytes:
        pin = self._state.pin
        left = 0x9F17 if self._state.profile.first_edition else 0x97
        return tlv(PIN_STATUS, tlv(left, bytes([pin.left])) + tlv(0x93, bytes([pin.limit])))


ADMIN_KEY = bytes.fromhex("8F3B10D95C7A42E61D84B7059E2FC36AF1608D375BA94C12")
"""The key of a card that is given no other."""
_DEFAULT_PROFILE = GidsProfile()


class GidsCard(AppletChip[GidsState]):
    """The GIDS application on its chip; a deep copy of ``state`` makes another such card."""

    changing: ClassVar[tuple[int, ...]] = (0x20, 0x24, 0x2C, 0x87)

    def __init__(self, state: GidsState) -> None:
        super().__init__(state, GidsApplet(state))


def new_gids_card(
    *,
    pin: str = "482915",
    admin_key: bytes = ADMIN_KEY,
    card_id: bytes | None = None,
    blocked: bool = False,
    containers: tuple[rsa.RSAPrivateKey, ...] = (),
    profile: GidsProfile = _DEFAULT_PROFILE,
) -> GidsCard:
    """Make a personalised card; ``blocked``: its PIN has no try left.

    ``admin_key`` has 24 bytes, ``card_id`` 16: random ones when not given. ``containers``
    are keys of 2048 bits and more that sign once the PIN was verified.
    """
    card_id = card_id or secrets.token_bytes(16)
    tries, key_tries = profile.pin_tries, profile.key_tries or 1
    state = GidsState(
        profile=profile,
        card_id=card_id,
        pin=Reference(pin.encode("ascii"), tries, 0 if blocked else tries),
        key=Reference(admin_key, key_tries, key_tries),
        files=personalised(card_id) | {CONTAINER_MAP: container_map(containers)},
        containers=containers,
    )
    return GidsCard(state)
