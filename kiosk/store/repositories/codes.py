"""One-time codes: drafted, sent, tried, consumed or revoked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, TextClause, delete, func, select, text, update
from sqlmodel import col

from kiosk.store.gateway import Gateway
from kiosk.store.records import Charge, EmailCode, Verdict
from kiosk.store.repositories.attempts import Attempts
from kiosk.store.tables.base import values
from kiosk.store.tables.visits import LIVE_CODE, CodeRow


class EmailCodes:
    """At most one live code a card: sent, not consumed, not revoked (its expiry aside)."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now
        self._attempts = Attempts(gateway, now)

    def get(self, code_id: str) -> EmailCode | None:
        """Return one by id, live or not."""
        return self._one(_is(code_id))

    def live(self, card_id: str) -> EmailCode | None:
        """Return the card's live code; it may have expired or have no try left: look."""
        return self._one(col(CodeRow.card_id) == card_id, _live())

    def send_times(self, card_id: str, since: datetime) -> tuple[datetime, ...]:
        """Return when codes for a card were drafted or sent since then, oldest first.

        Lock the card first (``cards.lock``) when a limit is decided by this.
        """
        when = func.coalesce(col(CodeRow.sent_at), col(CodeRow.drafted_at))
        statement = select(col(CodeRow.sent_at), col(CodeRow.drafted_at)).where(
            col(CodeRow.card_id) == card_id, when >= since
        )
        times = self._gateway.tuples(statement)
        return tuple(sorted(sent or drafted for sent, drafted in times))

    def draft(self, code: EmailCode) -> None:
        """Write down a code before it is mailed; it counts as a send and cannot be entered."""
        if code.sent_at is not None:
            raise ValueError("a code that was sent is no draft")
        self._gateway.add(CodeRow, values(code))

    def activate(self, code_id: str, sent_at: datetime, expires_at: datetime) -> bool:
        """Make a draft the card's live code: the relay took it. Earlier ones are revoked.

        False when it is no draft any more.
        """
        draft = _is(code_id), col(CodeRow.sent_at).is_(None)
        card = self._gateway.scalar(select(col(CodeRow.card_id)).where(*draft))
        if card is None:
            return False
        self.revoke_live(card)
        statement = update(CodeRow).where(*draft)
        return self._gateway.run(statement.values(sent_at=sent_at, expires_at=expires_at)) == 1

    def discard(self, code_id: str) -> None:
        """Delete a draft: it was not sent, and counts for nothing."""
        self._gateway.run(delete(CodeRow).where(_is(code_id), col(CodeRow.sent_at).is_(None)))

    def charge_try(self, code_id: str, attempt_id: str) -> Charge | None:
        """Charge one entry, before it is looked at; commit this alone.

        None when the code is not live, has expired or has no try left. A repeated
        ``attempt_id`` is treated as in ``Registrations.charge``.
        """
        tries, most = col(CodeRow.tries), col(CodeRow.max_tries)

        def take() -> int | None:
            open_ = _live(), col(CodeRow.expires_at) > self._now, tries < most
            statement = update(CodeRow).where(_is(code_id), *open_)
            charged = statement.values(tries=tries + 1).returning(most - tries)
            left: int | None = self._gateway.scalar(charged)
            return left

        return self._attempts.charge(
            code_id, attempt_id, take=take, undo=lambda: self._less_one(code_id)
        )

    def give_back(self, code_id: str, attempt_id: str) -> bool:
        """Conclude an entry as right and take its try back, once; False if concluded before."""
        if not self._attempts.conclude(code_id, attempt_id, Verdict.RIGHT):
            return False
        self._less_one(code_id)
        return True

    def keep_charge(self, code_id: str, attempt_id: str) -> bool:
        """Conclude an entry as wrong; False when it was concluded before."""
        return self._attempts.conclude(code_id, attempt_id, Verdict.WRONG)

    def consume(self, code_id: str) -> bool:
        """Use up a code; True for exactly one caller. Expiry was for the entry to check."""
        statement = update(CodeRow).where(_is(code_id), _live()).values(consumed_at=self._now)
        return self._gateway.run(statement) == 1

    def revoke_live(self, card_id: str) -> bool:
        """Revoke the card's live code, if there is one."""
        statement = update(CodeRow).where(col(CodeRow.card_id) == card_id, _live())
        return self._gateway.run(statement.values(revoked_at=self._now)) == 1

    def purge(self, before: datetime) -> int:
        """Delete codes drafted, and attempts charged, before then; return how many codes."""
        self._attempts.purge(before)
        return self._gateway.run(delete(CodeRow).where(col(CodeRow.drafted_at) < before))

    def _one(self, *conditions: ColumnElement[bool] | TextClause) -> EmailCode | None:
        row = self._gateway.one(select(CodeRow).where(*conditions), CodeRow)
        return row.record(EmailCode) if row else None

    def _less_one(self, code_id: str) -> None:
        tries = col(CodeRow.tries)
        statement = update(CodeRow).where(_is(code_id), tries > 0)
        self._gateway.run(statement.values(tries=tries - 1))


def _is(code_id: str) -> ColumnElement[bool]:
    return col(CodeRow.id) == code_id


def _live() -> TextClause:
    # The words of the partial index, so that both databases find by it.
    return text(LIVE_CODE)
