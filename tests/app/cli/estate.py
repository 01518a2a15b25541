"""The estate that the commands work on, seen from behind."""

from __future__ import annotations

import argparse
from dataclasses import replace

from kiosk.app.cli.tools import Tools
from kiosk.authority.addresses import Addresses, read_addresses
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.records import AuditQuery, Card, Cardholder, Registration
from kiosk.contract.messages import CardId
from tests.authority.store import samples

JO, AL = "900000000001", "900000000002"


class Estate:
    """Jo and Al, each with one card, and what is recorded of them."""

    def __init__(self) -> None:
        self._tools = Tools(argparse.Namespace(config=None))
        self.store = self._tools.store

    def holder(self, number: str = JO) -> Cardholder:
        with self.store.read() as uow:
            return uow.holders.by_numbers([number])[number]

    def is_there(self, number: str) -> bool:
        with self.store.read() as uow:
            return number in uow.holders.by_numbers([number])

    def cards(self, number: str = JO) -> dict[str, Card]:
        """Return their cards by identifier."""
        holder = self.holder(number)
        with self.store.read() as uow:
            return {card.identifier: card for card in uow.cards.of_holder(holder.id)}

    def secret(self, card: Card) -> str:
        """Open the secret of a card."""
        assert card.sealed_secret is not None
        named = CardId(card.driver, card.identifier)
        label = SealLabel(named, SealKind.UNBLOCK, card.sealed_secret.revision)
        return Sealer(self._tools.ring()).open(card.sealed_secret, label).reveal()

    def register(self, *, blocked: bool = False) -> None:
        """Register Jo, who is blocked then or is not."""
        holder = self.holder()
        with self.store.begin() as uow:
            questions = tuple(question.id for question in uow.questions.current()[:4])
            registration = replace(samples.registration(holder.id), question_ids=questions)
            address = samples.registered_address(holder.id, "jo@nhs.net", uow.now)
            samples.put_registered(uow, registration, address)
            if blocked:
                uow.registrations.block(holder.id)
            uow.commit()

    def addresses(self, number: str = JO) -> Addresses:
        with self.store.read() as uow:
            return read_addresses(uow, self.holder(number).id)

    def registration(self) -> Registration | None:
        """Return Jo's."""
        holder = self.holder()
        with self.store.read() as uow:
            return uow.registrations.of_holder(holder.id)

    def kinds(self) -> list[str]:
        """Return the kinds of the audit's rows, newest first."""
        with self.store.read() as uow:
            return [event.kind for event in uow.trail.newest(AuditQuery())]
