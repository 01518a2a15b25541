"""What is asked before something is changed about a member of staff.

``member`` looks them up anew when it is acted: sent again after somebody else was first,
a dialog decides on what is so now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kiosk.administration.desk_of_service import StaffDesk
from kiosk.administration.views.acting import Done
from kiosk.administration.views.service import KeyLine, StaffLine
from kiosk.roles import Role
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.grounds import AskGrounds, grounds_entries, grounds_of

Member = Callable[[], StaffLine]

_LONGEST_NAME, _LONGEST_KEY = 60, 8192
_ROLES = {
    "agent: helps people": Role.AGENT,
    "manager: may do everything": Role.MANAGER,
    "auditor: reads, changes nothing": Role.AUDITOR,
}


def add(desk: StaffDesk) -> Form[Done]:
    """Ask who, as what, and for their first key."""
    return Form(
        "Add a member of staff",
        "They log in by SSH with the private half of this key, from then on.",
        (
            Entry("name", "Name", hint="As colleagues know them.", most=_LONGEST_NAME),
            _role_entry(Role.AGENT),
            _key_entry(),
            *grounds_entries(identifies=False),
        ),
        lambda values: desk.add(
            values["name"], _ROLES[values["role"]], values["public_key"], grounds_of(values)
        ),
        button="Add",
    )


def change_role(desk: StaffDesk, member: Member) -> Form[Done]:
    """Ask which one."""
    line = member()

    def send(values: Mapping[str, str]) -> Done:
        role = _ROLES[values["role"]]
        return desk.change_role(line.staff_id, role, member().revision, grounds_of(values))

    return Form(
        f"Change the role of {line.name}",
        f"Now: {_role_words(line.role)}. The new role counts at once, also where they are logged "
        "in.",
        (_role_entry(line.role), *grounds_entries(identifies=False)),
        send,
        button="Change",
    )


def remove(desk: StaffDesk, member: Member) -> Form[Done]:
    """Ask why."""
    line = member()
    return AskGrounds(
        f"Remove {line.name}",
        "They cannot log in any more, and are out at once where they are logged in. What they "
        "did stays in the audit under their name.",
        lambda grounds: desk.remove(line.staff_id, member().revision, grounds),
        button="Remove",
        danger=True,
    )


def add_key(desk: StaffDesk, member: Member) -> Form[Done]:
    """Ask for it."""
    line = member()
    return Form(
        f"Add a key for {line.name}",
        "They can log in with either key then.",
        (_key_entry(), *grounds_entries(identifies=False)),
        lambda values: desk.add_key(
            line.staff_id, values["public_key"], member().revision, grounds_of(values)
        ),
        button="Add",
    )


def remove_key(desk: StaffDesk, member: Member) -> Form[Done]:
    """Ask which one, where there are several."""
    line = member()
    keys = {_key_words(key): key.fingerprint for key in line.keys}
    first = next(iter(keys))
    which = Entry("key", "Key", first, "Up and Down choose.", choices=tuple(keys), closed=True)

    def send(values: Mapping[str, str]) -> Done:
        fingerprint = keys[values.get("key", first)]
        return desk.remove_key(line.staff_id, fingerprint, member().revision, grounds_of(values))

    only = "" if len(keys) > 1 else " It is their only one."
    return Form(
        f"Drop a key of {line.name}",
        f"They cannot log in with it any more.{only}",
        (*((which,) if len(keys) > 1 else ()), *grounds_entries(identifies=False)),
        send,
        button="Drop",
        danger=True,
    )


def _role_entry(now: Role) -> Entry:
    words = _role_words(now)
    return Entry("role", "Role", words, "Up and Down choose.", choices=tuple(_ROLES), closed=True)


def _role_words(role: Role) -> str:
    return next(words for words, each in _ROLES.items() if each is role)


def _key_entry() -> Entry:
    hint = "The one line of their .pub file, pasted; never a private key."
    return Entry("public_key", "Public key", hint=hint, most=_LONGEST_KEY)


def _key_words(key: KeyLine) -> str:
    return f"{key.label or key.kind} {key.fingerprint[:19]}…"
