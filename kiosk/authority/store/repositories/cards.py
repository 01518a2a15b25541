"""Cards, and the counters of each card's unblock secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped

from kiosk.authority.records import (
    Card,
    Cardholder,
    CardKeys,
    CardStatus,
    KeptKind,
    KeptSecret,
    KnownCard,
    NamedKey,
    SealedSecret,
)
from kiosk.authority.store.gateway import Gateway, Prepared, Repository, table_of
from kiosk.authority.store.tables import CardholderRow, CardRow, KeptSecretRow, col, values
from kiosk.contract.messages import CardId

Sealed = TypeVar("Sealed", Card, KeptSecret)


class SealedSecrets(Repository, Generic[Sealed]):
    """A table of sealed secrets: which key each is under, or derives from."""

    _kind: type[Sealed]
    _row: type[CardRow | KeptSecretRow]

    def naming_others(
        self, which: NamedKey, key_id: str, *, after: str = "", limit: int = 200
    ) -> tuple[Sealed, ...]:
        """Return those whose secret names another key than ``key_id``, by id, from ``after`` on."""
        key, row_id = col(getattr(self._row, which.value)), col(self._row.id)
        left = select(self._row).where(_is_named(key), key != key_id, row_id > after)
        return self._all(self._kind, self._row, left.order_by(row_id).limit(limit))

    def count_by(self, which: NamedKey) -> dict[str, int]:
        key = col(getattr(self._row, which.value))
        statement = select(key, func.count()).where(_is_named(key)).group_by(key)
        return {row[0]: row[1] for row in self._gateway.tuples(statement)}


def _is_named(key: Mapped[str | None]) -> ColumnElement[bool]:
    """The value is written into the text and not bound, so that a partial index is recognised."""
    return key.is_not(None) & (key != literal_column("''"))


OVERWRITTEN = ("holder_id", "driver", "identifier", "expires_at", "secret_limit")
KEPT = (
    "status",
    "set_aside_at",
    "auth_key",
    "auth_key_imported",
    "pin_key",
    "pin_key_imported",
    "pin_policy",
    "assisted_pin_at",
)
"""The columns that ``put`` merges with the existing card, under its lock."""

_TELLING = 8
"""Fewer characters do not distinguish a card."""

_MOST_ALIKE = 500

SEALED = ("sealed_secret", "sealed_key_id", "sealed_revision", "derived_from")

_CARDS, _KEPT_ROWS = table_of(CardRow), table_of(KeptSecretRow)
_THIS_CARD = _CARDS.c.id == bindparam("card")
_BY_NAME = (_CARDS.c.driver, _CARDS.c.identifier)
_CARD = Prepared(select(CardRow).where(_THIS_CARD))
_WITH_HOLDER = select(CardRow, CardholderRow).join(
    CardholderRow, col(CardholderRow.id) == col(CardRow.holder_id)
)
_CARD_OF_HOLDER = Prepared(_WITH_HOLDER.where(_THIS_CARD))
IS_NAMED = (
    _CARDS.c.driver == bindparam("driver"),
    _CARDS.c.identifier == bindparam("identifier"),
)
NAMED_CARD = Prepared(_WITH_HOLDER.where(*IS_NAMED))
_BUDGET = (
    func.coalesce(
        _CARDS.c.secret_tries_left, _CARDS.c.secret_limit, bindparam("assumed_limit", type_=Integer)
    )
    - _CARDS.c.secret_exposure
)
_CHARGE_TRY = Prepared(
    update(_CARDS)
    .where(_THIS_CARD, bindparam("keep") < _BUDGET)
    .values(secret_exposure=_CARDS.c.secret_exposure + 1)
    .returning(_BUDGET)
)
_KNOW_TRIES = Prepared(
    update(_CARDS)
    .where(_THIS_CARD)
    .values(secret_exposure=0, secret_tries_left=bindparam("tries_left"))
)
_SEALED_AS_EXPECTED = update(_CARDS).where(
    _THIS_CARD, func.coalesce(_CARDS.c.sealed_revision, 0) == bindparam("expected")
)
_REPLACE = Prepared(_SEALED_AS_EXPECTED, SEALED)
_PROVEN = _CARDS.c.key_proven_revision == _CARDS.c.sealed_revision
_RESEAL = Prepared(
    _SEALED_AS_EXPECTED.values(
        key_proven_revision=case(
            (_PROVEN, bindparam("resealed", type_=Integer)), else_=_CARDS.c.key_proven_revision
        )
    ),
    (*SEALED, "key_proven_revision"),
)
_NUMBER = Prepared(
    update(_CARDS).where(_THIS_CARD).values(secret_generation=bindparam("generation"))
)
_SEE = Prepared(
    update(_CARDS)
    .where(_THIS_CARD, _CARDS.c.secret_seen_at.is_(None))
    .values(secret_seen_at=bindparam("at"))
)
_UNSEE = Prepared(update(_CARDS).where(_THIS_CARD).values(secret_seen_at=None))


def generation_base(card_id: str) -> int:
    """Return the number of 24 bits above which the generations of a card's secrets begin."""
    return int.from_bytes(sha256(card_id.encode()).digest()[:3], "big")


