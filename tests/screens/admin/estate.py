"""A small believable estate, as the fake desk begins with it. Nobody in it is real."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, date, timedelta

from kiosk.authority.administration.views import (
    AuditLine,
    CodeLine,
    Day,
    ImportFile,
    PersonLine,
    PolicyLine,
    ProposalLine,
    QuestionLine,
    RefusedFor,
    StaffLine,
    StationLine,
    StationState,
    Today,
    UnknownCard,
)
from kiosk.authority.facts import ManyFailuresAtStation, Noticed, ReadAt, StationSilent
from kiosk.authority.records import AuditVerdict
from tests.screens.admin import records
from tests.screens.admin.people import NOW, Record, code, people


@dataclass
class Estate:
    """What the sub-desks show and change; a test changes it behind their backs."""

    today: Today
    stations: list[StationLine]
    people: dict[str, Record] = field(default_factory=people)
    crowd: list[PersonLine] = field(default_factory=list)
    """People who are only in lists, for there are many of them."""
    codes: list[CodeLine] = field(default_factory=list)
    proposals: list[ProposalLine] = field(default_factory=list)
    four_eyes: bool = False
    audit: list[AuditLine] = field(default_factory=records.audit)
    chain: AuditVerdict = records.CHAIN
    questions: list[QuestionLine] = field(default_factory=records.questions)
    policy: list[PolicyLine] = field(default_factory=records.policy)
    unknown_cards: list[UnknownCard] = field(default_factory=records.unknown_cards)
    staff: list[StaffLine] = field(default_factory=records.staff)
    files: list[ImportFile] = field(default_factory=records.files)

    def wait(
        self, record: Record, issued_by: str, minutes: int = 15, *, second: bool = True
    ) -> CodeLine:
        """Let a code that ``issued_by`` gave to somebody wait, for a ``second`` member if so."""
        line = replace(code(record, issued_by, minutes), waits_for_second=second)
        self.codes.append(line)
        return line


def estate() -> Estate:
    """Return a fresh one."""
    one = Estate(today=today(), stations=stations())
    one.wait(one.people["h2"], "Bo Banks", 9)
    one.wait(one.people["c3"], "Ann Archer", 13)
    return one


def today() -> Today:
    """Return a morning with one thing out of order."""
    return Today(
        at=NOW,
        since=NOW.replace(hour=0, minute=0, second=0, microsecond=0),
        unlocked=41,
        registered=12,
        refusals=(
            RefusedFor("registration-blocked", "Self-service is blocked", 6),
            RefusedFor("not-registered", "Not registered, and the PIN is blocked", 4),
            RefusedFor("card-expired", "The card has expired", 2),
            RefusedFor("unknown-card", "The card is not recorded", 1),
        ),
        waiting_for_code=3,
        blocked=7,
        not_registered=1240,
        expiring=36,
        median_s=74.0,
        stations_up=5,
        stations_down=("West Wing 2",),
        code_by_mail_s=52.0,
        mail_waiting=4,
        mail_oldest_s=95.0,
        days=tuple(_day(NOW.date() - timedelta(days=29 - i), i) for i in range(30)),
        hours=(
            0,
            0,
            0,
            0,
            1,
            6,
            41,
            118,
            164,
            142,
            97,
            88,
            103,
            121,
            96,
            74,
            69,
            52,
            31,
            18,
            9,
            4,
            1,
            0,
        ),
        alarms=(
            Noticed(
                NOW - timedelta(minutes=21),
                StationSilent("West Wing 2", NOW - timedelta(minutes=23)),
            ),
            Noticed(NOW - timedelta(minutes=40), ManyFailuresAtStation(14, "Main Entrance")),
        ),
        clock=ReadAt(NOW, UTC),
    )


def _day(day: date, i: int) -> Day:
    busy = 0.25 if day.weekday() >= 5 else 1.0
    wave = 1 + 0.25 * math.sin(i / 2.3)
    return Day(day, round(92 * busy * wave), round(24 * busy * (1.2 - i / 60)), round(17 * busy))


def stations() -> list[StationLine]:
    """Return stations up, silent and retired."""
    return [
        _station("Eye Clinic", "Wexbridge South", "1.2.0", "ready", 12, 41),
        _station("Library", "Wexbridge North", "1.2.0", "ready", 8, 55),
        _station("Main Entrance", "Wexbridge North", "1.2.0", "ready", 21, 2),
        _station("Maternity", "Wexbridge South", "1.1.4", "no reader", 17, 60 * 26),
        _station("West Wing 1", "Wexbridge North", "1.2.0", "ready", 3, 9),
        _station(
            "West Wing 2",
            "Wexbridge North",
            "1.2.0",
            "ready",
            23 * 60,
            61,
            state=StationState.SILENT,
        ),
        _station(
            "Old Gatehouse",
            "Wexbridge North",
            "1.0.9",
            "",
            86400 * 40,
            None,
            state=StationState.RETIRED,
        ),
    ]


def _station(
    name: str,
    site: str,
    version: str,
    reader: str,
    seen_s: int,
    visit_min: int | None,
    *,
    state: StationState = StationState.UP,
) -> StationLine:
    return StationLine(
        name=name,
        site=site,
        version=version,
        reader=reader,
        last_seen_at=NOW - timedelta(seconds=seen_s),
        last_visit_at=None if visit_min is None else NOW - timedelta(minutes=visit_min),
        state=state,
        retired_at=NOW - timedelta(days=40) if state is StationState.RETIRED else None,
    )
