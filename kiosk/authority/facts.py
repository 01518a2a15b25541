"""Facts for staff: what the rules found, and what to do, in codes with typed values.

``screens/words/staff`` says them: nothing here is a text to be read. Each class is a code, and its
fields are what its words need. Moments are in UTC; who says them knows the zone (``ReadAt``).
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from kiosk.contract.messages import Reason


class Fact(Struct, frozen=True, tag=True):
    """A code: the name of its class, which is its tag where it is encoded."""


class ReadAt(NamedTuple):
    """When the facts were read, and the service's time zone, in which staff read times."""

    now: datetime
    zone: tzinfo


# Why a card cannot be unlocked, whatever its holder proves.


class CardRevoked(Fact, frozen=True):
    pass


class CardExpired(Fact, frozen=True):
    ended_at: datetime


class CardStopped(Fact, frozen=True):
    """By the policy's ``stop_cards``."""


class FamilyUnknown(Fact, frozen=True):
    """A newer release recorded the card; this one has no driver of that name."""

    family: str


class SecretNotRecorded(Fact, frozen=True):
    pass


class SecretNotOpened(Fact, frozen=True):
    """The recorded unblock secret cannot be opened any more."""


class LastTryKept(Fact, frozen=True):
    """The card may have one try of its unblock secret left, and is sent nothing more."""


class CardSetAside(Fact, frozen=True):
    """The card refused the recorded unblock secret: it is another's."""


CardTrouble = (
    CardRevoked
    | CardExpired
    | CardStopped
    | FamilyUnknown
    | SecretNotRecorded
    | SecretNotOpened
    | LastTryKept
    | CardSetAside
)


# What staff, or the holder, do about it.


class Do(StrEnum):
    """Advice that needs no value."""

    NOTHING = "nothing"
    TAKE_BACK_LEAVER = "take-back-leaver"
    LIFT_BLOCK = "lift-block"
    LIFT_BLOCK_PIN_IN_USE = "lift-block-pin-in-use"
    """The PIN is not known to be blocked: who knows it can still change it."""
    PUT_RIGHT_THEN_LIFT_BLOCK = "put-right-then-lift-block"
    ADD_CARD = "add-card"
    ADD_PRESENT_CARD = "add-present-card"
    REPLACE_EXPIRED_CARD = "replace-expired-card"
    REPLACE_STOPPED_CARD = "replace-stopped-card"
    UPDATE_RELEASE = "update-release"
    SET_OR_REPLACE = "set-or-replace"
    REPLACE_CARD = "replace-card"
    GIVE_CARD_ANOTHER_SECRET = "give-card-another-secret"
    SET_RIGHT_SECRET = "set-right-secret"
    SET_ADMIN_KEY_AGAIN = "set-admin-key-again"
    SEE_EACH_CARD = "see-each-card"
    SET_SECRET_THEN_GIVE_CODE = "set-secret-then-give-code"
    RECORD_ADDRESS_AND_GIVE_CODE = "record-address-and-give-code"
    GIVE_CODE_TO_REGISTER = "give-code-to-register"
    AGREE_TO_CODE = "agree-to-code"
    WAIT_OR_LIFT_BLOCK = "wait-or-lift-block"
    WAIT_OR_GIVE_CODE = "wait-or-give-code"
    NEXT_CODE_CONFIRMS = "next-code-confirms"
    NEXT_UNLOCK_FORGETS_FAILURES = "next-unlock-forgets-failures"
    NEXT_VISIT_SHOWS_OUTCOME = "next-visit-shows-outcome"
    NEXT_UNLOCK_CHANGES_SECRET = "next-unlock-changes-secret"


class RegistersLater(Fact, frozen=True):
    """The hour's codes by mail are used up: they may not be able to register before ``at``.

    A station counts those to a recorded and to a new address apart: it may send one earlier.
    """

    at: datetime
    codes: int


class Registers(StrEnum):
    """How somebody registers after their first unlock, where nothing delays it."""

    THERE = "there"
    AFTER_ADDRESS_IS_RECORDED = "after-address-is-recorded"


ThenRegister = RegistersLater | Registers


class EnterCode(Fact, frozen=True):
    before: datetime


class EnterGivenCode(Fact, frozen=True):
    """They enter a code for a first unlock, and choose a new PIN."""

    before: datetime
    then: ThenRegister


class ChoosePin(Fact, frozen=True):
    """Their code was entered; the same works until ``before``. ``then``: at a first unlock."""

    before: datetime
    then: ThenRegister | None = None


class GiveCodeOnly(Fact, frozen=True):
    """With a code they unlock, and register later."""

    later: RegistersLater


FirstHelp = Do | GiveCodeOnly
"""What a clerk can do where the PIN is blocked before somebody registered."""


class RegisterOrHelp(Fact, frozen=True):
    """They register while they know their PIN; ``if_blocked`` helps where it is blocked."""

    if_blocked: FirstHelp


class AfterRefusal(Fact, frozen=True):
    """What to do once a station refused a card for ``reason``."""

    reason: Reason


