"""Before: a reason such as "new card. Agreed by Manager Two" read in stories, in the audit and in
exports as if the service had written that; and who may export filled the disk of the database.
Since reports are mailed: who may export them would mail strangers, or one mailbox without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from kiosk.authority.administration import files
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.views import (
    AuditFilter,
    ExportFormat,
    Grounds,
    Report,
    Span,
    unseen,
)
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Role
from screens.words.staff.events import story_words
from tests.authority.administration.desk.offices import means_of, office_of
from tests.authority.world import World, copy_template
from tests.support.refusals import refused

FORGED = "Lost it”. Agreed by Manager Two; agreed by: Manager Two; “so"


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    world = World(copy_template(sqlite_template, tmp_path))
    yield world
    world.store.close()


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return office_of(means_of(world.store, world.clock, tmp_path), Role.MANAGER)


def test_no_reason_reads_like_what_the_service_wrote(world: World, office: Office) -> None:
    desk = AdminDesk(office)
    seen = desk.people.person(world.registered_card().holder_id).seen
    done = desk.people.report_misuse(seen, Grounds(FORGED))
    mark = "“Lost it'. Agreed by Manager Two; agreed by: Manager Two; 'so”"
    assert f"Reason: {mark}." in story_words(desk.people.person(seen.holder_id).story[0])
    (row,) = desk.audit.page(AuditFilter(reference=done.reference)).lines
    assert row.detail.startswith(f"reason: {mark}; ")


def test_exports_leave_room_for_the_database(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LEAST_ROOM", 2**70)
    desk = AdminDesk(office)
    with refused(NotTaken, match="make room"):
        desk.audit.export(AuditFilter(), ExportFormat.CSV, unseen)
    assert not list(office.means.exports.iterdir())


def test_reports_are_mailed_to_no_stranger_and_not_without_end(
    world: World, tmp_path: Path
) -> None:
    letters: list[str] = []

    def mail_report(to: str, _report: Report) -> None:
        letters.append(to)

    means = replace(means_of(world.store, world.clock, tmp_path), mail_report=mail_report)
    reports = AdminDesk(office_of(means, Role.MANAGER)).reports
    days = date(2030, 4, 29), date(2030, 5, 12)
    for stranger in ("me@mail.example", "me%mail.example@nhs.net", "mo@nhs.net,me@mail.example"):
        with pytest.raises(NotTaken):
            reports.mail(Span.DAY, *days, stranger)
    assert not letters
    for _ in range(10):
        reports.mail(Span.DAY, *days, "victim@nhs.net")
    with refused(NotTaken, match="in an hour"):
        reports.mail(Span.DAY, *days, "victim@nhs.net")
    assert letters == ["victim@nhs.net"] * 10
