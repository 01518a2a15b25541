"""The messages that cross the ``Authority`` port: frozen data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, NewType

from msgspec import Meta, Struct

from kiosk.contract import language
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import BASE32, encode_base32, typed_base32


class Wire(Struct, frozen=True, tag=True, tag_field="is"):
    """What crosses the port; ``is`` names its class on the wire. ``repr`` leaves bytes out."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        every = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(name, value) for name, value in every if not isinstance(value, bytes)]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"


class Reported(Wire, frozen=True, forbid_unknown_fields=True):
    """What a station sends: the authority refuses fields that it does not know.

    A station ignores unknown fields of a newer authority.
    """


Text = Annotated[str, Meta(max_length=200, pattern="^[^\\x00]*$")]
Tries = Annotated[int, Meta(ge=0, le=255)]
PinLength = Annotated[int, Meta(ge=1, le=127)]
Moment = Annotated[datetime, Meta(tz=True)]


# Visits: identifiers, purposes, reasons and ends.

VisitId = NewType("VisitId", str)
"""32 hexadecimal digits, drawn by the station when a card goes in."""

JournalId = NewType("JournalId", str)
"""Names one unblock from its intent to its outcome."""

RouteId = NewType("RouteId", str)
"""32 hexadecimal digits: names one address to which a code can go, and says nothing about it."""


class Purpose(StrEnum):
    """What a visit is for.

    ``FIRST_UNLOCK`` is for a holder who is not registered, with a code that staff gave by word of
    mouth; once the card has its new PIN, the same visit goes on as ``REGISTER``.
    ``ADD_ADDRESS`` adds one to which codes can go as well.
    ``SAVED_CODES`` makes codes that the holder writes down.
    ``MAINTENANCE`` is for an officer, whose card opens the station's maintenance page.
    """

    REGISTER = "register"
    UNLOCK = "unlock"
    FIRST_UNLOCK = "first-unlock"
    CHANGE_PIN = "change-pin"
    CHANGE_QUESTIONS = "change-questions"
    CHANGE_EMAIL = "change-email"
    ADD_ADDRESS = "add-address"
    SAVED_CODES = "saved-codes"
    REPORT_MISUSE = "report-misuse"
    MAINTENANCE = "maintenance"


NOT_ME: Final = language.Text("I got an email: it was not me")
"""The name of ``REPORT_MISUSE`` on the pages and in the mails that point to it."""


class Reason(StrEnum):
    """Why a visit cannot go on. Each has its own page; the first group is the authority's.

    ``UNLISTED`` stands for a newer authority's reason that the station does not know.
    """

    UNKNOWN_CARD = "unknown-card"
    LEAVER = "leaver"
    CARD_EXPIRED = "card-expired"
    CARD_REVOKED = "card-revoked"
    CARD_STOPPED = "card-stopped"
    NOT_REGISTERED = "not-registered"
    REGISTRATION_BLOCKED = "registration-blocked"
    SECRET_MISSING = "secret-missing"
    SECRET_BLOCKED = "secret-blocked"
    NOT_GENUINE = "not-genuine"
    TOO_MANY_CODES = "too-many-codes"
    NO_EMAIL = "no-email"
    EMAIL_REFUSED = "email-refused"
    NO_RECORDED_EMAIL = "no-recorded-email"
    ATTEMPTS_PAUSED = "attempts-paused"
    STATION_RETIRED = "station-retired"
    STATION_LIMITED = "station-limited"
    ANSWERS_LIMITED = "answers-limited"
    SECRET_KIND_DIFFERS = "secret-kind-differs"
    CODE_WITHDRAWN = "code-withdrawn"
    CODE_MOVED = "code-moved"
    SAVED_CODE_OVER = "saved-code-over"
    GIVEN_CODE_OVER = "given-code-over"
    RECORD_ALTERED = "record-altered"
    STOP_NUMBER_WRONG = "stop-number-wrong"
    MAINTENANCE_REFUSED = "maintenance-refused"
    STOP_NUMBER_USED = "stop-number-used"
    STOP_NUMBER_OLD = "stop-number-old"

    CARD_UNREADABLE = "card-unreadable"
    CARD_NOT_SERVED = "card-not-served"
    GLOBAL_PIN = "global-pin"
    CARD_BUSY = "card-busy"
    CARD_REFUSED = "card-refused"
    INSERT_CARD = "insert-card"
    PIN_BLOCKED = "pin-blocked"
    TWO_CARDS = "two-cards"
    READER_GONE = "reader-gone"
    OUTCOME_UNKNOWN = "outcome-unknown"
    AUTHORITY_AWAY = "authority-away"
    CHANGED_MEANWHILE = "changed-meanwhile"
    UNLISTED = "unlisted"
    FAULT = "fault"


