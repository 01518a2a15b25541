"""Rows of the audit whose time is over go, and what is left verifies; so does what was exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.authority.administration.audit_archive import (
    archive_audit,
    exported_rows,
    verify_archives,
)
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.verification import verify_audit, verify_without_key
from kiosk.authority.administration.views import unseen
from kiosk.authority.audit import purge as audit_purge
from kiosk.authority.audit.anchors import AnchorSigner, AnchorVerifier, sign_heads
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.audit.purge import AuditPlan, plan_purge, purge_audit
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import AuditMacs
from kiosk.authority.errors import AuditNotIntact, NotTaken, StoreBusy, StoreError
from kiosk.authority.records import AuditAnchor, AuditQuery, AuditVerdict, FaultKind
from kiosk.authority.store.audit_chain import FIRST, REDACTED
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.config.settings import NoticeSettings
from tests.authority.store.forger import Forger
from tests.support.database import TestDatabase
from tests.support.full_disk import fill_disk
from tests.support.refusals import refused

YEAR = timedelta(days=365)


@pytest.fixture
def store(either_database: TestDatabase, ring: KeyRing) -> Store:
    return either_database.store(audit_macs=AuditMacs(lambda: ring))


@pytest.fixture
def forger(either_database: TestDatabase, aged: Store) -> Iterator[Forger]:
    forger = Forger(either_database)
    yield forger
    forger.close()


def write(store: Store, rows: int) -> None:
    for number in range(rows):
        with store.begin() as uow:
            uow.audit.append(kind="step", reference=f"R{number}", actor="A", detail={"n": number})
            uow.commit()


@pytest.fixture
def aged(store: Store, signer: AnchorSigner, either_database: TestDatabase) -> Store:
    """Five rows of two years ago that were signed, and five of today."""
    write(store, 5)
    sign_heads(store, signer)
    either_database.clock.forward(days=730)
    write(store, 5)
    return store


def plan(store: Store, signer: AnchorSigner, exported: dict[int, int] | None = None) -> AuditPlan:
    return plan_purge(store, signer, store.machine_clock.now() - YEAR, exported, None)


def purge(store: Store, signer: AnchorSigner) -> None:
    purge_audit(store, signer, plan(store, signer), "command line: root")


def verdict(store: Store, signer: AnchorSigner, *elsewhere: AuditAnchor) -> AuditVerdict:
    return verify_audit(store, signer, elsewhere)


def found(verdict: AuditVerdict) -> tuple[FaultKind, int] | None:
    return (verdict.fault.kind, verdict.fault.seq) if verdict.fault else None


def rows(store: Store) -> list[int]:
    with store.read() as uow:
        return sorted(event.seq for event in uow.trail.newest(AuditQuery()))


def test_old_rows_go_and_the_rest_verifies_from_the_cut(
    aged: Store, signer: AnchorSigner, either_database: TestDatabase
) -> None:
    with aged.read() as uow:
        (kept,) = uow.audit.anchors()
    planned = plan(aged, signer)
    assert (planned.rows, planned.unexported) == (5, 0)
    assert rows(aged) == list(range(1, 11))  # a plan deletes nothing
    purge(aged, signer)
    assert rows(aged) == list(range(6, 12))
    with aged.read() as uow:
        (said,) = uow.trail.newest(AuditQuery(), limit=1)
        assert uow.audit.count_rows() == 6
    assert (said.kind, said.detail) == (ServiceKind.AUDIT_PURGED, {"rows": 5, "until": "5"})
    assert (said.seq, said.actor) == (11, "command line: root")

    whole = verdict(aged, signer, kept)
    assert (whole.rows, whole.anchored, whole.fault) == (6, 6, None)
    public = signer.public_keys()
    assert verify_without_key(aged, public, (kept,)).intact

    caretaker = Caretaker(aged, signer, NoticeSettings(), "ra@nhs.net")
    for _ in range(3):
        write(aged, 1)
        assert caretaker.run()
        either_database.clock.forward(days=2)
    with aged.read() as uow:
        assert uow.alarms.standing() == ()
    either_database.clock.forward(days=730)
    purge(aged, signer)
    assert verdict(aged, signer, kept).intact
    assert len(rows(aged)) == 1


def test_rows_that_were_signed_while_the_clock_was_behind_stay(
    aged: Store, signer: AnchorSigner, either_database: TestDatabase
) -> None:
    """The anchor of row 11 said that all up to it was old, and yesterday's rows went with it."""
    sign_heads(aged, signer)
    either_database.clock.forward(days=-730)
    write(aged, 1)
    sign_heads(aged, signer)
    either_database.clock.forward(days=730)
    assert plan(aged, signer).rows == 5
    purge(aged, signer)
    assert rows(aged) == list(range(6, 13))
    assert verdict(aged, signer).intact


