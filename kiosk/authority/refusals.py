"""Why an act of staff was not done: a code with its facts, in ``AdministrationError.because``.

``screens.words.staff.refusals`` says each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum, auto

from kiosk.authority.facts import CardTrouble, Happened
from kiosk.authority.roles import Action, Role


class PlainRefusal(Enum):
    """Those with no facts."""

    # What is common to every act.
    PERSON_CHANGED = auto()
    PERSON_NOT_RECORDED = auto()
    KEY_LETS_IN_NO_MORE = auto()
    MASTER_KEYS_AWAY = auto()
    KEY_IS_MISSING = auto()
    # Logging in.
    LOGIN_NOT_BY_SSH = auto()
    LOGIN_KEY_NOT_KNOWN = auto()
    LOGIN_NOT_BY_ONE_KEY = auto()
    # What waits for a second member of staff.
    WAITS_ALREADY = auto()
    WAITS_NO_MORE = auto()
    NOT_AGREED_IN_TIME = auto()
    DECIDED_ALREADY = auto()
    PROPOSER_MAY_NOT_ANY_MORE = auto()
    PROPOSERS_REASON_GONE = auto()
    OVERTAKEN = auto()
    """The person was changed since it was proposed."""
    SECRET_REPLACED_SINCE = auto()
    OWN_PROPOSAL = auto()
    OF_ANOTHER_VERSION = auto()
    PROPOSAL_UNREADABLE = auto()
    # People.
    REASON_NAMES_THEM = auto()
    NUMBER_TAKEN = auto()
    NAME_AS_BEFORE = auto()
    ADDRESS_AS_BEFORE = auto()
    TOO_MANY_ADDRESSES = auto()
    NO_FURTHER_ADDRESS = auto()
    NO_ADDRESS = auto()
    NO_MOBILE_NUMBER = auto()
    NO_TEXT_MESSAGES = auto()
    NOT_BLOCKED = auto()
    NOT_REGISTERED = auto()
    LEAVER_ALREADY = auto()
    NO_LEAVER = auto()
    NO_CHANGE_OF_ADDRESS = auto()
    NO_SAVED_CODES = auto()
    # Cards.
    NO_SUCH_MASTER_KEY = auto()
    SECRET_MISSING = auto()
    IDENTIFIER_MISSING = auto()
    CARD_BEING_REPLACED = auto()
    HOLDER_HAS_LEFT = auto()
    NEW_CARD_EXPIRED = auto()
    CARD_ADDED_JUST_NOW = auto()
    CARD_STAYS_REVOKED = auto()
    CARD_THEIRS_ALREADY = auto()
    NO_SUCH_CARD_ANY_MORE = auto()
    CARD_REVOKED_ALREADY = auto()
    # Codes by word of mouth.
    LEAVER_NOT_SERVED = auto()
    BLOCK_COMES_FIRST = auto()
    CODE_NOT_AGREED_IN_TIME = auto()
    CODE_GIVER_MAY_NOT_ANY_MORE = auto()
    CHANGED_SINCE_CODE = auto()
    CODE_CHANGED = auto()
    CODE_OVER = auto()
    NOTHING_OF_THIS_ID = auto()
    # Reasons that are entered.
    NOT_SHOWABLE = auto()
    ADDRESS_ALONE = auto()
    LOOKS_SECRET = auto()
    # The audit.
    NO_TIME_ZONE = auto()
    NO_SUCH_MOMENT = auto()
    END_BEFORE_BEGINNING = auto()
    STATION_OF_NO_ROW = auto()
    NO_REFERENCE = auto()
    NUMBER_OF_NOBODY = auto()
    ROW_OF_REDACTION = auto()
    ROW_WITHOUT_TEXT = auto()
    ROW_WITHOUT_REASON = auto()
    # Reports.
    LAST_BEFORE_FIRST = auto()
    REPORT_TOO_LONG = auto()
    RELAY_REFUSES_ADDRESS = auto()
    RELAY_DID_NOT_TAKE_IT = auto()
    # Imports.
    FILE_CHANGED_SINCE = auto()
    PLAN_CHANGED_SINCE = auto()
    # Stations.
    STATIONS_CANNOT_ENROL = auto()
    STATION_NAME_MISSING = auto()
    CERTIFICATE_EXPIRED = auto()
    NO_CERTIFICATE = auto()
    CERTIFICATE_OF_UNKNOWN_KIND = auto()
    # Members of staff, their keys and cards.
    OWN_ROLE = auto()
    OWN_REMOVAL = auto()
    OWN_ONLY_KEY = auto()
    NO_SUCH_MEMBER = auto()
    TECHNICIAN_HAS_NO_KEY = auto()
    KEY_NOT_IN_SECURITY_KEY = auto()
    CARD_OF_STAFF_ALREADY = auto()
    CARD_NOT_RECORDED = auto()
    NAME_OF_ANOTHER_ACTOR = auto()
    NAME_IN_TWO_ALPHABETS = auto()
    PRIVATE_KEY = auto()
    NOT_ONE_KEY = auto()
    KEY_WITHOUT_KIND = auto()
    KEY_DAMAGED = auto()
    # Policy and questions.
    NO_TWO_MANAGERS_TO_AGREE = auto()
    QUESTION_NOT_SHOWABLE = auto()
    NO_SUCH_QUESTION = auto()
    NO_OTHER_LANGUAGE = auto()
    QUESTION_RETIRED_ALREADY = auto()


# What is common to every act, and what waits.


@dataclass(frozen=True, slots=True)
class NotForRole:
    """``action`` is None where the role may do nothing of the kind."""

    role: Role
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class AlteredRecord:
    """Somebody altered it outside of the service."""

    table: str
    row: str
    reference: str


@dataclass(frozen=True, slots=True)
class StaffRecordsAltered:
    reference: str


@dataclass(frozen=True, slots=True)
class KeyOfNobody:
    reference: str


@dataclass(frozen=True, slots=True)
class LoginNeedsSecurityKey:
    reference: str


@dataclass(frozen=True, slots=True)
class NothingForRole:
    role: Role
    reference: str


@dataclass(frozen=True, slots=True)
class TooManyWaiting:
    most: int


@dataclass(frozen=True, slots=True)
class LetInByProposer:
    """The one who proposed it, of this ``name``, let the reader in."""

    name: str


@dataclass(frozen=True, slots=True)
class ProposerLetIn:
    """The reader let in the one who proposed it."""

    name: str


# People, cards and codes.


@dataclass(frozen=True, slots=True)
class UnlockUnderWay:
    """``began`` at this moment of the service's ``zone``, seen at ``now``."""

    began: datetime
    now: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class UnlockUndetermined:
    """As above; what became of it is not known."""

    began: datetime
    now: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class NoSuchNumber:
    number: str


