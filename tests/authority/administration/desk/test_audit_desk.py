"""The audit at the desk: found by what staff know, verified by row, taken away as a file."""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from stat import S_IMODE

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import AuditFilter, ExportFormat, Grounds, Seen, unseen
from kiosk.authority.audit.anchors import sign_heads
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.errors import NotPermitted, NotTaken
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Action
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.store import samples
from tests.support.database import SetClock, TestDatabase
from tests.support.full_disk import fill_disk
from tests.support.refusals import refused

IDENTIFIED = Grounds("Locked out since the morning", "Photo ID, in person")


@pytest.fixture
def desk(auditor: Office) -> AuditDesk:
    return AuditDesk(auditor)


@pytest.fixture
def holder_id(store: Store, clock: SetClock, agent: Office) -> str:
    """Somebody with a past: two rows from stations, one by staff, a minute apart."""
    holder = samples.holder("900000000001")
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put([replace(samples.card(holder.id), id="card-1")])
        uow.commit()
    for kind, station in (("visit-opened", "Main entrance"), ("answers-wrong", "Ward 7")):
        with store.begin() as uow:
            detail = {"left": 2} if kind == "answers-wrong" else {}
            uow.audit.append(
                kind=kind,
                reference="10AB-9XYZ",
                holder_id=holder.id,
                card_id="card-1",
                station=station,
                detail=detail,
            )
            uow.commit()
        clock.forward(minutes=1)
    with agent.act(Action.LIFT_BLOCK, IDENTIFIED, seen=Seen(holder.id, 0)) as act:
        act.record(StaffKind.BLOCK_LIFTED, failures=3)
    return holder.id


def test_audit_rows_are_shown_in_words_and_names(
    desk: AuditDesk, holder_id: str, agent: Office, clock: SetClock
) -> None:
    lifted, wrong, opened = desk.page(AuditFilter()).lines
    assert lifted.sentence == "Lifted the block."
    assert lifted.who == agent.actor.name
    assert (lifted.number, lifted.name) == ("900000000001", "Asha Okafor")
    assert lifted.person == "900000000001 Asha Okafor"
    assert (lifted.seq, lifted.at, lifted.kind) == (3, clock.now(), "block-lifted")
    assert lifted.detail.startswith(
        "reason: “Locked out since the morning”; identified by: “Photo ID, in person”; "
    )
    assert "failures: 3" in lifted.details
    assert (wrong.sentence, wrong.station) == (
        "Answered the security questions wrongly; two attempts left.",
        "Ward 7",
    )
    assert (opened.who, opened.reference, opened.detail) == ("", "10AB-9XYZ", "")


def test_a_reason_that_looks_like_more_is_one_detail(
    desk: AuditDesk, holder_id: str, agent: Office
) -> None:
    forged = Grounds("Phone lost; agreed by: Mary Boss", "Photo ID; staff: Mary Boss")
    with agent.act(Action.LIFT_BLOCK, forged, seen=Seen(holder_id, 1)) as act:
        act.record(StaffKind.BLOCK_LIFTED, failures=3)
    assert desk.page(AuditFilter()).lines[0].details[:2] == (
        "reason: “Phone lost; agreed by: Mary Boss”",
        "identified by: “Photo ID; staff: Mary Boss”",
    )


def test_a_row_names_the_card_as_the_card_names_itself(
    desk: AuditDesk, holder_id: str, store: Store
) -> None:
    with store.read() as uow:
        card = uow.cards.of_holder(holder_id)[0]
    lifted, _wrong, opened = desk.page(AuditFilter()).lines
    assert (opened.card, lifted.card) == (f"{card.driver} {card.identifier}", "")
    with store.begin() as uow:
        replaced = {"replaces": card.id}
        uow.audit.append(
            kind="card-replaced", reference="10AB-9XYZ", card_id="card-2", detail=replaced
        )
        uow.commit()
    line = desk.page(AuditFilter()).lines[0]
    assert line.card == "(erased)"
    assert f"replaces: {card.driver} {card.identifier}" in line.detail


