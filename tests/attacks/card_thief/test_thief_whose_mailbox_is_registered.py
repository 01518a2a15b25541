"""Before: who had moved the registered address to their own was alone mailed about what staff did.

They ring the Registration Authority, pretend to be the holder, and are given a code, another
card, or a lifted block. The mail about it went to the registered address, the thief's. The address
that the employer recorded, the holder's, got nothing, and was overwritten without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import NewCard
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, give, office_beside
from tests.authority.world import EMAIL, PUK, World

THIEF, CORRECTED = "thief@nhs.net", "asha.new@nhs.net"


@dataclass
class Telephone:
    """What a member of staff does for a caller."""

    world: World
    card: Card

    def __post_init__(self) -> None:
        self.office = office_beside(self.world, Role.MANAGER)
        self.seen = as_seen(self.office, self.card)
        self.people, self.cards = PeopleDesk(self.office), CardsDesk(self.office)

    def give_code(self) -> None:
        give(self.office, self.card)

    def lift_block(self) -> None:
        with self.world.store.begin() as uow:
            uow.registrations.block(self.card.holder_id)
            uow.commit()
        self.people.lift_block(as_seen(self.office, self.card), GROUNDS)

    def revoke_registration(self) -> None:
        self.people.revoke_registration(self.seen, GROUNDS)

    def correct_email(self) -> None:
        self.people.correct_email(self.seen, CORRECTED, GROUNDS)

    def mark_leaver(self) -> None:
        self.people.mark_leaver(self.seen, GROUNDS)

    def take_back_leaver(self) -> None:
        self.people.mark_leaver(self.seen, GROUNDS)
        self.world.outbox()
        self.people.take_back_leaver(as_seen(self.office, self.card), GROUNDS)

    def report_misuse(self) -> None:
        self.people.report_misuse(self.seen, GROUNDS)

    def add_card(self) -> None:
        self.cards.add(self.seen, _another(), GROUNDS)

    def replace_card(self) -> None:
        self.cards.replace(self.seen, self.card.id, _another(), GROUNDS)

    def revoke_card(self) -> None:
        self.cards.revoke(self.seen, self.card.id, GROUNDS)

    def set_secret(self) -> None:
        self.cards.set_secret(self.seen, self.card.id, Sensitive("20461357"), GROUNDS)


def _another() -> NewCard:
    return NewCard("cd" * 16, "PIV", None, Sensitive(PUK), secret_limit=5)


ACTS: Final[dict[str, Callable[[Telephone], None]]] = {
    "code-given": Telephone.give_code,
    "block-lifted": Telephone.lift_block,
    "registration-revoked": Telephone.revoke_registration,
    "email-corrected-old": Telephone.correct_email,
    "leaver-marked": Telephone.mark_leaver,
    "leaver-taken-back": Telephone.take_back_leaver,
    "misuse-stopped": Telephone.report_misuse,
    "card-added": Telephone.add_card,
    "card-replaced": Telephone.replace_card,
    "card-revoked": Telephone.revoke_card,
    "secret-set": Telephone.set_secret,
}
"""By the mail that the holder gets."""


@pytest.fixture
def card(world: World) -> Card:
    """The card of a holder whose registered address is the thief's by now."""
    holder = world.add_holder()
    world.register(holder, email=THIEF)
    return world.add_card(holder)


@pytest.mark.parametrize("mail", ACTS)
def test_the_recorded_address_is_mailed_as_well(world: World, card: Card, mail: str) -> None:
    ACTS[mail](Telephone(world, card))
    assert {one.to for one in world.outbox() if one.template == mail} == {EMAIL, THIEF}


def test_an_address_that_is_put_back_is_not_said_to_be_replaced(world: World, card: Card) -> None:
    """Staff put the recorded address, which is right, in place of the thief's."""
    telephone = Telephone(world, card)
    telephone.people.correct_email(telephone.seen, EMAIL, GROUNDS)
    assert sorted((one.to, one.template) for one in world.outbox()) == [
        (EMAIL, "email-corrected-new"),
        (THIEF, "email-corrected-old"),
    ]