class VisitEnd(StrEnum):
    """How a visit ended, for the audit."""

    CARD_REMOVED = "card-removed"
    FINISHED = "finished"
    LEFT = "left"
    IDLE = "idle"
    REFUSED = "refused"
    FAULT = "fault"
    UPGRADED = "upgraded"


# Cards: reports, challenges and proofs.


class CardId(Reported, frozen=True):
    """A card's stable name: the driver that read it and the identifier in lower-case hex."""

    driver: Text
    identifier: Text


class PinState(Reported, frozen=True):
    """Whether the PIN is blocked, and the tries left where the card reports them."""

    blocked: bool
    tries_left: Tries | None = None


class PinFormat(Reported, frozen=True):
    """How many digits the PINs of a card have: the present one, and, with ``least_new``, a new one.

    ``letters``: the family allows characters other than digits as well; a station takes none.
    """

    least: PinLength = 4
    most: PinLength = 8
    least_new: PinLength = 4
    letters: bool = False


class OnPad(Wire, frozen=True):
    """A PIN that is entered on the reader's own keys and that no program ever sees.

    The reader takes from ``min_length`` to ``max_length`` digits; in a change both PINs have the
    length of the new one. It cannot judge whether a new PIN is weak; it asks for a new one twice.
    """

    min_length: int = 4
    max_length: int = 8


PinEntry = Sensitive | OnPad
"""A PIN that was typed at the station, or one that is entered on the reader's keys."""


class CardReport(Reported, frozen=True):
    """What a card shows without a PIN; ``expires_at`` is None where it shows no date.

    ``pin_pad``: its reader takes this card's PIN on its own keys; ``pad_changes``: these keys can
    also change the PIN.

    ``pin_format`` is for the station's pages; the authority does not use it.

    ``secret_tries`` are the tries left of the unblock secret, None where unknown. ``secret_kind``
    is the kind of secret that the station would present; None from a station of an older release.

    ``certificate`` (X.509, DER) is of the key with which the card can prove itself, where it offers
    one. A report alone proves nothing.
    """

    card: CardId
    pin: PinState
    expires_at: Moment | None = None
    certificate: bytes | None = None
    pin_pad: bool = False
    pad_changes: bool = True
    secret_tries: Tries | None = None
    pin_format: PinFormat = PinFormat()
    secret_kind: Text | None = None


