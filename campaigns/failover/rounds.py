"""Fail-over in the middle of visits: kill the primary and a replica, and look for what is lost."""

from __future__ import annotations

import queue
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from campaigns.failover.patroni import PatroniPair
from campaigns.failover.replicas import Relay, Replica, set_up
from campaigns.failover.servers import Pair, wait_until
from campaigns.failover.stations import PLANS, Acknowledged, Person, Plan, Station
from kiosk.authority.administration.verification import verify_audit
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.records import AuditAnchor
from kiosk.contract.ports import SystemClock
from kiosk.station.client import HttpAuthority, TlsAddress, client_context
from tests.attacks.certified import certificate_of
from tests.authority.world import World
from tests.contract.wirings import HOST


@dataclass(frozen=True)
class FailedOver:
    """One fail-over: how long nobody was answered, and how many visits were in the middle."""

    seconds_out: float
    in_the_middle: int


@dataclass
class FailoverEstate:
    """Two servers, two replicas and stations under load."""

    pair: Pair | PatroniPair
    random: Random
    world: World
    relay: Relay
    replicas: list[Replica]
    stations: list[Station] = field(default_factory=list)
    people: queue.Queue[Person | None] = field(default_factory=queue.Queue)
    expected: dict[Plan, Counter[str]] = field(default_factory=dict)
    anchors: list[AuditAnchor] = field(default_factory=list)
    came: int = 0
    """How many people there are who have come, or will."""

    def start(self, stations: int) -> None:
        """Start replicas and stations, and live each plan once without a fault."""
        ca = StationCa(self.world.ring)
        believed = self.world.folder / "ca.pem"
        believed.write_text(ca.pem)
        addresses = [TlsAddress(HOST, replica.port) for replica in self.replicas]
        for replica in self.replicas:
            replica.start()
        for number in range(stations):
            own = certificate_of(name := f"S{number}", self.world, ca)
            client = HttpAuthority(addresses, client_context(own, own, believed))
            self.stations.append(Station(name, client, self.people, self.relay.code_of))
            self.stations[-1].start()
        self.let_come(self.newcomers(len(PLANS)))
        self.wait_for_visits(len(PLANS))
        audited = self.audited()
        self.expected = {
            known.person.plan: audited[known.person.holder.id] for known in self.visits
        }

    def newcomers(self, many: int) -> list[Person]:
        """Add so many to the database, who have not come to a station yet."""
        found = []
        for _ in range(many):
            plan = PLANS[self.came % len(PLANS)]
            self.came += 1
            email = f"p{self.came}@nhs.net"
            holder = self.world.add_holder(number=f"{self.came:012d}", email=email)
            self.world.register(holder, email=email)
            card = self.world.add_card(holder, secret_limit=50)
            found.append(Person(holder, email, card, self.world.known_reader_card(card), plan))
        return found

    def let_come(self, people: Sequence[Person]) -> None:
        """Have each served by the next station that is free."""
        for person in people:
            self.people.put(person)

    @property
    def signer(self) -> AnchorSigner:
        return AnchorSigner(self.world.ring)

    @property
    def visits(self) -> list[Acknowledged]:
        return [known for station in self.stations for known in station.visits]

    def failures(self) -> list[str]:
        """Return the answers that no station should have been given."""
        return [station.failure for station in self.stations if station.failure]

    def wait_for_visits(self, many: int) -> None:
        """Wait until so many have ended, or one went wrong."""
        wait_until(lambda: bool(self.failures()) or sum(bool(v.ended) for v in self.visits) >= many)

    def fail_over(self) -> FailedOver:
        """Kill the primary and a replica under load, promote the standby, go on as before."""
        before, size = len(self.visits), len(self.stations)
        people = self.newcomers(7 * size)
        self.anchors = [*self.anchors, *sign_heads(self.world.store, self.signer)]
        replica = self.random.choice(self.replicas)
        # There are enough for every station to be in the middle of a visit when it is killed.
        self.let_come(people[size:])
        self.wait_for_visits(before + self.random.randint(1, size))
        outages = sum(station.outages for station in self.stations)
        killed = time.monotonic()
        self.pair.kill_primary()
        replica.kill()
        self.let_come(people[:size])
        under_way = [known for known in self.visits if not known.ended]
        wait_until(lambda: sum(s.outages for s in self.stations) >= outages + size)
        noticed = time.monotonic()
        self.pair.promote()
        wait_until(lambda: bool(self.failures()) or bool(self._answers_after(noticed)))
        first = min(self._answers_after(noticed), default=noticed)
        self.wait_for_visits(self.came)
        self.pair.replicate()
        replica.start()
        return FailedOver(first - killed, sum(known.interrupted for known in under_way))

    def _answers_after(self, moment: float) -> list[float]:
        return [at for station in self.stations for at in station.answered if at > moment]

    def audited(self) -> dict[object, Counter[str]]:
        """Return how often each kind of event is in the audit, for each person: all come once."""
        found: dict[object, Counter[str]] = defaultdict(Counter)
        for holder, kind in self.pair.query("SELECT holder_id, kind FROM audit_event"):
            found[holder][str(kind)] += 1
        return found

    def acknowledged(self) -> dict[str, int]:
        """Return how much was acknowledged to the stations."""
        visits = self.visits
        return {
            "visits": len(visits),
            "charged attempts": sum(len(known.attempts) for known in visits),
            "codes used up": sum(known.code_used for known in visits),
            "blocks": sum(known.blocked for known in visits),
            "journal rows": sum(bool(known.journal) for known in visits),
            "audit rows": sum(self.expected[v.person.plan].total() for v in visits if v.ended),
        }

    def violations(self) -> list[str]:
        """Return what was acknowledged and is not there, or there twice."""
        found = self.failures()
        charged = Counter(
            str(each) for (each,) in self.pair.query("SELECT attempt_id FROM attempt_charge")
        )
        used = self._all("SELECT visit_id FROM email_code WHERE consumed_at IS NOT NULL")
        blocked = self._all("SELECT holder_id FROM registration WHERE blocked_at IS NOT NULL")
        journals = {
            str(each): str(visit)
            for each, visit in self.pair.query("SELECT id, visit_id FROM unblock_journal")
        }
        audited = self.audited()
        for known in self.visits:
            who = f"visit {known.visit}, {known.person.plan}"
            found += [
                f"{who}: attempt {each} was charged {charged[each]} times"
                for each in known.attempts
                if charged[each] != 1
            ]
            if known.code_used and known.visit not in used:
                found.append(f"{who}: the code is not used up")
            if known.blocked != (known.person.holder.id in blocked):
                found.append(f"{who}: the block is lost, or nobody heard of it")
            if known.journal and journals.get(known.journal) != known.visit:
                found.append(f"{who}: the journal is lost")
            seen, expected = audited[known.person.holder.id], self.expected[known.person.plan]
            if known.ended and seen != expected:
                lost, more = dict(expected - seen), dict(seen - expected)
                found.append(f"{who}: the audit lacks {lost} and has {more} more")
        visits = {known.visit for known in self.visits}
        twice = Counter(str(each) for each in journals.values() if each in visits)
        found += [f"visit {each}: {many} journals" for each, many in twice.items() if many != 1]
        if not verify_audit(self.world.store, self.signer, self.anchors).intact:
            found.append("the audit does not verify")
        return found

    def _all(self, statement: str) -> set[str]:
        return {str(each) for (each,) in self.pair.query(statement)}

    def close(self) -> None:
        """End everything but the servers."""
        for _ in self.stations:
            self.people.put(None)
        for replica in self.replicas:
            replica.close()
        self.relay.close()
        self.world.store.close()


@contextmanager
def failing_over(
    folder: Path, pair: Pair | PatroniPair, stations: int, seed: int
) -> Iterator[FailoverEstate]:
    """Start the estate and end it."""
    config, relay = folder / "kiosk.toml", Relay(folder / "mail")
    pair.replicate()
    set_up(config, pair.url, relay)
    world = World(folder, url=pair.url, time=SystemClock())
    replicas = [Replica(name, config) for name in ("one", "two")]
    estate = FailoverEstate(pair, Random(seed), world, relay, replicas)
    try:
        estate.start(stations)
        yield estate
    finally:
        estate.close()
