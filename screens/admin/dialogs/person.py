"""The dialogs for changes of a person or their registration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import Done, Person, Seen
from screens.admin.dialogs.form import (
    REPLACES,
    AskGrounds,
    Entry,
    Form,
    confirming,
    grounds_entries,
    grounds_of,
)

# The person of these dialogs.


@dataclass(frozen=True, slots=True)
class Case:
    """The person as the page shows them at the moment of a question.

    A dialog that lost against somebody else therefore acts, sent again, on the present state.
    ``person_now`` raises ``NotFound`` where there is nobody any more.
    """

    desk: AdminDesk
    person_now: Callable[[], Person]

    @property
    def person(self) -> Person:
        return self.person_now()

    @property
    def seen(self) -> Seen:
        """Return the person for an act."""
        return self.person.seen

    @property
    def who(self) -> str:
        """Return name and number, for a sentence."""
        person = self.person
        return f"{person.name} ({person.number})"

    @property
    def notice(self) -> str:
        """Say in a sentence whether they get a mail about the act."""
        if self.person.email:
            return "They are told by mail."
        return "No email address is recorded for them: no mail tells them of it."


_NAME_MOST, _EMAIL_MOST, _NUMBER_MOST = 120, 254, 40


@dataclass(frozen=True, slots=True)
class Added:
    """A person was added, with this number."""

    done: Done
    number: str


def add_person(desk: AdminDesk) -> Form[Added]:
    """Ask for somebody new."""

    digits = desk.number_digits
    form = "As it stands on their record."
    if digits:
        form = f"{digits} digits, as on their record; spaces do not count."

    def send(values: Mapping[str, str]) -> Added:
        number = "".join(values["number"].split()) if digits else values["number"]
        grounds = grounds_of(values)
        return Added(desk.people.add(number, values["name"], values["email"], grounds), number)

    return Form(
        "Add a person",
        "Somebody who is not in the list yet. Their card is added on their page.",
        (
            Entry("number", "Number", hint=form, most=_NUMBER_MOST),
            Entry("name", "Name", hint="As it stands on their ID.", most=_NAME_MOST),
            Entry(
                "email",
                "Email",
                hint="Most cards cannot be registered without it. It can be added later.",
                most=_EMAIL_MOST,
                required=False,
            ),
            *grounds_entries(identifies=False),
        ),
        send,
        button="Add",
    )


def lift_block(case: Case) -> Form[Done]:
    """Ask how they were identified, and why."""
    return AskGrounds(
        "Lift the block",
        f"{case.who} may try again at once, with all tries. Make sure who is asking. "
        + case.notice,
        lambda grounds: case.desk.people.lift_block(case.seen, grounds),
        button="Lift the block",
        identifies=True,
    )


def revoke_registration(case: Case) -> Form[Done]:
    """Ask why."""
    return AskGrounds(
        "Revoke the registration",
        f"The answers and the address that {case.who} registered are deleted. They are told "
        "by mail, and can register again at a station while they know their PIN. If it is blocked, "
        "they need a code from you first.",
        lambda grounds: case.desk.people.revoke_registration(case.seen, grounds),
        button="Revoke",
        danger=True,
        confirming=(confirming("Number ends in", "their number", case.person.number),),
    )


def correct_name(case: Case) -> Form[Done]:
    """Ask for the right one."""
    return Form(
        "Correct the name",
        f"Of {case.who}. Use it for a slip or a change of name, not for another person.",
        (
            _other("name", "Name", case.person.name, "As it stands on their ID.", _NAME_MOST),
            *grounds_entries(identifies=False),
        ),
        lambda values: case.desk.people.correct_name(case.seen, values["name"], grounds_of(values)),
        button="Correct",
    )


def correct_email(case: Case) -> Form[Done]:
    """Ask for the right one; codes go there, so the person has to be identified."""
    registration = case.person.registration
    now = registration.email if registration else case.person.email
    notice = "It gets a mail, and so does each old address." if now else "It gets a mail."
    hint = REPLACES if now else ""
    use = f"Codes for {case.who} will go there; the next one confirms it."
    if registration is None:
        use = (
            f"It is suggested to {case.who} when they register; the code that is sent there "
            "confirms it."
        )
    return Form(
        "Correct the email address",
        f"{use} {notice}",
        (
            _other("email", "Email", now, hint, _EMAIL_MOST),
            *grounds_entries(identifies=True),
        ),
        lambda values: case.desk.people.correct_email(
            case.seen, values["email"], grounds_of(values)
        ),
        button="Correct",
    )


def report_misuse(case: Case) -> Form[Done]:
    """Ask why."""
    return AskGrounds(
        "Stop: this was not the holder",
        f"What is under way for {case.who} ends now: visits, codes and changes. Self-service is "
        f"blocked for them until the block is lifted. {case.notice}",
        lambda grounds: case.desk.people.report_misuse(case.seen, grounds),
        button="Stop it",
        danger=True,
        deliberate=True,
    )


def stop_change(case: Case) -> Form[Done]:
    """Ask why."""
    return AskGrounds(
        "Stop the change of address",
        f"Codes for {case.who} go on to the address that is registered now.",
        lambda grounds: case.desk.people.stop_change(case.seen, grounds),
        button="Stop it",
    )


def mark_leaver(case: Case) -> Form[Done]:
    """Ask why."""
    return AskGrounds(
        "Mark as a leaver",
        f"{case.who} can do nothing at any station from now on. Nothing is deleted, and it "
        "can be taken back.",
        lambda grounds: case.desk.people.mark_leaver(case.seen, grounds),
        button="Mark as a leaver",
    )


def take_back_leaver(case: Case) -> Form[Done]:
    """Ask why."""
    return AskGrounds(
        "Take back from the leavers",
        f"{case.who} can use the stations again, with the cards and the registration that "
        "they had.",
        lambda grounds: case.desk.people.take_back_leaver(case.seen, grounds),
        button="Take back",
    )


def erase(case: Case) -> Form[Done]:
    """Ask for the number, so that nobody is erased by mistake."""
    person = case.person
    return Form(
        "Erase this person",
        f"{case.who} goes for good: name, addresses, cards, unblock secrets, answers, and the "
        "reasons that staff gave before. What stays is the reason that you give here, and the "
        "audit, whose rows then name nobody. An import whose file still has their number brings "
        "them back: have them taken out of it.",
        (
            Entry(
                "number",
                "Number",
                hint="Type their number to show that you mean them.",
                most=_NUMBER_MOST,
                check=_same_as(person.number),
            ),
            *grounds_entries(identifies=False),
        ),
        lambda values: case.desk.people.erase(case.seen, grounds_of(values)),
        button="Erase for good",
        danger=True,
    )


def _other(name: str, label: str, now: str, hint: str, most: int) -> Entry:
    """Return a field with the present value, which has to be changed."""

    def check(text: str) -> str:
        return "This is what it says already." if text == now else ""

    return Entry(name, label, initial=now, hint=hint, most=most, replaces=True, check=check)


def _same_as(number: str) -> Callable[[str], str]:
    return lambda text: "" if text == number else f"That is not their number, {number}."
