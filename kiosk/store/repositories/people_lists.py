"""Lists of people by how they stand, a page at a time: each page begins where one ended.

A page is found by its sort key and the holder's id, never by an offset, so that the last
page of a long list costs as much as its first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Select, and_, func, literal, null, or_, select, tuple_
from sqlmodel import col

from kiosk.people_groups import PeopleGroup, PeopleOrder, Place
from kiosk.store.gateway import Gateway
from kiosk.store.records import CardStatus
from kiosk.store.tables.people import CardholderRow, CardRow, RegistrationRow


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list; ``date`` is None where the group has none."""

    holder_id: str
    date: datetime | None
    place: Place


class PeopleLists:
    """Whom each group has at ``now``."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def page(
        self,
        group: PeopleGroup,
        order: PeopleOrder,
        *,
        descending: bool = False,
        after: Place | None = None,
        limit: int,
    ) -> tuple[Listed, ...]:
        """Return up to ``limit`` rows that come after the place ``after``."""
        found, date = self._group(group)
        id_, key = col(CardholderRow.id), _key(order, date)
        if after is not None:
            there = tuple_(literal(after.key, key.type), literal(after.holder_id))
            here = tuple_(key, id_)
            found = found.where(here < there if descending else here > there)
        sort = (key.desc(), id_.desc()) if descending else (key, id_)
        dated = null() if date is None else date
        rows = self._gateway.tuples(
            found.with_only_columns(id_, dated, key).order_by(*sort).limit(limit)
        )
        return tuple(Listed(id_, at, Place(key, id_)) for id_, at, key in rows)

    def count(self, group: PeopleGroup, most: int) -> int:
        """Return how many the group has; ``most`` where there are as many or more."""
        found, _ = self._group(group)
        some = found.with_only_columns(literal(1)).limit(most).subquery()
        count: int = self._gateway.scalar(select(func.count()).select_from(some))
        return count

    def _group(self, group: PeopleGroup) -> tuple[Select[Any], Any]:
        """Return the group's people, and its date."""
        holder, left_at = select(CardholderRow), col(CardholderRow.left_at)
        here = or_(left_at.is_(None), left_at > self._now)
        blocked_at = col(RegistrationRow.blocked_at)
        match group:
            case PeopleGroup.EVERYBODY:
                return holder, None
            case PeopleGroup.LEFT:
                return holder.where(left_at.is_not(None), left_at <= self._now), left_at
            case PeopleGroup.BLOCKED:
                blocked = holder.join(RegistrationRow, _registration())
                return blocked.where(blocked_at.is_not(None), here), blocked_at
            case PeopleGroup.NO_CARD:
                blocked_one = _one(RegistrationRow, _registration(), blocked_at.is_not(None))
                return holder.where(here, ~_one(CardRow, _cards()), ~blocked_one), None
            case PeopleGroup.NOT_REGISTERED:
                usable = _one(CardRow, _cards(), *self._in_use())
                return holder.where(here, usable, ~_one(RegistrationRow, _registration())), None
            case PeopleGroup.EXPIRING:
                ends = self._ending()
                return holder.join(ends, ends.c.holder_id == col(CardholderRow.id)).where(
                    here
                ), ends.c.ends_at
            case _:
                assert_never(group)

    def _in_use(self) -> tuple[ColumnElement[bool], ...]:
        expires_at = col(CardRow.expires_at)
        lasts = or_(expires_at.is_(None), expires_at > self._now)
        return col(CardRow.status) != CardStatus.REVOKED, lasts

    def _ending(self) -> Any:
        """Return the first end of a card of each holder who has one that ends this month."""
        expires_at: Any = col(CardRow.expires_at)
        ending = and_(
            expires_at.is_not(None),
            expires_at > self._now,
            expires_at <= _next_month(self._now),
            col(CardRow.status) != CardStatus.REVOKED,
        )
        first = func.min(expires_at, type_=expires_at.type).label("ends_at")
        of_holder = select(col(CardRow.holder_id), first).where(ending)
        return of_holder.group_by(col(CardRow.holder_id)).subquery()


def _key(order: PeopleOrder, date: Any) -> Any:
    match order:
        case PeopleOrder.NUMBER:
            return col(CardholderRow.number)
        case PeopleOrder.DATE if date is not None:
            return date
        case PeopleOrder.NAME | PeopleOrder.DATE:
            return col(CardholderRow.name)
        case _:
            assert_never(order)


def _registration() -> ColumnElement[bool]:
    return col(RegistrationRow.holder_id) == col(CardholderRow.id)


def _cards() -> ColumnElement[bool]:
    return col(CardRow.holder_id) == col(CardholderRow.id)


def _one(row: type[Any], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(literal(1)).select_from(row).where(*conditions).correlate(CardholderRow).exists()


def _next_month(now: datetime) -> datetime:
    """Return the first moment of the next month."""
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return now.replace(year=year, month=month, day=1, hour=0, minute=0, second=0, microsecond=0)
