"""The dialogs for giving a code, agreeing to one, and withdrawing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from textual.widget import Widget
from textual.widgets import Digits

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import CodeLine, Done, IssuedCode, Standing
from kiosk.authority.roles import Action
from screens.admin.dialogs.cards import card_of, in_fours, in_use, meant, which_card
from screens.admin.dialogs.dialog import ShownOnce
from screens.admin.dialogs.form import IDENTIFIED_BY, REASON, Form, grounds_of, waits
from screens.admin.dialogs.person import Subject
from screens.admin.times import Times
from screens.widgets.prose import Prose

_WORKS_LATER = "A second member of staff has to agree before it works."


def issue(subject: Subject) -> Form[IssuedCode]:
    """Ask how they were identified: a person with the code and the card gets a new PIN."""
    able = tuple(card for card in in_use(subject) if not card.trouble)
    cards = able or in_use(subject)

    def send(values: Mapping[str, str]) -> IssuedCode:
        return subject.desk.codes.issue(subject.seen, card_of(values, cards), grounds_of(values))

    warning = ""
    if subject.person.standing is Standing.NOT_REGISTERED:
        text = (
            f"For {subject.who}, who is not registered. If the PIN of {meant(cards)} is blocked, "
            "the code unlocks it at a station"
        )
        warning = subject.person.registers_later
        if subject.person.email:
            text += f", where they then register. {subject.notice}"
        else:
            text += "."
            # A claimed PIN registers nobody without an address: kiosk.authority.visit.pin_evidence.
            warning = (
                f"{subject.notice} Unless the card can prove its PIN, they cannot register either. "
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
        send,
        button="Make the code",
        warning=warning,
        ahead=waits(subject.desk, Action.ISSUE_CODE, _WORKS_LATER),
    )


def withdraw(desk: AdminDesk, code: CodeLine) -> Form[Done]:
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

_READ_OUT = "Read it out now. It is shown this once, and kept nowhere."
_SECOND = "It does not work yet: a second member of staff has to agree, on the page Waiting,"
_AGREED = "A second member of staff has agreed: it works until"
_WHERE = "works at every station, once, for the card it was made for."
_FIRST = "They choose a new PIN and register there."
CANNOT_REGISTER = "Most cards cannot be registered without an email address."
_OVER = "The code does not work any more. Close this, and make another one."
_GONE = "The code does not work any more: it was entered at a station, or withdrawn."


class CodeShown(ShownOnce):
    """Shows the code, large and in plain digits; ``not_yet``: why they do not register there."""

    def __init__(self, issued: IssuedCode, holder: str, times: Times, not_yet: str = "") -> None:
        second = issued.waits_for_second
        first = f"They choose a new PIN there. {not_yet}" if not_yet else _FIRST
        where = f"{_WHERE} {first}" if issued.for_first_unlock else _WHERE
        super().__init__(
            f"A code for {holder}",
            _READ_OUT,
            issued.code,
            terms=f"Then it {where}" if second else f"It {where}",
            how_long=f"{_SECOND} before" if second else "Works until",
            over=_OVER,
            expires_at=issued.expires_at,
            reference=issued.reference,
            times=times,
        )
        self._code_id = issued.code_id
        self._where = where
        self._waits_for_second = second
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
            self.end(_GONE)
        elif self._waits_for_second and not found.waits_for_second:
            self._waits_for_second = False
            self.says(f"It {self._where}", _AGREED, found.expires_at)
