"""What each role of PostgreSQL may do: the owner migrates, the others work.

Only the owner can change a row of the audit, or switch off its triggers. Staff may redact a text in
a row, and the retention role may delete rows that a signed gap covers; triggers limit both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from kiosk.authority.store.tables import TableRow

_APPENDED: Final = {
    "audit_event": "INSERT",
    "audit_anchor": "INSERT",
    "audit_head": "INSERT, UPDATE",
}

AUTHORITY: Final[Mapping[str, str]] = {
    **_APPENDED,
    "address": "INSERT, UPDATE, DELETE",
    "alarm": "INSERT, UPDATE, DELETE",
    "audit_feed": "INSERT, UPDATE",
    "action_note": "INSERT",
    "attempt_charge": "INSERT, UPDATE, DELETE",
    "card": "UPDATE",
    "job": "INSERT, UPDATE",
    "email_code": "INSERT, UPDATE, DELETE",
    "kept_secret": "INSERT, UPDATE, DELETE",
    "known_key": "INSERT",
    "outbox_message": "INSERT, UPDATE, DELETE",
    "pending_change": "INSERT, UPDATE, DELETE",
    "proof": "INSERT, UPDATE, DELETE",
    "proposed_act": "UPDATE, DELETE",
    "registration": "INSERT, UPDATE",
    "search_term": "INSERT, DELETE",
    "station": "INSERT, UPDATE",
    "station_enrolment": "UPDATE",
    "station_key": "INSERT, UPDATE, DELETE",
    "stop_number": "INSERT, UPDATE, DELETE",
    "unblock_journal": "INSERT, UPDATE, DELETE",
    "visit": "INSERT, UPDATE, DELETE",
}
"""What the authority writes; it reads every table."""

_NOT_WRITTEN: Final = frozenset({"audit_gap", "served_program", "store_restore", *_APPENDED})

STAFF: Final[Mapping[str, str]] = {
    **dict.fromkeys(TableRow.metadata.tables.keys() - _NOT_WRITTEN, "INSERT, UPDATE, DELETE"),
    **_APPENDED,
    "audit_event": "INSERT, UPDATE (detail, salt)",
}
"""What staff write; they read every table."""

RETENTION: Final[Mapping[str, str]] = {
    "action_note": "DELETE",
    "attempt_charge": "DELETE",
    "audit_anchor": "INSERT, DELETE",
    "audit_event": "INSERT, DELETE",
    "audit_gap": "INSERT",
    "audit_head": "INSERT, UPDATE",
    "email_code": "DELETE",
    "outbox_message": "DELETE",
    "pending_change": "DELETE",
    "proposed_act": "DELETE",
    "stop_number": "DELETE",
    "unblock_journal": "DELETE",
    "visit": "DELETE",
}
"""What `kiosk purge` and the export before it write; they read these tables and some more."""

_RETENTION_READS: Final = ("audit_feed", "job", "policy_setting", "kept_secret (card_id, kind)")

REPORT: Final[Mapping[str, tuple[str, ...]]] = {
    "audit_event": ("seq", "at", "kind", "reference", "visit_id", "holder_id", "station", "actor"),
    "outbox_message": ("id", "template", "created_at", "attempts", "sent_at", "failed_at"),
    "station": ("name", "site", "version", "reader_state", "last_seen_at", "retired_at"),
    "visit": (
        "id",
        "reference",
        "station",
        "opened_at",
        "purpose",
        "finished_at",
        "how",
        "refusal",
    ),
}
"""What reports read: no person's name, no address, no secret."""

ROLES: Final = "kiosk_authority", "kiosk_staff", "kiosk_retention", "kiosk_report"
"""Each account that logs in is a member of one."""


def creations() -> Iterator[str]:
    """Return the statements that the server's administrator runs once, as the owner may not."""
    for name in ROLES:
        yield f"CREATE ROLE {name}"


def grants() -> Iterator[str]:
    """Return the statements that the owner runs at the start and after each migration."""
    authority, staff, retention, report = ROLES
    every = ", ".join(ROLES)
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {every}"
    yield f"GRANT USAGE ON SCHEMA public TO {every}"
    written = {authority: AUTHORITY, staff: STAFF, retention: RETENTION}
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {authority}, {staff}"
    for table in (*RETENTION, *_RETENTION_READS):
        name, _, only = table.partition(" ")
        yield f"GRANT SELECT {only} ON {name} TO {retention}"
    for role, writes in written.items():
        for table, privileges in sorted(writes.items()):
            yield f"GRANT {privileges} ON {table} TO {role}"
    for table, columns in sorted(REPORT.items()):
        yield f"GRANT SELECT ({', '.join(columns)}) ON {table} TO {report}"


_PRIVILEGE = re.compile(r"(\w+)(?: \((.*?)\))?")


def privileges_lacking(wanted: Mapping[str, str]) -> str:
    """Return the query for the tables on which the current role lacks a wanted privilege."""
    asked = []
    for table, privileges in wanted.items():
        for privilege, columns in _PRIVILEGE.findall(f"SELECT, {privileges}"):
            if not columns:
                asked.append((table, f"has_table_privilege('{table}', '{privilege}')"))
            for column in columns.split(", ") if columns else ():
                has = f"has_column_privilege('{table}', '{column}', '{privilege}')"
                asked.append((table, has))
    rows = ", ".join(f"('{table}', {has})" for table, has in asked)
    return (
        f"SELECT DISTINCT name FROM (VALUES {rows}) asked (name, has) WHERE NOT has ORDER BY name"  # noqa: S608 - our own tables
    )
