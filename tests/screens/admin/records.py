"""Audit rows, questions, policy, staff and files, as the fake desk begins with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from kiosk.authority.administration.policy import DEFAULT_QUESTIONS
from kiosk.authority.administration.views import (
    AuditLine,
    ImportFile,
    KeyLine,
    PolicyLine,
    QuestionLine,
    StaffLine,
    UnknownCard,
)
from kiosk.authority.facts import OfFewOtherSigns
from kiosk.authority.policy import shown_text
from kiosk.authority.records import AuditVerdict
from kiosk.authority.roles import Role
from kiosk.config.settings import About, PolicySettings
from kiosk.contract.messages import ReadFault
from tests.screens.admin.people import NOW

_KEY = "key: SHA256:uN7vJ2ab4Xk0"
_WHY = "reason: “Forgot the answers after a long leave”; identified by: “Photo ID, in person”"
_EVENTS = (
    ("unblock-done", "Unlocked the card and set a new PIN.", "Main Entrance", "", ""),
    ("answers-wrong", "Answered the security questions wrongly; two attempts left.",
     "West Wing 1", "", "left: 2"),
    ("registration-blocked", "Self-service was blocked after three failed attempts.",
     "West Wing 1", "", "failures: 3"),
    ("registered", "Registered for self-service, with four security questions.", "Library", "",
     "questions: 4"),
    ("block-lifted", "Lifted the block.", "", "Ann Archer", f"{_WHY}; {_KEY}; failures: 3"),
    ("code-issued", "Gave an unlock code by word of mouth.", "", "Ann Archer", f"{_WHY}; {_KEY}"),
    ("staff-logged-in", "Logged in.", "", "Mo Farrow", f"{_KEY}; from: 10.1.7.22"),
    ("policy-changed", "Set max_failures to 5; it was 3.", "", "Mo Farrow",
     f"reason: “Many slips with the new keypads”; {_KEY}; setting: max_failures"),
)  # fmt: skip
PEOPLE = (
    ("100200300401", "Amara Okafor"),
    ("100200300402", "Bronwen Pryce"),
    ("100200300404", "Dilys Maddox-Featherstonehaugh"),
    ("", "(erased)"),
    ("100200300407", "Gwen Tudor"),
)
CHAIN = AuditVerdict(rows=240, anchors=12, anchored=232)


def audit() -> list[AuditLine]:
    """Return 240 rows, newest first, one each 7 minutes."""
    return [_row(seq, NOW - timedelta(minutes=7 * (240 - seq))) for seq in range(240, 0, -1)]


def _row(seq: int, at: datetime) -> AuditLine:
    kind, told, station, who, detail = _EVENTS[seq % len(_EVENTS)]
    is_of_person = not kind.startswith(("staff", "policy"))
    number, name = PEOPLE[seq % len(PEOPLE)] if is_of_person else ("", "")
    reference = f"{'ABCDEFGHJK'[seq % 10]}4XT-{seq:03}M"
    card = f"piv {seq:032x}" if station else ""
    details = tuple(filter(None, detail.split("; ")))
    return AuditLine(seq, at, kind, told, number, name, card, station, who, reference, details)


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
    """Return every setting with its default, one of them changed."""
    return [_setting(about) for about in PolicySettings.settings]


def _setting(about: About) -> PolicyLine:
    shown = shown_text(about.default)
    plain = (about.name, shown, shown, about.kind.allowed, about.help, None, "", "", 0)
    line = PolicyLine(*plain)
    if about.name != "max_failures":
        return line
    return replace(
        line,
        value="5",
        changed_at=NOW - timedelta(days=2),
        changed_by="Mo Farrow",
        reason="Many slips with the new keypads",
        revision=4,
    )


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


def unknown_cards() -> list[UnknownCard]:
    """Return a card that was imported with a mistake, and two that could not be read."""
    mistyped = "9f2c41d0a8b34e66b1f07c5d2e9a77ab"
    recorded = "9f2c41d0a8b34e66b1f07c5d2e9a77aa"
    return [
        UnknownCard(
            reference="7Q2M-9KXA",
            at=NOW - timedelta(minutes=6),
            station="Main Entrance",
            family="piv",
            identifier=mistyped,
            near=(OfFewOtherSigns("Amara Okafor", "100200300401", recorded, 1),),
            fault=None,
        ),
        _unread("B4XT-2QLM", 21, "Library", ReadFault.NO_ANSWER, ""),
        _unread("0R3K-W8ZD", 60 * 26, "West Wing 2", ReadFault.NO_IDENTIFIER, "openpgp"),
    ]


def _unread(
    reference: str, minutes: int, station: str, fault: ReadFault, family: str
) -> UnknownCard:
    return UnknownCard(
        reference=reference,
        at=NOW - timedelta(minutes=minutes),
        station=station,
        family=family,
        identifier="",
        near=(),
        fault=fault,
    )
