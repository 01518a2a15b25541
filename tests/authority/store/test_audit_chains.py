"""Several chains: one order to read them in, and none that can be dropped once it was signed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.verification import verify_audit
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.audit.rows import ROWS_A_CHAIN, row_name
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import AuditMacs
from kiosk.authority.errors import AuditNotIntact
from kiosk.authority.records import AuditAnchor, AuditQuery, AuditVerdict, FaultKind
from kiosk.authority.store.audit_chain import first_head
from kiosk.authority.store.database import Store
from kiosk.authority.store.tables import values
from kiosk.config.settings import NoticeSettings
from tests.authority.store.forger import ANCHOR, EVENT, HEAD, Forger
from tests.support.database import PostgresServer, SetClock, TestDatabase

pytestmark = pytest.mark.postgresql

CHAINS, PLACES = 3, 4


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[TestDatabase]:
    database = TestDatabase(postgres_server.fresh(), "postgresql", SetClock())
    yield database
    database.close()


@pytest.fixture
def store(database: TestDatabase, ring: KeyRing) -> Store:
    """Three chains of four rows each, written in turns."""
    store = database.store(audit_macs=AuditMacs(lambda: ring))
    for chain in range(2, CHAINS + 1):
        begun = sa.insert(HEAD).values(chain=chain, **values(first_head(chain)))
        Forger(database).run(begun)
    for place in range(PLACES):
        write(store, CHAINS, f"R{place}")
    return store


@pytest.fixture
def forger(database: TestDatabase, store: Store) -> Iterator[Forger]:
    forger = Forger(database)
    yield forger
    forger.close()


def write(store: Store, writers: int, reference: str) -> None:
    """Let some write at the same moment: the first begins last, and is done last."""
    with store.begin() as uow:
        uow.audit.append(kind="step", reference=reference, holder_id="h", actor="A")
        uow.audit.write()
        if writers > 1:
            write(store, writers - 1, reference)
        uow.commit()


def of_chain(chain: int) -> sa.ColumnElement[bool]:
    begin = (chain - 1) * ROWS_A_CHAIN
    return EVENT.c.seq.between(begin + 1, begin + PLACES)


def drop(forger: Forger, chain: int) -> None:
    """Take every row of a chain away, with its head."""
    forger.run(
        sa.delete(EVENT).where(of_chain(chain)), sa.delete(HEAD).where(HEAD.c.chain == chain)
    )


def found(verdict: AuditVerdict) -> tuple[FaultKind, str] | None:
    return (verdict.fault.kind, row_name(verdict.fault.seq)) if verdict.fault else None


def test_all_chains_are_verified_and_signed(store: Store, signer: AnchorSigner) -> None:
    told: list[tuple[int, int]] = []
    with store.read() as uow:
        assert len(uow.audit.heads()) == CHAINS
    verdict = verify_audit(store, signer, progress=lambda *how_far: told.append(how_far))
    assert (verdict.rows, verdict.anchored, verdict.intact) == (12, 0, True)
    assert told == [(4, 12), (8, 12), (12, 12)]
    signed = sign_heads(store, signer)
    assert [row_name(anchor.seq) for anchor in signed] == ["4", "2-4", "3-4"]
    assert sign_heads(store, signer) == ()
    write(store, 1, "R")
    assert [row_name(anchor.seq) for anchor in sign_heads(store, signer)] == ["5"]
    verdict = verify_audit(store, signer, signed)
    assert (verdict.rows, verdict.anchors, verdict.anchored, verdict.fault) == (13, 4, 13, None)


@pytest.mark.parametrize("chain", [1, 2, 3])
def test_a_row_that_was_changed_is_named_in_any_chain(
    store: Store, signer: AnchorSigner, forger: Forger, chain: int
) -> None:
    row = (chain - 1) * ROWS_A_CHAIN + 2
    forger.change(row, actor="somebody else")
    assert found(verify_audit(store, signer)) == (FaultKind.CHANGED, row_name(row))
    with pytest.raises(AuditNotIntact, match=f"row {row_name(row)} of the audit"):
        sign_heads(store, signer)
    with store.read() as uow:
        assert uow.audit.anchors() == ()


def test_a_row_moved_into_another_chain_is_named(
    store: Store, signer: AnchorSigner, forger: Forger
) -> None:
    forger.swap(3, ROWS_A_CHAIN + 3)
    assert found(verify_audit(store, signer)) == (FaultKind.CHANGED, "3")


@pytest.mark.parametrize(("row", "named"), [(0, "0"), (ROWS_A_CHAIN, "2-0")])
def test_a_row_before_the_first_of_a_chain_is_named(
    store: Store, signer: AnchorSigner, forger: Forger, row: int, named: str
) -> None:
    forger.move(row + PLACES, row)
    assert found(verify_audit(store, signer)) == (FaultKind.ADDED, named)


def test_a_chain_that_was_dropped_is_missed_by_those_after_it(
    store: Store, signer: AnchorSigner, forger: Forger
) -> None:
    drop(forger, 2)
    assert found(verify_audit(store, signer)) == (FaultKind.HEAD, "2-0")
    with pytest.raises(AuditNotIntact, match="row 2-0"):
        sign_heads(store, signer)


@pytest.mark.parametrize("chain", [1, 2, 3])
def test_a_chain_that_was_dropped_is_missed_by_its_anchor(
    store: Store, signer: AnchorSigner, forger: Forger, chain: int
) -> None:
    sign_heads(store, signer)
    drop(forger, chain)
    first = row_name((chain - 1) * ROWS_A_CHAIN + 1)
    assert found(verify_audit(store, signer)) == (FaultKind.CUT, first)


def test_a_chain_that_was_dropped_with_its_anchors(
    store: Store, signer: AnchorSigner, forger: Forger, database: TestDatabase
) -> None:
    """The last chain leaves no gap: only what was kept elsewhere shows it, and who signed it."""
    caretaker = Caretaker(store, signer, NoticeSettings(), "ra@nhs.net")
    assert caretaker.run()
    with store.read() as uow:
        kept: tuple[AuditAnchor, ...] = uow.audit.anchors()
    drop(forger, CHAINS)
    forger.run(sa.delete(ANCHOR).where(ANCHOR.c.seq > (CHAINS - 1) * ROWS_A_CHAIN))
    assert verify_audit(store, signer).intact
    assert found(verify_audit(store, signer, kept)) == (FaultKind.CUT, "3-1")
    database.clock.forward(minutes=2)
    assert caretaker.run()
    with store.read() as uow:
        (alarm,) = uow.alarms.standing()
    assert alarm.name == f"audit-broken:{2 * ROWS_A_CHAIN + PLACES}"


def test_the_service_verifies_every_chain_by_itself(
    store: Store, signer: AnchorSigner, forger: Forger, database: TestDatabase
) -> None:
    caretaker = Caretaker(store, signer, NoticeSettings(), "ra@nhs.net")
    assert caretaker.run()
    forger.change(2 * ROWS_A_CHAIN + 2, actor="somebody else")  # below its anchor
    for _ in range(CHAINS):
        database.clock.forward(days=1)
        assert caretaker.run()
    with store.read() as uow:
        alarms = [alarm.name for alarm in uow.alarms.standing()]
    assert f"audit-broken:{2 * ROWS_A_CHAIN + 2}" in alarms


def test_chains_are_read_in_one_order(store: Store, database: TestDatabase) -> None:
    for reference in ("S", "T", "U"):
        database.clock.forward(minutes=1)
        write(store, 2, reference)
    query, oldest, newest = AuditQuery(holder_id="h"), [], []
    with store.read() as uow:
        whole = [row.seq for row in uow.trail.oldest(query)]
        after, before = None, None
        while rows := uow.trail.oldest(query, after, 4):
            oldest += [row.seq for row in rows]
            after = rows[-1].seq
        while rows := uow.trail.newest(query, before, 4):
            newest += [row.seq for row in rows]
            before = rows[-1].seq
        references = [row.reference for row in uow.trail.oldest(query)]
    assert len(whole) == 18
    assert oldest == newest[::-1] == whole
    assert references[12:] == ["S", "S", "T", "T", "U", "U"]
