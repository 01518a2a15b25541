"""Registrations, and the count of attempts at their answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, Integer, bindparam, delete, or_, select, update

from kiosk.authority.store.gateway import Prepared, for_update, table_of
from kiosk.authority.store.records import JointHash, Registration
from kiosk.authority.store.repositories import Repository
from kiosk.authority.store.repositories.attempts import AttemptCounter
from kiosk.authority.store.tables import RegistrationRow, col, values

OVERWRITTEN = (
    "email",
    "email_verified_at",
    "question_ids",
    "hashes",
    "updated_at",
    "asked",
    "unconfirmed_since",
    "proven",
)

FIRST_PAUSE = timedelta(hours=1)
PAUSE_GROWTH = 4
"""Factor of the pause after each further wrong answer with a card known by name only."""

LONGEST_PAUSE = timedelta(days=60)


_TABLE = table_of(RegistrationRow)
_THIS = _TABLE.c.holder_id == bindparam("holder")
_REGISTRATION = for_update(RegistrationRow, _THIS)
_UNASKED = for_update(RegistrationRow, _THIS, _TABLE.c.asked.is_(None))
_MOST = bindparam("most", type_=Integer)
_CHARGE = Prepared(
    update(_TABLE)
    .where(_THIS, _TABLE.c.failures < _MOST, _TABLE.c.blocked_at.is_(None))
    .values(failures=_TABLE.c.failures + 1)
    .returning(_MOST - _TABLE.c.failures)
)
_LESS_ONE = Prepared(
    update(_TABLE).where(_THIS, _TABLE.c.failures > 0).values(failures=_TABLE.c.failures - 1)
)


class Registrations(Repository):
    def of_holder(self, holder_id: str) -> Registration | None:
        statement = select(RegistrationRow).where(_is(holder_id))
        row = self._gateway.one(statement, RegistrationRow)
        return row.record(Registration) if row else None

    def of_holders(self, holder_ids: Iterable[str]) -> dict[str, Registration]:
        """Return those of several holders, by holder id; at most 500 at a time.

        Includes altered ones: for display, never for a decision.
        """
        wanted = col(RegistrationRow.holder_id).in_(list(holder_ids))
        rows = self._gateway.unchecked(select(RegistrationRow).where(wanted), RegistrationRow)
        return {row.holder_id: row.record(Registration) for row in rows}

    def put(self, registration: Registration) -> None:
        """Add one, or overwrite the holder's address, questions, hashes and asked questions.

        Failures, block and the first ``registered_at`` of one that exists are kept: only
        the calls below change them.
        """
        holder, new = registration.holder_id, values(registration)
        stamped = self._gateway.stamped(RegistrationRow, new)
        insert = self._gateway.upsert(RegistrationRow).values(stamped)
        if self._gateway.run(insert.on_conflict_do_nothing(index_elements=["holder_id"])) == 0:
            overwritten = {name: new[name] for name in OVERWRITTEN}
            self._gateway.change(RegistrationRow, _is(holder), **overwritten)

    def set_questions(
        self, holder_id: str, question_ids: tuple[int, ...], hashes: tuple[JointHash, ...]
    ) -> None:
        """Replace questions and answers; the ones to ask are drawn again, failures stay."""
        new = {"question_ids": question_ids, "hashes": hashes, "asked": None}
        self._gateway.change(RegistrationRow, _is(holder_id), **new, updated_at=self._now)

    def replace_email(self, holder_id: str, old: str, new: str) -> bool:
        """Put a confirmed address in place of ``old``.

        Returns False where another one is registered by now, or self-service is blocked.
        """
        this = _is(holder_id), col(RegistrationRow.email) == old
        free = col(RegistrationRow.blocked_at).is_(None)
        confirmed = {"email": new, "email_verified_at": self._now, "unconfirmed_since": None}
        changed = self._gateway.change(
            RegistrationRow, *this, free, **confirmed, updated_at=self._now
        )
        return bool(changed)

    def correct_email(self, holder_id: str, email: str) -> None:
        """Put an address in place that the next code has to confirm."""
        unconfirmed = {"email": email, "unconfirmed_since": self._now, "updated_at": self._now}
        self._gateway.change(RegistrationRow, _is(holder_id), **unconfirmed)

    def confirm_email(self, holder_id: str, email: str) -> bool:
        """Note that a code sent to ``email`` was entered; return False where nothing waited.

        One statement, so that an address that staff set at the same time stays unconfirmed.
        """
        unconfirmed = (
            _is(holder_id),
            col(RegistrationRow.email) == email,
            col(RegistrationRow.unconfirmed_since).is_not(None),
        )
        confirmed = {"email_verified_at": self._now, "unconfirmed_since": None}
        return bool(self._gateway.change(RegistrationRow, *unconfirmed, **confirmed))

    def delete(self, holder_id: str) -> bool:
        """Delete one with its answers, failures and block; return False where there was none."""
        return self._gateway.run(delete(RegistrationRow).where(_is(holder_id))) == 1

    def attempts(self, holder_id: str, most: int, *, proven: bool = True) -> AttemptCounter:
        """Return the counter of a holder's answers; none is left once ``most`` failed, or blocked.

        Not ``proven``: with a card that is known by name only. These count apart from the holder's
        own. After ``most`` wrong ones there is a pause, then one attempt and a longer pause.
        """
        subject = holder_id if proven else unproven_subject(holder_id)
        take = self._count_failure if proven else self._count_unproven
        undo = self._less_one if proven else self._less_one_unproven
        return AttemptCounter(
            self._gateway,
            self._now,
            subject,
            take=partial(take, holder_id, most),
            undo=partial(undo, holder_id),
        )

    def _count_failure(self, holder_id: str, most: int) -> int | None:
        given = {"holder": holder_id, "most": most}
        left: int | None = self._gateway.scalar(_CHARGE, given)
        return left

    def _count_unproven(self, holder_id: str, most: int) -> int | None:
        failures, until = col(RegistrationRow.unproven_failures), RegistrationRow.unproven_until
        rested = or_(col(until).is_(None), col(until) <= self._now)
        open_ = rested, col(RegistrationRow.blocked_at).is_(None)
        statement = update(RegistrationRow).where(_is(holder_id), *open_)
        charged = statement.values(unproven_failures=failures + 1).returning(failures)
        count: int | None = self._gateway.scalar(charged)
        if count is None:
            return None
        if count >= most:
            pause = FIRST_PAUSE * PAUSE_GROWTH ** min(count - most, 6)
            ends = self._now + min(pause, LONGEST_PAUSE)
            self._gateway.change(RegistrationRow, _is(holder_id), unproven_until=ends)
        return max(0, most - count)

    def _less_one(self, holder_id: str) -> None:
        self._gateway.write(_LESS_ONE, {"holder": holder_id})

    def _less_one_unproven(self, holder_id: str) -> None:
        failures = col(RegistrationRow.unproven_failures)
        statement = update(RegistrationRow).where(_is(holder_id), failures > 0)
        self._gateway.write(statement.values(unproven_failures=failures - 1))
        self._gateway.change(RegistrationRow, _is(holder_id), unproven_until=None)

    def clear_failures(self, holder_id: str, *, asked: bool = False) -> Registration | None:
        """Clear the failures and end a pause; with ``asked`` forget the pinned questions.

        A block stays. Returns the registration as it was.
        """
        none = {"failures": 0, "unproven_failures": 0, "unproven_until": None}
        none |= {"asked": None} if asked else {}
        this = {"holder": holder_id}
        cleared = self._gateway.change_prepared(RegistrationRow, _REGISTRATION, this, **none)
        return cleared[0].record(Registration) if cleared else None

    def block(self, holder_id: str) -> bool:
        """Block on every station; return False where it was blocked already."""
        free = _is(holder_id), col(RegistrationRow.blocked_at).is_(None)
        return bool(self._gateway.change(RegistrationRow, *free, blocked_at=self._now))

    def block_anew(self, holder_id: str) -> bool:
        """Block, or let a block that is there begin now; return False where it was blocked."""
        if self.block(holder_id):
            return True
        self._gateway.change(RegistrationRow, _is(holder_id), blocked_at=self._now)
        return False

    def unblock(self, holder_id: str) -> bool:
        """Lift a block or a pause and clear the failures; return False where there was neither."""
        paused = col(RegistrationRow.unproven_until) > self._now
        barred = _is(holder_id), or_(col(RegistrationRow.blocked_at).is_not(None), paused)
        free = {"blocked_at": None, "failures": 0, "unproven_failures": 0, "unproven_until": None}
        return bool(self._gateway.change(RegistrationRow, *barred, **free))

    def set_asked(self, holder_id: str, question_ids: tuple[int, ...]) -> tuple[int, ...]:
        """Pin the questions to ask unless some are pinned; return the pinned ones.

        Atomic, so that two stations ask the same ones.
        """
        this = {"holder": holder_id}
        if self._gateway.change_prepared(RegistrationRow, _UNASKED, this, asked=question_ids):
            return question_ids
        asked = self._gateway.scalar(select(col(RegistrationRow.asked)).where(_is(holder_id)))
        return tuple(asked or ())


def unproven_subject(holder_id: str) -> str:
    """Return the subject of attempts with cards that are known by name only."""
    return f"unproven:{holder_id}"


def _is(holder_id: str) -> ColumnElement[bool]:
    return col(RegistrationRow.holder_id) == holder_id