@pytest.mark.parametrize(
    ("only", "rows"),
    [
        (AuditFilter(person="900000000001"), [3, 2, 1]),
        (AuditFilter(person=" 9000 0000 0001 "), [3, 2, 1]),
        (AuditFilter(station="Ward 7"), [2]),
        (AuditFilter(staff="agent"), [3]),
        (AuditFilter(staff="MBEKI"), [3]),
        (AuditFilter(staff="command line: root"), []),
        (AuditFilter(kind="visit-opened"), [1]),
        (AuditFilter(kind="visit-ended"), []),
        (AuditFilter(reference="loab 9xyz"), [2, 1]),
        (AuditFilter(since=samples.NOW + timedelta(minutes=1)), [3, 2]),
        (AuditFilter(until=samples.NOW + timedelta(minutes=1)), [1]),
        (AuditFilter(station="Ward 7", kind="visit-opened"), []),
    ],
)
def test_a_filter_is_written_as_staff_know_it(
    desk: AuditDesk, holder_id: str, only: AuditFilter, rows: list[int]
) -> None:
    assert [line.seq for line in desk.page(only).lines] == rows


@pytest.mark.parametrize(
    ("only", "field"),
    [
        (AuditFilter(person="900000000009"), "person"),
        (AuditFilter(person="Asha Okafor"), "person"),
        (AuditFilter(station="Ward 8"), "station"),
        (AuditFilter(kind="visit-open"), "kind"),
        (AuditFilter(staff="Nobody"), "staff"),
        (AuditFilter(staff="beki"), "staff"),
        (AuditFilter(reference="10AB"), "reference"),
        (AuditFilter(since=samples.NOW.replace(tzinfo=None)), "since"),
        (AuditFilter(since=samples.NOW, until=samples.NOW), "until"),
        (AuditFilter(since=datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))), "since"),
        (AuditFilter(until=datetime.max.replace(tzinfo=timezone(-timedelta(hours=9)))), "until"),
    ],
)
def test_what_is_nobody_and_nothing_is_said(
    desk: AuditDesk, holder_id: str, only: AuditFilter, field: str
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.page(only)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("only", "said"),
    [
        (AuditFilter(person="Asha Okafor"), "kiosk people search"),
        (AuditFilter(station="Ward 8"), "kiosk stations list"),
        (AuditFilter(kind="visit-open"), "visit-opened"),
        (AuditFilter(since=samples.NOW, until=samples.NOW), "not after the beginning"),
    ],
)
def test_what_is_not_there_is_said_with_what_there_is(
    desk: AuditDesk, holder_id: str, only: AuditFilter, said: str
) -> None:
    """At the command line as well as in the application."""
    with refused(NotTaken, match=said):
        desk.page(only)


def test_pages_lead_from_the_newest_row_to_the_first(desk: AuditDesk, holder_id: str) -> None:
    first = desk.page(AuditFilter(), limit=2)
    assert ([line.seq for line in first.lines], first.older) == ([3, 2], 2)
    second = desk.page(AuditFilter(), first.older, 2)
    assert ([line.seq for line in second.lines], second.older) == ([1], None)


def test_somebody_who_is_gone_is_found_by_their_id_alone(desk: AuditDesk, store: Store) -> None:
    gone = samples.holder().id
    with store.begin() as uow:
        uow.audit.append(kind="registered", reference="", holder_id=gone)
        uow.commit()
    (line,) = desk.page(AuditFilter(person=gone)).lines
    assert (line.number, line.person) == ("", "(erased)")


def test_a_reason_that_was_altered_afterwards_shows(
    desk: AuditDesk, holder_id: str, database: TestDatabase
) -> None:
    by_owner(database, "UPDATE action_note SET reason = 'A favour'")
    altered = desk.page(AuditFilter(staff="agent")).lines[0].detail
    assert altered.startswith("the reason was ALTERED after it was written; reason: “A favour”;")
    by_owner(database, "DELETE FROM action_note")
    assert desk.page(AuditFilter(staff="agent")).lines[0].detail.startswith("reason erased;")


def test_a_detail_that_was_overwritten_is_still_shown(
    desk: AuditDesk, holder_id: str, database: TestDatabase
) -> None:
    for text in ("no json", "[1]"):
        by_owner(database, f"UPDATE audit_event SET detail = '{text}' WHERE seq = 2")
        assert "unreadable: yes" in desk.page(AuditFilter()).lines[1].detail


