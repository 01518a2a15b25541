"""Attempts that were charged: each id once for each subject, whatever is repeated."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import bindparam, select

from kiosk.authority.store.gateway import held
from kiosk.authority.store.prepared import Prepared
from kiosk.authority.store.records import Charge, Verdict
from kiosk.authority.store.repositories import Repository
from kiosk.authority.store.tables import AttemptRow, col

_THIS = (
    col(AttemptRow.subject) == bindparam("of"),
    col(AttemptRow.attempt_id) == bindparam("attempt"),
)
_ATTEMPT = Prepared(select(AttemptRow).where(*_THIS))
_OPEN = held(AttemptRow, *_THIS, col(AttemptRow.verdict).is_(None))


class Attempts(Repository):
    """The account of attempts; a subject is a holder (answers) or a code (entries)."""

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
        this = {"of": subject, "attempt": attempt_id}
        new = {"verdict": verdict, "given": None}
        return bool(self._gateway.change_held(AttemptRow, _OPEN, this, **new))

    def _write_down(self, subject: str, attempt_id: str, given: bytes | None, left: int) -> bool:
        row = {
            "subject": subject,
            "attempt_id": attempt_id,
            "charged_at": self._now,
            "left_after": left,
            "given": given,
        }
        return self._gateway.add_new(AttemptRow, row)

    def _earlier(self, subject: str, attempt_id: str) -> Charge | None:
        row = self._gateway.one(_ATTEMPT, AttemptRow, {"of": subject, "attempt": attempt_id})
        if row is None:
            return None
        return Charge(attempt_id, row.left_after, fresh=False, verdict=row.verdict, given=row.given)
