"""Cardholders, and the list of security questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import false, func, not_, or_, select, update
from sqlmodel import col

from kiosk.store.gateway import Gateway
from kiosk.store.records import Cardholder, SecurityQuestion
from kiosk.store.repositories.erasure import erase_person, erased_among
from kiosk.store.tables.base import values
from kiosk.store.tables.people import CardholderRow, QuestionRow, RegistrationRow


class Cardholders:
    """The people of the estate."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def get(self, holder_id: str) -> Cardholder | None:
        """Return one by id."""
        row = self._gateway.one(
            select(CardholderRow).where(col(CardholderRow.id) == holder_id), CardholderRow
        )
        return row.record(Cardholder) if row else None

    def by_numbers(self, numbers: Iterable[str]) -> dict[str, Cardholder]:
        """Return those of ``numbers`` that exist, by number; at most 500 at a time."""
        wanted = select(CardholderRow).where(col(CardholderRow.number).in_(list(numbers)))
        rows = self._gateway.many(wanted, CardholderRow)
        return {row.number: row.record(Cardholder) for row in rows}

    def by_ids(self, ids: Iterable[str]) -> dict[str, Cardholder]:
        """Return those of ``ids`` that exist, by id; at most 500 at a time.

        Altered ones are among them: for what is shown, and decides nothing.
        """
        wanted = select(CardholderRow).where(col(CardholderRow.id).in_(list(ids)))
        rows = self._gateway.unchecked(wanted, CardholderRow)
        return {row.id: row.record(Cardholder) for row in rows}

    def addresses_outside(self, domains: Iterable[str]) -> int:
        """Return how many have an address that is of none of ``domains`` or below one."""
        address = func.lower(col(CardholderRow.email))
        inside = [address.like(f"%{sign}{domain}") for domain in domains for sign in "@."]
        outside = select(func.count()).where(address.is_not(None), not_(or_(false(), *inside)))
        count: int = self._gateway.scalar(outside.select_from(CardholderRow))
        return count

    def put(self, holders: Iterable[Cardholder]) -> None:
        """Add each, or overwrite number, name and address of the one with its id.

        Whoever left stays away: what staff decided while a file was read must not be undone.
        At most 500 at a time.
        """
        holders = tuple(holders)
        ids = [holder.id for holder in holders]
        there = select(CardholderRow).where(col(CardholderRow.id).in_(ids))
        held = self._gateway.many(
            there.order_by(col(CardholderRow.id)).with_for_update(), CardholderRow
        )
        left = {row.id: row.left_at for row in held}
        insert = self._gateway.upsert(CardholderRow)
        new = insert.excluded
        changed = {name: new[name] for name in ("number", "name", "email", "left_at", "mac")}
        statement = insert.on_conflict_do_update(
            index_elements=["id"],
            set_={**changed, "revision": col(CardholderRow.revision) + 1},
        )
        merged = [replace(one, left_at=left.get(one.id, one.left_at)) for one in holders]
        stamped = [self._gateway.stamped(CardholderRow, values(holder)) for holder in merged]
        self._gateway.run(statement, stamped)

    def add(self, holder: Cardholder) -> bool:
        """Add one; False when somebody has the number."""
        stamped = self._gateway.stamped(CardholderRow, values(holder))
        insert = self._gateway.upsert(CardholderRow).values(stamped)
        return self._gateway.run(insert.on_conflict_do_nothing(index_elements=["number"])) == 1

    def touch(self, holder_id: str, revision: int) -> bool:
        """Raise a holder's revision from ``revision``; False when it is another by now.

        The row is held against other writers from there on.
        """
        same = col(CardholderRow.id) == holder_id, col(CardholderRow.revision) == revision
        statement = update(CardholderRow).where(*same).values(revision=revision + 1)
        return self._gateway.run(statement) == 1

    def save(self, holder: Cardholder) -> None:
        """Overwrite name, address and leaving of one that is held; ``touch`` it first."""
        this = col(CardholderRow.id) == holder.id
        new = {"name": holder.name, "email": holder.email, "left_at": holder.left_at}
        self._gateway.change(CardholderRow, this, **new)

    def erase(self, holder_id: str) -> bool:
        """Delete one and all about them; False when there is none. Hold them and their cards."""
        return erase_person(self._gateway, holder_id)

    def erased_among(self, numbers: Iterable[str]) -> frozenset[str]:
        """Return those of ``numbers`` whose holder was erased; at most 500 at a time.

        Raises ``KeyMissing``.
        """
        return erased_among(self._gateway, numbers)


class SecurityQuestions:
    """The list that registrations choose from."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def hold(self) -> None:
        """Keep other writers away from the list until this unit of work ends."""
        self._gateway.hold(QuestionRow)

    def every(self) -> tuple[SecurityQuestion, ...]:
        """Return all, the retired ones too, by id."""
        rows = self._gateway.many(select(QuestionRow).order_by(col(QuestionRow.id)), QuestionRow)
        return tuple(row.record(SecurityQuestion) for row in rows)

    def current(self) -> tuple[SecurityQuestion, ...]:
        """Return those that are offered, by id."""
        offered = select(QuestionRow).where(col(QuestionRow.retired_at).is_(None))
        rows = self._gateway.many(offered.order_by(col(QuestionRow.id)), QuestionRow)
        return tuple(row.record(SecurityQuestion) for row in rows)

    def by_ids(self, ids: Iterable[int]) -> dict[int, SecurityQuestion]:
        """Return those of ``ids`` that exist, retired ones too: a registration keeps its own."""
        wanted = select(QuestionRow).where(col(QuestionRow.id).in_(list(ids)))
        rows = self._gateway.many(wanted, QuestionRow)
        return {row.id: row.record(SecurityQuestion) for row in rows}

    def add(self, question: SecurityQuestion) -> None:
        """Add one under an id that none had before."""
        self._gateway.add(QuestionRow, values(question))

    def retire(self, question_id: int, at: datetime) -> bool:
        """Offer one to nobody new; False where it is unknown or retired already."""
        offered = col(QuestionRow.id) == question_id, col(QuestionRow.retired_at).is_(None)
        return self._gateway.run(update(QuestionRow).where(*offered).values(retired_at=at)) == 1

    def revive(self, question_id: int) -> bool:
        """Offer one again; False where it is unknown or offered already."""
        retired = col(QuestionRow.id) == question_id, col(QuestionRow.retired_at).is_not(None)
        return self._gateway.run(update(QuestionRow).where(*retired).values(retired_at=None)) == 1

    def uses(self) -> dict[int, int]:
        """Return how many registrations use each question that any uses."""
        ids_used = col(RegistrationRow.question_ids)
        sets = select(ids_used, func.count()).group_by(ids_used)
        used: Counter[int] = Counter()
        for ids, registrations in self._gateway.tuples(sets):
            used.update(dict.fromkeys(ids, registrations))
        return dict(used)

    def sync(self, texts: Mapping[int, str], at: datetime) -> None:
        """Make ``texts`` the list: add, reword and revive; retire at ``at`` what is absent."""
        absent = col(QuestionRow.id).not_in(list(texts)), col(QuestionRow.retired_at).is_(None)
        self._gateway.run(update(QuestionRow).where(*absent).values(retired_at=at))
        insert = self._gateway.upsert(QuestionRow)
        statement = insert.on_conflict_do_update(
            index_elements=["id"], set_={"text": insert.excluded.text, "retired_at": None}
        )
        self._gateway.run(statement, [{"id": id_, "text": text} for id_, text in texts.items()])
