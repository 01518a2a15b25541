"""Data for staff: frozen, without a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from kiosk.authority.administration.deeds import Deed
from kiosk.authority.administration.intents import Intent
from kiosk.authority.facts import (
    AlarmFact,
    CardTrouble,
    Enrolled,
    Happened,
    Headline,
    NearCard,
    OfMail,
    ReadAt,
    RegistersLater,
    ShownAt,
)
from kiosk.authority.people_groups import PagePosition
from kiosk.authority.records import AuditVerdict as AuditVerdict
from kiosk.authority.records import Progress as Progress
from kiosk.authority.refusals import Refusal
from kiosk.authority.roles import Action, Role
from kiosk.contract.families import DEFAULT
from kiosk.contract.language import Language
from kiosk.contract.messages import ReadFault
from kiosk.contract.sensitive import Sensitive

if TYPE_CHECKING:
    from kiosk.authority.audit.events import Count

# Who acts, on what grounds, and the result.


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller: a member of staff, by the key that logged in, or the user of a command.

    ``staff_id`` is empty for the command line, whose user controls the machine; then ``name`` is
    the name in the audit. ``key`` is the fingerprint, ``SHA256:...``.
    """

    name: str
    role: Role
    staff_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why it is done, and for the actions of ``IDENTIFIES`` how the person was identified."""

    reason: str
    identified_by: str = ""


@dataclass(frozen=True, slots=True)
class StationLetIn:
    """The line with which a station enrols once, to be typed there: it is shown nowhere else."""

    station: str
    line: Sensitive
    expires_at: datetime
    reference: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was done; ``reference`` finds it in the audit.

    Where it ``waits`` for a second member of staff, nothing has been changed. ``let_in`` is the
    line of a station, for the one whose call made it: who entered it alone, or who agreed.
    """

    deed: Deed
    reference: str
    waits: bool = False
    let_in: StationLetIn | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The person that an action is about, as they were on the screen when it was decided.

    Stations raise no ``revision``. ``blocked_at`` is their block's, ``addresses`` the registered
    one and the one that waits to replace it.
    """

    holder_id: str
    revision: int
    blocked_at: datetime | None = None
    addresses: frozenset[str] = frozenset()


# The audit as staff read it.


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The filter of the audit; an empty field does not narrow.

    ``since`` is included, ``until`` is not. ``person`` is a holder number or a holder's id,
    ``staff`` a name or a staff id. ``counted`` shows the rows behind a figure, ``reason`` the
    refusals for that reason alone.
    """

    person: str = ""
    station: str = ""
    staff: str = ""
    kind: str = ""
    reference: str = ""
    since: datetime | None = None
    until: datetime | None = None
    counted: Count | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row; ``sentence`` is the event in plain words, ``details`` the rest as recorded.

    ``number`` and ``name`` are the holder's; of one who was erased there is no number, and the name
    says so. ``card`` is its family and identifier, as the card reports it: ``piv 0123…``.
    """

    seq: int
    at: datetime
    kind: str
    sentence: str
    number: str
    name: str
    card: str
    station: str
    who: str
    reference: str
    details: tuple[str, ...]

    @property
    def detail(self) -> str:
        """The details in one line; a text that somebody wrote may look like several of them."""
        return "; ".join(self.details)

    @property
    def person(self) -> str:
        return f"{self.number} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows, newest first; ``older`` is the position of the next page, None: no more."""

    lines: tuple[AuditLine, ...]
    older: int | None


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON_LINES = "jsonl"


# What waits for a second member of staff.


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """One waiting act: what it would do, to whom, and who proposed it, when and why.

    ``about`` names the person or the member of staff; it is empty for anything else. ``number`` is
    the person's: two may have the same name. ``why_not`` is why the reader cannot agree; None: they
    can.
    """

    proposal_id: str
    action: Action
    what: Intent
    holder_id: str
    about: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    reason: str
    identified_by: str
    reference: str
    is_mine: bool = False
    why_not: Refusal | None = None
    number: str = ""

    @property
    def whom(self) -> str:
        """``about``, with the person's number."""
        return f"{self.about} ({self.number})" if self.number else self.about


# A person as the clerk sees them: their standing, their cards, their story.


class Standing(StrEnum):
    """A person's standing with self-service, the most serious first."""

    LEFT = "left"
    BLOCKED = "blocked"
    NO_CARD = "no-card"
    NOT_REGISTERED = "not-registered"
    CARD_TROUBLE = "card-trouble"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class PersonLine:
    holder_id: str
    number: str
    name: str
    email: str
    standing: Standing
    cards: int
    date: datetime | None = None
    """In a list: since when blocked, in doubt or gone, or when the card ends."""


@dataclass(frozen=True, slots=True)
class ListedPeople:
    """A page of a list; ``more`` is the position of the next one, None: no more."""

    people: tuple[PersonLine, ...]
    more: PagePosition | None


