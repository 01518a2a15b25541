"""The dialogs for changes of a card, and for the codes by word of mouth that unlock one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from textual.widget import Widget
from textual.widgets import Digits

from kiosk.authority.administration import fields
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import (
    CardLine,
    CodeLine,
    Done,
    IssuedCode,
    NewCard,
    Person,
    Standing,
)
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Action
from kiosk.contract.families import FAMILIES
from kiosk.contract.sensitive import Sensitive
from screens.admin.dialogs.dialog import ShownOnce
from screens.admin.dialogs.form import (
    IDENTIFIED_BY,
    REASON,
    Entry,
    Form,
    confirming,
    ends_as,
    grounds_of,
    not_the_end,
    waits,
    which,
)
from screens.admin.dialogs.person import Subject
from screens.admin.times import Times
from screens.widgets.prose import Prose
from screens.words.staff.standing import later_words

# The fields of a card: typed, or pasted as the clerk's own machine printed them.

KINDS = tuple(FAMILIES)
_IDENTIFIER_MOST, _SECRET_MOST, _TAIL, _GROUP = 120, 80, 8, 4
_A_MOMENT = timedelta(microseconds=1)


def which_card(cards: Sequence[CardLine]) -> tuple[Entry, ...]:
    return which("card", "Which card", _labels(cards))


def card_of(values: Mapping[str, str], cards: Sequence[CardLine]) -> str:
    labels = _labels(cards)
    return labels[values["card"]] if "card" in values else cards[0].card_id


def _labels(cards: Sequence[CardLine]) -> dict[str, str]:
    """Return ids by short names of the cards, or by long ones where the short are equal."""
    short = {}
    for card in cards:
        expires = f", expires {last_day(card.expires_at)}" if card.expires_at else ""
        short[f"{card.driver} ending in {card.identifier[-_TAIL:]}{expires}"] = card.card_id
    if len(short) == len(cards):
        return short
    return {f"{card.driver} {card.identifier}": card.card_id for card in cards}


def grouped(card: str) -> str:
    """Write a card's family and identifier, ``piv 01234567``, so that it can be read out."""
    family, _, identifier = card.partition(" ")
    return f"{family} {in_fours(identifier)}".rstrip()


def in_fours(text: str) -> str:
    return " ".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def last_day(expires_at: datetime) -> str:
    """Return the last day on which a card works; days of cards end in UTC, as imported."""
    return Times(zone=UTC).day(expires_at - _A_MOMENT)


def new_card_entries(card: str = "") -> tuple[Entry, ...]:
    """Return the fields of a new card, filled in from ``card`` where a station has met it."""
    hint, driver = "For piv 32 digits, 0 to 9 and a to f.", fields.split_card(card)[0] or KINDS[0]
    kind = Entry("driver", "Kind", driver, choices=KINDS, closed=True)
    return (
        Entry("identifier", "Card", card, hint, most=_IDENTIFIER_MOST),
        *((kind,) if len(KINDS) > 1 else ()),
        Entry(
            "expires_at",
            "Expires",
            hint="Like 2027-03-31. May stay empty.",
            required=False,
            check=_date_problem,
        ),
        *secret_entries(required=False),
    )


HOW_TO_READ = (
    "Its identifier is in the chip: paste what “kiosk cards read” prints with a reader at your "
    "desk; or put the card into a station, and Ctrl+O on People lists it."
)


def secret_entries(*, required: bool) -> tuple[Entry, ...]:
    """Return the fields of an unblock secret: a mistake in it would cost a try of the card."""
    then = "nobody sees it again" if required else "may be set later"
    hint = f"PUK, resetting code or admin key; {then}."
    first = Entry(
        "secret", "Unblock secret", hint=hint, secret=True, most=_SECRET_MOST, required=required
    )
    return first, replace(first, name="again", label="And again", hint="")


def new_card_of(values: Mapping[str, str]) -> NewCard:
    """Return the card; raises ``NotTaken`` where the two secrets differ."""
    driver, identifier = fields.split_card(values["identifier"])
    typed = bool(values["secret"] or values["again"])
    return NewCard(
        identifier,
        driver or values.get("driver", KINDS[0]),
        fields.read_expires(values["expires_at"]),
        secret_of(values) if typed else None,
    )


def secret_of(values: Mapping[str, str]) -> Sensitive:
    """Return the secret; raises ``NotTaken`` where it was not typed the same twice."""
    secret, again = Sensitive(values["secret"]), Sensitive(values["again"])
    if secret != again:
        raise NotTaken("again", "This is not the same as above.")
    return secret


