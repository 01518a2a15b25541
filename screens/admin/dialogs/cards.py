"""What is asked before something is changed about a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kiosk.administration.views.acting import Done
from kiosk.administration.views.people import CardLine
from screens.admin.dialogs.card_entries import (
    card_of,
    card_short,
    new_card_entries,
    new_card_of,
    secret_entries,
    secret_of,
    which_card,
)
from screens.admin.dialogs.case import Case
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.grounds import grounds_entries, grounds_of

TRIES_KEPT = "As they stand: only the record changes"
TRIES_FULL = "All there: the card itself was given this secret"
"""A card counts wrong secrets whatever is recorded, so only staff can know."""


def in_use(case: Case) -> tuple[CardLine, ...]:
    """Return the cards that are not revoked."""
    return tuple(card for card in case.person.cards if not card.revoked)


def meant(cards: Sequence[CardLine]) -> str:
    """Name the card in a sentence where there is no choice."""
    return card_short(cards[0]) if len(cards) == 1 else "the chosen card"


def add_card(case: Case) -> Form[Done]:
    """Ask for another card."""
    return Form(
        "Add a card",
        f"{'Another' if in_use(case) else 'A'} card for {case.who}. Nothing else changes.",
        (*new_card_entries(), *grounds_entries(identifies=False)),
        lambda values: case.desk.cards.add(case.seen, new_card_of(values), grounds_of(values)),
        button="Add",
    )


def replace_card(case: Case) -> Form[Done]:
    """Ask for the new one, and which one it takes the place of."""
    cards = in_use(case)

    def send(values: Mapping[str, str]) -> Done:
        old = card_of(values, cards)
        return case.desk.cards.replace(case.seen, old, new_card_of(values), grounds_of(values))

    return Form(
        "Replace a card",
        f"A new card for {case.who}; {meant(cards)} works nowhere from then on.",
        (*which_card(cards), *new_card_entries(), *grounds_entries(identifies=False)),
        send,
        button="Replace",
    )


def revoke_card(case: Case) -> Form[Done]:
    """Ask which, and why."""
    cards = in_use(case)
    return Form(
        "Revoke a card",
        f"No station serves {meant(cards)} of {case.who} any more. This cannot be taken back: "
        "if the card turns up, add a new one.",
        (*which_card(cards), *grounds_entries(identifies=False)),
        lambda values: case.desk.cards.revoke(
            case.seen, card_of(values, cards), grounds_of(values)
        ),
        button="Revoke",
        danger=True,
    )


def set_secret(case: Case) -> Form[Done]:
    """Ask for it twice."""
    cards = in_use(case)

    def send(values: Mapping[str, str]) -> Done:
        secret, card_id = secret_of(values), card_of(values, cards)
        full = values["tries"] == TRIES_FULL
        grounds = grounds_of(values)
        return case.desk.cards.set_secret(case.seen, card_id, secret, grounds, tries_full=full)

    return Form(
        "Set the unblock secret",
        f"With it a station unlocks {meant(cards)} of {case.who}. It takes the place of the "
        "one that is recorded.",
        (
            *which_card(cards),
            *secret_entries(required=True),
            Entry("tries", "Tries", TRIES_KEPT, choices=(TRIES_KEPT, TRIES_FULL), closed=True),
            *grounds_entries(identifies=False),
        ),
        send,
        button="Set",
    )
