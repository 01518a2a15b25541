"""Before: a purge would have been whatever a row says, and deleted rows missed by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.audit_archive import exported_rows
from kiosk.authority.administration.verification import verify_audit, verify_without_key
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.audit.purge import plan_purge, purge_audit
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import AuditMacs
from kiosk.authority.records import (
    AuditAnchor,
    AuditGap,
    AuditHead,
    AuditQuery,
    FaultKind,
    GapKind,
)
from kiosk.authority.store.database import Store
from tests.authority.store.forger import ANCHOR, EVENT, GAP, Forger
from tests.support.database import SetClock, TestDatabase

ROWS = 10


@pytest.fixture
def store(either_database: TestDatabase, ring: KeyRing, signer: AnchorSigner) -> Store:
    store = either_database.store(audit_macs=AuditMacs(lambda: ring))
    for number in range(ROWS):
        with store.begin() as uow:
            uow.audit.append(kind="step", reference=f"R{number}")
            uow.commit()
    sign_heads(store, signer)
    return store


@pytest.fixture
def forger(either_database: TestDatabase, store: Store) -> Iterator[Forger]:
    forger = Forger(either_database)
    yield forger
    forger.close()


def found(store: Store, signer: AnchorSigner) -> FaultKind | None:
    """Verify with the keys, and as an auditor without them; both have to find the same."""
    with_keys = verify_audit(store, signer).fault
    without = verify_without_key(store, signer.public_keys()).fault
    assert (with_keys and with_keys.kind) == (without and without.kind)
    return with_keys.kind if with_keys else None


def cut(forger: Forger, last: int) -> None:
    forger.remove(*range(1, last + 1))
    forger.run(sa.delete(ANCHOR).where(ANCHOR.c.seq <= last))


def put(forger: Forger, gap: AuditGap) -> None:
    forger.run(
        sa.insert(GAP).values(
            first_row=gap.first,
            last_row=gap.last,
            hash=gap.hash,
            kind=gap.kind.value,
            signed_at=gap.signed_at,
            signature=gap.signature,
            key_id=gap.key_id,
        )
    )


def test_rows_that_were_deleted_by_hand(store: Store, signer: AnchorSigner, forger: Forger) -> None:
    cut(forger, 4)
    assert found(store, signer) is FaultKind.REMOVED


def test_a_cut_under_a_key_of_its_writer(
    store: Store, signer: AnchorSigner, forger: Forger, either_database: TestDatabase
) -> None:
    head, at = AuditHead(4, forger.event(4).hash), either_database.clock.now()
    own = AnchorSigner(KeyRing.fresh()).sign_gap(1, head, GapKind.PURGED, at)
    cut(forger, 4)
    put(forger, own)
    assert found(store, signer) is FaultKind.SIGNATURE
    put(forger, replace(own, last=5, hash=forger.event(5).hash, key_id=_key(signer)))
    assert found(store, signer) is FaultKind.SIGNATURE


def test_the_signature_of_an_anchor_makes_no_cut(
    store: Store, signer: AnchorSigner, forger: Forger
) -> None:
    (anchor,) = _anchors(store)
    cut(forger, ROWS)
    put(
        forger,
        AuditGap(
            1, ROWS, anchor.hash, GapKind.PURGED, anchor.signed_at, anchor.signature, anchor.key_id
        ),
    )
    assert found(store, signer) is FaultKind.SIGNATURE


@pytest.mark.parametrize("kind", list(GapKind))
def test_a_cut_of_the_service_that_somebody_moves(
    store: Store,
    signer: AnchorSigner,
    forger: Forger,
    either_database: TestDatabase,
    kind: GapKind,
) -> None:
    head, at = AuditHead(4, forger.event(4).hash), either_database.clock.now()
    good = signer.sign_gap(1, head, GapKind.PURGED, at)
    cut(forger, 6)
    put(forger, replace(good, last=6, hash=forger.event(7).previous, kind=kind))
    assert found(store, signer) is FaultKind.SIGNATURE


def test_more_is_deleted_than_was_purged(
    store: Store, signer: AnchorSigner, forger: Forger, either_database: TestDatabase
) -> None:
    head, at = AuditHead(4, forger.event(4).hash), either_database.clock.now()
    put(forger, signer.sign_gap(1, head, GapKind.PURGED, at))
    cut(forger, 4)
    assert found(store, signer) is None
    forger.remove(5)
    assert found(store, signer) is FaultKind.REMOVED
    forger.run(sa.delete(GAP))
    assert found(store, signer) is FaultKind.REMOVED


def test_rows_put_back_before_the_cut(
    store: Store, signer: AnchorSigner, forger: Forger, either_database: TestDatabase
) -> None:
    """Rows that wait to be deleted are still shown to staff: one that was made up is found."""
    head, at = AuditHead(4, forger.event(4).hash), either_database.clock.now()
    put(forger, signer.sign_gap(1, head, GapKind.PURGED, at))
    real = forger.event(4).model_dump()
    cut(forger, 4)
    forger.run(sa.insert(EVENT).values(real))
    assert found(store, signer) is None
    forger.rewrite(4, reference="made up")
    fault = verify_audit(store, signer).fault
    assert fault is not None
    assert fault.kind is FaultKind.FORGED
    fault = verify_without_key(store, signer.public_keys()).fault
    assert fault is not None
    assert fault.kind is FaultKind.ANCHOR


def test_an_anchor_of_a_purged_row_that_was_kept_and_altered(
    store: Store, signer: AnchorSigner, forger: Forger, either_database: TestDatabase
) -> None:
    (anchor,) = (one for one in _anchors(store) if one.seq == ROWS)
    head, at = AuditHead(ROWS, anchor.hash), either_database.clock.now()
    cut(forger, ROWS)
    put(forger, signer.sign_gap(1, head, GapKind.PURGED, at))
    altered = replace(anchor, hash="0" * 64)
    assert verify_without_key(store, {}, (anchor,)).intact
    for kept in ((anchor, altered), (altered, anchor)):
        fault = verify_without_key(store, {}, kept).fault
        assert fault is not None
        assert (fault.kind, fault.seq) == (FaultKind.ANCHOR, ROWS)
        fault = verify_without_key(store, signer.public_keys(), kept).fault
        assert fault is not None
        assert (fault.kind, fault.seq) == (FaultKind.SIGNATURE, ROWS)


def test_a_database_whose_clock_is_years_ahead_has_nothing_purged(
    either_database: TestDatabase, ring: KeyRing, signer: AnchorSigner
) -> None:
    """Whoever sets the server's clock must not let the service delete the audit."""

    class OfTheServer(SetClock):
        """Years ahead for transactions; the machine's own clock is right."""

    machine = SetClock()
    store = either_database.store(clock=machine, audit_macs=AuditMacs(lambda: ring))
    store._clock = OfTheServer(machine.now() + timedelta(days=3650))
    with store.begin() as uow:
        uow.audit.append(kind="step", reference="R")
        uow.commit()
    sign_heads(store, signer)

    def plan(now: datetime) -> int:
        return plan_purge(store, signer, now - timedelta(days=365), None, None).rows

    assert plan(store.machine_clock.now()) == 0
    store._clock = OfTheServer(machine.now() - timedelta(days=3650))
    with store.begin() as uow:
        uow.audit.append(kind="step", reference="R")
        uow.commit()
    sign_heads(store, signer)
    assert plan(store.machine_clock.now()) == 0
    machine.forward(days=366)
    assert plan(store.machine_clock.now()) == 2


