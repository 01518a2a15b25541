"""What each role of RA staff may do: one table, which the service asks and the docs show."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self


class Role(StrEnum):
    """What a member of staff is trusted with.

    A helper unlocks, and changes no record; an auditor reads and changes nothing; a technician
    maintains stations, and sees nobody's data.
    """

    MANAGER = "manager"
    AGENT = "agent"
    HELPER = "helper"
    AUDITOR = "auditor"
    TECHNICIAN = "technician"


_READERS: Final = frozenset({Role.MANAGER, Role.AGENT, Role.HELPER, Role.AUDITOR})
_REVIEWERS: Final = frozenset({Role.MANAGER, Role.AUDITOR})
_DESK: Final = frozenset({Role.MANAGER, Role.AGENT})
_UNLOCKERS: Final = _DESK | {Role.HELPER}
_MANAGERS: Final = frozenset({Role.MANAGER})
_MAINTAINERS: Final = frozenset({Role.MANAGER, Role.TECHNICIAN})


class Action(StrEnum):
    """Everything that staff can ask of the service, and the roles that may: nobody without any."""

    _value_: str
    roles: frozenset[Role]

    def __new__(cls, value: str, roles: frozenset[Role] = frozenset()) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.roles = roles
        return member

    SEE_TODAY = "see-today", _READERS
    SEE_PEOPLE = "see-people", _READERS
    SEE_STATIONS = "see-stations", _READERS
    SEE_AUDIT = "see-audit", _READERS
    SEE_QUESTIONS = "see-questions", _READERS
    SEE_POLICY = "see-policy", _READERS
    SEE_REPORTS = "see-reports", _READERS
    SEE_STAFF = "see-staff", _REVIEWERS

    VERIFY_AUDIT = "verify-audit", _READERS
    EXPORT_AUDIT = "export-audit", _REVIEWERS
    REDACT_AUDIT = "redact-audit", _MANAGERS
    EXPORT_REPORT = "export-report", _REVIEWERS

    ADD_PERSON = "add-person", _DESK
    LIFT_BLOCK = "lift-block", _UNLOCKERS
    REVOKE_REGISTRATION = "revoke-registration", _DESK
    CORRECT_NAME = "correct-name", _DESK
    CORRECT_EMAIL = "correct-email", _DESK
    MARK_LEAVER = "mark-leaver", _DESK
    TAKE_BACK_LEAVER = "take-back-leaver", _DESK
    REPORT_MISUSE = "report-misuse", _UNLOCKERS
    ERASE_PERSON = "erase-person", _MANAGERS

    ADD_CARD = "add-card", _DESK
    REPLACE_CARD = "replace-card", _DESK
    REVOKE_CARD = "revoke-card", _UNLOCKERS
    SET_SECRET = "set-secret", _DESK

    ISSUE_CODE = "issue-code", _UNLOCKERS
    AGREE_CODE = "agree-code", _UNLOCKERS
    WITHDRAW_CODE = "withdraw-code", _UNLOCKERS

    ENROL_STATION = "enrol-station", _MANAGERS
    RETIRE_STATION = "retire-station", _MANAGERS
    REINSTATE_STATION = "reinstate-station", _MANAGERS
    LIFT_PAUSES = "lift-pauses", _DESK
    ADD_QUESTION = "add-question", _MANAGERS
    RETIRE_QUESTION = "retire-question", _MANAGERS
    CHANGE_POLICY = "change-policy", _MANAGERS
    ADD_STAFF = "add-staff", _MANAGERS
    ADD_STAFF_KEY = "add-staff-key", _MANAGERS
    ADD_STAFF_CARD = "add-staff-card", _MANAGERS
    CHANGE_ROLE = "change-role", _MANAGERS
    REMOVE_STAFF = "remove-staff", _MANAGERS
    IMPORT_PEOPLE = "import-people", _MANAGERS

    AGREE_ACT = "agree-act", _UNLOCKERS
    DECLINE_ACT = "decline-act", _UNLOCKERS

    MAINTAIN_STATION = "maintain-station", _MAINTAINERS


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
        Action.ENROL_STATION,
        Action.REINSTATE_STATION,
        Action.ADD_QUESTION,
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
Erasing waits, too: the erased person could otherwise be imported anew, with an address of the
eraser's choice. A station that is let in or put back is given PINs and unblock secrets, and a
question may be one whose answers the member knows. Revoking a card never waits, nor does retiring a
station or a question: it opens nothing, and a lost card or a stolen station must not be served
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
    return role in action.roles