Advice = Do | EnterCode | EnterGivenCode | ChoosePin | GiveCodeOnly | RegisterOrHelp | AfterRefusal


# What a holder registered of each factor, as its rules tell it (``FactorRules.lines``).


class AnswersRegistered(Fact, frozen=True):
    """The texts of the questions; an answer is nowhere to be read."""

    questions: tuple[str, ...]


class CodesGoTo(Fact, frozen=True):
    """``recorded`` is the recorded address where it is another: it gets no codes.

    To one of the ``further`` a code goes where the holder chooses it; to one of ``later`` not
    before its cooling-off is over. Mail to one of ``failing`` came back, each with its status
    (RFC 3463); mail to one of ``late`` was late within a day.
    """

    address: str
    confirmed: bool
    recorded: str = ""
    further: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    failing: tuple[tuple[str, str], ...] = ()
    late: tuple[str, ...] = ()


class CodesSaved(Fact, frozen=True):
    """How many that they wrote down can still be entered; nobody can see one."""

    left: int


Enrolled = AnswersRegistered | CodesGoTo | CodesSaved


# What happened: an event of the audit, in its own code (``EventSpec``) and values.


class Happened(Fact, frozen=True):
    kind: str
    detail: dict[str, str | int | bool | None]


class ReportedAct(Fact, frozen=True):
    """What somebody said that they had not done."""

    reference: str
    station: str
    at: datetime
    what: Happened


# Why somebody can or cannot unlock. ``tail`` is the end of a card's identifier.


class Start(StrEnum):
    """What a refusal that stations saw means for its holder."""

    NOT_REGISTERED = "not-registered"
    OTHER_CARD_WORKS = "other-card-works"
    MAY_NOT_UNLOCK = "may-not-unlock"
    CANNOT_UNLOCK = "cannot-unlock"
    CAN_UNLOCK = "can-unlock"


class Left(Fact, frozen=True):
    since: datetime


class AttemptsUsedUp(Fact, frozen=True):
    """Blocked as soon as the card is next seen. ``pins_blocked``: of these cards, too."""

    pins_blocked: tuple[str, ...] = ()


class Blocked(Fact, frozen=True):
    """``station`` had the last failed attempt; empty where that is not known."""

    since: datetime
    failures: int
    station: str
    pins_blocked: tuple[str, ...] = ()


class BlockedByReport(Fact, frozen=True):
    since: datetime
    act: ReportedAct | None
    pins_blocked: tuple[str, ...] = ()


class NoCard(Fact, frozen=True):
    pass


class FirstCodeEntered(Fact, frozen=True):
    """A code for a first unlock was entered; the new PIN is not set yet."""

    at: datetime
    station: str


class FirstCodeGiven(Fact, frozen=True):
    pass


class FirstCodeWaits(Fact, frozen=True):
    """It waits for a second member of staff."""


class RegistrationCodeSent(Fact, frozen=True):
    at: datetime


class QuestionsMissing(Fact, frozen=True):
    """Registered without security questions, which the policy asks for now."""


class NotRegistered(Fact, frozen=True):
    pass


class SeenRefused(Fact, frozen=True):
    """A station refused the card, and it has not worked since.

    ``of_other_secret``: by the records the cause is an unblock secret that is not the card's.
    """

    start: Start
    reason: Reason
    tail: str
    at: datetime
    station: str
    of_other_secret: bool = False


class OnlyCardTroubled(Fact, frozen=True):
    trouble: CardTrouble


class NoneUsable(Fact, frozen=True):
    cards: int


class NoneInUse(Fact, frozen=True):
    """``trouble`` is that of the card with this ``tail``, which was in use last."""

    cards: int
    tail: str
    trouble: CardTrouble


class AnswersPaused(Fact, frozen=True):
    until: datetime


class TooManyCodes(Fact, frozen=True):
    until: datetime
    codes: int


class CodeWaits(Fact, frozen=True):
    pass


class CodeEntered(Fact, frozen=True):
    at: datetime
    station: str


class CodeNotEntered(Fact, frozen=True):
    by_mail: bool


class AddressUnconfirmed(Fact, frozen=True):
    pass


class OutcomeUnknown(Fact, frozen=True):
    began_at: datetime


class OneCardTroubled(Fact, frozen=True):
    """They can unlock, but not this one."""

    tail: str
    trouble: CardTrouble


class AdminKeyNotShown(Fact, frozen=True):
    """A card got a cryptogram this often, and did not prove that it has the admin key."""

    tail: str
    times: int
    last_at: datetime
    barred_until: datetime | None


class SecretUnchanged(Fact, frozen=True):
    """The card's unblock secret went to a station, and was not changed since."""

    tail: str
    at: datetime


class AttemptsFailed(Fact, frozen=True):
    failures: int
    left: int


class Ready(Fact, frozen=True):
    pass


