"""The service as staff see it: today, stations, questions, policy, staff, files, reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from kiosk.administration.views.proposals import ProposalLine
from kiosk.roles import Role

MOST_COUNTED = 10_000
"""People are counted up to here; where there are as many, there may be more."""


@dataclass(frozen=True, slots=True)
class Day:
    """What was done on one day of the service's time zone."""

    day: date
    unlocked: int
    registered: int
    refused: int


@dataclass(frozen=True, slots=True)
class Today:
    """The first page. ``refusals`` are (reason in words, count), most first.

    ``median_s`` is the median time from card in to unlocked, of today's unlocks; None
    where there was none. ``blocked``, ``not_registered`` and ``expiring`` (a card that ends
    this month) count people, up to ``MOST_COUNTED``. ``days`` are the last 30, oldest first;
    ``hours`` are 24 counts of visits by hour of day over those days. ``waiting`` is what waits
    for a second member of staff and concerns this reader's role, oldest first.
    """

    at: datetime
    unlocked: int
    registered: int
    refusals: tuple[tuple[str, int], ...]
    waiting_for_code: int
    blocked: int
    median_s: float | None
    stations_up: int
    stations_down: tuple[str, ...]
    mail_waiting: int
    mail_oldest_s: float
    days: tuple[Day, ...]
    hours: tuple[int, ...]
    alarms: tuple[str, ...]
    waiting: tuple[ProposalLine, ...] = ()
    not_registered: int = 0
    expiring: int = 0


@dataclass(frozen=True, slots=True)
class StationLine:
    """One station; ``silent`` when it has not been heard of for two minutes."""

    name: str
    site: str
    version: str
    reader: str
    last_seen_at: datetime
    last_visit_at: datetime | None
    silent: bool
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """One security question, and how many registrations use it."""

    id: int
    text: str
    used_by: int
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One policy setting as it counts now, all in text; ``allowed`` names its limits.

    ``changed_at`` is None while the settings file's own value counts. ``revision`` is what
    a change has to name. ``trouble`` says why what staff set does not count: the file was
    changed since, and they do not fit each other any more.
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
    """One SSH key of a member of staff; who added it, and who agreed to that, by name."""

    fingerprint: str
    kind: str
    label: str
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


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file that waits in the imports folder; ``size`` in bytes."""

    name: str
    size: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or would do.

    With ``problems`` nothing was done: they are the first of ``problems_in_all``, as
    (line, reason), line 0 being the file as a whole. Where it ``waits`` for a second member
    of staff, nothing was done yet: ``known`` counts the changes for whose sake.
    ``outside_domains`` counts addresses that are of no approved domain. ``file_kept`` says why
    a file that was imported could not be removed. ``erased_before`` are the first of
    ``erased_before_in_all`` people who were erased and come back, as (line, number and name).
    """

    lines: int
    people_added: int
    people_changed: int
    cards_added: int
    cards_changed: int
    secrets_sealed: int
    reference: str
    problems: tuple[tuple[int, str], ...] = ()
    problems_in_all: int = 0
    waits: bool = False
    known: int = 0
    outside_domains: int = 0
    file_kept: str = ""
    erased_before: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    erased_before_in_all: int = 0


class Span(StrEnum):
    """By what a report groups."""

    DAY = "day"
    WEEK = "week"
    SITE = "site"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Report:
    """A table of counts from ``first`` to ``last`` day, both counted."""

    span: Span
    first: date
    last: date
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written on the service's machine."""

    path: str
    rows: int
