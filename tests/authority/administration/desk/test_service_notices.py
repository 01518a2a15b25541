from __future__ import annotations

import pytest

from kiosk.authority.audit.events import EVENTS, AuditKind, audit_message
from kiosk.authority.records import AuditEvent, Scalar
from tests.authority.store.samples import NOW

OF_SERVICE = [
    kind for kind, spec in EVENTS.items() if spec.from_detail and kind not in set(AuditKind)
]


def row(kind: str, detail: dict[str, Scalar]) -> AuditEvent:
    return AuditEvent(1, NOW, kind, "", None, None, None, None, None, detail, "", "")


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        (
            "policy-changed",
            {"setting": "max_failures", "value": "5", "was": "3", "as_in_file": False},
            "Set max_failures to 5; it was 3.",
        ),
        (
            "policy-changed",
            {"setting": "email_domains", "value": "", "was": "nhs.uk", "as_in_file": False},
            "Set email_domains to nothing; it was nhs.uk.",
        ),
        (
            "policy-changed",
            {"setting": "max_failures", "value": "3", "was": "5", "as_in_file": True},
            "Put max_failures back to the settings file's 3; it was 5.",
        ),
        ("question-retired", {"question": 7}, "Retired security question 7."),
        ("staff-added", {"role": "agent"}, "Added a member of staff with the role agent."),
        (
            "role-changed",
            {"role": "agent", "was": "manager"},
            "Changed the role of a member of staff from manager to agent.",
        ),
        (
            "staff-not-permitted",
            {"action": "lift-block"},
            "Tried something that their role does not permit: lift-block.",
        ),
        ("audit-verified", {"rows": 12, "intact": True}, "Verified the audit: 12 rows in order."),
        ("audit-verified", {"rows": 1, "intact": True}, "Verified the audit: 1 row in order."),
        (
            "audit-verified",
            {"rows": 11, "intact": False, "fault_row": 12},
            "Verified the audit: row 12 does not fit.",
        ),
        ("audit-exported", {"rows": 0}, "Exported 0 rows of the audit."),
        (
            "people-imported",
            {"lines": 9, "people_added": 4, "people_changed": 2},
            "Imported people: 9 lines, 4 people added, 2 changed.",
        ),
    ],
)
def test_a_row_says_what_was_done(kind: str, detail: dict[str, Scalar], expected: str) -> None:
    assert audit_message(row(kind, detail)) == expected


@pytest.mark.parametrize("kind", OF_SERVICE)
def test_a_row_that_says_little_has_its_kinds_words(kind: str) -> None:
    assert audit_message(row(kind, {})) == EVENTS[kind].sentence