Obstacle = (
    Left
    | AttemptsUsedUp
    | Blocked
    | BlockedByReport
    | NoCard
    | FirstCodeEntered
    | FirstCodeGiven
    | FirstCodeWaits
    | RegistrationCodeSent
    | QuestionsMissing
    | NotRegistered
    | OnlyCardTroubled
    | NoneUsable
    | NoneInUse
)
"""Why somebody is not ready to unlock."""

Remark = (
    SeenRefused
    | AnswersPaused
    | TooManyCodes
    | CodeWaits
    | CodeEntered
    | CodeNotEntered
    | AddressUnconfirmed
    | OutcomeUnknown
    | OneCardTroubled
    | AdminKeyNotShown
    | SecretUnchanged
    | AttemptsFailed
    | Ready
)
"""What is worth knowing of somebody who is ready, or of a card that a station refused."""

Finding = Obstacle | Remark


class Headline(Fact, frozen=True):
    """Why somebody can or cannot unlock, and what to do next.

    ``may_fail``: by the records they can unlock, but stations saw reasons against it.
    """

    finding: Finding
    advice: Advice
    may_fail: bool = False


# A card that no station could serve, and the recorded cards that it resembles. ``name`` and
# ``number`` are those of the holder.


class RecordedAs(Fact, frozen=True):
    """It could not be read, and is recorded."""

    name: str
    number: str


class RecordedSince(Fact, frozen=True):
    name: str
    number: str


class OfOtherFamily(Fact, frozen=True):
    name: str
    number: str
    family: str


class OfOtherCapitals(Fact, frozen=True):
    name: str
    number: str


class OfOtherByteOrder(Fact, frozen=True):
    name: str
    number: str
    identifier: str


class OfOtherLength(Fact, frozen=True):
    """``signs`` are as many as the station read."""

    name: str
    number: str
    identifier: str
    signs: int


class OfFewOtherSigns(Fact, frozen=True):
    name: str
    number: str
    identifier: str
    signs: int


class TooManyAlike(Fact, frozen=True):
    """Too many to say which is meant."""

    cards: int


NearCard = (
    RecordedAs
    | RecordedSince
    | OfOtherFamily
    | OfOtherCapitals
    | OfOtherByteOrder
    | OfOtherLength
    | OfFewOtherSigns
    | TooManyAlike
)


# What a reference number, or the number of a mail, stands for.


class ShownAt(Fact, frozen=True):
    """``who``: the member of staff, where it was no station. ``erased``: the person was."""

    reference: str
    station: str
    who: str
    at: datetime
    what: Happened
    erased: bool


class OfMail(Fact, frozen=True):
    """The number of a mail, for somebody to stop what they did not do.

    ``used_at``: a report used it up. ``is_old``: of more than 30 days ago.
    """

    used_at: datetime | None
    is_old: bool


# What is out of order.


class AlarmOfOtherVersion(Fact, frozen=True):
    kind: str


class AlarmChanged(Fact, frozen=True):
    """Its row does not say what an alarm of its kind says."""

    kind: str


class ProofFailed(Fact, frozen=True):
    station: str
    reference: str


class ManyFailuresAtStation(Fact, frozen=True):
    """Within an hour."""

    failures: int
    station: str


class StationTakesNoAnswers(Fact, frozen=True):
    """With cards that cannot prove themselves."""

    station: str
    until: datetime


class ManyFailuresOfPerson(Fact, frozen=True):
    """Within an hour; the name is empty of somebody who is not recorded any more."""

    failures: int
    name: str
    number: str


class StationSilent(Fact, frozen=True):
    station: str
    since: datetime


class MailDeniedTo(Fact, frozen=True):
    """By a policy of the relay, or of the servers of so many addresses."""

    addresses: int
    since: datetime


class MailStuck(Fact, frozen=True):
    since: datetime


class RelayAway(Fact, frozen=True):
    since: datetime


class RecordAlteredOutside(Fact, frozen=True):
    table: str
    row: str


class AuditBroken(Fact, frozen=True):
    finding: str


class ClocksDiffer(Fact, frozen=True):
    machine: str
    minutes: str


class ListNotCurrent(Fact, frozen=True):
    """A list of revoked certificates: its file, or its issuer; and why."""

    name: str
    machine: str
    finding: str


NoticedAlarm = (
    AlarmOfOtherVersion
    | AlarmChanged
    | ProofFailed
    | ManyFailuresAtStation
    | StationTakesNoAnswers
    | ManyFailuresOfPerson
    | StationSilent
    | MailDeniedTo
    | MailStuck
    | RelayAway
    | RecordAlteredOutside
    | AuditBroken
    | ClocksDiffer
    | ListNotCurrent
)


class Noticed(Fact, frozen=True):
    at: datetime
    what: NoticedAlarm


class NeverWatched(Fact, frozen=True):
    """Nobody looks for alarms yet."""


class Unwatched(Fact, frozen=True):
    since: datetime
    stations_served: bool


class ReportedByHolder(Fact, frozen=True):
    """That something was not done by them; the name as above."""

    name: str
    number: str
    station: str
    at: datetime


AlarmFact = Noticed | NeverWatched | Unwatched | ReportedByHolder
