from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from kiosk.authority.records import AuditAnchor, AuditVerdict, FaultKind, Signed
from kiosk.authority.store.database import Store
from tests.authority.store import samples
from tests.authority.store.forger import ANCHOR, Forger
from tests.support.database import TestDatabase

ROWS = 12


@pytest.fixture
def chain(store: Store) -> Store:
    for number in range(ROWS):
        with store.begin() as uow:
            uow.audit.append(kind="step", reference=f"R{number}", detail={"n": number})
            uow.commit()
    return store


@pytest.fixture
def forger(database: TestDatabase, chain: Store) -> Iterator[Forger]:
    forger = Forger(database)
    yield forger
    forger.close()


def verify(
    store: Store,
    *,
    anchors: tuple[AuditAnchor, ...] = (),
    check: Callable[[Signed], bool] | None = None,
) -> AuditVerdict:
    with store.read() as uow:
        return uow.audit.verify(elsewhere=anchors, check=check)


def anchor(forger: Forger, seq: int, signature: bytes = b"good") -> AuditAnchor:
    return AuditAnchor(seq, forger.event(seq).hash, samples.NOW, signature, "audit-1")


def is_good(signed: Signed) -> bool:
    return signed.signature == b"good"


COLUMNS = {
    "at": samples.NOW.replace(year=2031),
    "kind": "other",
    "reference": "other",
    "visit_id": "other",
    "card_id": "other",
    "holder_id": "other",
    "station": "other",
    "actor": "other",
    "detail": '{"n":99}',
    "previous": "f" * 64,
    "hash": "f" * 64,
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_names_its_row(chain: Store, forger: Forger, column: str) -> None:
    forger.change(5, **{column: COLUMNS[column]})
    assert found(verify(chain)) == (FaultKind.CHANGED, 5)


def test_a_time_that_cannot_be_read_names_its_row(
    chain: Store, forger: Forger, database: TestDatabase
) -> None:
    no_time = "infinity" if database.dialect == "postgresql" else "soon"
    forger.run(sa.text(f"UPDATE audit_event SET at = '{no_time}' WHERE seq = 5"))
    assert found(verify(chain)) == (FaultKind.CHANGED, 5)


def test_whitespace_in_a_detail_is_a_change(chain: Store, forger: Forger) -> None:
    forger.change(5, detail='{"n": 4}')
    assert found(verify(chain)) == (FaultKind.CHANGED, 5)


def test_a_row_rewritten_with_a_fitting_hash(chain: Store, forger: Forger) -> None:
    forger.rewrite(5, kind="other")
    assert found(verify(chain)) == (FaultKind.UNLINKED, 5)


def test_the_last_row_rewritten_with_a_fitting_hash(chain: Store, forger: Forger) -> None:
    forger.rewrite(ROWS, kind="other")
    assert found(verify(chain)) == (FaultKind.HEAD, ROWS)


@pytest.mark.parametrize("seq", [1, 5, ROWS - 1])
def test_a_removed_row(chain: Store, forger: Forger, seq: int) -> None:
    forger.remove(seq)
    assert found(verify(chain)) == (FaultKind.REMOVED, seq)


def test_a_removed_row_whose_gap_was_closed(chain: Store, forger: Forger) -> None:
    forger.remove(5)
    for seq in range(6, ROWS + 1):
        forger.move(seq, seq - 1)
    assert found(verify(chain)) == (FaultKind.REORDERED, 5)


@pytest.mark.parametrize(("one", "other"), [(5, 6), (3, 9), (1, ROWS)])
def test_swapped_rows(chain: Store, forger: Forger, one: int, other: int) -> None:
    forger.swap(one, other)
    verdict = verify(chain)
    assert found(verdict) == (FaultKind.REORDERED, one)
    assert verdict.fault is not None
    assert f"written as row {other}" in verdict.fault.because


def test_a_cut_tail_is_missed_by_the_head(chain: Store, forger: Forger) -> None:
    forger.remove(ROWS - 1, ROWS)
    verdict = verify(chain)
    assert found(verdict) == (FaultKind.CUT, ROWS - 1)
    assert verdict.rows == ROWS - 2


def test_a_chain_cut_away_altogether(chain: Store, forger: Forger) -> None:
    forger.remove(*range(1, ROWS + 1))
    assert found(verify(chain)) == (FaultKind.CUT, 1)


def test_a_row_put_behind_the_head(chain: Store, forger: Forger) -> None:
    forger.set_head(ROWS - 1)
    assert found(verify(chain)) == (FaultKind.ADDED, ROWS)


def test_a_row_put_before_the_first(chain: Store, forger: Forger) -> None:
    forger.move(ROWS, 0)
    assert found(verify(chain)) == (FaultKind.ADDED, 0)


def test_a_head_that_lies_or_is_gone(chain: Store, forger: Forger) -> None:
    forger.set_head(ROWS, "f" * 64)
    assert found(verify(chain)) == (FaultKind.HEAD, ROWS)
    forger.run(sa.text("DELETE FROM audit_head"))
    assert found(verify(chain)) == (FaultKind.HEAD, ROWS)


def test_the_first_of_several_faults_is_named(chain: Store, forger: Forger) -> None:
    forger.change(9, kind="other")
    forger.change(4, kind="other")
    assert found(verify(chain)) == (FaultKind.CHANGED, 4)


# --- anchors ---------------------------------------------------------------------------


def test_tail_and_head_cut_together_are_seen_only_by_an_anchor(
    chain: Store, forger: Forger
) -> None:
    kept = anchor(forger, ROWS)
    forger.remove(ROWS - 1, ROWS)
    forger.set_head(ROWS - 2)
    assert verify(chain).intact
    assert found(verify(chain, anchors=(kept,))) == (FaultKind.CUT, ROWS - 1)
    assert found(verify(chain, anchors=(kept,), check=is_good)) == (FaultKind.CUT, ROWS - 1)


def test_a_chain_recomputed_from_a_changed_row_on(chain: Store, forger: Forger) -> None:
    kept = (anchor(forger, 3), anchor(forger, 8))
    forger.rewrite(5, kind="other")
    for seq in range(6, ROWS + 1):
        forger.rewrite(seq, previous=forger.event(seq - 1).hash)
    forger.set_head(ROWS)
    assert verify(chain).intact
    verdict = verify(chain, anchors=kept, check=is_good)
    assert found(verdict) == (FaultKind.ANCHOR, 8)
    assert (verdict.anchors, verdict.anchored) == (1, 3)


def test_good_anchors_say_how_far_they_reach(chain: Store, forger: Forger) -> None:
    with chain.begin() as uow:
        uow.audit.add_anchor(anchor(forger, 8))
        uow.audit.add_anchor(anchor(forger, 4))
        uow.commit()
    assert verify(chain, check=is_good) == AuditVerdict(ROWS, anchors=2, anchored=8)
    # Nobody looked at a signature: nothing is promised by them.
    assert verify(chain) == AuditVerdict(ROWS, anchors=2, anchored=0)
    with chain.read() as uow:
        assert uow.audit.anchors() == (anchor(forger, 4), anchor(forger, 8))


@pytest.mark.parametrize("seq", [6, ROWS])
def test_a_bad_signature(chain: Store, forger: Forger, seq: int) -> None:
    forged = anchor(forger, seq, b"bad")
    assert found(verify(chain, anchors=(forged,), check=is_good)) == (FaultKind.SIGNATURE, seq)
    beyond = AuditAnchor(ROWS + 5, "f" * 64, samples.NOW, b"bad", "audit-1")
    verdict = verify(chain, anchors=(beyond,), check=is_good)
    assert found(verdict) == (FaultKind.SIGNATURE, ROWS + 5)


def test_a_forged_anchor_in_the_table(chain: Store, forger: Forger) -> None:
    with chain.begin() as uow:
        uow.audit.add_anchor(anchor(forger, 4))
        uow.commit()
    forger.run(sa.update(ANCHOR).values(hash="f" * 64))
    assert found(verify(chain)) == (FaultKind.ANCHOR, 4)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("check", [None, is_good])
def test_of_several_anchors_of_a_row_is_checked(
    chain: Store, forger: Forger, check: Callable[[Signed], bool] | None, order: int
) -> None:
    right = anchor(forger, 4)
    wrong = (right, replace(right, hash="f" * 64))[::order]
    assert found(verify(chain, anchors=wrong, check=check)) == (FaultKind.ANCHOR, 4)
    both = verify(chain, anchors=(right, replace(right, key_id="audit-2"))[::order], check=check)
    assert (both.intact, both.anchors) == (True, 2)
    forged = (right, replace(right, signature=b"bad"))[::order]
    kind = FaultKind.SIGNATURE if check else None
    fault = verify(chain, anchors=forged, check=check).fault
    assert (fault and fault.kind) == kind


def test_anchors_that_contradict_each_other_beyond_the_end(chain: Store, forger: Forger) -> None:
    beyond = AuditAnchor(ROWS + 5, "f" * 64, samples.NOW, b"good", "audit-1")
    forged = replace(beyond, signature=b"bad")
    for order in ((beyond, forged), (forged, beyond)):
        verdict = verify(chain, anchors=order, check=is_good)
        assert found(verdict) == (FaultKind.SIGNATURE, ROWS + 5)


def found(verdict: AuditVerdict) -> tuple[FaultKind, int]:
    assert verdict.fault is not None
    return verdict.fault.kind, verdict.fault.seq


# --- what only SQLite lets in ----------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    ["at = 'yesterday'", "kind = x'00ff'", "detail = x'00ff'", "hash = 7", "detail = 'no json'"],
)
def test_values_of_another_type(sqlite_database: TestDatabase, damage: str) -> None:
    store = sqlite_database.store()
    for number in range(3):
        with store.begin() as uow:
            uow.audit.append(kind="step", reference=f"R{number}")
            uow.commit()
    forger = Forger(sqlite_database)
    forger.run(sa.text(f"UPDATE audit_event SET {damage} WHERE seq = 2"))
    forger.close()
    assert found(verify(store)) == (FaultKind.CHANGED, 2)
