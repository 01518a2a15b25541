"""Nothing of a library's exception goes on: no parameter, no key's value, no row's repr."""

from __future__ import annotations

import sqlite3
import traceback
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.records import OutboxMessage, SealedSecret, new_id
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.tables import CardRow, CodeRow
from tests.authority.store import samples
from tests.support.database import TestDatabase

CANARY = "canary-8842"


def test_no_value_in_an_exception(store: Store) -> None:
    person = samples.stored_person(store)
    secret = SealedSecret(CANARY.encode(), CANARY, 2)
    clash = replace(person.card, id=CANARY, sealed_secret=secret)
    with store.begin() as uow, pytest.raises(StoreError) as refused:
        uow.cards.put([clash])
    assert_tells_nothing(refused.value)
    assert refused.value.code in {"SQLITE_CONSTRAINT_UNIQUE", "23505"}


def test_a_naive_time_is_refused_without_telling(store: Store) -> None:
    naive = datetime(2030, 1, 1)  # noqa: DTZ001
    with store.begin() as uow, pytest.raises(StoreError) as refused:
        uow.holders.put([replace(samples.holder(CANARY), left_at=naive)])
    assert_tells_nothing(refused.value)
    assert refused.value.code == "ValueError"


@pytest.mark.parametrize("bad", [{"to": f"{CANARY}\ud800"}, {"attempts": 2**70}])
def test_nothing_is_committed_beside_a_value_that_cannot_be_stored(
    store: Store, bad: dict[str, Any]
) -> None:
    """Before: the next statement lost it and what waited behind it, and the rest was committed."""
    message = OutboxMessage(new_id(), CANARY, "unlocked", {}, samples.NOW, samples.NOW)

    def write(uow: UnitOfWork) -> None:
        uow.outbox.add(replace(message, id=new_id(), **bad))
        uow.outbox.add(replace(message, id=new_id()))
        uow.notes.by_ids((message.id,))  # PostgreSQL gets what waits with the next query

    with store.begin() as uow:
        uow.outbox.add(message)
        with pytest.raises(StoreError) as refused:
            write(uow)
        assert_tells_nothing(refused.value)
        with pytest.raises(StoreError, match="ended or failed"):
            uow.commit()
    with store.read() as uow:
        assert uow.outbox.waiting() == 0


def test_a_word_that_is_none_is_refused(store: Store) -> None:
    person = samples.stored_person(store)
    another = replace(person.card, id=new_id(), identifier=new_id())
    wrong = replace(another, status=CANARY)  # type: ignore[arg-type]
    with store.begin() as uow, pytest.raises(StoreError) as refused:
        uow.cards.put([wrong])
    assert_tells_nothing(refused.value)


def test_a_stored_word_that_is_none_is_no_crash(sqlite_database: TestDatabase) -> None:
    store = sqlite_database.store()
    person = samples.stored_person(store)
    with sqlite3.connect(sqlite_database.url.removeprefix("sqlite:///")) as other:
        other.execute("UPDATE card SET status = ?", (CANARY,))
    with store.read() as uow, pytest.raises(StoreError) as refused:
        uow.cards.get(person.card.id)
    assert_tells_nothing(refused.value)
    assert refused.value.code == "unreadable"


def assert_tells_nothing(error: BaseException) -> None:
    """Neither its text, its traceback, nor any exception behind it holds the canary."""
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    assert CANARY not in "".join(shown)


def test_a_row_does_not_show_what_is_sealed() -> None:
    assert CANARY not in repr(CardRow(id="c", sealed_secret=CANARY.encode()))  # type: ignore[call-arg]
    assert CANARY not in repr(CodeRow(id="c", digest=CANARY.encode()))  # type: ignore[call-arg]
    assert CANARY not in repr(SealedSecret(CANARY.encode(), "key-1", 1))
