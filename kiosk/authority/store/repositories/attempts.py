"""Attempts that are limited: each is charged before it is checked, and then given its verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Column, ColumnElement, TextClause, bindparam, select, update

from kiosk.authority.records import Charge, Verdict
from kiosk.authority.store.gateway import Gateway, Prepared, Repository, for_update
from kiosk.authority.store.tables import AttemptRow, col

_THIS = (
    col(AttemptRow.subject) == bindparam("of"),
    col(AttemptRow.attempt_id) == bindparam("attempt"),
)
_ATTEMPT = Prepared(select(AttemptRow).where(*_THIS))
_OPEN = for_update(AttemptRow, *_THIS, col(AttemptRow.verdict).is_(None))
_UNCHECKED = for_update(AttemptRow, *_THIS, col(AttemptRow.verdict) == Verdict.UNCHECKED)


def counting(
    tries: Column[int],
    most: ColumnElement[int],
    this: ColumnElement[bool],
    *chargeable: ColumnElement[bool] | TextClause,
) -> tuple[Prepared, Prepared]:
    """Return the UPDATE that charges an attempt, returning how many are left, and its reverse."""
    charge = update(tries.table).where(this, *chargeable, tries < most).values({tries: tries + 1})
    give_back = update(tries.table).where(this, tries > 0).values({tries: tries - 1})
    return Prepared(charge.returning(most - tries)), Prepared(give_back)


class AttemptCounter(Repository):
    """Counts the attempts at one subject: the answers of a holder, a code, their stop numbers.

    ``take`` counts one in one UPDATE, and returns how many are left after it; None where none was
    left. ``undo`` takes off the count of one. With a ``station`` each counts there as well.
    """

    def __init__(
        self,
        gateway: Gateway,
        now: datetime,
        subject: str,
        *,
        take: Callable[[], int | None],
        undo: Callable[[], None],
        station: str | None = None,
    ) -> None:
        super().__init__(gateway, now)
        self._subject, self._take, self._undo = subject, take, undo
        self._station = station

    def charge(self, attempt_id: str, given: bytes | None = None) -> Charge | None:
        """Charge one attempt before it is checked; commit this alone. None where none is left.

        Of concurrent callers exactly as many pass as attempts are left. A repeated ``attempt_id``
        charges nothing and returns the first call's charge, ``fresh`` False, unless that could not
        be checked: then it is charged anew. ``given`` is the keyed digest of what is checked.
        """
        # The UPDATE locks the subject's row: of two calls with one id, the second waits here, and
        # then undoes what it took.
        left = self._take()
        if left is None:
            earlier = self.earlier(attempt_id)
            is_unchecked = earlier is not None and earlier.verdict is Verdict.UNCHECKED
            return None if is_unchecked else earlier
        row = {
            "subject": self._subject,
            "attempt_id": attempt_id,
            "charged_at": self._now,
            "left_after": left,
            "station": self._station,
            "given": given,
        }
        this = {"of": self._subject, "attempt": attempt_id}
        if self._gateway.add_new(AttemptRow, row) or self._gateway.change_prepared(
            AttemptRow, _UNCHECKED, this, **row, verdict=None
        ):
            return Charge(attempt_id, left, fresh=True, given=given)
        self._undo()
        return self.earlier(attempt_id)

    def conclude(self, attempt_id: str, verdict: Verdict) -> bool:
        """Give a charged attempt its verdict, once; one that is not wrong gets its charge back.

        Returns False, and changes nothing, where it has a verdict or was never charged. The digest
        of the entry is deleted: somebody with its key could test guesses against it.
        """
        this = {"of": self._subject, "attempt": attempt_id}
        new = {"verdict": verdict, "given": None}
        if not self._gateway.change_prepared(AttemptRow, _OPEN, this, **new):
            return False
        if verdict is not Verdict.WRONG:
            self._undo()
        return True

    def earlier(self, attempt_id: str) -> Charge | None:
        this = {"of": self._subject, "attempt": attempt_id}
        row = self._gateway.one(_ATTEMPT, AttemptRow, this)
        self._gateway.check_asked(row, subject=self._subject, attempt_id=attempt_id)
        if row is None:
            return None
        return Charge(attempt_id, row.left_after, fresh=False, verdict=row.verdict, given=row.given)
