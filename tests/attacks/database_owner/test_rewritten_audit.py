"""Before: rows that were rewritten or cut off after the last signed head fitted, and got signed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.verification import read_anchors, verify_audit
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import AuditMacs
from kiosk.authority.errors import AuditNotIntact
from kiosk.authority.records import AuditAnchor, AuditVerdict, FaultKind
from kiosk.authority.store.audit_chain import FIRST
from kiosk.authority.store.database import Store
from kiosk.config.settings import NoticeSettings
from tests.authority.store.forger import ANCHOR, Forger
from tests.support.database import TestDatabase

SIGNED, ROWS = 5, 10


@pytest.fixture
def store(either_database: TestDatabase, ring: KeyRing) -> Store:
    return either_database.store(audit_macs=AuditMacs(lambda: ring))


@pytest.fixture
def caretaker(store: Store, signer: AnchorSigner) -> Caretaker:
    return Caretaker(store, signer, NoticeSettings(), "ra@nhs.net")


@pytest.fixture
def kept(store: Store, caretaker: Caretaker, either_database: TestDatabase) -> AuditAnchor:
    """Ten rows, of which the first five are signed; the anchor that was kept elsewhere."""
    write(store, SIGNED)
    assert caretaker.run()
    (anchor,) = anchors(store)
    assert anchor.seq == SIGNED
    write(store, ROWS - SIGNED)
    either_database.clock.forward(minutes=2)
    return anchor


@pytest.fixture
def forger(either_database: TestDatabase, kept: AuditAnchor) -> Iterator[Forger]:
    forger = Forger(either_database)
    yield forger
    forger.close()


def write(store: Store, rows: int) -> None:
    for number in range(rows):
        with store.begin() as uow:
            uow.audit.append(kind="step", reference=f"R{number}", actor="A", detail={"n": number})
            uow.commit()


def anchors(store: Store) -> tuple[AuditAnchor, ...]:
    with store.read() as uow:
        return uow.audit.anchors()


def alarms(store: Store) -> list[str]:
    with store.read() as uow:
        return [alarm.name for alarm in uow.alarms.standing()]


def found(verdict: AuditVerdict) -> tuple[FaultKind, int] | None:
    return (verdict.fault.kind, verdict.fault.seq) if verdict.fault else None


def plain(store: Store) -> AuditVerdict:
    """Verify as somebody without any key does."""
    with store.read() as uow:
        return uow.audit.verify(keyed=False)


def test_rows_rewritten_after_the_anchor_are_named_and_never_signed(
    store: Store, signer: AnchorSigner, caretaker: Caretaker, kept: AuditAnchor, forger: Forger
) -> None:
    forger.rewrite_from(7, actor="somebody else")
    assert plain(store).intact
    assert found(verify_audit(store, signer, (kept,))) == (FaultKind.FORGED, 7)

    assert caretaker.run()
    assert anchors(store) == (kept,)
    assert alarms(store) == ["audit-broken:7"]
    with pytest.raises(AuditNotIntact, match="row 7"):
        sign_heads(store, signer)


def test_a_row_that_somebody_adds_is_named_and_never_signed(
    store: Store, signer: AnchorSigner, caretaker: Caretaker, kept: AuditAnchor, forger: Forger
) -> None:
    last = forger.event(ROWS)
    forger.add(last, seq=ROWS + 1, previous=last.hash, kind="code-right")
    assert plain(store).intact
    assert found(verify_audit(store, signer)) == (FaultKind.FORGED, ROWS + 1)
    assert caretaker.run()
    assert anchors(store) == (kept,)


def test_a_detail_that_was_taken_out_needs_a_row_of_the_service_that_says_so(
    store: Store, signer: AnchorSigner, caretaker: Caretaker, kept: AuditAnchor, forger: Forger
) -> None:
    forger.change(7, detail=None, salt=None)
    assert found(verify_audit(store, signer)) == (FaultKind.CHANGED, 7)
    last = forger.event(ROWS)
    said = json.dumps({"row": 7, "what": "detail"})
    forger.add(last, seq=ROWS + 1, previous=last.hash, kind="audit-redacted", detail=said)
    assert plain(store).intact
    assert found(verify_audit(store, signer)) == (FaultKind.FORGED, ROWS + 1)
    assert caretaker.run()
    assert anchors(store) == (kept,)


def test_a_reason_that_was_redacted_lets_no_detail_be_taken_out(
    store: Store, signer: AnchorSigner, forger: Forger
) -> None:
    with store.begin() as uow:
        uow.audit.append(kind="audit-redacted", reference="R", detail={"row": 7, "what": "reason"})
        uow.commit()
    assert verify_audit(store, signer).intact
    forger.change(7, detail=None, salt=None)
    assert found(verify_audit(store, signer)) == (FaultKind.CHANGED, 7)


def test_rows_under_a_key_of_their_writer(
    store: Store, signer: AnchorSigner, ring: KeyRing, kept: AuditAnchor, forger: Forger
) -> None:
    other = AuditMacs(KeyRing.fresh)
    forger.rewrite(ROWS, actor="somebody else")
    mac, key_id = other.tag(ROWS, forger.event(ROWS).hash)
    forger.change(ROWS, mac=mac, mac_key=key_id)
    forger.set_head(ROWS)
    assert found(verify_audit(store, signer)) == (FaultKind.KEY, ROWS)
    forger.change(ROWS, mac_key=ring.current(KeyPurpose.AUDIT_LINK).id)
    assert found(verify_audit(store, signer)) == (FaultKind.FORGED, ROWS)


def test_rows_cut_off_with_their_head_are_missed_by_the_anchor(
    store: Store, signer: AnchorSigner, caretaker: Caretaker, kept: AuditAnchor, forger: Forger
) -> None:
    forger.remove(*range(SIGNED - 1, ROWS + 1))
    forger.set_head(SIGNED - 2)
    assert found(verify_audit(store, signer)) == (FaultKind.CUT, SIGNED - 1)
    assert caretaker.run()
    assert anchors(store) == (kept,)
    assert alarms(store) == ["audit-broken:5"]


def test_anchors_that_are_cut_off_too_are_missed_by_the_service_and_by_those_kept_elsewhere(
    store: Store, signer: AnchorSigner, caretaker: Caretaker, kept: AuditAnchor, forger: Forger
) -> None:
    forger.remove(*range(SIGNED - 1, ROWS + 1))
    forger.set_head(SIGNED - 2)
    forger.run(ANCHOR.delete())
    assert verify_audit(store, signer).intact
    assert found(verify_audit(store, signer, (kept,))) == (FaultKind.CUT, SIGNED - 1)
    assert caretaker.run()
    assert anchors(store) == ()
    assert alarms(store) == ["audit-broken:5"]


def test_look_signs_a_head_that_moved_and_ships_it_in_the_log(
    store: Store,
    signer: AnchorSigner,
    caretaker: Caretaker,
    kept: AuditAnchor,
    either_database: TestDatabase,
    caplog: pytest.LogCaptureFixture,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    caplog.set_level(logging.INFO)
    assert caretaker.run()
    assert [anchor.seq for anchor in anchors(store)] == [SIGNED, ROWS]
    either_database.clock.forward(minutes=2)
    assert caretaker.run()
    assert [anchor.seq for anchor in anchors(store)] == [SIGNED, ROWS]

    lines = [line for line in caplog.messages if "audit anchor" in line]
    journal = tmp_path_factory.mktemp("elsewhere") / "journal"
    journal.write_text(
        "\n".join(f"Nov 25 18:00:00 desk kiosk[7]: INFO x: {line}" for line in lines)
    )
    assert read_anchors(journal) == anchors(store)[1:]
    verdict = verify_audit(store, signer, read_anchors(journal))
    assert (verdict.intact, verdict.keyed, verdict.anchored) == (True, True, ROWS)


def test_a_long_audit_is_signed_in_pieces(store: Store, signer: AnchorSigner) -> None:
    write(store, 3)
    with store.begin() as uow:
        for _ in range(2500):
            uow.audit.append(kind="step", reference="R")
        uow.commit()
    pieces = []
    while signed := sign_heads(store, signer, most=1000):
        pieces += [anchor.seq for anchor in signed]
    assert pieces == [1000, 2000, 2503]
    with store.read() as uow:
        assert uow.audit.verify_piece(FIRST, 10_000, signer.check).fault is None


def test_rows_of_before_a_rotation_are_checked_with_the_key_that_made_them(
    either_database: TestDatabase,
) -> None:
    rings = [KeyRing.fresh()]
    rotating = either_database.store(audit_macs=AuditMacs(lambda: rings[-1]))
    write(rotating, 2)
    rings.append(rings[0].with_new(KeyPurpose.AUDIT_LINK))
    later = either_database.store(audit_macs=AuditMacs(lambda: rings[-1]))
    write(later, 2)
    for store in (rotating, later):
        with store.read() as uow:
            verdict = uow.audit.verify()
        assert (verdict.rows, verdict.keyed, verdict.fault) == (4, True, None)
