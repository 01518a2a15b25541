"""Imports files of people into a store, and looks at what came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.authority.addresses import read_addresses
from kiosk.authority.administration.import_people import ImportResult, PeopleImport
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.errors import ImportRefused
from kiosk.authority.records import Card, Cardholder
from kiosk.authority.store.database import Store
from kiosk.contract.messages import CardId

HEADER = "holder_number,name,email,card_id,unblock_secret"
ONE, TWO = f"{1:032x}", f"{2:032x}"


def line(n: int, *, name: str = "Jo Smith", card: int | str = -1, secret: str = "48271593") -> str:
    identifier = card if isinstance(card, str) else f"{(n if card < 0 else card) + 1:032x}"
    return f"{900000000000 + n},{name},p{n}@nhs.net,{identifier},{secret}"


def csv_of(folder: Path, *lines: str, header: str = HEADER, end: str = "\n") -> Path:
    path = folder / "people.csv"
    path.write_bytes((end.join([header, *lines]) + end).encode())
    return path


class Importer:
    """Imports into one store, and looks at what came of it."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self.store = store
        self.sealer = sealer
        self.work = PeopleImport(store, sealer, 12)

    def run(self, path: Path) -> ImportResult:
        return self.work.run(path, "command line: test")

    def refused(self, path: Path) -> tuple[tuple[int, str], ...]:
        """Import what must be refused, dry and for real; nothing may have changed."""
        before = self.everything()
        with pytest.raises(ImportRefused) as dry:
            self.work.rehearse(path)
        with pytest.raises(ImportRefused) as real:
            self.run(path)
        assert dry.value.problems == real.value.problems
        assert self.everything() == before
        return real.value.problems

    def holder(self, n: int) -> Cardholder:
        with self.store.read() as uow:
            return uow.holders.by_numbers([f"{900000000000 + n}"])[f"{900000000000 + n}"]

    def email(self, n: int) -> str:
        with self.store.read() as uow:
            return read_addresses(uow, self.holder(n).id).shown

    def found(self, text: str) -> list[str]:
        with self.store.read() as uow:
            return list(uow.search.find(text, 5))

    def card(self, n: int) -> Card:
        with self.store.read() as uow:
            known = uow.cards.find(CardId("piv", f"{n + 1:032x}"))
        assert known is not None
        return known.card

    def secret(self, card: Card) -> str:
        assert card.sealed_secret is not None
        named = CardId(card.driver, card.identifier)
        label = SealLabel(named, SealKind.UNBLOCK, card.sealed_secret.revision)
        return self.sealer.open(card.sealed_secret, label).reveal()

    def everything(self) -> object:
        with self.store.read() as uow:
            numbers = [f"{900000000000 + n}" for n in range(20)]
            found = uow.holders.by_numbers(numbers)
            cards = {number: uow.cards.of_holder(h.id) for number, h in found.items()}
            return found, cards, uow.audit.heads()
