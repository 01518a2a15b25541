"""What an act of staff did: a code with its facts. ``screens.words.staff.deeds`` says each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from kiosk.authority.facts import Advice, ReadAt
from kiosk.authority.roles import Role


class PlainDeed(Enum):
    """Those with no facts."""

    PROPOSED = auto()
    """Nothing yet: it waits for a second member of staff."""
    TAKEN_BACK = auto()
    DECLINED = auto()
    PAUSE_ENDED = auto()
    MISUSE_STOPPED = auto()
    MISUSE_STOPPED_UNREGISTERED = auto()
    CHANGE_STOPPED = auto()
    ADDRESS_ADDED = auto()
    ADDRESS_WITHDRAWN = auto()
    SAVED_CODES_WITHDRAWN = auto()
    PERSON_ERASED = auto()
    CARD_ADDED = auto()
    CARD_REPLACED = auto()
    CARD_REVOKED = auto()
    SECRET_SET = auto()
    SECRET_SET_BUT_BARRED = auto()
    """Stations do not use it: the card may have only one try left."""
    CODE_WITHDRAWN = auto()


@dataclass(frozen=True, slots=True)
class PersonAdded:
    name: str


@dataclass(frozen=True, slots=True)
class NameCorrected:
    """``spoiled``: something waits about them, to which nobody can agree any more."""

    name: str
    spoiled: bool


@dataclass(frozen=True, slots=True)
class AddressCorrected:
    registered: bool
    code_ended: bool
    """A code by word of mouth."""
    change_stopped: bool


@dataclass(frozen=True, slots=True)
class BlockLifted:
    change_stopped: bool


@dataclass(frozen=True, slots=True)
class RegistrationRevoked:
    """``advice``: what to do next about the person, by the ``clock``."""

    advice: Advice
    clock: ReadAt


@dataclass(frozen=True, slots=True)
class LeaverMarked:
    name: str


@dataclass(frozen=True, slots=True)
class LeaverTakenBack:
    name: str


@dataclass(frozen=True, slots=True)
class CodeAgreed:
    minutes: int


@dataclass(frozen=True, slots=True)
class StaffAdded:
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """``lines``: unused lines of stations that were taken back with it, as below."""

    name: str
    role: Role
    lines: int


@dataclass(frozen=True, slots=True)
class StaffRemoved:
    name: str
    lines: int


@dataclass(frozen=True, slots=True)
class StaffKeyAdded:
    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StaffKeyRemoved:
    name: str
    fingerprint: str
    lines: int


@dataclass(frozen=True, slots=True)
class StaffCardAdded:
    """``needs_pin``: an import says that the key of the card asks for its PIN."""

    name: str
    role: Role
    may_maintain: bool
    needs_pin: bool


@dataclass(frozen=True, slots=True)
class StaffCardRemoved:
    name: str


@dataclass(frozen=True, slots=True)
class LineMade:
    station: str


@dataclass(frozen=True, slots=True)
class StationCertified:
    station: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StationRetired:
    station: str


@dataclass(frozen=True, slots=True)
class StationReinstated:
    station: str


@dataclass(frozen=True, slots=True)
class PausesLifted:
    count: int


@dataclass(frozen=True, slots=True)
class QuestionAdded:
    text: str


@dataclass(frozen=True, slots=True)
class QuestionTranslated:
    """``said`` is its text in ``language``; empty where it is asked as in English again."""

    text: str
    language: str
    said: str


@dataclass(frozen=True, slots=True)
class QuestionRetired:
    text: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """``value`` is as it is entered; ``no_two_managers``: ``four_eyes`` lacks who could agree."""

    name: str
    value: str
    no_two_managers: bool


@dataclass(frozen=True, slots=True)
class RowRedacted:
    row: int


@dataclass(frozen=True, slots=True)
class FileImported:
    lines: int


Deed = (
    PlainDeed
    | PersonAdded
    | NameCorrected
    | AddressCorrected
    | BlockLifted
    | RegistrationRevoked
    | LeaverMarked
    | LeaverTakenBack
    | CodeAgreed
    | StaffAdded
    | RoleChanged
    | StaffRemoved
    | StaffKeyAdded
    | StaffKeyRemoved
    | StaffCardAdded
    | StaffCardRemoved
    | LineMade
    | StationCertified
    | StationRetired
    | StationReinstated
    | PausesLifted
    | QuestionAdded
    | QuestionTranslated
    | QuestionRetired
    | SettingChanged
    | RowRedacted
    | FileImported
)
