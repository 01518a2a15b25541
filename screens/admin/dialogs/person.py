"""The dialogs for changes of a person or their registration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.fields import NAME_LIMIT
from kiosk.authority.administration.views import Done, Person, Seen
from kiosk.authority.errors import AddressShared
from kiosk.authority.facts import CodesGoTo
from kiosk.authority.roles import Action
from kiosk.contract.policy import MAX_ADDRESS
from screens.admin.dialogs.form import (
    IDENTIFIED_BY,
    REASON,
    REPLACES,
    Ahead,
    Entry,
    Form,
    confirming,
    grounds_of,
    waits,
    which,
)
from screens.words.staff.refusals import refusal_words


@dataclass(frozen=True, slots=True)
class Subject:
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
        return self.person.seen

    @property
    def who(self) -> str:
        person = self.person
        return f"{person.name} ({person.number})"

    @property
    def notice(self) -> str:
        if self.person.email:
            return "They are told by mail."
        return "No email address is recorded for them: no mail tells them of it."

    def waits(self, action: Action) -> Ahead:
        return waits(self.desk, action)


_NUMBER_MOST = 40


def add_person(desk: AdminDesk) -> Form[tuple[Done, str]]:
    """Ask for a person; closes also with their number."""
    if digits := desk.number_digits:
        hint = f"{digits} digits, as on their record; spaces do not count."
    else:
        hint = "As it stands on their record."
    asked = set[str]()
    """The addresses of which somebody else was named: to send again is the answer."""

    def send(values: Mapping[str, str]) -> tuple[Done, str]:
        number = "".join(values["number"].split()) if digits else values["number"]
        name, email, grounds = values["name"], values["email"], grounds_of(values)
        try:
            done = desk.people.add(number, name, email, grounds, knowingly=email in asked)
        except AddressShared as shared:
            asked.add(email)
            again = f"{refusal_words(shared)} Add all the same? Then send it once more."
            raise AddressShared(shared.field, again) from None
        return done, number

    return Form(
        "Add a person",
        "Somebody who is not in the list yet. Their card is added on their page.",
        (
            Entry("number", "Number", hint=hint, most=_NUMBER_MOST),
            Entry("name", "Name", hint="As it stands on their ID.", most=NAME_LIMIT),
            Entry(
                "email",
                "Email",
                hint="Most cards cannot be registered without it. It can be added later.",
                most=MAX_ADDRESS,
                required=False,
            ),
            REASON,
        ),
        send,
        button="Add",
        ahead=waits(
            desk,
            Action.ADD_PERSON,
            "With an email address a second member of staff has to agree first.",
        ),
    )


def lift_block(subject: Subject) -> Form[Done]:
    registration = subject.person.registration
    if registration is not None and registration.is_only_paused:
        return Form(
            "Lift the pause",
            f"{subject.who} may answer again at once, with any smartcard. Make sure who is asking. "
            + subject.notice,
            (IDENTIFIED_BY, REASON),
            lambda values: subject.desk.people.lift_block(subject.seen, grounds_of(values)),
            button="Lift the pause",
        )
    return Form(
        "Lift the block",
        f"{subject.who} may try again at once, with all attempts. Make sure who is asking. "
        + subject.notice,
        (IDENTIFIED_BY, REASON),
        lambda values: subject.desk.people.lift_block(subject.seen, grounds_of(values)),
        button="Lift the block",
        ahead=subject.waits(Action.LIFT_BLOCK),
    )


def revoke_registration(subject: Subject) -> Form[Done]:
    return Form(
        "Revoke the registration",
        f"The answers and the address that {subject.who} registered are deleted. They are told "
        "by mail, and can register again at a station while they know their PIN. If it is blocked, "
        "they need a code from you first.",
        (confirming("Number ends in", "their number", subject.person.number), REASON),
        lambda values: subject.desk.people.revoke_registration(subject.seen, grounds_of(values)),
        button="Revoke",
        danger=True,
        ahead=subject.waits(Action.REVOKE_REGISTRATION),
    )


def correct_name(subject: Subject) -> Form[Done]:
    use = f"Of {subject.who}. Use it for a slip or a change of name, not for another person."
    spoils = (
        " What waits for a second member about them has to be proposed anew then: "
        "let a colleague decide about it first."
    )
    return Form(
        "Correct the name",
        use + (spoils if subject.person.proposals else ""),
        (
            _other("name", "Name", subject.person.name, "As it stands on their ID.", NAME_LIMIT),
            REASON,
        ),
        lambda values: subject.desk.people.correct_name(
            subject.seen, values["name"], grounds_of(values)
        ),
        button="Correct",
    )


def correct_email(subject: Subject) -> Form[Done]:
    """Ask for the right one; codes go there, so the person has to be identified."""
    registration = subject.person.registration
    now = subject.person.email
    notice = "It gets a mail, and so does each old address." if now else "It gets a mail."
    hint = REPLACES if now else ""
    use = f"Codes for {subject.who} will go there; the next one confirms it."
    if registration is None:
        use = (
            f"It is suggested to {subject.who} when they register; the code that is sent there "
            "confirms it."
        )
    return Form(
        "Correct the email address",
        f"{use} {notice}",
        (_other("email", "Email", now, hint, MAX_ADDRESS), IDENTIFIED_BY, REASON),
        lambda values: subject.desk.people.correct_email(
            subject.seen, values["email"], grounds_of(values)
        ),
        button="Correct",
        ahead=subject.waits(Action.CORRECT_EMAIL),
    )


def further_addresses(subject: Subject) -> tuple[str, ...]:
    """Return those to which codes go besides the registered one, or will."""
    registration = subject.person.registration
    lines = registration.enrolled if registration is not None else ()
    codes = (line for line in lines if isinstance(line, CodesGoTo))
    return tuple(address for line in codes for address in (*line.further, *line.later))


_OR_NUMBER = "Or a mobile number, where text messages are sent."


def add_address(subject: Subject) -> Form[Done]:
    return Form(
        "Add an address",
        f"{subject.who} can let codes go there as well, once its cooling-off is over; the first "
        "one that they enter confirms it. It gets a notice, and so does each address that they "
        "have.",
        (Entry("email", "Email", hint=_OR_NUMBER, most=MAX_ADDRESS), IDENTIFIED_BY, REASON),
        lambda values: subject.desk.people.add_address(
            subject.seen, values["email"], grounds_of(values)
        ),
        button="Add",
        ahead=subject.waits(Action.CORRECT_EMAIL),
    )


def withdraw_address(subject: Subject) -> Form[Done]:
    addresses = further_addresses(subject)

    def send(values: Mapping[str, str]) -> Done:
        address = values.get("email", addresses[0])
        return subject.desk.people.withdraw_address(subject.seen, address, grounds_of(values))

    meant = addresses[0] if len(addresses) == 1 else "the one that you choose"
    return Form(
        "Withdraw an address",
        f"No code for {subject.who} goes to {meant} any more, and those on their way work no "
        "more. It gets a notice, and so does each other address.",
        (
            *which("email", "Which one", addresses),
            IDENTIFIED_BY,
            REASON,
        ),
        send,
        button="Withdraw",
        ahead=subject.waits(Action.CORRECT_EMAIL),
    )


def report_misuse(subject: Subject) -> Form[Done]:
    block = (
        "Self-service is blocked for them until the block is lifted."
        if subject.person.registration is not None
        else "They are not registered, so there is nothing to block: if somebody else may have "
        "their card and its PIN, revoke the card."
    )
    return Form(
        "Stop: this was not the holder",
        f"What is under way for {subject.who} ends now: visits, codes and changes. {block} "
        f"{subject.notice}",
        (REASON,),
        lambda values: subject.desk.people.report_misuse(subject.seen, grounds_of(values)),
        button="Stop it",
        danger=True,
        deliberate=True,
    )


def stop_change(subject: Subject) -> Form[Done]:
    return Form(
        "Stop the change of address",
        f"Codes for {subject.who} go on to the address that is registered now.",
        (REASON,),
        lambda values: subject.desk.people.stop_change(subject.seen, grounds_of(values)),
        button="Stop it",
    )


def withdraw_saved_codes(subject: Subject) -> Form[Done]:
    return Form(
        "Withdraw the saved codes",
        f"The codes that {subject.who} wrote down work no more. They can have others made at a "
        f"station, with the card and its PIN. {subject.notice}",
        (REASON,),
        lambda values: subject.desk.people.withdraw_saved_codes(subject.seen, grounds_of(values)),
        button="Withdraw them",
    )


def mark_leaver(subject: Subject) -> Form[Done]:
    return Form(
        "Mark as a leaver",
        f"{subject.who} can do nothing at any station from now on. Nothing is deleted, and it "
        "can be taken back.",
        (REASON,),
        lambda values: subject.desk.people.mark_leaver(subject.seen, grounds_of(values)),
        button="Mark as a leaver",
    )


def take_back_leaver(subject: Subject) -> Form[Done]:
    return Form(
        "Take back from the leavers",
        f"{subject.who} can use the stations again, with the cards and the registration that "
        "they had.",
        (REASON,),
        lambda values: subject.desk.people.take_back_leaver(subject.seen, grounds_of(values)),
        button="Take back",
        ahead=subject.waits(Action.TAKE_BACK_LEAVER),
    )


def erase(subject: Subject) -> Form[Done]:
    number = subject.person.number
    return Form(
        "Erase this person",
        f"{subject.who} goes for good: name, addresses, cards, unblock secrets, answers, and the "
        "reasons that staff gave before. What stays is the reason that you give here, so name "
        "nobody in it, and the audit, whose rows then name nobody. An import whose file still has "
        "their number brings them back: have them taken out of it.",
        (
            Entry(
                "number",
                "Number",
                hint="Type their number to show that you mean them.",
                most=_NUMBER_MOST,
                check=lambda text: "" if text == number else f"That is not their number, {number}.",
            ),
            REASON,
        ),
        lambda values: subject.desk.people.erase(subject.seen, grounds_of(values)),
        button="Erase for good",
        danger=True,
        ahead=subject.waits(Action.ERASE_PERSON),
    )


def _other(name: str, label: str, now: str, hint: str, most: int) -> Entry:
    """Return a field with the present value, which has to be changed."""

    def check(text: str) -> str:
        return "This is what it says already." if text == now else ""

    return Entry(name, label, initial=now, hint=hint, most=most, replaces=True, check=check)
