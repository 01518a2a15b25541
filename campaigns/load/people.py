"""Fills a database with people, their cards and what they did before, by COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import psycopg
from argon2.low_level import ARGON2_VERSION
from psycopg import sql

from campaigns.benchmarks.crowd import Crowd, Someone
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.crypto.hashing import AnswerHasher, Cost
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import AuditMacs, KeyedRowMacs
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.records import (
    AddressSource,
    AuditHead,
    CardStatus,
    JointHash,
    PinPolicy,
    UnblockState,
)
from kiosk.authority.store.audit_chain import FIRST, ChainLink, detail_digest, first_head, link_hash
from kiosk.authority.store.gateway import MAC, mac_message, table_of
from kiosk.authority.store.tables import (
    AddressRow,
    AuditAnchorRow,
    AuditEventRow,
    AuditHeadRow,
    CardholderRow,
    CardRow,
    CodeRow,
    Json,
    MacRow,
    RegistrationRow,
    TableRow,
    UnblockRow,
    VisitRow,
    Worded,
    values,
)
from kiosk.contract.messages import CardId, Purpose, VisitEnd, VisitId, reference_of
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import sort_name
from tests.authority.station_visit import ANSWERS
from tests.authority.world import KNOWN_KEY, KNOWN_PIN_KEY, PUK

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
"""Of the answers of those who come: what the product's own cost takes is counted apart."""

ASKED = 3
_BATCH = 5_000
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
_EVENTS = (AuditKind.VISIT_OPENED, AuditKind.VISIT_ENDED)
_PAST = timedelta(days=60)
_CODES_KEPT = timedelta(hours=40)
"""Older ones are deleted."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who comes to a station."""

    holder_id: str
    card: CardId
    email: str


