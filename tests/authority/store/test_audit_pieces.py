"""A verification in pieces finds what one in a single walk finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.authority.records import AuditAnchor, AuditFault, FaultKind, Signed
from kiosk.authority.store.audit_chain import FIRST
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories import audit
from tests.authority.store import samples
from tests.authority.store.forger import Forger
from tests.support.database import TestDatabase

ROWS = 12


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BATCH", 2)


@pytest.fixture
def forger(database: TestDatabase, store: Store) -> Iterator[Forger]:
    for number in range(ROWS):
        append(store, number)
    forger = Forger(database)
    yield forger
    forger.close()


def append(store: Store, number: int) -> None:
    with store.begin() as uow:
        uow.audit.append(kind="step", reference=f"R{number}", detail={"n": number})
        uow.commit()


def is_good(signed: Signed) -> bool:
    return signed.signature == b"good"


def walk(store: Store, most: int = 4) -> tuple[list[int], AuditFault | None]:
    """Verify to the end; return where each piece ended, and the fault."""
    reached, ends = FIRST, []
    while True:
        with store.read() as uow:
            piece = uow.audit.verify_piece(reached, most, is_good)
        reached = piece.last
        ends.append(reached.seq)
        if piece.over:
            return ends, piece.fault


def test_a_chain_that_fits_is_walked_to_its_end(store: Store, forger: Forger) -> None:
    assert walk(store) == ([4, 8, 12], None)
    append(store, 13)
    assert walk(store) == ([4, 8, 12, 13], None)


def test_an_audit_without_rows_fits(store: Store) -> None:
    assert walk(store) == ([0], None)


@pytest.mark.parametrize("seq", [1, 3, 4, 5, 8, 9, 12])
def test_a_changed_row_is_named(store: Store, forger: Forger, seq: int) -> None:
    forger.change(seq, reference="other")
    assert named(walk(store)) == (FaultKind.CHANGED, seq)


@pytest.mark.parametrize("seq", [1, 4, 5, 9])
def test_a_removed_row_is_named(store: Store, forger: Forger, seq: int) -> None:
    forger.remove(seq)
    assert named(walk(store)) == (FaultKind.REMOVED, seq)


@pytest.mark.parametrize(("one", "other"), [(4, 5), (2, 11)])
def test_swapped_rows_are_named(store: Store, forger: Forger, one: int, other: int) -> None:
    forger.swap(one, other)
    assert named(walk(store)) == (FaultKind.REORDERED, one)


@pytest.mark.parametrize("seq", [5, 9])
def test_a_row_rewritten_at_the_seam_is_named(store: Store, forger: Forger, seq: int) -> None:
    forger.rewrite(seq, previous="f" * 64)
    assert named(walk(store)) == (FaultKind.UNLINKED, seq - 1)


def test_a_tail_that_was_cut_is_named(store: Store, forger: Forger) -> None:
    forger.remove(11, 12)
    assert named(walk(store)) == (FaultKind.CUT, 11)


def test_a_row_before_the_first_is_named(store: Store, forger: Forger) -> None:
    forger.move(12, 0)
    forger.set_head(11)
    assert named(walk(store)) == (FaultKind.ADDED, 0)


def test_a_tail_cut_together_with_the_head_is_shown_by_its_anchor(
    store: Store, forger: Forger
) -> None:
    with store.begin() as uow:
        uow.audit.add_anchor(
            AuditAnchor(12, forger.event(12).hash, samples.NOW, b"good", "audit-1")
        )
        uow.commit()
    forger.remove(11, 12)
    forger.set_head(10)
    assert named(walk(store)) == (FaultKind.CUT, 11)


def test_a_bad_signature_is_named_where_the_walk_meets_it(store: Store, forger: Forger) -> None:
    with store.begin() as uow:
        uow.audit.add_anchor(AuditAnchor(6, forger.event(6).hash, samples.NOW, b"bad", "audit-1"))
        uow.commit()
    assert named(walk(store)) == (FaultKind.SIGNATURE, 6)


def named(found: tuple[list[int], AuditFault | None]) -> tuple[FaultKind, int]:
    _, fault = found
    assert fault is not None
    return fault.kind, fault.seq


def test_no_piece_reads_the_rows_of_those_after_it(store: Store, forger: Forger) -> None:
    """A driver reads every row that a statement finds, whatever is asked of the result."""
    asked: list[str] = []

    def note(*event: Any) -> None:
        asked.append(event[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        walk(store)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    of_rows = [text for text in asked if "FROM audit_event" in text and "ORDER BY" in text]
    assert of_rows
    assert [text for text in of_rows if "LIMIT" not in text] == []
