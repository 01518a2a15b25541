"""Audit rows, questions, policy, staff and files, as the fake desk begins with them."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.administration.default_questions import DEFAULT_QUESTIONS
from kiosk.administration.views.audit import AuditLine, ChainVerdict
from kiosk.administration.views.service import (
    ImportFile,
    KeyLine,
    PolicyLine,
    QuestionLine,
    StaffLine,
)
from kiosk.roles import Role
from tests.screens.admin.people import NOW

_EVENTS = (
    ("unlocked", "Unlocked their card.", "Main Entrance", ""),
    ("answers-wrong", "Answers were wrong.", "West Wing 1", ""),
    ("blocked", "Registration was blocked.", "West Wing 1", ""),
    ("registered", "Registered.", "Library", ""),
    ("block-lifted", "The block was lifted.", "", "Ann Archer"),
    ("code-issued", "A code was issued.", "", "Ann Archer"),
    ("staff-logged-in", "Logged in.", "", "Mo Farrow"),
    ("policy-changed", "A policy setting was changed.", "", "Mo Farrow"),
)
CHAIN = ChainVerdict(rows=240, anchors=12, anchored_to=232, fault="", fault_row=None)


def audit() -> list[AuditLine]:
    """Return 240 rows, newest first, one each 7 minutes."""
    return [_row(seq, NOW - timedelta(minutes=7 * (240 - seq))) for seq in range(240, 0, -1)]


def _row(seq: int, at: datetime) -> AuditLine:
    kind, told, station, who = _EVENTS[seq % len(_EVENTS)]
    person = "" if kind.startswith(("staff", "policy")) else f"10020030040{seq % 6 + 1}"
    reference = f"{'ABCDEFGHJK'[seq % 10]}4XT-{seq:03}M"
    return AuditLine(seq, at, kind, told, person, station, who, reference, f'{{"row": {seq}}}')


def questions() -> list[QuestionLine]:
    """Return the default list, two of it retired."""
    return [
        QuestionLine(
            number,
            text,
            4200 - 190 * number,
            NOW - timedelta(days=90) if number in (7, 19) else None,
        )
        for number, text in DEFAULT_QUESTIONS.items()
    ]


def policy() -> list[PolicyLine]:
    """Return settings, one of them changed."""
    changed = NOW - timedelta(days=2)
    return [
        PolicyLine("verification", "questions, email-code", "questions, email-code",
                   "questions, email-code, witness", "The steps that prove who somebody is.",
                   None, "", "", 0),
        PolicyLine("questions_asked", "3", "3", "2 to 4", "How many of their questions are asked.",
                   None, "", "", 0),
        PolicyLine("max_failures", "5", "3", "1 to 10", "Failed attempts until a block.",
                   changed, "Mo Farrow", "Many slips with the new keypads", 4),
        PolicyLine("code_life_min", "15", "15", "5 to 60", "Minutes that a code lives.",
                   None, "", "", 0),
        PolicyLine("email_domains", "nhs.net, nhs.uk, gov.uk, mod.uk",
                   "nhs.net, nhs.uk, gov.uk, mod.uk", "domains, with commas",
                   "Where codes may be sent.", None, "", "", 0),
    ]  # fmt: skip


def staff() -> list[StaffLine]:
    """Return five members, one of them removed."""
    return [
        _member("staff-manager", "Mo Farrow", Role.MANAGER, 400, 0.1),
        _member("staff-agent", "Ann Archer", Role.AGENT, 300, 0.5),
        _member("staff-second", "Bo Banks", Role.AGENT, 200, 26),
        _member("staff-auditor", "Odd Bjerke", Role.AUDITOR, 100, None),
        _member("staff-gone", "Gwen Past", Role.AGENT, 500, 24 * 60, removed=True),
    ]


def _member(
    staff_id: str, name: str, role: Role, days: int, hours: float | None, *, removed: bool = False
) -> StaffLine:
    added = NOW - timedelta(days=days)
    key = KeyLine(f"SHA256:{staff_id[-6:]}Qx7vJ2", "ssh-ed25519", f"{name} laptop", added)
    return StaffLine(
        staff_id=staff_id,
        name=name,
        role=role,
        keys=() if removed else (key,),
        added_at=added,
        removed_at=NOW - timedelta(days=20) if removed else None,
        last_login_at=None if hours is None else NOW - timedelta(hours=hours),
        revision=1,
    )


def files() -> list[ImportFile]:
    """Return one good file and a bad one."""
    return [
        ImportFile("starters-march.csv", 184_320, NOW - timedelta(hours=1)),
        ImportFile("bad-lines.csv", 20_480, NOW - timedelta(days=3)),
    ]
