"""Deciding what a batch of lines changes, against what the store holds.

An empty cell never takes anything away, a leaver stays one, and a card that another
person has is never moved by a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from kiosk.administration.people_line import PersonLine, Problem
from kiosk.dialogue import CardId
from kiosk.errors import KeyMissing
from kiosk.secrets.deriving import ISSUED, Derivation
from kiosk.secrets.kept import has_or_had, label
from kiosk.secrets.sealing import Sealer, SealKind
from kiosk.sensitive import Sensitive
from kiosk.store.records import Card, Cardholder, SealedSecret, new_id
from kiosk.store.unit_of_work import UnitOfWork

_UNCOMPARED: Final = (
    "unblock_secret: what is recorded for this card cannot be compared ({}): restore that key, "
    "or see --replace-lost"
)
"""The card may have been given another secret, which the file's would take the place of."""


@dataclass(slots=True)
class Batch:
    """What a batch of lines comes to.

    ``known_touched`` counts what could help to open the card of somebody who was known before:
    another address, another card, another key or secret. ``erased_before`` are the first lines
    of people who are added and were erased once.
    """

    people_added: list[Cardholder] = field(default_factory=list)
    people_changed: list[Cardholder] = field(default_factory=list)
    erased_before: list[PersonLine] = field(default_factory=list)
    cards_added: list[Card] = field(default_factory=list)
    cards_changed: list[Card] = field(default_factory=list)
    secrets: int = 0
    secrets_replaced: list[Card] = field(default_factory=list)
    known_touched: int = 0
    problems: list[Problem] = field(default_factory=list)


class Planner:
    """Plans batches of at most 500 lines; ``is_first`` tells a person's first line of all.

    ``replace_lost``: a secret of the file takes the place of one whose key is not there.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        sealer: Sealer,
        is_first: Callable[[PersonLine], bool],
        *,
        replace_lost: bool = False,
    ) -> None:
        self._uow = uow
        self._sealer = sealer
        self._is_first = is_first
        self._replace_lost = replace_lost
        self._new_people: set[str] = set()

    def plan(self, lines: Sequence[PersonLine]) -> Batch:
        """Compare ``lines`` with the store; nothing is written."""
        batch = Batch()
        holders = self._uow.holders.by_numbers({line.number for line in lines})
        cards = self._uow.cards.by_card_ids({line.card for line in lines if line.card})
        for line in lines:
            holder = holders[line.number] = self._person(batch, line, holders.get(line.number))
            if line.card:
                self._card(batch, line, line.card, holder, cards.get(line.card))
        added = {holder.number for holder in batch.people_added}
        erased = self._uow.holders.erased_among(added)
        first = {line.number: line for line in reversed(lines) if line.number in erased}
        batch.erased_before = sorted(first.values(), key=lambda line: line.line)
        return batch

    def _person(self, batch: Batch, line: PersonLine, known: Cardholder | None) -> Cardholder:
        if known is None:
            holder = Cardholder(new_id(), line.number, line.name, line.email)
            self._new_people.add(holder.id)
            if self._is_first(line):  # in a rehearsal, earlier batches were not written
                batch.people_added.append(holder)
            return holder
        holder = replace(known, name=line.name, email=line.email or known.email)
        if holder != known:
            batch.people_changed.append(holder)
            batch.known_touched += holder.email != known.email
        return holder

    def _card(
        self, batch: Batch, line: PersonLine, named: CardId, holder: Cardholder, known: Card | None
    ) -> None:
        if known is not None and known.holder_id != holder.id:
            other = self._uow.holders.get(known.holder_id)
            number = other.number if other else "nobody"
            batch.problems.append((line.line, f"card_id: this card belongs to {number}"))
            return
        was = known or Card(new_id(), holder.id, named.driver, named.identifier)
        try:
            card = self._planned(batch, line, was)
        except KeyMissing as missing:
            batch.problems.append((line.line, _UNCOMPARED.format(missing)))
            return
        if card.sealed_secret is not was.sealed_secret:
            batch.secrets += 1
            batch.secrets_replaced.extend([card] if known else [])
        another_key = card.auth_key != was.auth_key or card.sealed_secret is not was.sealed_secret
        if holder.id not in self._new_people and (known is None or another_key):
            batch.known_touched += 1
        if known is None:
            batch.cards_added.append(card)
        elif card != known:
            batch.cards_changed.append(card)

    def _planned(self, batch: Batch, line: PersonLine, was: Card) -> Card:
        """Return what a line makes of a card; raises ``KeyMissing``."""
        card = replace(
            was,
            expires_at=line.expires_at or was.expires_at,
            secret_limit=line.secret_limit or was.secret_limit,
            auth_key=line.auth_key or was.auth_key,
            auth_key_imported=line.auth_key is not None or was.auth_key_imported,
            pin_key=line.pin_key or was.pin_key,
            pin_key_imported=line.pin_key is not None or was.pin_key_imported,
            sealed_secret=self._secret(was, line.secret),
        )
        if line.master and was.secret_generation is None:
            return self._derived(batch, line, card)
        return card

    def _derived(self, batch: Batch, line: PersonLine, card: Card) -> Card:
        """Note from which master key the card was issued with its secret.

        That counts once: a file that is imported again says so still, when the card has long
        been given another one.
        """
        if line.master not in self._masters:
            batch.problems.append(
                (line.line, f"master_key {line.master!r}: there is none; see `kiosk keys list`")
            )
            return card
        was, how = card.sealed_secret, Derivation(line.master)
        named = label(card, SealKind.UNBLOCK, was.revision + 1 if was else 1)
        if was and self._has_or_had(card, self._sealer.masters.derive(how, named.card)):
            return replace(card, secret_generation=ISSUED)
        sealed = self._sealer.seal(how, named)
        return replace(card, sealed_secret=sealed, secret_generation=ISSUED)

    @cached_property
    def _masters(self) -> tuple[str, ...]:
        return self._sealer.masters.ids()

    def _secret(self, card: Card, given: Sensitive | None) -> SealedSecret | None:
        """Seal what is given, unless the card has it already, or had it once.

        A file that is imported again must not bring a secret back that was changed since.
        """
        was = card.sealed_secret
        if given is None or self._has_or_had(card, given):
            return was
        return self._sealer.seal(
            given, label(card, SealKind.UNBLOCK, was.revision + 1 if was else 1)
        )

    def _has_or_had(self, card: Card, given: Sensitive) -> bool:
        """Raise ``KeyMissing`` where nobody knows, and it matters."""
        try:
            return has_or_had(self._uow, self._sealer, card, given)
        except KeyMissing:
            if self._replace_lost:
                return False
            raise
