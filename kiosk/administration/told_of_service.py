"""What staff did to the service itself, where the audit says more than its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kiosk.administration.kinds import StaffKind
from kiosk.authority.housekeeping import PURGED
from kiosk.secrets.rotate import RESEALED
from kiosk.store.records import Scalar

Detail = Mapping[str, Scalar]


def _policy(detail: Detail) -> str:
    name, value, was = (detail.get(key) for key in ("setting", "value", "was"))
    if not name:
        return ""
    if detail.get("as_in_file"):
        return f"Put {name} back to the settings file's {value}; it was {was}."
    return f"Set {name} to {value or 'nothing'}; it was {was or 'nothing'}."


def _question(deed: str) -> Callable[[Detail], str]:
    def say(detail: Detail) -> str:
        return f"{deed.format(detail['question'])}." if detail.get("question") else ""

    return say


def _added(detail: Detail) -> str:
    role = detail.get("role")
    return f"Added a member of staff with the role {role}." if role else ""


def _role(detail: Detail) -> str:
    role, was = detail.get("role"), detail.get("was")
    return f"Changed the role of a member of staff from {was} to {role}." if role and was else ""


def _not_permitted(detail: Detail) -> str:
    action = detail.get("action")
    return f"Tried something that their role does not permit: {action}." if action else ""


def _verified(detail: Detail) -> str:
    if detail.get("intact") is False:
        return f"Verified the audit: row {detail.get('fault_row')} does not fit."
    return f"Verified the audit: {detail['rows']} rows fit." if detail.get("rows") else ""


def _exported(detail: Detail) -> str:
    return f"Exported {detail['rows']} rows of the audit." if "rows" in detail else ""


def _imported(detail: Detail) -> str:
    counts = tuple(detail.get(name) for name in ("lines", "people_added", "people_changed"))
    lines, added, changed = counts
    if None in counts:
        return ""
    return f"Imported people: {lines} lines, {added} people added, {changed} changed."


def _purged(detail: Detail) -> str:
    visits, journal, before = (detail.get(name) for name in ("visits", "journal", "before"))
    if before is None:
        return ""
    return f"Deleted {visits} visits and {journal} closed journal entries of before {before}."


def _resealed(detail: Detail) -> str:
    key, many = detail.get("to"), detail.get("secrets")
    return f"Sealed {many} unblock secrets anew, under {key}." if key else ""


def _redacted(detail: Detail) -> str:
    row, what = detail.get("row"), detail.get("what")
    return f"Took the {what} out of row {row} of the audit." if row and what else ""


_ACTS: Final = {
    "people.lift_block": "lift the block",
    "people.revoke_registration": "revoke the registration",
    "people.correct_email": "correct the email address",
    "cards.add": "add a card",
    "cards.replace": "replace a card",
    "cards.set_secret": "set an unblock secret",
    "staff.add": "let in a member of staff",
    "staff.change_role": "change the role of a member of staff",
    "staff.add_key": "let in another key of a member of staff",
    "policy.change": "change the policy",
    "policy.reset": "put a setting back to the settings file's value",
    "imports.run": "import a file",
    "audit.redact": "redact a text in the audit",
}
"""What a proposed act would do, by its name."""


def _of_act(words: str) -> Callable[[Detail], str]:
    def say(detail: Detail) -> str:
        act = detail.get("act")
        return words.format(_ACTS.get(str(act), act)) if act else ""

    return say


SAID_OF_SERVICE: Final[dict[str, Callable[[Detail], str]]] = {
    StaffKind.POLICY_CHANGED: _policy,
    StaffKind.QUESTION_ADDED: _question("Added security question {}"),
    StaffKind.QUESTION_RETIRED: _question("Retired security question {}"),
    StaffKind.QUESTION_REVIVED: _question("Offered security question {} again"),
    StaffKind.STAFF_ADDED: _added,
    StaffKind.ROLE_CHANGED: _role,
    StaffKind.ACT_PROPOSED: _of_act("Proposed to {}; it waits for a second member of staff."),
    StaffKind.ACT_AGREED: _of_act("Agreed to {}, as a colleague had proposed."),
    StaffKind.ACT_DECLINED: _of_act("Declined to {}, as had been proposed."),
    StaffKind.ACT_EXPIRED: _of_act("Nobody agreed in time to {}."),
    StaffKind.NOT_PERMITTED: _not_permitted,
    StaffKind.AUDIT_VERIFIED: _verified,
    StaffKind.AUDIT_EXPORTED: _exported,
    "people-imported": _imported,
    PURGED: _purged,
    StaffKind.AUDIT_REDACTED: _redacted,
    RESEALED: _resealed,
}
"""By kind; an empty text leaves it to the kind's own words."""
