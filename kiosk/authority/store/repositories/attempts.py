"""Attempts that were charged: each id once for each subject, whatever is repeated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    select,
)

from kiosk.authority.store.gateway import Gateway
from kiosk.authority.store.records import Charge, Verdict
from kiosk.authority.store.tables import AttemptRow, col


class Attempts:
    """The account of attempts; a subject is a holder (answers) or a code (entries)."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def charge(
        self,
        subject: str,
        attempt_id: str,
        given: bytes | None,
        *,
        take: Callable[[], int | None],
        undo: Callable[[], None],
    ) -> Charge | None:
        """Charge one attempt once; ``given`` is the keyed digest of what is to be looked at.

        ``take`` goes first: its UPDATE holds the subject's row, so that two calls with one
        id come here one after the other, and the second ``undo``es what it took.
        """
        left = take()
        if left is None:
            return self._earlier(subject, attempt_id)
        if self._write_down(subject, attempt_id, given, left):
            return Charge(attempt_id, left, fresh=True, given=given)
        undo()
        return self._earlier(subject, attempt_id)

    def conclude(self, subject: str, attempt_id: str, verdict: Verdict) -> bool:
        """Give a charged attempt its verdict; False when it has one, or was never charged.

        The digest of what was given goes: somebody with its key could try answers by it.
        """
        open_ = *_is_attempt(subject, attempt_id), col(AttemptRow.verdict).is_(None)
        return bool(self._gateway.change(AttemptRow, *open_, verdict=verdict, given=None))

    def _write_down(self, subject: str, attempt_id: str, given: bytes | None, left: int) -> bool:
        row = {
            "subject": subject,
            "attempt_id": attempt_id,
            "charged_at": self._now,
            "left_after": left,
            "given": given,
        }
        stamped = self._gateway.stamped(AttemptRow, row)
        statement = self._gateway.upsert(AttemptRow).values(stamped).on_conflict_do_nothing()
        return self._gateway.run(statement) == 1

    def _earlier(self, subject: str, attempt_id: str) -> Charge | None:
        statement = select(AttemptRow).where(*_is_attempt(subject, attempt_id))
        row = self._gateway.one(statement, AttemptRow)
        if row is None:
            return None
        return Charge(attempt_id, row.left_after, fresh=False, verdict=row.verdict, given=row.given)


def _is_attempt(subject: str, attempt_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(AttemptRow.subject) == subject, col(AttemptRow.attempt_id) == attempt_id