def test_an_export_of_a_clock_that_was_ahead_is_not_the_last_for_ever(
    aged: Store, signer: AnchorSigner, either_database: TestDatabase, tmp_path: Path
) -> None:
    either_database.clock.forward(days=3650)
    archive_audit(aged, signer, tmp_path, "root", unseen)
    either_database.clock.forward(days=-3650)
    archive_audit(aged, signer, tmp_path, "root", unseen)
    with aged.read() as uow:
        assert exported_rows(uow) == {1: 11}


def test_an_anchor_of_a_clock_that_was_ahead_keeps_nothing_for_ever(
    store: Store, signer: AnchorSigner, either_database: TestDatabase
) -> None:
    either_database.clock.forward(days=3650)
    write(store, 2)
    sign_heads(store, signer)
    either_database.clock.forward(days=-3650)
    write(store, 3)
    sign_heads(store, signer)
    either_database.clock.forward(days=730)
    assert plan(store, signer).rows == 5


def test_a_caretaker_that_remembers_an_anchor_that_was_purged_raises_no_alarm(
    store: Store, signer: AnchorSigner, either_database: TestDatabase
) -> None:
    remembering = Caretaker(store, signer, NoticeSettings(), "ra@nhs.net")
    write(store, 3)
    assert remembering.run()
    write(store, 3)
    sign_heads(store, signer)
    either_database.clock.forward(days=730)
    purge(store, signer)
    write(store, 1)
    assert remembering.run()
    with store.read() as uow:
        assert uow.alarms.standing() == ()


def test_a_purge_that_was_killed_is_gone_on_with(
    aged: Store,
    signer: AnchorSigner,
    forger: Forger,
    either_database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit_purge, "BATCH", 2)

    class Killed(Exception):
        pass

    real = Store.begin
    begun = 0

    def begin(self: Store) -> object:
        nonlocal begun
        begun += 1
        if begun == 3:
            raise Killed
        return real(self)

    planned = plan(aged, signer)
    monkeypatch.setattr(Store, "begin", begin)
    with pytest.raises(Killed):
        purge_audit(aged, signer, planned, "root")
    monkeypatch.setattr(Store, "begin", real)
    assert rows(aged) == list(range(3, 12))
    assert verdict(aged, signer).intact
    with aged.read() as uow:
        assert uow.audit.verify_piece(FIRST, 100, signer.check).fault is None

    forger.remove(4)  # of those that wait to be deleted
    assert found(verdict(aged, signer)) == (FaultKind.REMOVED, 4)
    forger.remove(3)
    assert found(verdict(aged, signer)) is None  # row 5 goes next, and it fits the cut
    purge(aged, signer)
    assert rows(aged) == list(range(6, 12))
    assert verdict(aged, signer).intact


def test_two_purges_at_once_cut_once(aged: Store, signer: AnchorSigner) -> None:
    """The second said "the database refused", and left it to the next one to delete the rest."""
    first, second = plan(aged, signer), plan(aged, signer)
    purge_audit(aged, signer, first, "one")
    purge_audit(aged, signer, second, "two")
    assert rows(aged) == list(range(6, 12))
    assert verdict(aged, signer).intact
    with aged.read() as uow:
        (said,) = uow.trail.newest(AuditQuery(kind=ServiceKind.AUDIT_PURGED.value))
    assert said.actor == "one"


def test_rows_that_nobody_exported_stay(aged: Store, signer: AnchorSigner, tmp_path: Path) -> None:
    assert plan(aged, signer, {}) == AuditPlan((), unexported=5, unsent=0)
    _, written = archive_audit(aged, signer, tmp_path, "root", unseen)
    assert (written.rows, written.until) == (10, "10")
    with aged.read() as uow:
        exported = exported_rows(uow)
    assert exported == {1: 10}
    planned = plan(aged, signer, exported)
    assert (planned.rows, planned.unexported) == (5, 0)


def test_rows_stay_that_either_an_export_or_the_collector_lacks(
    store: Store, signer: AnchorSigner, either_database: TestDatabase
) -> None:
    for some in (2, 3):
        write(store, some)
        sign_heads(store, signer)
    either_database.clock.forward(days=730)
    write(store, 1)
    sign_heads(store, signer)
    before = store.machine_clock.now() - YEAR
    for exported, sent in (({1: 6}, {1: 2}), ({1: 2}, {1: 6})):
        planned = plan_purge(store, signer, before, exported, sent)
        stay = 5 - planned.rows
        assert (planned.rows, planned.unexported + planned.unsent) == (2, stay)