class KeyKind(StrEnum):
    """The keys with which a card can prove itself (SP 800-78-5, table 3-1).

    RSA-4096 and Ed25519 are not in the standard, but on cards in use.
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


class ReadFault(StrEnum):
    """Why a station could not read a card, or does not serve it."""

    NO_ANSWER = "no-answer"
    UNKNOWN_KIND = "unknown-kind"
    NO_IDENTIFIER = "no-identifier"
    GLOBAL_PIN = "global-pin"
    TOO_SLOW = "too-slow"
    TAKEN_OUT = "taken-out"
    SWAPPED = "swapped"
    MALFORMED = "malformed"


class UnreadCard(Reported, frozen=True):
    """A card that a station could not read; ``family`` is empty where that is unknown, too."""

    fault: ReadFault
    family: Text = ""


class CardChallenge(Wire, frozen=True):
    """What a card has to sign, once and within a short time, with a key of this kind: 32 bytes.

    RSA signs as PKCS #1 v1.5 with SHA-256; ECDSA with SHA-256, on P-384 with SHA-384; Ed25519 signs
    the message itself.
    """

    message: bytes
    key: KeyKind


class CardProof(Reported, frozen=True):
    """The card's signature over a challenge: RSA or Ed25519 as it is, ECDSA in DER."""

    signature: bytes


class PinChallenge(Wire, frozen=True):
    """What a card signs directly after VERIFY, in the same hold, to prove it right: 32 bytes.

    ``attest``: the station also sends the card's attestation of that key, where it has one.
    """

    message: bytes
    attest: bool = False


class Attestation(Reported, frozen=True):
    """How a card attests that it made a key and when it asks for the PIN: two certificates (DER).

    ``attested`` is of that key, ``attesting`` of the key that signed ``attested``.
    """

    attested: bytes
    attesting: bytes


class PinProof(Reported, frozen=True):
    """A signature over ``PinChallenge.message`` by a key that the card uses only after VERIFY.

    ``public_key`` is the SubjectPublicKeyInfo in DER; ``certificate`` (X.509, DER) certifies it
    where the card holds one. RSA signs as PKCS #1 v1.5 with SHA-256; ECDSA in DER with SHA-256,
    on P-384 with SHA-384; Ed25519 signs the message itself. ``attestation`` says how
    the card uses the key.
    """

    signature: bytes
    public_key: bytes
    certificate: bytes | None = None
    attestation: Attestation | None = None


# Stations.

LONGEST_STATION_NAME = 80
"""Characters of a station's name, site or version; a longer heartbeat is refused."""


class ReaderState(StrEnum):
    """What a station's reader is doing, for the RA application."""

    LOOKING = "looking for a reader"
    READY = "ready"
    NO_READER = "no reader"
    NO_SERVICE = "PC/SC service away"


class StationStanding(StrEnum):
    """Whether a station may serve anybody: staff retire and reinstate it."""

    IN_USE = "in-use"
    RETIRED = "retired"


class Heartbeat(Reported, frozen=True):
    """``language`` is that of the station's pages while no holder is known; empty: not said."""

    version: Text = ""
    reader: ReaderState = ReaderState.LOOKING
    language: Text = ""


# Tasks: what the holder does next.


class Question(Wire, frozen=True):
    """One security question of the list."""

    id: int
    text: str


LONGEST_SECRET = 200
"""Characters of a ``Sensitive`` in a message: more than an answer, code or unblock secret has."""


class Answer(Reported, frozen=True):
    """An answer to one question."""

    question: Annotated[int, Meta(ge=0, lt=2**31)]
    text: Sensitive


class Factor(StrEnum):
    """One thing by which a holder shows who they are."""

    QUESTIONS = "questions"
    EMAIL_CODE = "email-code"
    SAVED_CODE = "saved-code"


Way = tuple[Factor, ...]
"""The factors that a holder has to pass, in this order."""


class Answers(Reported, frozen=True):
    """One full set of answers, checked as one attempt."""

    answers: tuple[Answer, ...]


class Code(Reported, frozen=True):
    """A code as it was entered."""

    digits: Sensitive


class EnteredSavedCode(Reported, frozen=True):
    """A saved code as it was entered."""

    text: Sensitive


FactorEntry = Answers | Code | EnteredSavedCode
"""What the holder enters for a factor."""


class PinRules(Wire, frozen=True):
    """The kiosk's rule for a new PIN; ``personal`` are digit strings it must not contain."""

    min_length: int = 6
    max_length: int = 8
    personal: tuple[str, ...] = ()


