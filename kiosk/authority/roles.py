"""What each role of RA staff may do: one table, which the service asks and the docs show."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a member of staff is trusted with.

    An auditor reads and changes nothing; a technician maintains stations, and sees nobody's data.
    """

    MANAGER = "manager"
    AGENT = "agent"
    AUDITOR = "auditor"
    TECHNICIAN = "technician"


class Action(StrEnum):
    """Everything that staff can ask of the service."""

    SEE_TODAY = "see-today"
    SEE_PEOPLE = "see-people"
    SEE_STATIONS = "see-stations"
    SEE_AUDIT = "see-audit"
    SEE_QUESTIONS = "see-questions"
    SEE_POLICY = "see-policy"
    SEE_REPORTS = "see-reports"
    SEE_STAFF = "see-staff"

    VERIFY_AUDIT = "verify-audit"
    EXPORT_AUDIT = "export-audit"
    REDACT_AUDIT = "redact-audit"
    EXPORT_REPORT = "export-report"

    ADD_PERSON = "add-person"
    LIFT_BLOCK = "lift-block"
    REVOKE_REGISTRATION = "revoke-registration"
    CORRECT_NAME = "correct-name"
    CORRECT_EMAIL = "correct-email"
    MARK_LEAVER = "mark-leaver"
    TAKE_BACK_LEAVER = "take-back-leaver"
    REPORT_MISUSE = "report-misuse"
    ERASE_PERSON = "erase-person"

    ADD_CARD = "add-card"
    REPLACE_CARD = "replace-card"
    REVOKE_CARD = "revoke-card"
    SET_SECRET = "set-secret"  # noqa: S105 - the name of an action

    ISSUE_CODE = "issue-code"
    AGREE_CODE = "agree-code"
    WITHDRAW_CODE = "withdraw-code"

    ENROL_STATION = "enrol-station"
    RETIRE_STATION = "retire-station"
    EDIT_QUESTIONS = "edit-questions"
    CHANGE_POLICY = "change-policy"
    ADD_STAFF = "add-staff"
    ADD_STAFF_KEY = "add-staff-key"
    ADD_STAFF_CARD = "add-staff-card"
    CHANGE_ROLE = "change-role"
    REMOVE_STAFF = "remove-staff"
    IMPORT_PEOPLE = "import-people"

    AGREE_ACT = "agree-act"
    DECLINE_ACT = "decline-act"

    MAINTAIN_STATION = "maintain-station"


_READERS: Final = frozenset({Role.MANAGER, Role.AGENT, Role.AUDITOR})
_DESK: Final = frozenset({Role.MANAGER, Role.AGENT})
_MANAGERS: Final = frozenset({Role.MANAGER})

PERMITTED: Final[dict[Action, frozenset[Role]]] = {
    Action.SEE_TODAY: _READERS,
    Action.SEE_PEOPLE: _READERS,
    Action.SEE_STATIONS: _READERS,
    Action.SEE_AUDIT: _READERS,
    Action.SEE_QUESTIONS: _READERS,
    Action.SEE_POLICY: _READERS,
    Action.SEE_REPORTS: _READERS,
    Action.SEE_STAFF: frozenset({Role.MANAGER, Role.AUDITOR}),
    Action.VERIFY_AUDIT: _READERS,
    Action.EXPORT_AUDIT: frozenset({Role.MANAGER, Role.AUDITOR}),
    Action.REDACT_AUDIT: _MANAGERS,
    Action.EXPORT_REPORT: frozenset({Role.MANAGER, Role.AUDITOR}),
    Action.ADD_PERSON: _DESK,
    Action.LIFT_BLOCK: _DESK,
    Action.REVOKE_REGISTRATION: _DESK,
    Action.CORRECT_NAME: _DESK,
    Action.CORRECT_EMAIL: _DESK,
    Action.MARK_LEAVER: _DESK,
    Action.TAKE_BACK_LEAVER: _DESK,
    Action.REPORT_MISUSE: _DESK,
    Action.ERASE_PERSON: _MANAGERS,
    Action.ADD_CARD: _DESK,
    Action.REPLACE_CARD: _DESK,
    Action.REVOKE_CARD: _DESK,
    Action.SET_SECRET: _DESK,
    Action.ISSUE_CODE: _DESK,
    Action.AGREE_CODE: _DESK,
    Action.WITHDRAW_CODE: _DESK,
    Action.ENROL_STATION: _MANAGERS,
    Action.RETIRE_STATION: _MANAGERS,
    Action.EDIT_QUESTIONS: _MANAGERS,
    Action.CHANGE_POLICY: _MANAGERS,
    Action.ADD_STAFF: _MANAGERS,
    Action.ADD_STAFF_KEY: _MANAGERS,
    Action.ADD_STAFF_CARD: _MANAGERS,
    Action.CHANGE_ROLE: _MANAGERS,
    Action.REMOVE_STAFF: _MANAGERS,
    Action.IMPORT_PEOPLE: _MANAGERS,
    Action.AGREE_ACT: _DESK,
    Action.DECLINE_ACT: _DESK,
    Action.MAINTAIN_STATION: frozenset({Role.MANAGER, Role.TECHNICIAN}),
}
"""The table; a missing action is permitted to nobody."""

IDENTIFIES: Final = frozenset({Action.LIFT_BLOCK, Action.CORRECT_EMAIL, Action.ISSUE_CODE})
"""Actions for which it is recorded how the person was identified."""

FOUR_EYES: Final = frozenset(
    {
        Action.ADD_PERSON,
        Action.LIFT_BLOCK,
        Action.REVOKE_REGISTRATION,
        Action.CORRECT_EMAIL,
        Action.TAKE_BACK_LEAVER,
        Action.ERASE_PERSON,
        Action.ADD_CARD,
        Action.REPLACE_CARD,
        Action.SET_SECRET,
        Action.ISSUE_CODE,
        Action.CHANGE_POLICY,
        Action.ADD_STAFF,
        Action.ADD_STAFF_KEY,
        Action.ADD_STAFF_CARD,
        Action.CHANGE_ROLE,
        Action.IMPORT_PEOPLE,
    }
)
"""Actions that wait for a second member of staff where the policy says ``four_eyes``.

Each of them, done by one person alone, helps to open a card that is not theirs, or a station's
maintenance page. Adding a person waits only with an address. An import waits only where it changes
an address, a key or a secret of a recorded person, gives them a card or more tries, or brings back
an expired card or somebody who was erased.
Erasing waits, too: whoever is erased could otherwise be imported anew, with an address of the
eraser's choice. Revoking a card never waits: it opens none, and a lost card must not be served
until a colleague has time.
"""


ALWAYS_FOUR_EYES: Final = frozenset({Action.REDACT_AUDIT})
"""Actions that wait for a second member of staff whatever the policy says."""


FINAL: Final = frozenset(
    {
        Action.REVOKE_CARD,
        Action.REPLACE_CARD,
        Action.REVOKE_REGISTRATION,
        Action.ERASE_PERSON,
        Action.REDACT_AUDIT,
        Action.IMPORT_PEOPLE,
    }
)
"""Actions that cannot be undone: they need more typing than a reason."""


def may(role: Role, action: Action) -> bool:
    return role in PERMITTED.get(action, frozenset())