def test_what_was_purged_is_not_purged_again(aged: Store, signer: AnchorSigner) -> None:
    purge(aged, signer)
    assert plan(aged, signer).cuts == ()


def test_a_tampered_row_is_named_and_nothing_is_deleted(
    aged: Store, signer: AnchorSigner, forger: Forger
) -> None:
    forger.change(3, reference="other")
    with pytest.raises(AuditNotIntact, match="row 3"):
        plan(aged, signer)


@pytest.mark.postgresql
def test_a_row_that_says_what_was_redacted_stays_as_long_as_what_it_says_it_of(
    postgres_database: TestDatabase, ring: KeyRing, signer: AnchorSigner
) -> None:
    """Chains are cut apart: a row must not go before the one that it speaks of."""
    store, other = (postgres_database.store(audit_macs=AuditMacs(lambda: ring)) for _ in range(2))
    write(store, 1)
    sign_heads(store, signer)
    with store.begin() as first:  # holds the first chain, so that the other writes to a second
        first.audit.append(kind="step", reference="R")
        first.audit.write()
        with other.begin() as uow:
            uow.audit.append(kind=REDACTED, reference="R", detail={"row": 2, "what": "detail"})
            uow.commit()
        first.commit()
    with store.begin() as uow:
        assert uow.audit.redact_detail(2)
        uow.commit()
    with store.read() as uow:
        second = uow.audit.heads()[1]
    # Row 2 of the first chain is signed later than the second chain's.
    with store.begin() as uow:
        uow.audit.add_anchor(signer.sign(second, store.machine_clock.now()))
        uow.commit()
    postgres_database.clock.forward(days=730)
    purge(store, signer)
    assert verdict(store, signer).intact
    assert second.seq in rows(store)


# --- exports -----------------------------------------------------------------------------


def test_an_export_verifies_with_the_public_keys_when_its_rows_are_gone(
    aged: Store, signer: AnchorSigner, ring: KeyRing, tmp_path: Path
) -> None:
    first, _ = archive_audit(aged, signer, tmp_path, "root", unseen)
    purge(aged, signer)
    write(aged, 3)
    second, _ = archive_audit(aged, signer, tmp_path, "root", unseen)
    verifier = AnchorVerifier(signer.public_keys())
    checked, parts = verify_archives([first, second], verifier, None)
    assert (checked.intact, checked.rows, checked.keyed, parts) == (True, 15, False, ("1 to 15",))
    checked, _ = verify_archives([first, second], signer, AuditMacs(lambda: ring))
    assert (checked.intact, checked.keyed) == (True, True)
    assert found(verify_archives([second, first], verifier, None)[0]) is not None
    other = AnchorVerifier(AnchorSigner(KeyRing.fresh()).public_keys())
    assert found(verify_archives([first], other, None)[0]) == (FaultKind.SIGNATURE, 10)


def test_an_export_that_is_left_out_between_two_is_missed(
    aged: Store, signer: AnchorSigner, tmp_path: Path
) -> None:
    paths = []
    for _ in range(3):
        paths.append(archive_audit(aged, signer, tmp_path, "root", unseen)[0])
        write(aged, 3)
    first, second, third = paths
    assert verify_archives([first, second, third], signer, None)[0].intact
    assert found(verify_archives([first, third], signer, None)[0]) == (FaultKind.REMOVED, 11)


