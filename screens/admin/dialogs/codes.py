"""What is asked before a code is given, agreed to, or made worthless."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.acting import Done
from kiosk.administration.views.people import CodeLine, IssuedCode, Standing
from screens.admin.dialogs.card_entries import card_of, which_card
from screens.admin.dialogs.cards import in_use, meant
from screens.admin.dialogs.case import Case
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.grounds import AskGrounds, grounds_entries, grounds_of


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
