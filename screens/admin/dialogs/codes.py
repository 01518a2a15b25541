"""What is asked before a code is given, agreed to, or made worthless."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Digits

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import CodeLine, Done, IssuedCode, Standing
from screens.admin.dialogs.cards import card_of, in_use, meant, which_card
from screens.admin.dialogs.dialog import Box, Dialog
from screens.admin.dialogs.form import AskGrounds, Form, grounds_entries, grounds_of
from screens.admin.dialogs.person import Case
from screens.admin.times import Times
from screens.forget import forget_texts
from screens.widgets.prose import Note, Prose


def issue(case: Case) -> Form[IssuedCode]:
    """Ask how they were identified: whoever has the code and the card gets a new PIN."""
    able = tuple(card for card in in_use(case) if not card.trouble)
    cards = able or in_use(case)

    def send(values: Mapping[str, str]) -> IssuedCode:
        return case.desk.codes.issue(case.seen, card_of(values, cards), grounds_of(values))

    if case.person.standing is Standing.NOT_REGISTERED:
        text = (
            f"For {case.who}, who is not registered and whose PIN is blocked. The code unlocks "
            f"{meant(cards)} at a station, where they then register. They are told by mail."
        )
    else:
        text = (
            f"For {case.who}, who cannot read their email. The code takes the place of the one by "
            f"mail, at a station, for {meant(cards)}. They are told by mail."
        )
    return Form(
        "Give a code by word of mouth",
        text,
        (*which_card(cards), *grounds_entries(identifies=True)),
        send,
        button="Make the code",
    )


def withdraw(desk: AdminDesk, code: CodeLine) -> Form[Done]:
    """Ask why."""
    return AskGrounds(
        "Withdraw a code",
        f"The code that {code.issued_by} gave {code.holder_name} is worthless from then on. "
        "Another one can be given.",
        lambda grounds: desk.codes.withdraw(code.code_id, grounds),
        button="Withdraw",
    )


# The code that staff give by word of mouth, shown once.

_GROUP = 4
_TICK_S = 1.0
_READ_OUT = "Read it out now. It is shown this once, and kept nowhere."
_SECOND = "It does not work yet: a second member of staff has to agree, on the page Waiting,"
_WHERE = "works at every station, once, for the card it was made for."
_FIRST = " They choose a new PIN and register there."
_OVER = "The code does not work any more. Close this, and make another one."
_SURE = "It cannot be shown again. Escape again closes this."


class CodeShown(Dialog[None]):
    """Shows the code, large and in plain digits, until it is closed or does not work any more.

    Enter does not close it: a second press of the Enter that made the code would. Escape
    asks first. The code is forgotten when it is closed.
    """

    AUTO_FOCUS = ""

    def __init__(self, issued: IssuedCode, holder: str, times: Times) -> None:
        super().__init__()
        self._issued: IssuedCode | None = issued
        self._expires_at = issued.expires_at
        self._reference = issued.reference
        self._holder = holder
        self._times = times
        self._digits = Digits(classes="code")
        self._read_out = Prose(_READ_OUT, "sentence")
        self._plain = Prose("", "code-plain")
        self._life = Prose("", "code-life")
        second = issued.waits_for_second
        where = _WHERE + (_FIRST if issued.for_first_unlock else "")
        self._terms = Prose(f"Then it {where}" if second else f"It {where}", "sentence")
        self._how_long = f"{_SECOND} before" if second else "Works until"
        self._note = Note(None)

    def compose(self) -> ComposeResult:
        """Show for whom, the code, how long, and what else it takes."""
        with Box():
            yield Prose(f"A code for {self._holder}", classes="title")
            yield self._read_out
            yield self._digits
            yield self._plain
            yield self._life
            yield self._terms
            yield Prose(f"Reference {self._reference}")
            yield self._note
            with Horizontal(classes="buttons"):
                yield Button("Close", compact=True)
                yield Prose("Esc", classes="keys")

    def on_mount(self) -> None:
        """Put the code up and watch its time."""
        if self._issued is not None:
            code = grouped(self._issued.code.reveal())
            self._digits.update(code)
            self._plain.say(f"In plain digits: {code}")
        self._tell_life()
        self.set_interval(_TICK_S, self._tell_life)

    @property
    def touched(self) -> bool:
        """Whether there is a code that would be lost."""
        return self._issued is not None

    def warn(self, text: str) -> None:
        """Say what would be lost, whatever it is that would end this."""
        self._note.say(_SURE)

    def action_cancel(self) -> None:
        """Close, the second time."""
        if self.touched and not self._note.display:
            self._note.say(_SURE)
        else:
            self._close()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close."""
        event.stop()
        self._close()

    def _tell_life(self) -> None:
        left = self._times.left(self._expires_at)
        if self._times.now() < self._expires_at:
            until = self._times.clock(self._expires_at)
            self._life.say(f"{self._how_long} {until} ({left} left).")
        elif self._issued is not None:
            self._forget()
            self._read_out.display = self._terms.display = False
            self._life.say(_OVER)

    def _forget(self) -> None:
        self._issued = None
        self._digits.update("")
        self._plain.say("")
        forget_texts()

    def _close(self) -> None:
        self._forget()
        self.dismiss()


def grouped(code: str) -> str:
    """Return a code in groups of four, as it is read out."""
    return " ".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