def test_a_reason_that_was_overwritten_hides_no_person(
    agent: Office, holder_id: str, database: TestDatabase
) -> None:
    before = PeopleDesk(agent).person(holder_id).headline
    overwritten = "kind = 'refused', detail = '{\"reason\": []}'"
    by_owner(database, f"UPDATE audit_event SET {overwritten} WHERE seq = 2")
    assert PeopleDesk(agent).person(holder_id).headline == before


def test_every_kind_has_words_to_choose_it_by(desk: AuditDesk) -> None:
    kinds = dict(desk.kinds())
    assert kinds["block-lifted"] == "Lifted the block."
    assert all(isinstance(kind, str) and words for kind, words in kinds.items())
    assert {kind.value for kind in StaffKind} <= set(kinds)


# --- verifying --------------------------------------------------------------------------


def test_an_audit_that_fits_is_verified_and_that_is_audited(
    desk: AuditDesk, holder_id: str, means: StaffDependencies, store: Store, auditor: Office
) -> None:
    sign_heads(store, means.signer)
    told: list[tuple[int, int]] = []
    verdict = desk.verify(lambda *how_far: told.append(how_far))
    assert (verdict.intact, verdict.rows, verdict.anchors, verdict.anchored) == (True, 3, 1, 3)
    assert told[-1] == (3, 3)
    with store.read() as uow:
        last = uow.trail.newest(AuditQuery(), limit=1)[0]
    assert (last.kind, last.actor) == ("audit-verified", auditor.actor.staff_id)
    assert (last.detail["rows"], last.detail["intact"]) == (3, True)


@pytest.mark.parametrize(
    ("statements", "row"),
    [
        (["UPDATE audit_event SET station = 'Elsewhere' WHERE seq = 2"], 2),
        (["DELETE FROM audit_event WHERE seq = 2"], 2),
        (
            [
                "UPDATE audit_event SET seq = 9 WHERE seq = 1",
                "UPDATE audit_event SET seq = 1 WHERE seq = 2",
                "UPDATE audit_event SET seq = 2 WHERE seq = 9",
            ],
            1,
        ),
    ],
    ids=["edited", "deleted", "swapped"],
)
def test_what_was_tampered_with_is_named_by_its_row(
    desk: AuditDesk,
    holder_id: str,
    database: TestDatabase,
    store: Store,
    statements: list[str],
    row: int,
) -> None:
    by_owner(database, *statements)
    fault = desk.verify(unseen).fault
    assert fault is not None
    assert (fault.seq, f"row {row}" in fault.because) == (row, True)
    with store.read() as uow:
        last = uow.trail.newest(AuditQuery(), limit=1)[0]
    assert (last.detail["intact"], last.detail["fault_row"]) == (False, row)


def test_erasing_somebody_breaks_nothing_and_leaves_nobodys_name(
    desk: AuditDesk, holder_id: str, manager: Office, store: Store
) -> None:
    PeopleDesk(manager).erase(Seen(holder_id, 1), GROUNDS)
    assert desk.verify(unseen).intact
    lines = desk.page(AuditFilter(person=holder_id)).lines
    assert len(lines) >= 3
    assert {line.person for line in lines} == {"(erased)"}
    assert "Okafor" not in str(lines)
    assert "reason erased" in next(line.detail for line in lines if line.kind == "block-lifted")


def test_an_audit_that_takes_no_row_any_more_still_gives_its_verdict(
    desk: AuditDesk, holder_id: str, database: TestDatabase
) -> None:
    by_owner(database, "DELETE FROM audit_head")
    fault = desk.verify(unseen).fault
    assert fault is not None
    assert fault.because == "the row of the head is gone"


# --- exporting --------------------------------------------------------------------------