def test_an_export_that_does_not_reach_the_disk_is_not_recorded(
    aged: Store, signer: AnchorSigner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: its row said what had been exported, and a purge deleted what no file held."""
    with monkeypatch.context() as patched:
        fill_disk(patched)
        with refused(NotTaken, match="No space left on device"):
            archive_audit(aged, signer, tmp_path, "root", unseen)
    assert list(tmp_path.iterdir()) == []
    with aged.read() as uow:
        assert exported_rows(uow) == {}
    path, _ = archive_audit(aged, signer, tmp_path, "root", unseen)
    assert verify_archives([path], signer, None)[1] == ("1 to 10",)


def test_an_export_that_was_cut_short_before_it_was_recorded_is_said_to_be_left_out(
    aged: Store, signer: AnchorSigner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: a row was removed, it said, which the next export had."""

    def cut_short(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Store, "record_event", cut_short)
        with pytest.raises(KeyboardInterrupt):
            archive_audit(aged, signer, tmp_path, "root", unseen)
    (first,) = tmp_path.iterdir()
    write(aged, 1)
    second, _ = archive_audit(aged, signer, tmp_path, "root", unseen)
    fault = verify_archives([first, second], signer, None)[0].fault
    assert fault is not None
    assert f"{second} begins at row 1, which a file before it has, too" in fault.because
    assert "leave out one whose rows another has" in fault.because
    assert verify_archives([second], signer, None)[1] == ("1 to 11",)


@pytest.mark.parametrize("end", [KeyboardInterrupt(), StoreError("the server is lost", "08006")])
def test_an_export_stays_whose_recording_may_have_been_committed(
    aged: Store,
    signer: AnchorSigner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: BaseException,
) -> None:
    """Before: a COMMIT without an answer deleted the file, and a purge what it had held."""

    def without_answer(uow: UnitOfWork) -> None:
        commit(uow)
        raise end

    commit = UnitOfWork.commit
    sign_heads(aged, signer)
    with monkeypatch.context() as patched:
        patched.setattr(UnitOfWork, "commit", without_answer)
        with pytest.raises(type(end)):
            archive_audit(aged, signer, tmp_path, "root", unseen)
    with aged.read() as uow:
        assert exported_rows(uow) == {1: 10}
    assert verify_archives(tmp_path.iterdir(), signer, None)[1] == ("1 to 10",)


def test_an_export_goes_that_another_writer_kept_from_being_recorded(
    aged: Store, signer: AnchorSigner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is certain then that nothing was committed."""

    def busy(_: UnitOfWork) -> None:
        raise StoreBusy("the database is locked", "SQLITE_BUSY")

    sign_heads(aged, signer)
    with monkeypatch.context() as patched:
        patched.setattr(UnitOfWork, "commit", busy)
        with pytest.raises(StoreBusy):
            archive_audit(aged, signer, tmp_path, "root", unseen)
    assert list(tmp_path.iterdir()) == []


def without_row(lines: list[str]) -> list[str]:
    return lines[:4] + lines[5:]


def cut_short(lines: list[str]) -> list[str]:
    return lines[:-1]


def begun_later(lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


def with_changed_row(lines: list[str]) -> list[str]:
    return [*lines[:5], lines[5].replace("R4", "R9"), *lines[6:]]


def with_half_a_sign(lines: list[str]) -> list[str]:
    return [*lines[:5], lines[5].replace("R4", r"\ud83d"), *lines[6:]]


def with_added_row(lines: list[str]) -> list[str]:
    return [*lines, lines[-1].replace('"seq":10', '"seq":11')]


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        (without_row, (FaultKind.REMOVED, 4)),
        (cut_short, (FaultKind.CUT, 10)),
        (begun_later, (FaultKind.REMOVED, 1)),
        (with_changed_row, (FaultKind.CHANGED, 5)),
        (with_half_a_sign, (FaultKind.CHANGED, 5)),
        (with_added_row, (FaultKind.REORDERED, 11)),
    ],
)
def test_an_export_that_was_changed_is_found(
    aged: Store,
    signer: AnchorSigner,
    tmp_path: Path,
    forge: Callable[[list[str]], list[str]],
    fault: tuple[FaultKind, int],
) -> None:
    path, _ = archive_audit(aged, signer, tmp_path, "root", unseen)
    path.write_text("".join(forge(path.read_text().splitlines(keepends=True))))
    assert found(verify_archives([path], signer, None)[0]) == fault


@pytest.mark.parametrize(
    ("kind", "what", "fault"),
    [
        (REDACTED, "detail", None),
        (REDACTED, "reason", (FaultKind.CHANGED, 4)),
        ("step", "detail", (FaultKind.CHANGED, 4)),
    ],
)
def test_a_detail_that_an_export_lacks_was_redacted_by_a_row_that_says_so(
    aged: Store,
    signer: AnchorSigner,
    tmp_path: Path,
    kind: str,
    what: str,
    fault: tuple[FaultKind, int] | None,
) -> None:
    with aged.begin() as uow:
        uow.audit.append(kind=kind, reference="R", detail={"row": 4, "what": what})
        uow.commit()
    path, _ = archive_audit(aged, signer, tmp_path, "root", unseen)
    lines = path.read_text().splitlines()
    lines[4] = json.dumps(json.loads(lines[4]) | {"detail": None, "salt": None})
    path.write_text("\n".join([*lines, ""]))
    assert found(verify_archives([path], signer, None)[0]) == fault