class Population:
    """Writes ``size`` people, of whom ``visitors`` give right answers; the same at every run."""

    def __init__(self, ring: KeyRing, size: int, visitors: int, now: datetime) -> None:
        self._macs = KeyedRowMacs.of(ring)
        self._audit_macs = AuditMacs(lambda: ring)
        self._sealer = Sealer(ring)
        self._signer = AnchorSigner(ring)
        self._hasher = AnswerHasher(ring, CHEAP)
        self._pepper = ring.current(KeyPurpose.PEPPER).id
        self._code_key = ring.current(KeyPurpose.CODE_MAC).id
        self._random = Random(size)
        self._size = size
        self._visitors = visitors
        self._every = max(1, size // visitors)
        self._now = now
        self._head = FIRST

    def write(self, url: str) -> list[Visitor]:
        """Write all of them, look at every table, and return those who come to stations."""
        found: list[Visitor] = []
        people = enumerate(Crowd(self._size).people())
        with psycopg.connect(url) as connection:
            # Each row that is referred to is written: to look for it takes half of the time.
            connection.execute("SET session_replication_role = replica")
            indexes = connection.execute(_INDEXES).fetchall()
            for name, _ in indexes:
                connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
            while batch := list(islice(people, _BATCH)):
                rows: dict[type[TableRow], list[Sequence[object]]] = {}
                for number, someone in batch:
                    for kind, given in self._rows_of(number, someone, found):
                        rows.setdefault(kind, []).append(self._stored(kind, given))
                for kind, each in rows.items():
                    _copy(connection, kind, each)
            connection.execute(
                "UPDATE audit_head SET seq = %s, hash = %s WHERE chain = 1",
                (self._head.seq, self._head.hash),
            )
            anchor = values(self._signer.sign(self._head, self._now))
            _copy(connection, AuditAnchorRow, [self._stored(AuditAnchorRow, anchor)])
            for _, definition in indexes:
                connection.execute(definition)
            connection.commit()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")
        return found

    def _rows_of(
        self, number: int, someone: Someone, visitors: list[Visitor]
    ) -> Iterator[tuple[type[TableRow], dict[str, Any]]]:
        holder, card, recorded, confirmed = (self._id() for _ in range(4))
        named = CardId("piv", someone.card)
        came = self._now - _PAST * (1 - number / self._size) - timedelta(hours=1)
        comes = number % self._every == 0 and len(visitors) < self._visitors
        if comes:
            visitors.append(Visitor(holder, named, someone.email))
        name = f"{someone.first} {someone.last}"
        yield (
            CardholderRow,
            {"id": holder, "number": someone.number, "name": name}
            | {"sort_name": sort_name(name), "address_id": recorded},
        )
        sealed = self._sealer.seal(Sensitive(PUK), SealLabel(named, SealKind.UNBLOCK, 1))
        yield (
            CardRow,
            {
                "id": card,
                "holder_id": holder,
                "driver": named.driver,
                "identifier": named.identifier,
                "status": CardStatus.ACTIVE,
                "sealed_secret": sealed.ciphertext,
                "sealed_key_id": sealed.key_id,
                "sealed_revision": sealed.revision,
                "secret_limit": 50,
                "auth_key": KNOWN_KEY,
                "pin_key": KNOWN_PIN_KEY,
                "pin_policy": PinPolicy.ONCE,
            },
        )
        registered = self._now - timedelta(days=90)
        yield (
            RegistrationRow,
            {
                "holder_id": holder,
                "address_id": confirmed,
                "question_ids": tuple(ANSWERS),
                "hashes": self._hashes(holder) if comes else self._nobodys(),
                "registered_at": registered,
                "proven": True,
            },
        )
        for address, source in (
            (recorded, AddressSource.RECORD),
            (confirmed, AddressSource.HOLDER),
        ):
            yield (
                AddressRow,
                {
                    "id": address,
                    "holder_id": holder,
                    "source": source,
                    "value": someone.email,
                    "effective_from": registered,
                    "confirmed_at": registered if source is AddressSource.HOLDER else None,
                },
            )
        yield from self._past_visit(number, holder, card, confirmed, came)

    def _past_visit(
        self, number: int, holder: str, card: str, route: str, came: datetime
    ) -> Iterator[tuple[type[TableRow], dict[str, Any]]]:
        # A reference is made of the first ten digits, and no two visits have the same one.
        visit = f"{number * 0x9E3779B97F % 2**40:010x}{self._random.getrandbits(88):022x}"
        reference, went = reference_of(VisitId(visit)), came + timedelta(minutes=2)
        yield (
            VisitRow,
            {
                "id": visit,
                "reference": reference,
                "station": "S0",
                "opened_at": came,
                "card_id": card,
                "holder_id": holder,
                "purpose": Purpose.UNLOCK,
                "pin_was_blocked": True,
                "finished_at": went,
                "closed_at": went,
                "how": VisitEnd.FINISHED,
            },
        )
        yield (
            UnblockRow,
            {
                "id": self._id(),
                "visit_id": visit,
                "card_id": card,
                "opened_at": came,
                "was_blocked": True,
                "state": UnblockState.DONE,
                "closed_at": went,
            },
        )
        if self._now - came < _CODES_KEPT:
            yield (
                CodeRow,
                {
                    "id": self._id(),
                    "card_id": card,
                    "holder_id": holder,
                    "purpose": Purpose.UNLOCK,
                    "visit_id": visit,
                    "digest": self._random.randbytes(32),
                    "key_id": self._code_key,
                    "route": route,
                    "drafted_at": came,
                    "max_tries": 5,
                    "digits": 8,
                    "sent_at": came,
                    "expires_at": went,
                    "consumed_at": went,
                },
            )
        for kind in _EVENTS:
            row = SimpleNamespace(
                seq=self._head.seq + 1,
                at=came,
                kind=kind.value,
                reference=reference,
                visit_id=visit,
                card_id=card,
                holder_id=holder,
                station="S0",
                actor=None,
                detail="{}",
                salt=f"{self._random.getrandbits(128):032x}",
                previous=self._head.hash,
            )
            row.detail_sha256 = detail_digest(row.salt, row.detail)
            row.hash = link_hash(cast(ChainLink, row))
            row.mac, row.mac_key = self._audit_macs.tag(row.seq, row.hash)
            self._head = AuditHead(row.seq, row.hash)
            yield AuditEventRow, vars(row)

    def _hashes(self, holder: str) -> tuple[JointHash, ...]:
        given = {number: Sensitive(text) for number, text in ANSWERS.items()}
        return self._hasher.hash_sets(holder, given, ASKED)

    def _nobodys(self) -> tuple[JointHash, ...]:
        """Return what looks like hashes of answers: nobody will give them."""
        head = f"2$argon2id$v={ARGON2_VERSION}$m=65536,t=3,p=4$"
        subsets = ((1, 2, 3), (1, 2, 4), (1, 3, 4), (2, 3, 4))
        drawn = (f"{head}{self._random.getrandbits(400):0100x}" for _ in subsets)
        return tuple(JointHash(s, d, self._pepper) for s, d in zip(subsets, drawn, strict=True))

    def _id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _stored(self, kind: type[TableRow], given: Mapping[str, Any]) -> Sequence[object]:
        """Return a row's values as they go to the database, with its MAC."""
        whole = {**_defaults(kind), **given}
        if issubclass(kind, MacRow):
            whole[MAC] = self._macs.make(mac_message(kind, whole))
        return [
            whole[name] if stored is None else stored.process_bind_param(whole[name], None)
            for name, stored in _columns(kind)
        ]


_ENCODED = Json, Worded
"""The types whose values psycopg does not know."""


@cache
def _columns(kind: type[TableRow]) -> list[tuple[str, Any]]:
    columns = table_of(kind).columns
    return [(c.name, c.type if isinstance(c.type, _ENCODED) else None) for c in columns]


@cache
def _defaults(kind: type[TableRow]) -> dict[str, Any]:
    fields = kind.model_fields.items()
    return {name: field.default for name, field in fields if not field.is_required()}


def _copy(
    connection: psycopg.Connection[Any], kind: type[TableRow], rows: Sequence[Sequence[object]]
) -> None:
    table = table_of(kind)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def heads_for_writers(url: str, writers: int) -> list[AuditHead]:
    """Make a chain of the audit for each of some writers; return where it begins."""
    heads = [first_head(chain) for chain in range(1000, 1000 + writers)]
    with psycopg.connect(url) as connection:
        rows = [(1000 + at, head.seq, head.hash) for at, head in enumerate(heads)]
        _copy(connection, AuditHeadRow, rows)
    return heads