class Position(Wire, frozen=True):
    """Step ``index``, counted from 1, of ``count``: for the display alone.

    No station sends it back and no decision rests on it.
    """

    index: int
    count: int


class CountedTask(Wire, frozen=True, kw_only=True):
    """A task that is one of the steps of its visit."""

    position: Position


class ProvePin(CountedTask, frozen=True):
    """Enter the PIN that the card knows."""


class ChooseQuestions(CountedTask, frozen=True):
    """Choose ``count`` of ``bank`` and answer them."""

    bank: tuple[Question, ...]
    count: int


class GiveEmail(CountedTask, frozen=True):
    """Confirm or change the address; ``domains`` are the approved ones, empty for any."""

    suggested: str
    domains: tuple[str, ...]


class AnswerQuestions(CountedTask, frozen=True):
    """Answer all of ``questions`` as one attempt."""

    questions: tuple[Question, ...]
    attempts_left: int


class Route(Wire, frozen=True):
    """Where a code goes; ``masked`` is the address as a page may show it.

    ``may_fail``: mail to it came back or was late. Which of them is not said, so that a thief of
    the card does not learn from it that the holder reads no notices.
    ``by_text``: it is a number that gets text messages.
    """

    id: RouteId
    masked: str
    may_fail: bool = False
    by_text: bool = False


class SendCode(CountedTask, frozen=True):
    """A code has to be sent to one of ``routes``; the station asks for it at once.

    ``proves_owner``: the code is a factor and goes to an address that is already recorded, because
    the card did not prove its PIN.
    """

    routes: Annotated[tuple[Route, ...], Meta(min_length=1)]
    proves_owner: bool = False


class EnterCode(CountedTask, frozen=True):
    """Enter the code that went to ``sent_to``; seconds count from this answer.

    ``sent_to`` is None for a code that staff gave by word of mouth; a code by mail would replace
    it. Another one can be sent to ``routes``; empty where only staff give one. ``tag`` is in the QR
    code of its mail, too (``kiosk.contract.scans``); without it the code can only be typed.
    ``mail_takes_s``: mail is slow, and codes take about as long; 0 where it is not, or unknown.
    """

    sent_to: Route | None
    routes: tuple[Route, ...]
    digits: int
    expires_in_s: float
    resend_in_s: float
    tries_left: int
    proves_owner: bool = False
    tag: str = ""
    mail_takes_s: float = 0.0

    @property
    def masked(self) -> str:
        """The address to which it went; empty for a code that staff gave."""
        return self.sent_to.masked if self.sent_to else ""

    @property
    def other_routes(self) -> tuple[Route, ...]:
        """Where another code can go, but the route of this one."""
        return tuple(each for each in self.routes if each != self.sent_to)


class EnterSavedCode(CountedTask, frozen=True):
    """Enter one of the codes that were written down.

    Which of them are left is never revealed.
    """

    attempts_left: int


FactorTask = AnswerQuestions | EnterCode | EnterSavedCode
"""What a factor asks of the holder, in one entry."""


class ChooseWay(CountedTask, frozen=True):
    """Choose one of several ways to show who one is; each is passed factor by factor."""

    ways: tuple[Way, ...]


class MakeSavedCodes(CountedTask, frozen=True):
    """Codes have to be made for the holder to write down; the station asks for them at once."""


class KeepSavedCodes(CountedTask, frozen=True):
    """Write down ``codes``, which are shown this once, and confirm it: then they count.

    They take the place of all earlier ones.
    """

    codes: tuple[Sensitive, ...]


class EnterStopNumber(Wire, frozen=True):
    """Enter the number from a notice about an act that the holder did not do."""

    digits: int
    tries_left: int


class SetPin(CountedTask, frozen=True):
    """Choose a new PIN."""

    rules: PinRules


