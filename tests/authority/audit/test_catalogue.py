"""The catalogue of audit events: one row for each event that the product can record."""

from __future__ import annotations

import ast
from pathlib import Path

import kiosk
from kiosk.authority.audit.events import (
    EVENTS,
    NOT_IN_STORY,
    STAFF_KINDS,
    AuditKind,
    EventKind,
    ServiceKind,
    StaffKind,
)

PRODUCT = Path(kiosk.__file__).parent


def test_no_two_events_are_stored_under_the_same_name() -> None:
    assert len(EVENTS) == len(AuditKind) + len(ServiceKind) + len(StaffKind)


def test_every_event_has_a_sentence() -> None:
    for kind, spec in EVENTS.items():
        assert spec.sentence[0].isupper(), kind
        assert spec.sentence.endswith("."), kind


def test_a_story_leaves_out_nothing_that_staff_did() -> None:
    assert not NOT_IN_STORY & STAFF_KINDS


def test_every_event_is_named_outside_its_row() -> None:
    """One that is not can be recorded by nothing."""
    named = {
        (node.value.id, node.attr)
        for path in PRODUCT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    kinds: tuple[type[EventKind], ...] = (AuditKind, ServiceKind, StaffKind)
    rows = {(of.__name__, kind.name) for of in kinds for kind in of}
    assert sorted(rows - named) == [], "nothing records these"


def test_no_event_is_recorded_under_a_name_written_by_hand() -> None:
    """A literal would have no row, and so no sentence, gravity or place in the reports."""
    by_hand = [
        f"{path.relative_to(PRODUCT)}:{keyword.value.lineno}"
        for path in PRODUCT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "append"
        for keyword in node.keywords
        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
    ]
    assert not by_hand
