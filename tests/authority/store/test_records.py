"""A record and the row of its table say the same of each column that both have."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import pytest

from kiosk.authority import records
from kiosk.authority.store import tables
from kiosk.authority.store.tables import TableRow, columns_of

ROWS = {
    name.removesuffix("Row"): kind
    for name, kind in vars(tables).items()
    if isinstance(kind, type) and issubclass(kind, TableRow) and hasattr(kind, "__table__")
}
NAMED = {
    "Code": "EmailCode",
    "Outbox": "OutboxMessage",
    "Pending": "PendingChange",
    "Question": "SecurityQuestion",
    "Unblock": "UnblockEntry",
}
RECORDS = {
    name: kind
    for name in ROWS
    if is_dataclass(kind := getattr(records, NAMED.get(name, name), None))
}
MADE = {
    # By ``record`` of the row, or by the repository: of several columns, or in another form.
    "AuditEvent": {"detail"},
    "AuditGap": {"first", "last"},
    "Card": {"sealed_secret"},
    "KeptSecret": {"sealed"},
}
OF_THE_STORE = {
    # For the store alone: parts of a seal, what lists are sorted by, links of a chain.
    "AuditEvent": {"detail", "detail_sha256", "mac_key", "salt"},
    "AuditGap": {"first_row", "last_row"},
    "AuditHead": {"chain"},
    "Card": {"derived_from", "sealed_key_id", "sealed_revision", "sealed_secret"},
    "Cardholder": {"sort_name"},
    "KeptSecret": {"derived_from", "sealed_key_id", "sealed_revision", "sealed_secret"},
}


def of_record(name: str) -> dict[str, Any]:
    hints = get_type_hints(RECORDS[name])
    made = MADE.get(name, set())
    return {field.name: hints[field.name] for field in fields(RECORDS[name])} | dict.fromkeys(made)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_record_and_its_row_agree(name: str) -> None:
    made = dict.fromkeys(MADE.get(name, ()))
    hints = get_type_hints(ROWS[name])
    hidden = {"mac", *OF_THE_STORE.get(name, ())}
    columns = {each: hints[each] for each in columns_of(ROWS[name]) if each not in hidden}
    assert of_record(name) == columns | made


def test_table_without_a_record_is_known() -> None:
    """A pair that this test does not find would be compared by nobody."""
    assert ROWS.keys() - RECORDS.keys() == {
        "Attempt",
        "AuditFeed",
        "ErasedNumber",
        "KnownKey",
        "SearchTerm",
        "ServedProgram",
    }