def _date_problem(text: str) -> str:
    try:
        fields.read_expires(text)
    except fields.CellRefused:
        return "Write it as year, month and day: 2027-03-31."
    return ""


TRIES_KEPT = "had it before: its tries stay as they are"
TRIES_FULL = "was given it just now: all its tries are back"
"""A card counts wrong secrets whatever is recorded, so only staff can know."""


_ITS_IDENTIFIER = "its identifier"


def in_use(subject: Subject) -> tuple[CardLine, ...]:
    """Return the cards that are not revoked; they may have expired."""
    return tuple(card for card in subject.person.cards if not card.revoked)


def meant(cards: Sequence[CardLine]) -> str:
    if len(cards) != 1:
        return "the chosen card"
    return f"the {cards[0].driver} card ending in {cards[0].identifier[-_TAIL:]}"


def find_owner(desk: AdminDesk, card: str) -> Form[Person]:
    """Ask whose card a station met; closes with the person's page."""

    def send(values: Mapping[str, str]) -> Person:
        found = desk.people.search(values["person"], limit=2)
        if not found.people:
            raise NotTaken("person", "Nobody is found by this. Ctrl+N on People adds somebody.")
        if found.more or len(found.people) > 1:
            raise NotTaken("person", "Several people are found by this: type the number.")
        person = desk.people.person(found.people[0].holder_id)
        if Action.ADD_CARD not in person.open_to:
            raise NotTaken("person", f"{person.name} can be given no card now: see their page.")
        return person

    return Form(
        "Whose card is it?",
        f"The card calls itself {card}. Make sure that they hold it and that it was issued to "
        "them: its identifier proves nothing.",
        (Entry("person", "Person", hint="Their number; or a name or address only they have."),),
        send,
        button="Find",
    )


def add_card(subject: Subject, card: str = "") -> Form[Done]:
    """Ask for another card; ``card`` is its kind and identifier where a station has met it."""
    return Form(
        "Add a card",
        f"{'Another' if in_use(subject) else 'A'} card for {subject.who}. Nothing else changes."
        + ("" if card else f" {HOW_TO_READ}"),
        (*new_card_entries(card), REASON),
        lambda values: subject.desk.cards.add(
            subject.seen, new_card_of(values), grounds_of(values)
        ),
        button="Add",
        ahead=subject.waits(Action.ADD_CARD),
    )


def replace_card(subject: Subject) -> Form[Done]:
    cards = in_use(subject)

    return Form(
        "Replace a card",
        f"A new card for {subject.who}; {meant(cards)} works nowhere from then on. {HOW_TO_READ}",
        (*which_card(cards), *new_card_entries(), REASON),
        lambda values: subject.desk.cards.replace(
            subject.seen, card_of(values, cards), new_card_of(values), grounds_of(values)
        ),
        button="Replace",
        ahead=subject.waits(Action.REPLACE_CARD),
    )


def revoke_card(subject: Subject) -> Form[Done]:
    cards = in_use(subject)

    def send(values: Mapping[str, str]) -> Done:
        card_id = card_of(values, cards)
        identifier = next(card.identifier for card in cards if card.card_id == card_id)
        if not ends_as(values["ending"], identifier):
            raise NotTaken("ending", not_the_end(_ITS_IDENTIFIER, identifier))
        return subject.desk.cards.revoke(subject.seen, card_id, grounds_of(values))

    only = cards[0].identifier if len(cards) == 1 else ""
    return Form(
        "Revoke a card",
        f"No station serves {meant(cards)} of {subject.who} any more. This cannot be taken back: "
        "if the card turns up, add a new one.",
        (*which_card(cards), confirming("Card ends in", _ITS_IDENTIFIER, only), REASON),
        send,
        button="Revoke",
        danger=True,
    )


def set_secret(subject: Subject) -> Form[Done]:
    cards = in_use(subject)
    recorded = [card for card in cards if card.has_secret]
    before = " It takes the place of the one that is recorded." if recorded else ""
    if recorded and len(recorded) < len(cards):
        before = " Where one is recorded, it takes its place."

    def send(values: Mapping[str, str]) -> Done:
        secret, full = secret_of(values), values["tries"] == TRIES_FULL
        card_id, grounds = card_of(values, cards), grounds_of(values)
        return subject.desk.cards.set_secret(
            subject.seen, card_id, secret, grounds, tries_full=full
        )

    return Form(
        "Set the unblock secret",
        f"With it a station unlocks {meant(cards)} of {subject.who}.{before}",
        (
            *which_card(cards),
            *secret_entries(required=True),
            Entry("tries", "The card", TRIES_KEPT, choices=(TRIES_KEPT, TRIES_FULL), closed=True),
            REASON,
        ),
        send,
        button="Set",
        ahead=subject.waits(Action.SET_SECRET),
    )


