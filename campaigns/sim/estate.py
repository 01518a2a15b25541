"""The authority of a simulation: two replicas on one database, a relay, and the ways to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from campaigns.sim.faults import Fault, Faults
from campaigns.sim.invariants import Invariants, WatchedCodes, WatchedHasher
from campaigns.sim.readers import Reader
from campaigns.sim.scheduler import Crashed, Scheduler, SimulatedClock
from kiosk.authority.crypto.macs import AuditMacs
from kiosk.authority.dependencies import Mailed
from kiosk.authority.errors import MailUnavailable, StoreBusy, StoreError
from kiosk.authority.mail.compose import Message
from kiosk.authority.records import new_id
from kiosk.authority.service import LocalAuthority
from kiosk.authority.stations import StationIdentity
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import Grant, KeyGrant
from kiosk.contract.ports import Authority
from tests.authority.world import CHEAP, World


class SimulatedStore(Store):
    """A store at which others may come first, which may be busy, and whose commits may be lost.

    ``generation`` counts the processes that used it: one that was killed does nothing more.
    """

    scheduler: Scheduler
    faults: Faults
    generation = 0

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._within = threading.local()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        generation = self.generation
        self._let_others_go()
        self._be_alive(generation)
        if self.faults.strikes(Fault.BUSY):
            raise StoreBusy("another writer held the database", "busy")
        self._within.transaction = True
        try:
            with super().begin() as uow:
                yield uow
        finally:
            self._within.transaction = False
        if self.faults.strikes(Fault.COMMIT_LOST):
            raise StoreError("the answer of the database was lost", "lost")
        self._let_others_go()
        self._be_alive(generation)

    @contextmanager
    def read(self, *, once: bool = False) -> Iterator[UnitOfWork]:
        generation = self.generation
        self._let_others_go()
        self._be_alive(generation)
        with super().read(once=once) as uow:
            yield uow

    def _let_others_go(self) -> None:
        if not getattr(self._within, "transaction", False):
            self.scheduler.pause()

    def _be_alive(self, generation: int) -> None:
        if self.generation != generation:
            raise StoreError("the process was killed", "killed")


class SimulatedRelay:
    """Takes mail, slowly or not at all; ``inbox`` keeps what was taken, by address."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self._scheduler, self._faults = scheduler, faults
        self.inbox: dict[str, list[Message]] = {}

    def send(self, message: Message) -> None:
        """Take one message."""
        self._scheduler.pause()
        if self._faults.strikes(Fault.MAIL_AWAY):
            raise MailUnavailable("the relay is away")
        if self._faults.strikes(Fault.MAIL_SLOW):
            for _ in range(20):
                self._scheduler.pause()
        self.inbox.setdefault(message.to, []).append(message)

    def check(self) -> None:
        """Answer."""


class Replica:
    """One process of the authority; killed, it forgets what is not in the database."""

    def __init__(
        self, world: World, scheduler: Scheduler, faults: Faults, relay: SimulatedRelay,
        invariants: Invariants,
    ) -> None:  # fmt: skip
        clock = SimulatedClock(scheduler)
        self.store = SimulatedStore(
            world.url, clock, world.macs, pool_size=50, audit_macs=AuditMacs(lambda: world.ring)
        )
        self.store.scheduler, self.store.faults = scheduler, faults
        hasher, codes = WatchedHasher(world.ring, CHEAP), WatchedCodes(world.ring)
        hasher.invariants = codes.invariants = invariants
        self._parts = replace(
            world.parts, store=self.store, clock=clock, mailer=relay, hasher=hasher, codes=codes
        )
        self.busy: set[str] = set()
        self.start()

    def start(self) -> None:
        """Begin with nothing in memory; what the process before was doing ends."""
        self.store.generation += 1
        self.busy = set()
        parts = replace(self._parts, process=new_id(), mailed=Mailed())
        self.authority = LocalAuthority(parts)


_OWN_LOCK = {"end", "refuse"}
"""Calls that do not wait for another call of the same visit."""


class Way:
    """The way from one process of a station to the authority, as ``Authority``.

    Requests and replies get lost, requests come twice, and replicas die under them.
    """

    def __init__(
        self, name: str, reader: Reader, replicas: list[Replica], scheduler: Scheduler,
        faults: Faults,
        invariants: Invariants,
    ) -> None:  # fmt: skip
        self._identity = StationIdentity(name)
        self._reader, self._process = reader, reader.started
        self._replicas = replicas
        self._scheduler, self._faults, self._invariants = scheduler, faults, invariants
        self._which = scheduler.random.randrange(len(replicas))

    def as_authority(self) -> Authority:
        """Return it under the port's type."""
        return cast(Authority, self)

    def __getattr__(self, call: str) -> Callable[..., Any]:
        def through(*args: Any, **named: Any) -> Any:
            return self._send(call, args, named)

        return through

    def _send(self, call: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        self._go_on()
        if self._faults.strikes(Fault.REQUEST_LOST):
            self._elsewhere()
        if self._faults.strikes(Fault.REPLICA_KILLED):
            self._scheduler.random.choice(self._replicas).start()
        if call == "prepare":
            visit, attempt, _, route = args
            self._invariants.asked[visit, attempt] = route
        reply = self._ask(call, args, named)
        if self._faults.strikes(Fault.REPEATED):
            again = self._ask(call, args, named)
            if call == "release" and isinstance(reply, Grant | KeyGrant):
                self._invariants.need("a repeated release is the same", again == reply)
        if call == "release" and isinstance(reply, Grant | KeyGrant):
            self._invariants.on_release(args[0])
        self._go_on()
        if self._faults.strikes(Fault.REPLY_LOST):
            self._elsewhere()
        return reply

    def _ask(self, call: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Ask a replica; a second call of the same visit there waits, as for the visit's lock.

        A heartbeat waits for another one, which may be writing both: no job waits for a lock.
        """
        replica = self._replicas[self._which]
        of = call if call == "heartbeat" else str(args[0])
        busy, key = replica.busy, "" if call in _OWN_LOCK else of
        while key and key in busy:
            self._scheduler.pause()
        busy.add(key)
        try:
            return getattr(replica.authority.seen_by(self._identity), call)(*args, **named)
        finally:
            busy.discard(key)

    def _go_on(self) -> None:
        self._scheduler.pause()
        if self._reader.started != self._process:
            raise Crashed

    def _elsewhere(self) -> None:
        self._which = self._scheduler.random.randrange(len(self._replicas))
        raise AuthorityUnavailable
