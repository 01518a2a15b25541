"""What the pictures of audit, questions, policy, staff, imports and reports show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kiosk.authority.administration.views import KeyLine, StaffCardLine
from kiosk.authority.errors import ConcurrentChange, NotTaken, StoreError
from kiosk.authority.records import AuditFault, AuditVerdict, FaultKind
from kiosk.authority.roles import Role
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.admin.samples import SEND, Sample

WHY = "Asked for by the security group"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx2r0m1kz7 asha@ward-7"


def record_samples() -> dict[str, Sample]:
    """Return all, by name."""
    return {**_audit(), **_questions(), **_policy(), **_staff(), **_imports(), **_reports()}


def _audit() -> dict[str, Sample]:
    return {
        "audit": Sample(("f5", "down", "down", "down", "down")),
        "audit-dark": Sample(("f5",), dark=True),
        "audit-agent": Sample(("f5",), Role.AGENT),
        "audit-narrowed": Sample(("f5", "down", "down", "down", "p", "k", "=lifted", "enter")),
        "audit-nothing": Sample(("f5", "f", "tab", "=Nowhere", SEND)),
        "audit-row": Sample(("f5", "down", "down", "down", "down", "c")),
        "audit-of-figure": Sample(("k",)),
        "audit-filter": Sample(("f5", "f", "=100200300401")),
        "audit-filter-nobody": Sample(("f5", "f", "=100200300999", SEND)),
        "audit-filter-date": Sample(("f5", "f", "tab", "tab", "tab", "tab", "=4 March", SEND)),
        "audit-kind": Sample(("f5", "k")),
        "audit-kind-typed": Sample(("f5", "k", "=questions")),
        "audit-verifying": Sample(("f5", "~v"), arrange=_hold),
        "audit-intact": Sample(("f5", "v")),
        "audit-broken": Sample(("f5", "v"), arrange=_broken),
        "audit-away": Sample(("f5", "v"), arrange=_away),
        "audit-export": Sample(("f5", "e", "down")),
        "audit-exported": Sample(("f5", "e", "enter")),
    }


def _questions() -> dict[str, Sample]:
    return {
        "questions": Sample(("f6", "down")),
        "questions-retired": Sample(("f6", "end")),
        "questions-auditor": Sample(("f6",), Role.AUDITOR),
        "questions-none": Sample(("f6",), arrange=lambda desk: desk.estate.questions.clear()),
        "question-add": Sample(("f6", "a", "=What did you call your first bicycle?")),
        "question-add-again": Sample(
            ("f6", "a", "=Where did you first see the sea?", "tab", f"={WHY}", "enter")
        ),
        "question-retire": Sample(("f6", "r")),
        "question-few": Sample(("f6", "r", f"={WHY}", "enter"), arrange=_few),
    }


def _policy() -> dict[str, Sample]:
    return {
        "policy": Sample(("f7", "down", "down", "down")),
        "policy-dark": Sample(("f7",), dark=True),
        "policy-agent": Sample(("f7",), Role.AGENT),
        "policy-trouble": Sample(("f7", "down", "down", "down"), arrange=_misfit),
        "policy-change": Sample(("f7", "down", "down", "down", "c", "backspace", "=4")),
        "policy-change-ways": Sample(
            ("f7", "c", "ctrl+u", "=saved-code, email-code or questions, email-code")
        ),
        "policy-change-limits": Sample(
            ("f7", "down", "down", "down", "c", "=00", "tab", f"={WHY}", "enter")
        ),
        "policy-change-list": Sample(("f7", *["down"] * 11, "c")),
        "policy-change-choice": Sample(("f7", *["down"] * 12, "c", "up")),
        "policy-changed": Sample(("f7", "down", "c", "backspace", "=5", "tab", f"={WHY}", "enter")),
        "policy-second": Sample(
            ("f7", "down", "c", "backspace", "=5", "tab", f"={WHY}", "enter"), arrange=_second
        ),
    }


def _staff() -> dict[str, Sample]:
    return {
        "staff": Sample(("f8", "down"), arrange=_two_keys),
        "staff-auditor": Sample(("f8",), Role.AUDITOR),
        "staff-removed": Sample(("f8", "end")),
        "staff-add": Sample(("f8", "a", "=Asha Okafor", "tab", "down", "tab", f"={KEY}")),
        "staff-role": Sample(("f8", "down", "o", "down")),
        "staff-remove": Sample(("f8", "down", "d")),
        "staff-add-key": Sample(("f8", "k")),
        "staff-drop-key": Sample(("f8", "down", "x"), arrange=_two_keys),
        "staff-drop-only-key": Sample(("f8", "x")),
        "staff-technician": Sample(("f8", *_SAM), arrange=_technician),
        "staff-add-card": Sample(
            ("f8", *_SAM, "c", "=piv 9f2c41d00a2b4c6d8e0f1a3b5c7d9e1f", "tab"), arrange=_technician
        ),
        "staff-drop-card": Sample(("f8", *_SAM, "y"), arrange=_technician),
        "staff-drop-last": Sample(("f8", "down", "down", "x", f"={WHY}", "enter")),
    }


def _imports() -> dict[str, Sample]:
    return {
        "import": Sample(("f9",)),
        "import-none": Sample(("f9",), arrange=lambda desk: desk.estate.files.clear()),
        "import-trying": Sample(("f9", "~enter"), arrange=_hold),
        "import-plan": Sample(("f9", "enter")),
        "import-problems": Sample(("f9", "down", "enter"), arrange=_many_problems),
        "import-sure": Sample(("f9", "enter", "enter")),
        "import-done": Sample(("f9", "enter", "enter", "=import", "enter", "enter")),
    }


def _reports() -> dict[str, Sample]:
    return {
        "reports": Sample(("f10",)),
        "reports-agent": Sample(("f10", "w"), Role.AGENT),
        "reports-days": Sample(("f10", "f")),
        "reports-days-wrong": Sample(("f10", "f", "=x", SEND)),
        "reports-none": Sample(("f10", "s"), arrange=_no_days),
        "reports-mail": Sample(("f10", "m", "=mo.farrow@nhs.net")),
        "reports-exported": Sample(("f10", "e")),
    }


def _hold(desk: FakeDesk) -> None:
    desk.hold()


def _broken(desk: FakeDesk) -> None:
    because = "row 117 was changed after it was written"
    desk.estate.chain = AuditVerdict(116, 6, 96, AuditFault(FaultKind.CHANGED, 117, because))


def _away(desk: FakeDesk) -> None:
    desk.asked.raises("audit.verify", StoreError("away", "08006"))


def _few(desk: FakeDesk) -> None:
    because = "Everybody chooses 4 questions, and 3 would be left. Add one first."
    desk.asked.raises("questions.retire", NotTaken("question", because))


def _misfit(desk: FakeDesk) -> None:
    line = desk.estate.policy[3]
    trouble = "questions_asked: cannot be more than questions_registered"
    desk.estate.policy[3] = replace(line, value=line.in_file, trouble=trouble)


def _second(desk: FakeDesk) -> None:
    told = ("Bo Banks set questions_registered to 6.",)
    because = "questions_registered was changed since you looked."
    desk.asked.raises("policy.change", ConcurrentChange(because, told))


def _two_keys(desk: FakeDesk) -> None:
    line = desk.estate.staff[2]
    spare = KeyLine(
        "SHA256:uN7vJ2ab4Xk0uN7vJ2ab4Xk0uN7vJ2ab4Xk0uN7vJ2a",
        "sk-ssh-ed25519@openssh.com",
        "token in the safe",
        NOW - timedelta(days=3),
    )
    desk.estate.staff[2] = replace(line, keys=(*line.keys, spare))


_SAM = ("down",) * 4


def _technician(desk: FakeDesk) -> None:
    """Let Sam Reed, who has two cards, be the last of those who are present."""
    spare, own = (
        StaffCardLine("piv", number * 8, "5f" * 32, NOW - timedelta(days=9), "Mo Farrow")
        for number in ("0a1b", "9f2c")
    )
    line = desk.estate.staff[2]
    desk.estate.staff.append(
        replace(
            line,
            staff_id="staff-technician",
            name="Sam Reed",
            role=Role.TECHNICIAN,
            keys=(),
            last_login_at=None,
            cards=(own, replace(spare, added_by="Cy Dunn", agreed_by="Mo Farrow")),
        )
    )


def _many_problems(desk: FakeDesk) -> None:
    desk.imports.problems = 4312


def _no_days(desk: FakeDesk) -> None:
    desk.estate.today = replace(desk.estate.today, days=())