@dataclass(frozen=True, slots=True)
class About:
    """What a reference number, or the ``mail`` with a number, is about.

    ``shown``: when and where the reference number was shown, or who gave it, and how it ended.
    """

    shown: ShownAt | None
    mail: OfMail | None
    clock: ReadAt


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of a search, by name; ``more``: there are others beyond the limit.

    ``about`` explains a hit by a number. ``card`` is the one that no station could serve, where the
    number is of its visit.
    """

    people: tuple[PersonLine, ...]
    more: bool = False
    about: About | None = None
    card: UnknownCard | None = None


class RightPin(NamedTuple):
    """When a card last verified its PIN, and whether that was proven or only claimed."""

    at: datetime
    proven: bool


@dataclass(frozen=True, slots=True)
class CardLine:
    """One card of a person; ``trouble`` is why it cannot be unlocked, None: it can.

    ``has_key``: a key is recorded, and only a card that proves it is served. ``has_pin_key``: the
    key is recorded with which it signs after its PIN; ``pin_is_bound``: an import declared that the
    key needs the PIN. Until ``assisted_until`` its PIN may be one that was set with a code from
    staff.
    """

    card_id: str
    driver: str
    identifier: str
    revoked: bool
    expires_at: datetime | None
    has_secret: bool
    trouble: CardTrouble | None
    has_key: bool = False
    has_pin_key: bool = False
    pin_is_bound: bool = False
    assisted_until: datetime | None = None
    last_right_pin: RightPin | None = None
    """The last one, which may be from before the PIN was blocked; None: no recent one."""


@dataclass(frozen=True, slots=True)
class RegistrationLine:
    registered_at: datetime
    enrolled: tuple[Enrolled, ...]
    """What each factor of theirs tells staff."""
    failures: int
    failures_allowed: int
    blocked_at: datetime | None
    paused_until: datetime | None = None
    """Until then no answers are accepted with cards that cannot prove themselves."""
    misuse_reported: bool = False
    """The block came from a report, and not from failed attempts."""

    @property
    def is_only_paused(self) -> bool:
        """Whether to lift the block ends a pause and no block, for which one member is enough."""
        blocked = self.blocked_at is not None or self.failures >= self.failures_allowed
        return self.paused_until is not None and not blocked


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A live code, or one that staff gave and that waits for a second member.

    ``waits_for_second`` is True until somebody else agreed; ``expires_at`` limits that, too.
    """

    code_id: str
    card_id: str
    holder_id: str
    holder_name: str
    by_mail: bool
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    waits_for_second: bool


@dataclass(frozen=True, slots=True)
class AddressChangeLine:
    """A change of address that is not in force yet; the new one is masked."""

    old: str
    masked: str
    counts_from: datetime


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One event; ``grave`` marks a refusal or a failure.

    ``reason`` and ``identified_by`` are the grounds of an act of staff, ``agreed_by`` who was its
    second member.
    """

    seq: int
    at: datetime
    what: Happened
    who: str
    station: str
    reference: str
    grave: bool
    reason: str = ""
    identified_by: str = ""
    agreed_by: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """All of a person's page.

    ``proposals`` are acts about them that wait for a second member. ``headline`` is why they can
    or cannot unlock, with what to do next. ``registers_later`` is from when they can register,
    where they are not registered and the hour's codes are used up. ``clock`` is that of the facts.
    ``open_to`` are the actions that make sense now and that the reader's role permits.
    """

    seen: Seen
    number: str
    name: str
    email: str
    left_at: datetime | None
    standing: Standing
    can_unlock: bool
    headline: Headline
    clock: ReadAt
    registration: RegistrationLine | None
    cards: tuple[CardLine, ...]
    codes: tuple[CodeLine, ...]
    story: tuple[StoryLine, ...]
    open_to: frozenset[Action]
    proposals: tuple[ProposalLine, ...] = ()
    waiting_change: AddressChangeLine | None = None
    registers_later: RegistersLater | None = None


@dataclass(frozen=True, slots=True)
class IssuedFrom:
    """Stands for the unblock secret that a card was issued with, which derives from a master key.

    ``master`` is that key's id, as in ``kiosk keys list``.
    """

    master: str


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to be added; ``secret`` is its unblock secret, None where it is not known yet."""

    identifier: str
    driver: str = DEFAULT
    expires_at: datetime | None = None
    secret: Sensitive | IssuedFrom | None = None
    secret_limit: int | None = None


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code given by staff, to be read out once: it is shown nowhere else, ever."""

    code_id: str
    code: Sensitive
    expires_at: datetime
    waits_for_second: bool
    reference: str
    for_first_unlock: bool = False


@dataclass(frozen=True, slots=True)
class UnknownCard:
    """A card that no station serves: it is not recorded, or could not be read for a ``fault``.

    ``near`` are the recorded cards that it resembles. Family and identifier are empty where the
    station could not read them. ``recorded``: it was recorded since.
    """

    reference: str
    at: datetime
    station: str
    family: str
    identifier: str
    near: tuple[NearCard, ...]
    fault: ReadFault | None
    recorded: bool = False

    @property
    def can_be_added(self) -> bool:
        """Whether it was read, and is recorded for nobody."""
        return bool(self.identifier) and self.fault is None and not self.recorded


# The service for staff: today, stations, questions, policy, staff, files, reports.

MOST_COUNTED = 10_000
"""People are counted up to this number; where there are as many, there may be more."""


@dataclass(frozen=True, slots=True)
class Day:
    """What was done on one day of the service's time zone."""

    day: date
    unlocked: int
    registered: int
    refused: int