class MaintenanceReason(StrEnum):
    """Why an officer opened the maintenance page; with ``OTHER`` come the officer's words."""

    CHECK = "check"
    CARD_READER = "card-reader"
    NETWORK = "network"
    DISPLAY = "display"
    OTHER = "other"


class MaintenanceAct(StrEnum):
    """What an officer can do at a station."""

    TEST_READER = "test-reader"
    SHOW_NETWORK = "show-network"
    RESTART_STATION = "restart-station"
    RESTART_MACHINE = "restart-machine"
    SWITCH_OFF = "switch-off"


class Maintain(Wire, frozen=True):
    """The maintenance page is open to this officer, until the card leaves.

    ``station`` is the authority's name for the station, ``clock`` the authority's time.
    """

    station: str
    clock: datetime


class Finished(Wire, frozen=True):
    """All is done.

    A changed address counts after ``counts_in_s`` seconds, at once if that is 0. After a first
    unlock without a registration, the holder can register in ``counts_in_s`` seconds; 0: once an
    address is recorded for them. ``saved_code`` takes the place of the one that was used, and is
    shown this once. ``saved_codes``: the holder can now have some made, in another visit. A card
    that expires within ``expires_soon_days`` days has to be replaced soon.
    """

    purpose: Purpose
    counts_in_s: float = 0.0
    saved_code: Sensitive | None = None
    saved_codes: bool = False
    expires_soon_days: int = 30


Task = (
    ProvePin
    | ChooseQuestions
    | GiveEmail
    | ChooseWay
    | SendCode
    | FactorTask
    | MakeSavedCodes
    | KeepSavedCodes
    | EnterStopNumber
    | SetPin
    | Maintain
    | Finished
)


# One unblock: the grant and the outcome.
#
# Most cards compare a secret, which is therefore sent: ``Grant``. A card with an admin key
# authenticates by a cryptogram: the key stays with the authority, and a station only passes on four
# messages (``KeyChallenge``, ``KeyNonce``, ``KeyGrant``, ``KeyAnswer``).


class Grant(Wire, frozen=True):
    """One unblock, journaled: the secret for the card of this visit, to be used once."""

    journal: JournalId
    secret: Sensitive


class KeyChallenge(Wire, frozen=True):
    """The authority's fresh nonce, 16 bytes, for a card with an admin key."""

    nonce: bytes


class KeyNonce(Reported, frozen=True):
    """The card's nonce, 16 bytes, in answer to a ``KeyChallenge``."""

    nonce: bytes


class KeyGrant(Wire, frozen=True):
    """One unblock, journaled: the authority's cryptogram over both nonces, valid once."""

    journal: JournalId
    cryptogram: bytes


class KeyAnswer(Reported, frozen=True):
    """The card's cryptogram over both nonces: only a card with the admin key can make it."""

    cryptogram: bytes


class UnblockDone(Reported, frozen=True):
    """The card answered that the PIN was reset."""


class UnblockRefused(Reported, frozen=True):
    """The card refused; ``tries_left`` of the unblock secret (0: blocked, None: not spent)."""

    tries_left: Tries | None
    because: Text


class UnblockWrong(Reported, frozen=True):
    """The card answered that the unblock secret is wrong, without the tries left."""


class UnblockNotSent(Reported, frozen=True):
    """The command was never sent to the card."""


class UnblockUnknown(Reported, frozen=True):
    """The command was sent and its answer was lost."""


UnblockOutcome = UnblockDone | UnblockRefused | UnblockWrong | UnblockNotSent | UnblockUnknown


# Replies to the holder's entries, and refusals.


class Offer(Wire, frozen=True):
    """What the holder may choose, and in how many steps.

    A PIN that the card is not expected to prove adds a step: the code to a recorded address.
    """

    purpose: Purpose
    steps: int


