"""A backup that was made under load, restored elsewhere: audit, counters, and every card."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from kiosk.authority.administration.backup import (
    Restored,
    back_up,
    conclude_restore,
    verify_copy,
)
from kiosk.authority.administration.verification import sweep, verify_audit
from kiosk.authority.administration.views import unseen
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.audit.events import AuditKind, ServiceKind
from kiosk.authority.audit.rows import before_first, chain_of
from kiosk.authority.errors import StoreError
from kiosk.authority.records import (
    AuditHead,
    AuditQuery,
    Card,
    GapKind,
    PendingChange,
    new_id,
)
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Factor,
    Finished,
    Grant,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockRefused,
)
from tests.authority.saving import POLICY, save_codes
from tests.authority.store.samples import waiting_address
from tests.authority.unblock.test_derived import derive
from tests.authority.world import PUK, World
from tests.support.database import PORT, PostgresServer, as_account, find_programs
from tests.support.routes import MADE_UP

LIMIT = 3
PATIENT_S = 60.0
PAUSE_S = 0.005
"""SQLite lets writers in as they come: one that never pauses keeps the others out."""


@dataclass
class InHand:
    """A card that compares its unblock secret, and counts."""

    secret: str = PUK
    limit: int = LIMIT
    left: int = LIMIT
    fewest: int = LIMIT

    def take(self, grant: Grant) -> UnblockDone | UnblockRefused:
        if grant.secret.reveal() == self.secret:
            self.left = self.limit
            return UnblockDone()
        self.left -= 1
        self.fewest = min(self.fewest, self.left)
        return UnblockRefused(self.left, "wrong secret")


def unlock(world: World, card: Card, in_hand: InHand) -> object:
    """Unlock it at a station; the visit goes on as long as the authority says so."""
    station_visit = world.insert(card, blocked=True, station="B")
    station_visit.to_new_pin()
    reply: object = SetPin
    try:
        while not isinstance(reply, Finished | Refusal):
            grant = station_visit.grant()
            outcome = in_hand.take(grant)
            reply = station_visit.authority.record_outcome(
                station_visit.visit, grant.journal, outcome
            )
        if isinstance(reply, Finished):
            new = station_visit.authority.rotate_secret(station_visit.visit, grant.journal)
            assert new is not None
            in_hand.secret = new.reveal()
            done = UnblockDone()
            station_visit.authority.confirm_rotation(station_visit.visit, grant.journal, done)
    finally:
        station_visit.pull()
        world.clock.forward(hours=1)
    return reply


@contextmanager
def load(world: World) -> Iterator[list[int]]:
    """Let somebody write all the time, as other stations do."""
    over, written = threading.Event(), list[int]()

    def write() -> None:
        while not over.wait(PAUSE_S):
            with world.store.begin() as uow:
                uow.audit.append(kind="step", reference="", detail={"n": len(written)})
                uow.commit()
            written.append(len(written))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield written
    finally:
        over.set()
        writer.join()


Backup = Callable[[World], Callable[[], World]]
"""Backs up, and returns what restores it elsewhere."""


@pytest.fixture
def sqlite_backup(tmp_path: Path) -> Backup:
    def make(world: World) -> Callable[[], World]:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        (elsewhere / "kiosk.db").unlink(missing_ok=True)
        source, target = world.folder / "kiosk.db", elsewhere / "kiosk.db"
        back_up(world.store, AnchorSigner(world.ring), source, target, "root", unseen)

        def restore() -> World:
            shutil.copy(world.folder / "keys.json", elsewhere)
            return World(elsewhere)

        return restore

    return make


@pytest.fixture
def postgresql_backup(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Backup]:
    """By pg_basebackup, as a running server makes it; restored as a server of its own."""
    with tempfile.TemporaryDirectory(prefix="kiosk-pg-") as name:
        restored = PostgresServer(Path(name))
        if os.geteuid() == 0:
            shutil.chown(name, "postgres", "postgres")
        folder, started = Path(name), False

        def make(world: World) -> Callable[[], World]:
            sign_heads(world.store, AnchorSigner(world.ring))
            run = [*as_account(), str(find_programs() / "pg_basebackup")]
            where = ["-h", str(postgres_server.folder), "-p", str(PORT), "-U", "kiosk"]
            options = ["-D", str(folder / "data"), "-X", "stream", "--checkpoint=fast", "--no-sync"]
            subprocess.run([*run, *where, *options], check=True, cwd=folder)
            verify = [*as_account(), str(find_programs() / "pg_verifybackup"), "--quiet"]
            subprocess.run([*verify, str(folder / "data")], check=True, cwd=folder)

            def restore() -> World:
                nonlocal started
                settings = folder / "data" / "postgresql.conf"
                text = settings.read_text().replace(str(postgres_server.folder), name)
                settings.write_text(text)
                restored.serve()
                started = True
                elsewhere = tmp_path / "elsewhere"
                elsewhere.mkdir()
                shutil.copy(world.folder / "keys.json", elsewhere)
                url = world.url.replace(str(postgres_server.folder), name)
                return World(elsewhere, url=url)

            return restore

        yield make
        if started:
            restored.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def backed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[World, Backup]]:
    """An estate on either database, and how it is backed up."""
    database = request.getfixturevalue(
        {"sqlite": "sqlite_database", "postgresql": "postgres_database"}[request.param]
    )
    backup = request.getfixturevalue(f"{request.param}_backup")
    folder = tmp_path / "estate"
    folder.mkdir()
    if request.param == "sqlite":
        shutil.copy(database.url.removeprefix("sqlite:///"), folder / "kiosk.db")
        world = World(folder, busy_timeout_s=PATIENT_S)
    else:
        world = World(folder, url=database.url)
    yield world, backup
    world.store.close()


def after(world: World, restore: Callable[[], World]) -> tuple[World, Restored]:
    """Restore, with the time and the cards that there are by now."""
    elsewhere = restore()
    elsewhere.clock.time = world.clock.time
    elsewhere.reader_cards = world.reader_cards
    world.store.close()
    signer = AnchorSigner(elsewhere.ring)
    lost = verify_copy(elsewhere.store, signer, (), {}, unseen)
    return elsewhere, conclude_restore(elsewhere.store, signer, "root", lost)


def another_card(world: World, number: str, **changes: object) -> Card:
    holder = world.add_holder(number=number)
    world.register(holder)
    return world.add_card(holder, secret_limit=LIMIT, **changes)


def test_what_was_backed_up_under_load_is_there_and_every_card_unlocks(
    backed: tuple[World, Backup],
) -> None:
    world, backup = backed
    signer = AnchorSigner(world.ring)
    rotated, untouched, failing = (another_card(world, f"90000000000{n}") for n in (1, 2, 3))
    in_hand = {rotated.id: InHand(), untouched.id: InHand()}
    for card in (rotated, untouched):
        assert isinstance(unlock(world, card, in_hand[card.id]), Finished)
    station_visit = world.insert(failing, blocked=True, station="C")
    asked = station_visit.questions()
    for _ in range(2):
        station_visit.answer(asked, wrong=True)
    open_visit = station_visit.visit
    counted = world.registration(failing), world.card(rotated)
    with load(world) as written:
        restore = backup(world)
        before = len(written)
        while len(written) < before + 20:
            over = threading.Event()
            over.wait(0.001)
    # What happens after it is lost with the first database.
    assert isinstance(unlock(world, rotated, in_hand[rotated.id]), Finished)
    kept = sign_heads(world.store, signer)
    lost = in_hand[rotated.id].secret

    world, done = after(world, restore)
    assert verify_audit(world.store, signer, kept).intact
    assert sweep(world.store).altered == []
    assert (world.registration(failing), world.card(rotated)) == counted
    assert world.registration(failing).failures == 2
    with world.store.read() as uow:
        gaps = [gap for gap in uow.audit.gaps() if gap.kind is GapKind.RESTORED]
        visit = uow.visits.get(open_visit)
    assert gaps
    assert visit is not None
    assert visit.closed_at is not None
    assert done.visits >= 1
    assert ServiceKind.STORE_RESTORED in world.kinds()
    with pytest.raises(StepRefused):
        world.at("C").prepare(open_visit, "again", Factor.EMAIL_CODE, MADE_UP)

    for card in (rotated, untouched):
        assert isinstance(unlock(world, card, in_hand[card.id]), Finished)
    assert in_hand[rotated.id].fewest == LIMIT - 1
    assert in_hand[untouched.id].fewest == LIMIT
    assert in_hand[rotated.id].secret != lost
    assert world.kinds().count(AuditKind.SECRET_ADVANCED) == 1
    assert verify_audit(world.store, signer, kept).intact
    world.store.close()


@pytest.mark.parametrize("before", [False, True], ids=["first", "second"])
def test_a_clock_that_is_behind_at_a_restore_loses_no_card(
    world: World, sqlite_backup: Backup, tmp_path: Path, before: bool
) -> None:
    """As on a new machine. Before: a card that was unlocked since the backup was set aside."""
    card = another_card(world, "900000000001")
    in_hand = InHand()
    signer = AnchorSigner(world.ring)
    if before:
        conclude_restore(world.store, signer, "root", {})
    assert isinstance(unlock(world, card, in_hand), Finished)
    sign_heads(world.store, signer)
    restore = sqlite_backup(world)
    assert isinstance(unlock(world, card, in_hand), Finished)
    lost = in_hand.secret
    restored = restore()
    restored.reader_cards = world.reader_cards
    restored.clock.time = datetime(1970, 1, 1, tzinfo=UTC)
    conclude_restore(restored.store, signer, "root", {})
    restored.clock.time = world.clock.time
    assert isinstance(unlock(restored, card, in_hand), Finished)
    assert in_hand.fewest == LIMIT - 1
    assert in_hand.secret != lost
    world.store.close()
    restored.store.close()


@pytest.mark.parametrize("derives", [False, True], ids=["following", "derived"])
def test_a_card_that_was_given_secrets_twice_since(
    tmp_path: Path, sqlite_backup: Backup, world: World, derives: bool
) -> None:
    """One that takes three wrong secrets is left with its last try; one that takes more opens."""
    if derives:
        derive(world)
    few, many = another_card(world, "900000000001"), another_card(world, "900000000002")
    with world.store.begin() as uow:
        uow.cards.put([replace(world.card(many), secret_limit=10)])
        uow.commit()
    in_hand = {few.id: InHand(), many.id: InHand(limit=10, left=10, fewest=10)}
    restore = sqlite_backup(world)
    shown = {few.id: [PUK], many.id: [PUK]}
    for _ in range(2):
        for card in (few, many):
            assert isinstance(unlock(world, card, in_hand[card.id]), Finished)
            shown[card.id].append(in_hand[card.id].secret)
    parts, ring = world.parts, world.ring
    world, _ = after(world, restore)
    if derives:
        world.ring = ring
        world.parts = replace(parts, store=world.store, clock=world.clock, mailer=world.relay)
        world.authority = type(world.authority)(world.parts)
    assert isinstance(unlock(world, many, in_hand[many.id]), Finished)
    assert in_hand[many.id].fewest == 8
    assert in_hand[many.id].secret not in shown[many.id]
    assert isinstance(unlock(world, many, in_hand[many.id]), Finished)
    assert in_hand[many.id].fewest == 8, "known again"
    reply = unlock(world, few, in_hand[few.id])
    assert reply == Refusal(Reason.SECRET_BLOCKED)
    assert in_hand[few.id].left == 1
    assert world.card(few).set_aside_at is not None
    world.store.close()


def test_a_chain_that_was_begun_since_the_backup_goes_on_after_its_last_row(
    world: World, sqlite_backup: Backup
) -> None:
    signer = AnchorSigner(world.ring)
    restored = sqlite_backup(world)()
    last = before_first(3) + 17
    anchor = signer.sign(AuditHead(last, "f" * 64), world.clock.now())
    lost = verify_copy(restored.store, signer, [anchor], {}, unseen)
    assert lost == {3: last}
    conclude_restore(restored.store, signer, "root", lost)
    with restored.store.read() as uow:
        heads = {chain_of(head.seq): head.seq for head in uow.audit.heads()}
    assert list(heads) == [1, 2, 3]
    assert heads[3] > last
    verdict = verify_audit(restored.store, signer, [anchor])
    assert verdict.intact
    with restored.store.read() as uow:
        (oldest,) = uow.trail.oldest(AuditQuery(), limit=1)
        assert uow.monitored.beyond({}, uow.audit.gaps()) == (verdict.rows, oldest.at)
        before = {chain_of(gap.first): gap.first - 1 for gap in uow.audit.gaps()}
        (first,) = uow.trail.oldest(AuditQuery(kind=ServiceKind.STORE_RESTORED.value), limit=1)
        assert uow.monitored.beyond(before, uow.audit.gaps()) == (1, first.at)
    restored.store.close()


def test_an_enrolment_line_that_was_used_since_lets_in_no_other_key(
    world: World, sqlite_backup: Backup
) -> None:
    with world.store.begin() as uow:
        until = uow.now + timedelta(minutes=15)
        uow.enrolments.open("1234", "secret", "West Wing 2", "", until)
        uow.commit()
    restored, _ = after(world, sqlite_backup(world))
    with restored.store.read() as uow:
        assert uow.enrolments.is_free("1234")
    restored.store.close()


def test_what_waited_does_not_go_on_after_a_restore(world: World, sqlite_backup: Backup) -> None:
    """A holder may have stopped the change of address since."""
    card = another_card(world, "900000000001")
    with world.store.begin() as uow:
        uow.addresses.add(waiting_address(world.registration(card), "other@nhs.net", uow.now))
        purpose = Purpose.CHANGE_QUESTIONS
        uow.pending.put(PendingChange(new_id(), card.holder_id, card.id, purpose, uow.now))
        uow.commit()
    restored, done = after(world, sqlite_backup(world))
    assert done.address_changes == 1
    with restored.store.begin() as uow:
        assert uow.addresses.waiting(card.holder_id) is None
        assert uow.pending.delete_of_holder(card.holder_id) == 0
    restored.store.close()


def test_a_backup_holds_an_audit_that_is_signed_to_its_end(world: World, tmp_path: Path) -> None:
    world.insert(another_card(world, "900000000001"), blocked=True)
    target = tmp_path / "backup.db"
    back_up(
        world.store, AnchorSigner(world.ring), world.folder / "kiosk.db", target, "root", unseen
    )
    with closing(sqlite3.connect(target)) as copy:
        ends = "SELECT (SELECT max(seq) FROM audit_event), (SELECT max(seq) FROM audit_anchor)"
        last, signed = copy.execute(ends).fetchone()
    assert last == signed > 0


def test_a_backup_that_the_audit_does_not_have_is_deleted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("the database is away", "08006")

    monkeypatch.setattr(type(world.store), "record_event", fail)
    source, target = world.folder / "kiosk.db", tmp_path / "backup.db"
    with pytest.raises(StoreError):
        back_up(world.store, AnchorSigner(world.ring), source, target, "root", unseen)
    assert not target.exists()


def test_altered_rows_keep_no_backup_from_being_restored(
    world: World, sqlite_backup: Backup
) -> None:
    visits = []
    for number in ("900000000001", "900000000002"):
        station_visit = world.insert(another_card(world, number), blocked=True, station=number)
        station_visit.to_code()
        visits.append(station_visit.visit)
    restored = sqlite_backup(world)()
    restored.clock.time = world.clock.time
    with closing(sqlite3.connect(restored.folder / "kiosk.db")) as file, file:
        file.execute("UPDATE visit SET station = 'Ward 7' WHERE id = ?", (visits[0],))
        file.execute("UPDATE email_code SET sent_at = 'soon' WHERE visit_id = ?", (visits[0],))
    signer, altered = AnchorSigner(restored.ring), sweep(restored.store).altered
    assert {table for table, _ in altered} == {"visit", "email_code"}
    done = conclude_restore(restored.store, signer, "root", {}, altered)
    assert (done.visits, done.codes) == (1, 1)
    assert sweep(restored.store).altered == altered
    with restored.store.read() as uow:
        visit = uow.visits.get(visits[1])
    assert visit is not None
    assert visit.closed_at is not None
    restored.store.close()


def test_a_card_that_was_given_a_secret_since_a_restore_is_set_aside(
    sqlite_backup: Backup, world: World
) -> None:
    card = another_card(world, "900000000001")
    world, _ = after(world, sqlite_backup(world))
    assert isinstance(unlock(world, card, InHand()), Finished)
    forged = InHand(secret="11112222")
    assert isinstance(unlock(world, card, forged), Refusal)
    assert (forged.fewest, world.card(card).set_aside_at is None) == (2, False)
    assert AuditKind.SECRET_ADVANCED not in world.kinds()
    world.store.close()


def test_a_restore_advances_no_secret_where_none_are_changed(
    sqlite_backup: Backup, world: World
) -> None:
    card = another_card(world, "900000000001")
    world, _ = after(world, sqlite_backup(world))
    world.policy = structs.replace(world.policy, rotate_secret=False)
    assert isinstance(unlock(world, card, InHand(secret="11112222")), Refusal)
    assert world.card(card).set_aside_at is not None
    assert AuditKind.SECRET_ADVANCED not in world.kinds()
    world.store.close()


def test_without_a_restore_a_refused_card_is_set_aside(world: World) -> None:
    card = another_card(world, "900000000001")
    assert isinstance(unlock(world, card, InHand(secret="11112222")), Refusal)
    assert world.card(card).set_aside_at is not None
    assert AuditKind.SECRET_ADVANCED not in world.kinds()


def test_saved_codes_of_a_backup_work_no_more(world: World, signer: AnchorSigner) -> None:
    """Some may have been used since the backup, which it does not know."""
    world.policy = POLICY
    card = world.registered_card()
    save_codes(world, card)
    done = conclude_restore(world.store, signer, "root", {})
    assert done.saved_codes == 1
    assert world.registration(card).saved_codes is None
    save_codes(world, card)