@dataclass(frozen=True, slots=True)
class RefusedFor:
    """How many were refused for a reason; ``words`` are the reason."""

    reason: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class Today:
    """The first page at the moment ``at`` of a day that began ``since``.

    ``refusals`` are by reason, the most frequent first. ``median_s`` is the median time from card
    in to unlocked, of today's unlocks; None where there was none. It is of the visit that unlocked:
    a visit before it, in which the code was requested, is not in it. ``blocked``,
    ``not_registered`` and ``expiring`` (a card that ends this month) count people, up to
    ``MOST_COUNTED``. ``days`` are the last 30, oldest first; ``hours`` are 24 counts of visits by
    hour of day over those days.
    ``code_by_mail_s`` is the median of the newest codes from the relay to their entry; None where
    there were too few.
    ``waiting`` are the acts that wait for a second member of staff and concern the reader's role,
    as the page Waiting has them.
    """

    at: datetime
    since: datetime
    unlocked: int
    registered: int
    refusals: tuple[RefusedFor, ...]
    waiting_for_code: int
    blocked: int
    median_s: float | None
    stations_up: int
    stations_down: tuple[str, ...]
    mail_waiting: int
    mail_oldest_s: float
    days: tuple[Day, ...]
    hours: tuple[int, ...]
    alarms: tuple[AlarmFact, ...]
    clock: ReadAt
    waiting: tuple[ProposalLine, ...] = ()
    not_registered: int = 0
    expiring: int = 0
    stations_not_started: tuple[str, ...] = ()
    code_by_mail_s: float | None = None


class StationState(StrEnum):
    """``SILENT``: it started, and then sent nothing for two minutes."""

    UP = "up"
    SILENT = "silent"
    NOT_STARTED = "not started"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class StationLine:
    """One station; one that has not started has ``let_in_at`` instead of ``last_seen_at``.

    ``certificate_late``: the renewal of its certificate is long overdue.
    """

    name: str
    site: str
    version: str
    reader: str
    last_seen_at: datetime | None
    last_visit_at: datetime | None
    state: StationState
    retired_at: datetime | None
    certificate_until: datetime | None = None
    certificate_late: bool = False
    let_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """One security question, its texts in ``others`` languages, how many registrations use it."""

    id: int
    text: str
    used_by: int
    retired_at: datetime | None
    others: Mapping[Language, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopCount:
    """How many of the cards in use a value of ``stop_cards`` may stop."""

    stopped: int
    cards: int


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One policy setting in force, all in text; ``allowed`` names its limits.

    ``changed_at`` is None while the settings file's value is in force. A change has to state
    ``revision``. ``trouble`` says why staff's value is not in force: it no longer fits the changed
    file.
    """

    name: str
    value: str
    in_file: str
    allowed: str
    help: str
    changed_at: datetime | None
    changed_by: str
    reason: str
    revision: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One SSH key of a member of staff; who added it, and who agreed, by name.

    ``lets_in`` is false where a login needs a key in a security key, and this is none.
    """

    fingerprint: str
    kind: str
    label: str
    added_at: datetime
    added_by: str = ""
    agreed_by: str = ""
    lets_in: bool = True


@dataclass(frozen=True, slots=True)
class StaffCardLine:
    """The card of a member of staff; ``fingerprint`` is the SHA-256 of its key, in hexadecimal."""

    driver: str
    identifier: str
    fingerprint: str
    added_at: datetime
    added_by: str = ""
    agreed_by: str = ""


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One member of staff, present or removed; who added them, and who agreed, by name."""

    staff_id: str
    name: str
    role: Role
    keys: tuple[KeyLine, ...]
    added_at: datetime
    removed_at: datetime | None
    last_login_at: datetime | None
    revision: int
    added_by: str = ""
    agreed_by: str = ""
    cards: tuple[StaffCardLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file that waits in the imports folder; ``size`` in bytes."""

    name: str
    size: int
    changed_at: datetime


IMPORT_REASON: Final = "Import of a file of people"
"""The reason of an import for which nobody gives another one."""


class Span(StrEnum):
    DAY = "day"
    WEEK = "week"
    SITE = "site"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Report:
    """A table of counts from ``first`` to ``last`` day, both included."""

    span: Span
    first: date
    last: date
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Written:
    path: str
    rows: int


# Progress of long work.


def unseen(done: int, total: int) -> None:
    """Ignore the progress."""