def test_an_export_that_only_an_inserted_row_tells_of(store: Store, forger: Forger) -> None:
    """Otherwise a purge would delete rows that no file has."""
    last = forger.event(ROWS)
    exported = {"kind": StaffKind.AUDIT_EXPORTED.value, "detail": f'{{"chains_until":"{ROWS}"}}'}
    forger.add(last, seq=ROWS + 1, previous=last.hash, **exported)
    with store.read() as uow:
        (newest,) = uow.trail.newest(AuditQuery(kind=StaffKind.AUDIT_EXPORTED.value))
        assert newest.detail == {"chains_until": str(ROWS)}
        assert exported_rows(uow) == {}


def test_by_hand_nothing_goes_that_was_not_purged(
    store: Store, signer: AnchorSigner, either_database: TestDatabase
) -> None:
    """The triggers refuse it, to any but the owner, who can drop them."""
    hand = Forger(either_database, keep_triggers=True)
    for table in (EVENT, ANCHOR):
        with pytest.raises(sa.exc.DatabaseError, match="append only"):
            hand.run(table.delete())
    either_database.clock.forward(days=730)
    now = store.machine_clock.now()
    purge_audit(
        store, signer, plan_purge(store, signer, now - timedelta(days=365), None, None), "root"
    )
    for change in (sa.delete(GAP), sa.update(GAP).values(first_row=2), sa.delete(EVENT)):
        with pytest.raises(sa.exc.DatabaseError, match="append only"):
            hand.run(change)
    hand.close()


def _anchors(store: Store) -> tuple[AuditAnchor, ...]:
    with store.read() as uow:
        return uow.audit.anchors()


def _key(signer: AnchorSigner) -> str:
    return next(iter(signer.public_keys()))