class VisitOpened(Wire, frozen=True):
    """A known card; ``resumed`` is set when a code that was sent earlier can still be entered.

    ``offers`` then holds the other choices: choosing one withdraws that code. ``blocked``:
    self-service is blocked for the holder, so few purposes are offered. ``language`` is that of the
    visit; None from an authority of an older release. ``ways``: those among which the holder chose
    before they came back, and may choose again.
    """

    visit: VisitId
    holder_name: str
    offers: tuple[Offer, ...]
    resumed: tuple[Purpose, EnterCode] | None = None
    blocked: bool = False
    language: language.Language | None = None
    ways: ChooseWay | None = None


class Refusal(Wire, frozen=True):
    """The visit cannot go on.

    ``retry_at`` (aware UTC) is set where the holder can try again later, at any station.
    """

    reason: Reason
    retry_at: datetime | None = None


class FactorWrong(Wire, frozen=True):
    """The entry was wrong; ``again`` has the tries left.

    Which of several answers was wrong is never revealed.
    """

    again: FactorTask


class FactorEnd(StrEnum):
    """Why what was sent or given for a factor is no longer good."""

    EXPIRED = "expired"
    SPENT = "spent"
    WITHDRAWN = "withdrawn"
    MOVED = "moved"
    """It was sent where nothing is sent any more: the address has changed."""


class FactorOver(Wire, frozen=True):
    """What was sent or given is no longer good; ``again`` is what to do instead.

    Another code can be sent in ``retry_in_s`` seconds.
    """

    why: FactorEnd
    again: SendCode | ChooseWay
    retry_in_s: float = 0.0


class AnswerProblem(StrEnum):
    """Why a registration answer is refused."""

    EMPTY = "empty"
    TOO_SHORT = "too-short"
    NOT_TYPABLE = "not-typable"
    REPEATS_QUESTION = "repeats-question"
    SAME_AS_ANOTHER = "same-as-another"
    TOO_LONG = "too-long"


class AnswersRefused(Wire, frozen=True):
    """A registration answer breaks a rule; nothing was stored."""

    question: int
    problem: AnswerProblem


class EmailRefused(Wire, frozen=True):
    """The address is malformed, or (``domain``) its domain is not approved."""

    domain: bool
    again: GiveEmail


class CodeNotSent(Wire, frozen=True):
    """No code went out and nothing was charged.

    ``mail_away``: the relay did not accept it; otherwise a limit applies. ``again`` is the task
    instead: enter the code that is still live, ask again (``SendCode``), or give another address,
    because mail to this one is refused. ``refused``: nothing ever arrives at the route that was
    chosen, and there is another one.
    """

    mail_away: bool
    retry_in_s: float
    again: EnterCode | SendCode | GiveEmail
    refused: bool = False


class StopNumberWrong(Wire, frozen=True):
    """This card's holder has no such stop number; ``again`` has the tries left."""

    again: EnterStopNumber


Reply = (
    VisitOpened
    | Task
    | Refusal
    | FactorWrong
    | FactorOver
    | AnswersRefused
    | EmailRefused
    | CodeNotSent
    | StopNumberWrong
)
"""Every answer to a station except the ``Grant``."""

# The short number that a holder reads out and RA staff look up.

_LENGTH = 8


def reference_of(visit: VisitId) -> str:
    """Return the visit's reference, ``XXXX-XXXX``: 40 bits of its id in Crockford's base 32.

    It depends on the id alone, so that a station can show it while the authority is away.
    """
    text = encode_base32(int(visit[:10], 16), _LENGTH)
    return f"{text[:4]}-{text[4:]}"


def read_reference(text: str) -> str | None:
    """Return the reference number in a typed text; None where it has none.

    Case, spaces and the dash do not matter, and the letters that Crockford's alphabet omits are
    read as the digits that they resemble.
    """
    typed = typed_base32(text)
    if len(typed) != _LENGTH or not set(typed) <= set(BASE32):
        return None
    return f"{typed[:4]}-{typed[4:]}"