# Codes by word of mouth: giving one, and withdrawing it.


def not_yet(person: Person) -> str:
    """Say from when somebody who is not registered can register; nothing where they can now."""
    later = person.registers_later
    return "" if later is None else later_words(later, person.clock)


def issue_code(subject: Subject) -> Form[IssuedCode]:
    """Ask how they were identified: a person with the code and the card gets a new PIN."""
    able = tuple(card for card in in_use(subject) if not card.trouble)
    cards = able or in_use(subject)

    warning = ""
    if subject.person.standing is Standing.NOT_REGISTERED:
        text = (
            f"For {subject.who}, who is not registered. If the PIN of {meant(cards)} is blocked, "
            "the code unlocks it at a station"
        )
        warning = not_yet(subject.person)
        if subject.person.email:
            text += f", where they then register. {subject.notice}"
        else:
            text += "."
            # The PIN is claimed, and registers nobody then: kiosk.authority.visit.pin_evidence.
            warning = (
                f"{subject.notice} Without one they cannot register there either. "
                "First record it: Escape, then “Correct email” on their page."
            )
    else:
        text = (
            f"For {subject.who}, who cannot read their email. The code takes the place of the one "
            f"by mail, at a station, for {meant(cards)}. {subject.notice}"
        )
    return Form(
        "Give a code by word of mouth",
        text,
        (*which_card(cards), IDENTIFIED_BY, REASON),
        lambda values: subject.desk.codes.issue(
            subject.seen, card_of(values, cards), grounds_of(values)
        ),
        button="Make the code",
        warning=warning,
        ahead=waits(
            subject.desk,
            Action.ISSUE_CODE,
            "A second member of staff has to agree before it works.",
        ),
    )


def withdraw_code(desk: AdminDesk, code: CodeLine) -> Form[Done]:
    return Form(
        "Withdraw a code",
        f"The code that {code.issued_by} gave {code.holder_name} is worthless from then on. "
        "Another one can be given.",
        (REASON,),
        lambda values: desk.codes.withdraw(code.code_id, grounds_of(values)),
        button="Withdraw",
        deliberate=True,
    )


# The code that staff give by word of mouth, shown once.

CANNOT_REGISTER = "They cannot register without an email address."


class CodeShown(ShownOnce):
    """Shows the code, large and in plain digits; ``not_yet``: why they do not register there."""

    def __init__(self, issued: IssuedCode, holder: str, times: Times, not_yet: str = "") -> None:
        where = "works at every station, once, for the card it was made for."
        if issued.for_first_unlock and not_yet:
            where += f" They choose a new PIN there. {not_yet}"
        elif issued.for_first_unlock:
            where += " They choose a new PIN and register there."
        terms, how_long = f"It {where}", "Works until"
        if issued.waits_for_second:
            terms = f"Then it {where}"
            how_long = (
                "It does not work yet: a second member of staff has to agree, on the page Waiting, "
                "before"
            )
        super().__init__(
            f"A code for {holder}",
            "Read it out now. It is shown this once, and kept nowhere.",
            issued.code,
            terms=terms,
            how_long=how_long,
            over="The code does not work any more. Close this, and make another one.",
            expires_at=issued.expires_at,
            reference=issued.reference,
            times=times,
        )
        self._code_id = issued.code_id
        self._where = where
        self._waits_for_second = issued.waits_for_second
        self._digits = Digits(classes="code")
        self._plain = Prose("", "code-plain")

    def for_secret(self) -> Iterator[Widget]:
        yield self._digits
        yield self._plain

    def show_secret(self, secret: str) -> None:
        code = in_fours(secret)
        self._digits.update(code)
        self._plain.say(f"In plain digits: {code}" if code else "")

    def look_at(self, waiting: Sequence[CodeLine]) -> None:
        """Say that a colleague agreed; take a code down that is not waited for any more."""
        if not self.touched:
            return
        found = next((code for code in waiting if code.code_id == self._code_id), None)
        if found is None:
            self.end("The code does not work any more: it was entered at a station, or withdrawn.")
        elif self._waits_for_second and not found.waits_for_second:
            self._waits_for_second = False
            agreed = "A second member of staff has agreed: it works until"
            self.says(f"It {self._where}", agreed, found.expires_at)