@dataclass(frozen=True, slots=True)
class AddressOfOther:
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class NumberOfOtherCountry:
    taken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DomainNotApproved:
    approved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilyUnknown:
    """Of a card that is recorded."""

    driver: str


@dataclass(frozen=True, slots=True)
class CardOfOther:
    number: str


@dataclass(frozen=True, slots=True)
class CardOfNoUse:
    """No code can unlock it."""

    trouble: CardTrouble


@dataclass(frozen=True, slots=True)
class CodesGivenAlready:
    count: int


@dataclass(frozen=True, slots=True)
class CodeForSomethingElse:
    """``registered``: the person is, since the code was given; or they are not any more."""

    name: str
    registered: bool


# Reasons that are entered, the audit, reports and imports.


@dataclass(frozen=True, slots=True)
class ReasonLength:
    """``identifies``: it is how somebody was identified."""

    identifies: bool
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class NoSuchRow:
    row: int


@dataclass(frozen=True, slots=True)
class NoSuchKindOfRow:
    """``near``: the kind that is written nearly so, or empty."""

    near: str


@dataclass(frozen=True, slots=True)
class NobodyNamedSo:
    """Of the staff; ``command_line`` is how the audit names an act on that."""

    command_line: str


@dataclass(frozen=True, slots=True)
class FilterTooLong:
    """Or with a character that cannot be shown."""

    most: int


@dataclass(frozen=True, slots=True)
class TooManyReportsMailed:
    most: int


@dataclass(frozen=True, slots=True)
class NothingBefore:
    year: int


@dataclass(frozen=True, slots=True)
class NothingBeyond:
    year: int


@dataclass(frozen=True, slots=True)
class NoSuchFile:
    name: str


@dataclass(frozen=True, slots=True)
class ExportsDiskFull:
    folder: str
    megabytes: int


@dataclass(frozen=True, slots=True)
class ExportsFolderFails:
    """``because`` as the system says it; empty: it does not answer."""

    folder: str
    because: str


@dataclass(frozen=True, slots=True)
class NoImportsFolder:
    folder: str


@dataclass(frozen=True, slots=True)
class ImportsFolderFails:
    """As above."""

    folder: str
    because: str


@dataclass(frozen=True, slots=True)
class NothingImported:
    """``because`` is what is wrong with the line, as the import says it."""

    line: int
    because: str


# Stations.


@dataclass(frozen=True, slots=True)
class KeyOfOtherStation:
    station: str


@dataclass(frozen=True, slots=True)
class NoPauseInForce:
    station: str


@dataclass(frozen=True, slots=True)
class StationRetiredSince:
    station: str


@dataclass(frozen=True, slots=True)
class StationNameTooLong:
    """Or one with a character that cannot be shown."""

    most: int


@dataclass(frozen=True, slots=True)
class StationRetiredAlready:
    station: str


