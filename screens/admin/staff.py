"""The members of staff: who may log in, with which role and which keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from kiosk.authority.administration import fields
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.login import LONGEST_KEY
from kiosk.authority.administration.staff import LONGEST_NAME
from kiosk.authority.administration.views import Done, StaffCardLine, StaffLine
from kiosk.authority.errors import NotFound
from kiosk.authority.roles import Action, Role, may
from kiosk.authority.wording import numbered
from kiosk.contract.families import PROVE_PIN
from kiosk.contract.messages import CardId
from screens.admin.dialogs.cards import grouped
from screens.admin.dialogs.form import REASON, Entry, Form, grounds_of, waits, which
from screens.admin.page import LinesPage
from screens.admin.widgets import Column, TableLine

# The dialogs for changes of a member of staff.
#
# ``member`` looks them up again at each act: sent again after somebody else was first, a dialog
# acts on the present state.

Member = Callable[[], StaffLine]

_FIRST_KEY_HINT = "The one line of their .pub file; empty for a technician, who has none."
_ROLES = {
    "agent: helps people": Role.AGENT,
    "manager: may do everything": Role.MANAGER,
    "auditor: reads, changes nothing": Role.AUDITOR,
    "technician: maintains stations": Role.TECHNICIAN,
    "helper: lifts blocks, gives codes": Role.HELPER,
}


def add(desk: AdminDesk) -> Form[Done]:
    return Form(
        "Add a member of staff",
        "They log in by SSH with the private half of this key, from then on.",
        (
            Entry("name", "Name", hint="As colleagues know them.", most=LONGEST_NAME),
            _role_entry(Role.AGENT),
            replace(_key_entry(), hint=_FIRST_KEY_HINT, required=False),
            REASON,
        ),
        lambda values: desk.staff.add(
            values["name"], _ROLES[values["role"]], values["public_key"], grounds_of(values)
        ),
        button="Add",
        ahead=waits(desk, Action.ADD_STAFF),
    )


def change_role(desk: AdminDesk, member: Member) -> Form[Done]:
    line = member()

    def send(values: Mapping[str, str]) -> Done:
        role = _ROLES[values["role"]]
        return desk.staff.change_role(line.staff_id, role, member().revision, grounds_of(values))

    return Form(
        f"Change the role of {line.name}",
        f"Now: {_role_words(line.role)}. The new role counts at once, also where they are logged "
        "in.",
        (_role_entry(line.role), REASON),
        send,
        button="Change",
        ahead=waits(desk, Action.CHANGE_ROLE),
    )


def remove(desk: AdminDesk, member: Member) -> Form[Done]:
    line = member()
    return Form(
        f"Remove {line.name}",
        "They cannot log in any more, and are logged out where they are as soon as a page is read "
        "or anything is done. What they proposed, and codes that they gave, come to nothing. What "
        "they did stays in the audit under their name.",
        (REASON,),
        lambda values: desk.staff.remove(line.staff_id, member().revision, grounds_of(values)),
        button="Remove",
        danger=True,
    )


def add_key(desk: AdminDesk, member: Member) -> Form[Done]:
    line = member()
    return Form(
        f"Add a key for {line.name}",
        "They can log in with either key then.",
        (_key_entry(), REASON),
        lambda values: desk.staff.add_key(
            line.staff_id, values["public_key"], member().revision, grounds_of(values)
        ),
        button="Add",
        ahead=waits(desk, Action.ADD_STAFF_KEY),
    )


def remove_key(desk: AdminDesk, member: Member) -> Form[Done]:
    line = member()
    keys = {
        f"{key.label or key.kind} {key.fingerprint[:19]}…": key.fingerprint for key in line.keys
    }
    first = next(iter(keys))

    def send(values: Mapping[str, str]) -> Done:
        fingerprint = keys[values.get("key", first)]
        return desk.staff.remove_key(
            line.staff_id, fingerprint, member().revision, grounds_of(values)
        )

    only = "" if len(keys) > 1 else " It is their only one."
    return Form(
        f"Drop a key of {line.name}",
        f"They cannot log in with it any more.{only}",
        (*which("key", "Key", keys), REASON),
        send,
        button="Drop",
        danger=True,
    )


def add_card(desk: AdminDesk, member: Member) -> Form[Done]:
    line = member()

    def send(values: Mapping[str, str]) -> Done:
        driver, identifier = fields.split_card(values["card"])
        card = CardId(driver or values["driver"], identifier)
        return desk.staff.add_card(
            line.staff_id, card, values["key"], member().revision, grounds_of(values)
        )

    return Form(
        f"Add a card for {line.name}",
        "With this card and its PIN they open the maintenance page of stations. A card that is not "
        "recorded yet is added to its holder first.",
        (
            Entry("card", "Card", hint="As “kiosk cards read” prints it.", most=LONGEST_NAME * 2),
            Entry("driver", "Kind", PROVE_PIN[0], choices=PROVE_PIN, closed=True),
            Entry(
                "key",
                "Its key",
                hint="PIV: 9A, as PEM. Empty where it is recorded.",
                most=LONGEST_KEY,
                required=False,
                lines=True,
            ),
            REASON,
        ),
        send,
        button="Add",
        ahead=waits(desk, Action.ADD_STAFF_CARD),
    )


def remove_card(desk: AdminDesk, member: Member) -> Form[Done]:
    line = member()
    cards = {_card_words(card): CardId(card.driver, card.identifier) for card in line.cards}
    first = next(iter(cards))

    def send(values: Mapping[str, str]) -> Done:
        card = cards[values.get("card", first)]
        return desk.staff.remove_card(line.staff_id, card, member().revision, grounds_of(values))

    only = "" if len(cards) > 1 else f" It is {first}."
    return Form(
        f"Drop a card of {line.name}",
        f"It opens no maintenance page any more, and is a holder's card as before.{only}",
        (*which("card", "Card", cards), REASON),
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
    return Entry("public_key", "Public key", hint=hint, most=LONGEST_KEY)


def _card_words(card: StaffCardLine) -> str:
    return grouped(f"{card.driver} {card.identifier}")


_CHANGES: Final[dict[str, tuple[Action, Callable[[AdminDesk, Member], Form[Done]]]]] = {
    "role": (Action.CHANGE_ROLE, change_role),
    "add_key": (Action.ADD_STAFF_KEY, add_key),
    "remove_key": (Action.REMOVE_STAFF, remove_key),
    "add_card": (Action.ADD_STAFF_CARD, add_card),
    "remove_card": (Action.REMOVE_STAFF, remove_card),
    "remove": (Action.REMOVE_STAFF, remove),
}
"""The changes of the marked member: what the role needs, and the dialog."""


class StaffPage(LinesPage[StaffLine]):
    NAME = "Staff"
    NEEDS = Action.SEE_STAFF
    COLUMNS = (
        Column("Name", 20, 2),
        Column("Role", 10, 1),
        Column("Last login", 17, 1),
        Column("Keys", 4, right=True),
        Column("Cards", 5, right=True),
        Column("", 9),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add"),
        Binding("o", "change('role')", "Role"),
        Binding("k", "change('add_key')", "Add key"),
        Binding("x", "change('remove_key')", "Drop key"),
        Binding("c", "change('add_card')", "Add card"),
        Binding("y", "change('remove_card')", "Drop card"),
        Binding("d", "change('remove')", "Remove"),
    ]

    def shown(self) -> None:
        self.ask(self.desk.staff.every, self._show)

    def _show(self, lines: tuple[StaffLine, ...]) -> None:
        present = sum(line.removed_at is None for line in lines)
        self._title.say(f"{numbered(present, 'member')} of staff")
        self.show_lines(lines)

    def row_of(self, line: StaffLine) -> TableLine:
        times = self.times
        login = times.at(line.last_login_at) if line.last_login_at else "never"
        gone = ("– removed", "quiet") if line.removed_at else ""
        counts = (f"{len(held)}" for held in (line.keys, line.cards))
        return TableLine(line.staff_id, (line.name, line.role.value, login, *counts, gone))

    def explained(self, line: StaffLine) -> str:
        times = self.times
        if line.removed_at is not None:
            return f"{line.name} was removed on {times.day(line.removed_at)} and cannot log in."
        words = [f"{line.name} has no key, and so cannot log in."]
        if line.keys:
            let_in = _by(line.added_by, line.agreed_by)
            words = [f"{line.name}{f', let in{let_in},' if let_in else ''} logs in with"]
        for key in line.keys:
            label = f"{key.label}, " if key.label else ""
            words.append(f"  {key.fingerprint}")
            words.append(f"    {label}{key.kind}, added {times.day(key.added_at)}")
            if by := _by(key.added_by, key.agreed_by):
                words.append(f"   {by}")
            if not key.lets_in:
                words.append("    lets nobody in: it is not in a security key")
        if line.cards:
            these = "This card opens" if len(line.cards) == 1 else "These cards open"
            words.append(f"{these} stations' maintenance pages:")
        for card in line.cards:
            by = _by(card.added_by, card.agreed_by)
            words.append(f"  {_card_words(card)}")
            words.append(f"    added {times.day(card.added_at)}{by}")
        return "\n".join(words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer managers the acts on the marked one; nobody acts on themselves."""
        if action != "change":
            return action != "add" or self.permits(Action.ADD_STAFF)
        line, change = self.marked, str(parameters[0])
        if line is None or line.removed_at is not None or not self.permits(_CHANGES[change][0]):
            return False
        match change:
            case "role" | "remove":
                return line.staff_id != self.desk.me.staff_id
            case "add_key":
                return line.role is not Role.TECHNICIAN
            case "remove_key":
                return bool(line.keys)
            case "add_card":
                return may(line.role, Action.MAINTAIN_STATION)
            case "remove_card":
                return bool(line.cards)
            case _:
                raise ValueError(change)

    def action_add(self) -> None:
        self.put(add(self.desk))

    def action_change(self, change: str) -> None:
        staff_id = self._table.marked

        def member() -> StaffLine:
            if staff_id not in self._lines:
                raise NotFound("There is no such member of staff any more.")
            return self._lines[staff_id]

        _, form = _CHANGES[change]
        self.put(form(self.desk, member))


def _by(added_by: str, agreed_by: str) -> str:
    agreed = f", agreed by {agreed_by}" if agreed_by else ""
    return f" by {added_by}{agreed}" if added_by else ""
