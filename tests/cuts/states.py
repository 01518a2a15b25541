"""What a cut leaves, as far as anything that comes after it can see.

Two cuts that leave the same may be told apart by nobody: ids, keys and the secrets' own
digits are drawn, and nothing is decided by them. So the card of one of them comes back for
both, where there are too many to let it come back for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kiosk.authority.records import EmailCode, Proof, UnblockEntry, Visit
from tests.cuts.estate import Estate

State = tuple[object, ...]


def books(estate: Estate) -> State:
    """Return the card's account, its secrets by what they open, and the card itself."""
    card, reader_card = estate.card, estate.reader_card
    account = (card.secret_tries_left, card.secret_exposure, card.set_aside_at is not None)
    with estate.world.store.read() as uow:
        pending = uow.kept_secrets.pending(card.id)
    opens = [(name, reader_card.opens_with(secret)) for name, secret in estate.secrets().items()]
    presented = pending is not None and pending.presented
    spent = (reader_card.is_blocked, reader_card.is_full, reader_card.wrong, reader_card.in_a_row)
    return account, presented, *opens, spent


def state(estate: Estate) -> State:
    """Return the books, and besides them the visits, the journal, the codes and the audit."""
    world, card = estate.world, estate.card
    with world.store.read() as uow:
        visit, code = uow.visits.get(estate.visit), uow.codes.newest(card.id)
        proofs = uow.proofs.of_visit(estate.visit)
        entries = [*map(_entry, uow.journal.of_visit(estate.visit))]
    told = tuple(world.kinds())
    return books(estate), estate.has_new_pin, _visit(visit, proofs), _code(code), *entries, told


def _visit(visit: Visit | None, proofs: Iterable[Proof]) -> State | None:
    if visit is None:
        return None
    times = (visit.closed_at, visit.finished_at, visit.challenge, visit.nonce)
    passed = ((proof.factor.value, proof.spent_by is None) for proof in proofs)
    is_set = (each is not None for each in (visit.genuine_at, *times))
    return visit.how, *is_set, *sorted(passed)


def _code(code: EmailCode | None) -> State | None:
    return None if code is None else (code.consumed_at is None, code.revoked_at is None)


def _entry(entry: UnblockEntry) -> State:
    open_, owes = entry.closed_at is None, entry.admitted_at is None
    return entry.state, entry.detail, entry.was_blocked, open_, owes


@dataclass
class Recoveries:
    """Lets a card come back once for every state that differs; ``each`` lets it do so always."""

    each: bool = False
    found: dict[State, str] = field(default_factory=dict)

    def of(self, estate: Estate, recover: Callable[[], str]) -> str:
        """Return how the card ended that was left as it is now."""
        left = state(estate)
        if self.each or left not in self.found:
            self.found[left] = recover()
        return self.found[left]