@dataclass(frozen=True, slots=True)
class StationInServiceAlready:
    station: str


@dataclass(frozen=True, slots=True)
class NoSuchStation:
    station: str


# Members of staff, their keys and cards.


@dataclass(frozen=True, slots=True)
class LastManager:
    name: str


@dataclass(frozen=True, slots=True)
class HasRoleAlready:
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class HasNoSuchCard:
    name: str


@dataclass(frozen=True, slots=True)
class HasNoSuchKey:
    name: str


@dataclass(frozen=True, slots=True)
class MemberChanged:
    name: str


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """``name``: whose it is; empty where that is not known any more."""

    name: str


@dataclass(frozen=True, slots=True)
class NoSuchFamily:
    driver: str


@dataclass(frozen=True, slots=True)
class StaffNameUnfit:
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class StaffNameTaken:
    name: str


@dataclass(frozen=True, slots=True)
class RsaKeyTooShort:
    fewest_bits: int


# Policy and questions.


@dataclass(frozen=True, slots=True)
class NoSuchSetting:
    name: str


@dataclass(frozen=True, slots=True)
class SettingChangedSince:
    name: str


@dataclass(frozen=True, slots=True)
class SettingSetAlready:
    name: str


@dataclass(frozen=True, slots=True)
class StopsManyCards:
    """By ``stop_cards``; a rule about certificates may stop each card that it does not exclude."""

    stopped: int
    cards: int


@dataclass(frozen=True, slots=True)
class ValueUnfit:
    """``because`` is in the words of the settings file, as are all texts about its settings."""

    because: str


@dataclass(frozen=True, slots=True)
class ValueDoesNotFit:
    """Beside the other settings; ``because`` as above."""

    because: str


@dataclass(frozen=True, slots=True)
class TooFewQuestions:
    offered: int


@dataclass(frozen=True, slots=True)
class QuestionLength:
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class QuestionInList:
    text: str


@dataclass(frozen=True, slots=True)
class TooFewWouldBeLeft:
    wanted: int
    left: int


# What others did since: in ``ConcurrentChange.changes``.


@dataclass(frozen=True, slots=True)
class DoneSince:
    """``who`` did it: a member of staff; empty: an import or a station, or nobody knows who."""

    who: str
    what: Happened
    reference: str


@dataclass(frozen=True, slots=True)
class ProposedBefore:
    who: str
    reference: str


@dataclass(frozen=True, slots=True)
class AgreedSince:
    who: str


@dataclass(frozen=True, slots=True)
class DeclinedSince:
    """``taken_back``: by the one who had proposed it."""

    who: str
    taken_back: bool


@dataclass(frozen=True, slots=True)
class SettingSetSince:
    """``value`` as it is entered; None: the settings file's counts again."""

    who: str
    name: str
    value: str | None


Change = DoneSince | ProposedBefore | AgreedSince | DeclinedSince | SettingSetSince

Refusal = (
    PlainRefusal
    | NotForRole
    | AlteredRecord
    | StaffRecordsAltered
    | KeyOfNobody
    | LoginNeedsSecurityKey
    | NothingForRole
    | TooManyWaiting
    | LetInByProposer
    | ProposerLetIn
    | UnlockUnderWay
    | UnlockUndetermined
    | NoSuchNumber
    | AddressOfOther
    | DomainNotApproved
    | NumberOfOtherCountry
    | FamilyUnknown
    | CardOfOther
    | CardOfNoUse
    | CodesGivenAlready
    | CodeForSomethingElse
    | ReasonLength
    | NoSuchRow
    | NoSuchKindOfRow
    | NobodyNamedSo
    | FilterTooLong
    | TooManyReportsMailed
    | NothingBefore
    | NothingBeyond
    | NoSuchFile
    | ExportsDiskFull
    | ExportsFolderFails
    | NoImportsFolder
    | ImportsFolderFails
    | NothingImported
    | KeyOfOtherStation
    | NoPauseInForce
    | StationRetiredSince
    | StationNameTooLong
    | StationRetiredAlready
    | StationInServiceAlready
    | NoSuchStation
    | LastManager
    | HasRoleAlready
    | HasNoSuchCard
    | HasNoSuchKey
    | MemberChanged
    | KeyInUse
    | NoSuchFamily
    | StaffNameUnfit
    | StaffNameTaken
    | RsaKeyTooShort
    | NoSuchSetting
    | SettingChangedSince
    | SettingSetAlready
    | StopsManyCards
    | ValueUnfit
    | ValueDoesNotFit
    | TooFewQuestions
    | QuestionLength
    | QuestionInList
    | TooFewWouldBeLeft
)


def code_of(because: Refusal) -> str:
    """Return its name, for a log: its facts name people."""
    return because.name if isinstance(because, PlainRefusal) else type(because).__name__