def next_generation(card: Card, generations_from: int) -> int:
    """Return the number of a card's next secret: one above the last one.

    A card's numbers begin at its base: a card that was erased and is recorded again has others.
    ``generations_from`` is that of the last restore: the numbers continue far above any that may
    have been used between backup and restore.
    """
    least = generation_base(card.id) + generations_from + 1
    return max((card.secret_generation or 0) + 1, least)


def known_card(
    gateway: Gateway, statement: Prepared, given: Mapping[str, str], **asked: object
) -> KnownCard | None:
    for row, holder in gateway.joined(statement, (CardRow, CardholderRow), given):
        gateway.check_asked(row, **asked)
        gateway.check_asked(holder, id=row.holder_id)
        return KnownCard(row.record(Card), holder.record(Cardholder))
    return None


class CardRecords(SealedSecrets[Card]):
    """The cards of the estate, unique by driver and identifier."""

    _kind = Card
    _row = CardRow

    def get(self, card_id: str) -> Card | None:
        return self._one(Card, CardRow, _CARD, {"card": card_id}, id=card_id)

    def by_ids(self, ids: Iterable[str]) -> dict[str, Card]:
        """For display, never for a decision: altered ones too. At most 500 at a time."""
        wanted = select(CardRow).where(col(CardRow.id).in_(list(ids)))
        rows = self._gateway.unchecked(wanted, CardRow)
        return {row.id: row.record(Card) for row in rows}

    def find(self, card: CardId) -> KnownCard | None:
        given = {"driver": card.driver, "identifier": card.identifier}
        return known_card(self._gateway, NAMED_CARD, given, **given)

    def known(self, card_id: str) -> KnownCard | None:
        return known_card(self._gateway, _CARD_OF_HOLDER, {"card": card_id}, id=card_id)

    def resembling(
        self, identifier: str, others: Sequence[str]
    ) -> tuple[tuple[str, str, str], ...]:
        """Return id, family and identifier of recorded cards that resemble another card's.

        Their identifier equals that card's or one of ``others``, except for case; or one is a
        prefix of the other; or they share two of four quarters and nearly the length, as with every
        card that differs in one or two characters. Up to 500, equal ones first.
        """
        named, given = func.lower(col(CardRow.identifier)), identifier.lower()
        called = named.in_((given, *others))
        begun = func.substr(given, 1, func.length(named)) == named
        alike: list[ColumnElement[bool]] = [called, (func.length(named) >= _TELLING) & begun]
        if len(given) >= _TELLING:
            cuts = [len(given) * part // 4 for part in range(5)]
            quarters = (named.contains(given[a:b], autoescape=True) for a, b in pairwise(cuts))
            shared = sum((case((one, 1), else_=0) for one in quarters), start=literal(0))
            near = func.length(named).between(len(given) - 2, len(given) + 2) & (shared >= 2)
            alike += [named.startswith(given, autoescape=True), near]
        columns = col(CardRow.id), col(CardRow.driver), col(CardRow.identifier)
        found = select(*columns).where(or_(*alike))
        first = found.order_by(case((called, 0), else_=1), col(CardRow.id)).limit(_MOST_ALIKE)
        return tuple((row[0], row[1], row[2]) for row in self._gateway.tuples(first))

    def lock(self, card_id: str) -> Card | None:
        """Return one, locked against other writers until the unit of work ends.

        Lock before reading what a decision on this card needs (send times, an open journal entry):
        on PostgreSQL two stations could otherwise both decide.
        """
        statement = select(CardRow).where(col(CardRow.id) == card_id).with_for_update()
        return self._one(Card, CardRow, statement, id=card_id)

    def lock_each(self, ids: Iterable[str]) -> dict[str, Card]:
        """Return some by id, each locked as by ``lock``; at most 500 at a time."""
        statement = select(CardRow).where(col(CardRow.id).in_(list(ids)))
        held = self._all(Card, CardRow, statement.order_by(col(CardRow.id)).with_for_update())
        return {card.id: card for card in held}

    def lock_of_holder(self, holder_id: str) -> tuple[Card, ...]:
        """Return them by id, each locked as by ``lock``."""
        statement = select(CardRow).where(col(CardRow.holder_id) == holder_id)
        return self._all(Card, CardRow, statement.order_by(col(CardRow.id)).with_for_update())

    def of_holder(self, holder_id: str) -> tuple[Card, ...]:
        """Return them by family and identifier."""
        statement = select(CardRow).where(col(CardRow.holder_id) == holder_id)
        return self._all(Card, CardRow, statement.order_by(*_BY_NAME))

    def expiring(
        self, after: tuple[datetime, str], until: datetime, limit: int
    ) -> tuple[tuple[datetime, str], ...]:
        """Return when and which cards expire, in that order; they may be altered or revoked."""
        at, card_id = after
        ends, name = col(CardRow.expires_at), col(CardRow.id)
        later = or_(ends > at, and_(ends == at, name > card_id))
        found = select(ends, name).where(ends >= at, later, ends <= until)
        rows = self._gateway.tuples(found.order_by(ends, name).limit(limit))
        return tuple((at, card_id) for at, card_id in rows)

    def of_holders(self, holder_ids: Iterable[str]) -> tuple[Card, ...]:
        """Return them by family and identifier, altered ones too.

        For display, never for a decision. At most 500 holders at a time.
        """
        statement = select(CardRow).where(col(CardRow.holder_id).in_(list(holder_ids)))
        rows = self._gateway.unchecked(statement.order_by(*_BY_NAME), CardRow)
        return tuple(row.record(Card) for row in rows)

    def by_card_ids(self, cards: Iterable[CardId]) -> dict[CardId, Card]:
        """Return those that exist; at most 500 at a time."""
        pair = tuple_(col(CardRow.driver), col(CardRow.identifier))
        wanted = [(card.driver, card.identifier) for card in cards]
        found = self._all(Card, CardRow, select(CardRow).where(pair.in_(wanted)))
        return {card.identity: card for card in found}

    def add(self, card: Card) -> bool:
        """Add one; return False where a card with its driver and identifier exists."""
        return self._gateway.add_new(CardRow, _values(card))

    def put(self, cards: Iterable[Card]) -> None:
        """Add each, or overwrite the one with its id.

        A card that exists keeps its exposure and its tries left: a repeated import of the same file
        must not forget what an unblock may have cost. It stays revoked, even if staff revoked it
        while the file was read. It keeps its key, and the number of the last secret that was
        derived for it. An older revision of the secret does not replace a newer one: the card may
        have been given another while the file was read. At most 500 at a time.
        """
        cards = tuple(cards)
        insert = self._gateway.upsert(CardRow)
        overwritten = (*OVERWRITTEN, *KEPT, "mac")
        changed: dict[str, Any] = {name: insert.excluded[name] for name in overwritten}
        revision = insert.excluded.sealed_revision
        not_older = or_(
            revision.is_(None), revision >= func.coalesce(col(CardRow.sealed_revision), 0)
        )
        changed |= {
            name: case((not_older, insert.excluded[name]), else_=_CARDS.c[name]) for name in SEALED
        }
        generation = insert.excluded.secret_generation
        changed["secret_generation"] = func.coalesce(col(CardRow.secret_generation), generation)
        statement = insert.on_conflict_do_update(index_elements=["id"], set_=changed)
        there = self.lock_each(card.id for card in cards)
        merged = (_merged(card, there.get(card.id)) for card in cards)
        stamped = [self._gateway.stamped(CardRow, _values(card)) for card in merged]
        self._gateway.run(statement, stamped)

    def revoke(self, card_id: str) -> bool:
        """Let no station use one any more; return False where it was revoked before."""
        active = col(CardRow.id) == card_id, col(CardRow.status) == CardStatus.ACTIVE
        return bool(self._gateway.change(CardRow, *active, status=CardStatus.REVOKED))

    def record_key(self, card_id: str, key: bytes) -> bool:
        """Keep the key with which a card proves itself; return False where there is one already."""
        unrecorded = col(CardRow.id) == card_id, col(CardRow.auth_key).is_(None)
        return bool(self._gateway.change(CardRow, *unrecorded, auth_key=key))

    def record_pin_key(self, card_id: str, key: bytes) -> bool:
        """Keep the key that a card uses only after its PIN; False where that changes nothing.

        What was declared of another key that it replaces does not hold for this one.
        """
        this, there = col(CardRow.id) == card_id, col(CardRow.pin_key)
        if self._gateway.change(CardRow, this, there.is_(None), pin_key=key):
            return True
        another = this, ~col(CardRow.pin_key_imported), there != key
        return bool(self._gateway.change(CardRow, *another, pin_key=key, pin_policy=None))

    def note_assisted_pin(self, card_id: str, at: datetime) -> None:
        """Note that a card's secret leaves with a code that staff gave."""
        self._gateway.change(CardRow, col(CardRow.id) == card_id, assisted_pin_at=at)

    def knows_key_of(self, holder_id: str) -> bool:
        keyed = col(CardRow.holder_id) == holder_id, col(CardRow.auth_key).is_not(None)
        return self._gateway.scalar(select(col(CardRow.id)).where(*keyed).limit(1)) is not None

    def forget_keys(self, holder_id: str) -> int:
        """Delete the keys that a holder's cards reported themselves; return of how many cards."""
        theirs = col(CardRow.holder_id) == holder_id
        auth = theirs, col(CardRow.auth_key).is_not(None), ~col(CardRow.auth_key_imported)
        pin = theirs, col(CardRow.pin_key).is_not(None), ~col(CardRow.pin_key_imported)
        forgotten = self._gateway.change(CardRow, *auth, auth_key=None)
        return max(len(forgotten), len(self._gateway.change(CardRow, *pin, pin_key=None)))

    # --- the unblock secret ---

    def charge_secret_try(self, card_id: str, *, assumed_limit: int, keep: int = 1) -> int | None:
        """Charge one possible try of the unblock secret; return how many remain.

        One atomic statement: it returns None and charges nothing, unless more than ``keep`` tries
        are left by our count (the last reported tries, else the limit, else ``assumed_limit``; less
        the exposure).
        """
        given = {"card": card_id, "assumed_limit": assumed_limit, "keep": keep}
        left: int | None = self._gateway.scalar(_CHARGE_TRY, given)
        return left

    def give_back_secret_try(self, card_id: str) -> None:
        """Take back one charge: the secret was never sent."""
        exposure = col(CardRow.secret_exposure)
        statement = update(CardRow).where(col(CardRow.id) == card_id, exposure > 0)
        self._gateway.write(statement.values(secret_exposure=exposure - 1))

    def know_secret_tries(self, card_id: str, tries_left: int | None) -> None:
        """Clear the exposure: the card reported its tries, or took the secret (None: full)."""
        self._gateway.write(_KNOW_TRIES, {"card": card_id, "tries_left": tries_left})

    def replace_secret(self, card_id: str, expected_revision: int, sealed: SealedSecret) -> bool:
        """Replace revision ``expected_revision`` (0: none); False if another writer was first."""
        this = {"card": card_id, "expected": expected_revision}
        return self._gateway.run(_REPLACE, [this | _sealed_values(sealed)]) == 1

    def reseal_secret(self, card_id: str, expected_revision: int, sealed: SealedSecret) -> bool:
        """Do as ``replace_secret`` with the same secret: an admin key stays proven."""
        this = {"card": card_id, "expected": expected_revision, "resealed": sealed.revision}
        return self._gateway.run(_RESEAL, [this | _sealed_values(sealed)]) == 1

    def number_secret(self, card_id: str, generation: int) -> None:
        """Note the number of a card's last secret; the card is locked."""
        self._gateway.write(_NUMBER, {"card": card_id, "generation": generation})

    def note_issued(self, card_id: str) -> None:
        """Note that a card has the derived secret that it was issued with, or had it."""
        unknown = col(CardRow.id) == card_id, col(CardRow.secret_generation).is_(None)
        self._gateway.write(update(CardRow).where(*unknown).values(secret_generation=0))

    def secret_seen(self, card_id: str, at: datetime) -> None:
        """Note that a card's secret left the authority; the first time counts until it changes."""
        self._gateway.write(_SEE, {"card": card_id, "at": at})

    def secret_changed(self, card_id: str) -> None:
        """Note that a secret that left earlier opens nothing any more."""
        self._gateway.write(_UNSEE, {"card": card_id})

    def count_seen(self, before: datetime) -> int:
        """Return how many cards in use have a secret that left before then."""
        seen = col(CardRow.status) == CardStatus.ACTIVE, col(CardRow.secret_seen_at) < before
        return self._gateway.count(select(func.count()).where(*seen))

    def count_keys(self, named_by_key: str) -> tuple[int, int]:
        """Return how many cards are in use, and of how many the key is known.

        The identifier of a card may be made from its key: LIKE ``named_by_key``.
        """
        in_use = col(CardRow.status) == CardStatus.ACTIVE
        is_named = col(CardRow.identifier).like(named_by_key)
        known = or_(col(CardRow.auth_key).is_not(None), is_named)
        every = select(func.count()).where(in_use)
        return self._gateway.count(every), self._gateway.count(every.where(known))

    def keys_in_use(self, batch: int = 5000) -> Iterator[CardKeys]:
        """Yield the identifiers and keys of all cards in use, unchecked: to count them alone."""
        columns = [col(getattr(CardRow, name)) for name in CardKeys._fields]
        in_use, after = col(CardRow.status) == CardStatus.ACTIVE, ""
        while True:
            these = select(*columns).where(in_use, col(CardRow.id) > after)
            rows = self._gateway.tuples(these.order_by(col(CardRow.id)).limit(batch))
            yield from (CardKeys(*row) for row in rows)
            if len(rows) < batch:
                return
            after = rows[-1][0]

    def count_exchange(self, card_id: str, at: datetime, *, since: datetime) -> None:
        """Count one more use of an admin key; those before ``since``, or as far ahead, are not."""
        recent = col(CardRow.key_exchanged_at).between(since, at + (at - since))
        exchanges = case((recent, col(CardRow.key_exchanges) + 1), else_=1)
        statement = update(CardRow).where(col(CardRow.id) == card_id)
        self._gateway.write(statement.values(key_exchanges=exchanges, key_exchanged_at=at))

    def key_proven(self, card_id: str) -> None:
        proven = {
            "key_proven_revision": col(CardRow.sealed_revision),
            "key_exchanges": 0,
            "key_exchanged_at": None,
        }
        self._gateway.write(update(CardRow).where(col(CardRow.id) == card_id).values(proven))

    def forget_exchanges(self, card_id: str) -> None:
        """Reset the count: staff have checked the card."""
        statement = update(CardRow).where(col(CardRow.id) == card_id)
        self._gateway.write(statement.values(key_exchanges=0, key_exchanged_at=None))

    def set_aside(self, card_id: str, at: datetime | None) -> None:
        """Let no secret be presented to a card any more, or (None) allow it again."""
        self._gateway.change(CardRow, col(CardRow.id) == card_id, set_aside_at=at)


def _merged(card: Card, there: Card | None) -> Card:
    """Return a card to be put where ``there`` was, with what an import must not undo."""
    if there is None:
        return card
    same_key = card.pin_key in (None, there.pin_key)
    return replace(
        card,
        status=there.status,
        set_aside_at=there.set_aside_at,
        auth_key=card.auth_key or there.auth_key,
        auth_key_imported=card.auth_key_imported or there.auth_key_imported,
        pin_key=card.pin_key or there.pin_key,
        pin_policy=card.pin_policy or (there.pin_policy if same_key else None),
        assisted_pin_at=there.assisted_pin_at,
        pin_key_imported=card.pin_key_imported or there.pin_key_imported,
    )


def _values(card: Card) -> dict[str, Any]:
    return values(card, without=("sealed_secret",)) | _sealed_values(card.sealed_secret)


def _sealed_values(sealed: SealedSecret | None) -> dict[str, Any]:
    return {
        "sealed_secret": sealed.ciphertext if sealed else None,
        "sealed_key_id": sealed.key_id if sealed else None,
        "sealed_revision": sealed.revision if sealed else None,
        "derived_from": sealed.derived_from if sealed else "",
    }


# Sealed unblock secrets beside the one that a card is known to have.
#
# One that a card had, or may have had, is never deleted.


_KEPT_SECRETS = select(KeptSecretRow).where(col(KeptSecretRow.card_id) == bindparam("card"))
_KEPT = Prepared(_KEPT_SECRETS)
_PENDING = Prepared(_KEPT_SECRETS.where(col(KeptSecretRow.kind) == KeptKind.PENDING))
_FORMER = Prepared(_KEPT_SECRETS.where(col(KeptSecretRow.kind) == KeptKind.FORMER))
_DELETE = Prepared(delete(_KEPT_ROWS).where(_KEPT_ROWS.c.id == bindparam("kept")))
_FORGET_REFUSALS = Prepared(
    update(_KEPT_ROWS)
    .where(_KEPT_ROWS.c.card_id == bindparam("card"), _KEPT_ROWS.c.refused)
    .values(refused=False)
)


class KeptSecrets(SealedSecrets[KeptSecret]):
    """The pending secret of a card, and its former ones; lock the card before changing any."""

    _kind = KeptSecret
    _row = KeptSecretRow

    def add(self, kept: KeptSecret) -> bool:
        """Add one; return False, adding nothing, where it would be the second pending one."""
        new = values(kept, without=("sealed",)) | _sealed_values(kept.sealed)
        return self._gateway.add_new(KeptSecretRow, new)

    def pending(self, card_id: str) -> KeptSecret | None:
        found = self._found(_PENDING, card_id)
        return found[0] if found else None

    def of_card(self, card_id: str) -> tuple[KeptSecret, ...]:
        return self._found(_KEPT, card_id)

    def former(self, card_id: str) -> tuple[KeptSecret, ...]:
        """Return those that the card had or may have had, the newest first."""
        found = self._found(_FORMER, card_id)
        return tuple(sorted(found, key=lambda one: (one.kept_at, one.id), reverse=True))

    def refused(self, card_id: str) -> KeptSecret | None:
        """Return the newest former one that the card reportedly refused."""
        return next((kept for kept in self.former(card_id) if kept.refused), None)

    def forget_refusals(self, card_id: str) -> None:
        """Clear ``refused``: the card is known to have its current secret."""
        self._gateway.write(_FORGET_REFUSALS, {"card": card_id})

    def make_former(self, kept: KeptSecret, sealed: SealedSecret, *, refused: bool = False) -> None:
        """Make a pending one former, sealed as such: the card does not have it."""
        new = _sealed_values(sealed)
        self._change(kept, kind=KeptKind.FORMER, presented=False, refused=refused, **new)

    def delete(self, kept: KeptSecret) -> None:
        """Delete one: it has become the card's current secret, or no card ever had it."""
        self._gateway.write(_DELETE, {"kept": kept.id})

    def present(self, kept: KeptSecret, *, presented: bool) -> None:
        """Note whether the card was last given the pending secret or the current one."""
        self._change(kept, presented=presented)

    def note_refused(self, kept: KeptSecret) -> None:
        """Note that the change to a pending one was reported as refused, at the cost of tries."""
        self._change(kept, refused=True)

    def reseal(self, kept: KeptSecret, sealed: SealedSecret) -> bool:
        """Store the same secret sealed again; return False when somebody was first."""
        same = (
            col(KeptSecretRow.id) == kept.id,
            col(KeptSecretRow.kind) == kept.kind,
            col(KeptSecretRow.sealed_secret) == kept.sealed.ciphertext,
        )
        statement = update(KeptSecretRow).where(*same).values(_sealed_values(sealed))
        return self._gateway.run(statement) == 1

    def _change(self, kept: KeptSecret, **new: object) -> None:
        statement = update(KeptSecretRow).where(col(KeptSecretRow.id) == kept.id)
        self._gateway.write(statement.values(new))

    def _found(self, statement: Prepared, card_id: str) -> tuple[KeptSecret, ...]:
        return self._all(KeptSecret, KeptSecretRow, statement, {"card": card_id})