def test_what_is_shown_is_written_oldest_first(
    desk: AuditDesk, holder_id: str, means: StaffDependencies, store: Store, auditor: Office
) -> None:
    only = AuditFilter(person="900000000001")
    shown = desk.page(only).lines
    told: list[tuple[int, int]] = []
    written = desk.export(only, ExportFormat.CSV, lambda *how_far: told.append(how_far))
    path = Path(written.path)
    assert (path.parent, path.suffix, S_IMODE(path.stat().st_mode)) == (
        means.exports,
        ".csv",
        0o600,
    )
    assert path.read_bytes().startswith(codecs.BOM_UTF8), "or Excel shows “ as â€œ"
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["sentence"] for row in rows] == [line.sentence for line in reversed(shown)]
    assert list(rows[0])[3:6] == ["sentence", "person", "card"]
    assert rows[0]["person"] == "900000000001 Asha Okafor"
    assert rows[0]["at"] == "2030-05-17T09:30:00.123456+00:00"
    assert (written.rows, told[0], told[-1]) == (3, (0, 3), (3, 3))
    with store.read() as uow:
        last = uow.trail.newest(AuditQuery(), limit=1)[0]
    assert (last.kind, last.actor) == ("audit-exported", auditor.actor.staff_id)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = {"rows": 3, "sha256": digest, "file": path.name, "of_holder": holder_id}
    assert wanted.items() <= last.detail.items()


def test_a_program_reads_it_line_by_line(desk: AuditDesk, holder_id: str, agent: Office) -> None:
    since = samples.NOW + timedelta(seconds=30)
    written = desk.export(AuditFilter(since=since), ExportFormat.JSON_LINES, unseen)
    lines = [json.loads(line) for line in Path(written.path).read_text().splitlines()]
    assert [line["seq"] for line in lines] == [2, 3]
    assert lines[1]["who"] == agent.actor.name


def test_a_spreadsheet_runs_nothing_of_it(desk: AuditDesk, store: Store) -> None:
    with store.begin() as uow:
        uow.audit.append(kind="=1+1", reference="", station='=cmd|"/c calc"!A1')
        uow.commit()
    written = desk.export(AuditFilter(), ExportFormat.CSV, unseen)
    with Path(written.path).open(newline="", encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert row["station"] == '\'=cmd|"/c calc"!A1'
    assert row["kind"] == "'=1+1"


def test_many_rows_are_written_in_pieces_and_no_file_is_overwritten(
    desk: AuditDesk, store: Store, means: StaffDependencies
) -> None:
    with store.begin() as uow:
        for number in range(1203):
            uow.audit.append(kind="visit-opened", reference="", detail={"number": number})
        uow.commit()
    told: list[tuple[int, int]] = []
    first = desk.export(AuditFilter(), ExportFormat.JSON_LINES, lambda *far: told.append(far))
    assert first.rows == 1203
    assert told == [(0, 1203), (500, 1203), (1000, 1203), (1203, 1203)]
    second = desk.export(AuditFilter(), ExportFormat.JSON_LINES, unseen)
    assert second.rows == 1204
    assert len(list(means.exports.iterdir())) == 2


def test_a_file_that_cannot_be_audited_is_not_left_behind(
    desk: AuditDesk, holder_id: str, means: StaffDependencies, auditor: Office, store: Store
) -> None:
    def dismissed(done: int, total: int) -> None:
        with store.begin() as uow:
            uow.staff.remove_key(auditor.actor.staff_id, auditor.actor.key)
            uow.commit()

    with pytest.raises(NotPermitted):
        desk.export(AuditFilter(), ExportFormat.CSV, dismissed)
    assert list(means.exports.iterdir()) == []


def test_a_file_that_does_not_reach_the_disk_is_not_recorded(
    desk: AuditDesk,
    holder_id: str,
    means: StaffDependencies,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill_disk(monkeypatch)
    with refused(NotTaken, match="No space left on device"):
        desk.export(AuditFilter(), ExportFormat.CSV, unseen)
    assert list(means.exports.iterdir()) == []
    with store.read() as uow:
        assert uow.trail.newest(AuditQuery(), limit=1)[0].kind == "block-lifted"


def test_an_agent_reads_and_takes_nothing_away(agent: Office, means: StaffDependencies) -> None:
    desk = AuditDesk(agent)
    assert desk.page(AuditFilter()).lines == ()
    with pytest.raises(NotPermitted):
        desk.export(AuditFilter(), ExportFormat.CSV, unseen)
    assert list(means.exports.iterdir()) == []


def by_owner(database: TestDatabase, *statements: str) -> None:
    """Do as the database's owner can: past every guard."""
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        if database.dialect == "sqlite":
            guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in connection.exec_driver_sql(guards).fetchall():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)
