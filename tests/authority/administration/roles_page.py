"""Prints ``docs/roles.md`` from the table that the service asks: ``make roles``."""

from __future__ import annotations

import sys
from typing import Final

from kiosk.authority.roles import ALWAYS_FOUR_EYES, FOUR_EYES, IDENTIFIES, Action, Role

_HEAD = """\
# Who may do what

Printed by `make roles` from the one table in `kiosk/authority/roles.py`, which the service asks for
every call, in the transaction that does it: a role that was changed counts at once.

Everything that changes something needs a reason, and is written to the audit with the SSH
key that did it. A user of `kiosk` on the service's machine controls the database and the keys,
so commands there may do all of it; the audit shows their account.
"""
_FOOT = """\
(*) It is written down how the person was identified.

(2) Where the policy says `four_eyes`, it is proposed first, and done once a second member of
staff agrees: one whose role permits it as well, who is somebody else with another key, and
where neither of the two was let in by the other (or by somebody whom the other let in).
Adding a person waits where an address is given. An import waits where it changes an address, a
key or a secret of somebody who is known, gives them a card or more tries of a secret, or brings
back an expired card or somebody who was erased.

(3) It always waits for a second member of staff, as above.

A helper is for a site without an office, as the local smartcard administrator of the NHS is: they
unlock, and change no address, card or secret.

A technician has no SSH key and cannot log in: their card is all, and a station's maintenance page
all that it opens.

Nobody changes their own role or removes themselves, and the last manager stays.
"""

WORDS: Final[dict[Action, str]] = {
    Action.SEE_TODAY: "See the day's numbers",
    Action.SEE_PEOPLE: "Find people and read their story",
    Action.SEE_STATIONS: "See the stations",
    Action.SEE_AUDIT: "Read the audit",
    Action.SEE_QUESTIONS: "See the security questions (answers are seen by nobody)",
    Action.SEE_POLICY: "See the policy",
    Action.SEE_REPORTS: "See reports",
    Action.SEE_STAFF: "See the members of staff and their keys",
    Action.VERIFY_AUDIT: "Verify the audit",
    Action.EXPORT_AUDIT: "Export from the audit",
    Action.REDACT_AUDIT: "Take a text out of the audit",
    Action.EXPORT_REPORT: "Export reports",
    Action.ADD_PERSON: "Add a person",
    Action.LIFT_BLOCK: "Lift a block",
    Action.REVOKE_REGISTRATION: "Revoke a registration",
    Action.CORRECT_NAME: "Correct a name",
    Action.CORRECT_EMAIL: "Correct an email address",
    Action.MARK_LEAVER: "Mark a leaver",
    Action.TAKE_BACK_LEAVER: "Take a leaver back",
    Action.REPORT_MISUSE: "Stop what was not done by the holder, or a change of address",
    Action.ERASE_PERSON: "Erase a person",
    Action.ADD_CARD: "Add a card",
    Action.REPLACE_CARD: "Replace a card",
    Action.REVOKE_CARD: "Revoke a card",
    Action.SET_SECRET: "Set the unblock secret of a card",
    Action.ISSUE_CODE: "Give an unlock code by word of mouth",
    Action.AGREE_CODE: "Agree to a code that a colleague gave",
    Action.WITHDRAW_CODE: "Withdraw a code that was given by word of mouth",
    Action.ENROL_STATION: "Let a station in",
    Action.RETIRE_STATION: "Retire a station",
    Action.REINSTATE_STATION: "Put a retired station back into service",
    Action.LIFT_PAUSES: "Lift all pauses that wrong answers at a station made",
    Action.ADD_QUESTION: "Add a security question, or ask one in another language",
    Action.RETIRE_QUESTION: "Retire a security question",
    Action.CHANGE_POLICY: "Change the policy",
    Action.ADD_STAFF: "Add a member of staff",
    Action.ADD_STAFF_KEY: "Add a key of a member of staff",
    Action.ADD_STAFF_CARD: "Let a card of a member of staff open stations' maintenance pages",
    Action.CHANGE_ROLE: "Change the role of a member of staff",
    Action.REMOVE_STAFF: "Remove a member of staff, or one of their keys or cards",
    Action.IMPORT_PEOPLE: "Import people from a file",
    Action.AGREE_ACT: "Agree to what a colleague proposed (and only what one may do oneself)",
    Action.DECLINE_ACT: "Decline what a colleague proposed, or take back one's own proposal",
    Action.MAINTAIN_STATION: "Maintain stations: with their card, at the station itself",
}
"""What each action is called."""


def page() -> str:
    """Return the whole page."""
    roles = list(Role)
    head = f"| | {' | '.join(role.value for role in roles)} |"
    rule = "|---" * (len(roles) + 1) + "|"
    rows = (_row(action, roles) for action in Action)
    return "\n".join([_HEAD, head, rule, *rows, "", _FOOT])


def _row(action: Action, roles: list[Role]) -> str:
    cells = ("yes" if role in action.roles else "" for role in roles)
    marks = f"{' (*)' if action in IDENTIFIES else ''}{' (2)' if action in FOUR_EYES else ''}"
    marks += " (3)" if action in ALWAYS_FOUR_EYES else ""
    return f"| {WORDS[action]}{marks} | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
