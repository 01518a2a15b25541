"""A compiled statement stores and reads each type of column as SQLAlchemy does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.schema import CreateTable
from sqlmodel import AutoString

from kiosk.authority.records import JointHash, SavedCode
from kiosk.authority.store.database import Store
from kiosk.authority.store.gateway import Prepared
from kiosk.authority.store.tables import (
    HASHES,
    NAMES,
    NUMBERS,
    SAVED_CODES,
    SCALARS,
    Json,
    TableRow,
    UtcDateTime,
    Worded,
)

TYPES = {
    (repr(one), getattr(one, "words", None), getattr(one, "write", None)): one
    for table in TableRow.metadata.tables.values()
    for one in (column.type for column in table.columns)
}
TYPED = sa.Table(
    "typed",
    sa.MetaData(),
    *(sa.Column(f"column_{at}", each) for at, each in enumerate(TYPES.values())),
    prefixes=["TEMPORARY"],
)

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
numbers = st.lists(st.integers()).map(tuple)
times = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-1439, 1439).map(lambda by: timezone(timedelta(minutes=by))),
)


def values_of(type_: sa.types.TypeEngine[Any]) -> st.SearchStrategy[Any]:
    match type_:
        case UtcDateTime():
            return times
        case Worded():
            return st.sampled_from(list(type_.words))
        case Json() if type_ is NUMBERS:
            return numbers
        case Json() if type_ is NAMES:
            return st.lists(texts).map(tuple)
        case Json() if type_ is SCALARS:
            return st.dictionaries(texts, texts | st.integers() | st.booleans() | st.none())
        case Json() if type_ is HASHES:
            return st.lists(st.builds(JointHash, numbers, texts, texts)).map(tuple)
        case Json() if type_ is SAVED_CODES:
            code = st.builds(
                SavedCode, texts, st.integers(), texts, texts, times, texts, texts, texts
            )
            return st.lists(code).map(tuple)
        case sa.LargeBinary():
            return st.binary()
        case sa.Boolean():
            return st.booleans()
        case sa.BigInteger():
            return st.integers(-(2**63), 2**63 - 1)
        case sa.Integer():
            return st.integers(-(2**31), 2**31 - 1)
        case sa.String() | AutoString():
            return texts
        case _:
            raise AssertionError(f"no values for {type_!r}")


rows = st.fixed_dictionaries({each.name: st.none() | values_of(each.type) for each in TYPED.c})


def read_as(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def kind_and_value(value: object) -> object:
    """Tell 1 from True, and a time in UTC from the same in another zone."""
    return type(value), value, getattr(value, "tzinfo", None)


def test_type_is_stored_and_read_alike_either_way(store: Store) -> None:
    insert, found = sa.insert(TYPED), sa.select(TYPED)
    by_driver = Prepared(insert, list(TYPED.c.keys())), Prepared(found)

    with store.begin() as uow:
        gateway = uow._gateway
        gateway._core().execute(CreateTable(TYPED))

        @given(rows)
        def check(row: dict[str, Any]) -> None:
            expected = [kind_and_value(read_as(row[each.name])) for each in TYPED.columns]
            for written in (insert, by_driver[0]):
                gateway.write(sa.delete(TYPED))
                gateway.write(written, row)
                for read in (found, by_driver[1]):
                    ((*values,),) = gateway.tuples(read)
                    assert [*map(kind_and_value, values)] == expected

        check()
