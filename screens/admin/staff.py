"""The members of staff: who may log in, as what, and with which keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.service import KeyLine, StaffLine
from kiosk.errors import NothingThere
from kiosk.roles import Action
from screens.admin.dialogs import staff as dialogs
from screens.admin.lines import LinesPage
from screens.admin.page import shell_of
from screens.admin.table import Column, Row
from screens.admin.times import Times

_ONESELF = frozenset({"role", "remove"})
_ASKS = {
    "add": Action.ADD_STAFF,
    "role": Action.CHANGE_ROLE,
    "add_key": Action.ADD_STAFF_KEY,
    "remove_key": Action.REMOVE_STAFF,
    "remove": Action.REMOVE_STAFF,
}


class StaffPage(LinesPage[StaffLine]):
    """A table, the removed ones last, and the keys of the marked member."""

    NAME = "Staff"
    NEEDS = Action.SEE_STAFF
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add"),
        Binding("o", "role", "Role"),
        Binding("k", "add_key", "Add key"),
        Binding("x", "remove_key", "Drop key"),
        Binding("d", "remove", "Remove"),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(
            desk,
            Column("Name", 24, 2),
            Column("Role", 9, 1),
            Column("Last login", 17, 1),
            Column("Keys", 4, right=True),
            Column("", 9),
        )

    def shown(self) -> None:
        """Read the members."""
        self.ask(self.desk.staff.every, self._show)

    def _show(self, lines: tuple[StaffLine, ...]) -> None:
        present = sum(line.removed_at is None for line in lines)
        self._title.say(f"{present} members of staff")
        self.show_lines(lines)

    def row_of(self, line: StaffLine) -> Row:
        """Name, role, last login, and how many keys."""
        return _row(line, shell_of(self).times)

    def explained(self, line: StaffLine) -> str:
        """Show the keys."""
        return _explained(line, shell_of(self).times)

    # --- what is done --------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer managers what can be done to the marked one; nobody decides about themselves."""
        if not self.permits(_ASKS.get(action, Action.SEE_STAFF)):
            return False
        if action == "add":
            return True
        line = self.marked
        if line is None or line.removed_at is not None:
            return False
        if action in _ONESELF:
            return line.staff_id != self.desk.me.staff_id
        return action != "remove_key" or bool(line.keys)

    def _now(self, staff_id: str) -> Callable[[], StaffLine]:
        """Return what looks a member up as the page shows them at the moment of acting."""

        def look() -> StaffLine:
            line = self._lines.get(staff_id)
            if line is None:
                raise NothingThere("There is no such member of staff any more.")
            return line

        return look

    def action_add(self) -> None:
        """Ask who."""
        self.put(dialogs.add(self.desk.staff))

    def action_role(self) -> None:
        """Ask which."""
        self.put(dialogs.change_role(self.desk.staff, self._now(self._table.marked)))

    def action_remove(self) -> None:
        """Ask why."""
        self.put(dialogs.remove(self.desk.staff, self._now(self._table.marked)))

    def action_add_key(self) -> None:
        """Ask for it."""
        self.put(dialogs.add_key(self.desk.staff, self._now(self._table.marked)))

    def action_remove_key(self) -> None:
        """Ask which."""
        self.put(dialogs.remove_key(self.desk.staff, self._now(self._table.marked)))


def _row(line: StaffLine, times: Times) -> Row:
    login = times.at(line.last_login_at) if line.last_login_at else "never"
    gone = Content.assemble(("– removed", "$quiet")) if line.removed_at else ""
    return Row(line.staff_id, (line.name, line.role.value, login, f"{len(line.keys)}", gone))


def _explained(line: StaffLine, times: Times) -> str:
    if line.removed_at is not None:
        return f"{line.name} was removed on {times.day(line.removed_at)} and cannot log in."
    let_in = _by(line.added_by, line.agreed_by)
    if not line.keys:
        return f"{line.name} has no key, and so cannot log in."
    who = f"{line.name}{f', let in{let_in},' if let_in else ''} logs in with"
    return "\n".join((who, *(_key(key, times) for key in line.keys)))


def _key(key: KeyLine, times: Times) -> str:
    label = f"{key.label}, " if key.label else ""
    by = _by(key.added_by, key.agreed_by)
    words = f"  {key.fingerprint}\n    {label}{key.kind}, added {times.day(key.added_at)}"
    return f"{words}\n   {by}" if by else words


def _by(added_by: str, agreed_by: str) -> str:
    """Say who let somebody in, and who agreed to that."""
    agreed = f", agreed by {agreed_by}" if agreed_by else ""
    return f" by {added_by}{agreed}" if added_by else ""
