"""What an act that waits would do: a code with facts. ``screens.words.staff.proposals`` says it.

``card`` is a card's family and identifier, ``member`` the name of a member of staff; either is
empty where it is not recorded any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from kiosk.authority.roles import Role


class PlainIntent(Enum):
    """Those with no facts."""

    LIFT_BLOCK = auto()
    REVOKE_REGISTRATION = auto()
    TAKE_BACK_LEAVER = auto()
    ERASE_PERSON = auto()
    LET_CODE_WORK = auto()
    """A code by word of mouth."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """Its fingerprint; empty where the key cannot be read."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class CannotBeRead:
    """What was entered for an ``action`` cannot be read."""

    action: str


@dataclass(frozen=True, slots=True)
class ToAddPerson:
    name: str
    number: str
    email: str


@dataclass(frozen=True, slots=True)
class ToCorrectAddress:
    """``known`` are the present addresses: a colleague compares the new one with them."""

    known: tuple[str, ...]
    email: str


@dataclass(frozen=True, slots=True)
class ToAddAddress:
    """``known`` as in ``ToCorrectAddress``: they stay."""

    known: tuple[str, ...]
    email: str


@dataclass(frozen=True, slots=True)
class ToWithdrawAddress:
    email: str


@dataclass(frozen=True, slots=True)
class ToAddCard:
    card: str
    with_secret: bool


@dataclass(frozen=True, slots=True)
class ToReplaceCard:
    card: str
    new: str
    with_secret: bool


@dataclass(frozen=True, slots=True)
class ToSetSecret:
    """``tries_full``: the card was just given it."""

    card: str
    tries_full: bool


@dataclass(frozen=True, slots=True)
class ToLetIn:
    name: str
    role: Role
    key: ShownKey | None


@dataclass(frozen=True, slots=True)
class ToGiveRole:
    member: str
    role: Role


@dataclass(frozen=True, slots=True)
class ToAddKey:
    member: str
    key: ShownKey


@dataclass(frozen=True, slots=True)
class ToAddStaffCard:
    card: str
    member: str
    key: ShownKey


@dataclass(frozen=True, slots=True)
class ToLetInStation:
    """``key`` is that of its certificate; None: it gets a line."""

    station: str
    site: str
    key: ShownKey | None = None


@dataclass(frozen=True, slots=True)
class ToReinstateStation:
    station: str


@dataclass(frozen=True, slots=True)
class ToOfferQuestion:
    text: str


@dataclass(frozen=True, slots=True)
class ToTranslateQuestion:
    """``english`` is empty where there is no such question; no ``text``: English is asked again."""

    question: int
    english: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class ToSetPolicy:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ToRedactRow:
    """``whole``: its detail, too, and not its reason alone."""

    row: int
    whole: bool


@dataclass(frozen=True, slots=True)
class ToImportFile:
    """``known`` is how many people who are known it changes."""

    name: str
    digest: str
    known: int


Intent = (
    PlainIntent
    | CannotBeRead
    | ToAddPerson
    | ToCorrectAddress
    | ToAddAddress
    | ToWithdrawAddress
    | ToAddCard
    | ToReplaceCard
    | ToSetSecret
    | ToLetIn
    | ToGiveRole
    | ToAddKey
    | ToAddStaffCard
    | ToLetInStation
    | ToReinstateStation
    | ToOfferQuestion
    | ToTranslateQuestion
    | ToSetPolicy
    | ToRedactRow
    | ToImportFile
)
