"""A store that loses one commit, or its answer, and cases of calls to repeat after that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from msgspec import Struct

from kiosk.authority.errors import StoreError
from kiosk.authority.records import AuditQuery, Card
from kiosk.authority.service import LocalAuthority
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.messages import Route, VisitId, reference_of
from tests.authority.world import World
from tests.support.database import SetClock
from tests.support.stored import live_code

_NUMBERS = count(900_000_000_000)


class Loss(StrEnum):
    """What is lost at a commit."""

    ANSWER = "took place, answer lost"
    COMMIT = "did not take place"


class _Unit(UnitOfWork):
    owner: LosingStore

    def commit(self) -> None:
        self.owner.commits += 1
        here = self.owner.commits == self.owner.lose_at
        if not here or self.owner.loss is Loss.ANSWER:
            super().commit()
        if here:
            raise StoreError("the server closed the connection", "08006")


class LosingStore(Store):
    """Loses what it is told to lose, once."""

    commits = 0
    lose_at = 0
    loss = Loss.ANSWER

    def arm(self, lose_at: int, loss: Loss) -> None:
        """Lose at the commit of this number, counted from now; 0: at none."""
        self.commits, self.lose_at, self.loss = 0, lose_at, loss

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Begin as the store does."""
        with self._gateway(writes=True) as gateway:
            unit = _Unit(gateway, self._clock.now(), self._heads, self._audit_macs)
            unit.owner = self
            yield unit


@dataclass
class Lossy:
    """A world whose store can lose commits, and a second process at the same database."""

    world: World
    other: World
    store: LosingStore

    @staticmethod
    def around(world: World) -> Lossy:
        store = LosingStore(world.url, world.clock, world.macs, busy_timeout_s=5.0, pool_size=50)
        world.store.close()
        world.store = store
        world.restart()
        other = World(world.folder, url=world.url)
        other.clock, other.relay = world.clock, world.relay
        other.store.close()
        other.store = Store(world.url, world.clock, world.macs, busy_timeout_s=5.0, pool_size=50)
        other.restart()
        return Lossy(world, other, store)

    def close(self) -> None:
        self.other.store.close()

    @property
    def clock(self) -> SetClock:
        return self.world.clock


def somebodys_card(world: World, registered: bool = True, /, **changes: object) -> Card:
    """A card of somebody new: every case has its own."""
    holder = world.add_holder(number=str(next(_NUMBERS)))
    if registered:
        world.register(holder)
    return world.add_card(holder, **changes)


Call = Callable[[LocalAuthority], object]


@dataclass
class Case:
    """One call on the brink of being made, and what it may change."""

    world: World
    card: Card
    visit: VisitId
    call: Call
    mails: int = field(init=False)

    def __post_init__(self) -> None:
        self.mails = len(self.world.relay.sent)

    def account(self) -> dict[str, object]:
        """Return all that the call has cost, sent and written down."""
        world, card = self.world, self.world.card(self.card)
        with world.store.read() as uow:
            registration = uow.registrations.of_holder(card.holder_id)
            journal = uow.journal.of_visit(self.visit)
            codes = [live_code(uow, card.id)]
            pending = uow.kept_secrets.pending(card.id)
            events = uow.trail.oldest(AuditQuery(reference=reference_of(self.visit)))
            visit = uow.visits.get(self.visit)
        return {
            "failures": registration and registration.failures,
            "blocked": registration is not None and registration.blocked_at is not None,
            "mails": len(world.relay.sent) - self.mails,
            "exposure": card.secret_exposure,
            "journal": [entry.state.value for entry in journal],
            "code": [(code.tries, code.sent_at is not None) for code in codes if code],
            "new secret": pending is not None,
            "over": visit is not None and visit.closed_at is not None,
            "audit": Counter(event.kind for event in events),
        }


_DRAWN = frozenset(
    "visit reference journal cryptogram nonce message personal questions bank secret".split()
)


def plain(reply: object) -> object:
    """Return a reply without what differs from one visit to the next."""
    if isinstance(reply, Route):
        return reply.masked
    if isinstance(reply, tuple):
        return tuple(map(plain, reply))
    if not isinstance(reply, Struct):
        return reply
    kept = {one: getattr(reply, one) for one in reply.__struct_fields__ if one not in _DRAWN}
    return type(reply).__name__, {name: plain(value) for name, value in kept.items()}
