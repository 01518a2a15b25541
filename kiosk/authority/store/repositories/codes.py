"""One-time codes: drafted, sent, tried, consumed or revoked."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, or_, select, text

from kiosk.authority.errors import StoreError
from kiosk.authority.records import (
    CLOCKS_DIFFER,
    AddressKind,
    EmailCode,
    StopNumber,
    Verdict,
    new_id,
)
from kiosk.authority.store.gateway import Prepared, Repository, for_update, table_of
from kiosk.authority.store.repositories.attempts import AttemptCounter, counting
from kiosk.authority.store.tables import (
    LIVE_CODE,
    AddressRow,
    AttemptRow,
    CodeRow,
    StopNumberRow,
    VisitRow,
    col,
    values,
)
from kiosk.contract.policy import STOP_NUMBER_DIGITS

_CODES = table_of(CodeRow)
_THIS = _CODES.c.id == bindparam("code")
_OF_CARD = _CODES.c.card_id == bindparam("card")
_IS_UNUSED = col(CodeRow.consumed_at).is_(None), col(CodeRow.revoked_at).is_(None)
_IS_DRAFT = col(CodeRow.sent_at).is_(None), col(CodeRow.revoked_at).is_(None)
# The condition of the partial index, so that both databases use it.
_IS_LIVE = text(LIVE_CODE)
_CODE = Prepared(select(CodeRow).where(_THIS))
_LIVE = for_update(CodeRow, _THIS, _IS_LIVE)
_LIVE_TO_REVOKE = for_update(CodeRow, _OF_CARD, _IS_LIVE)
_NEWEST = Prepared(
    select(CodeRow)
    .where(_OF_CARD, _CODES.c.sent_at <= bindparam("soon"))
    .order_by(_CODES.c.sent_at.desc())
    .limit(1)
)
_OF_ATTEMPT = Prepared(
    select(CodeRow).where(
        _OF_CARD,
        _CODES.c.visit_id == bindparam("visit"),
        _CODES.c.attempt == bindparam("asked"),
        _CODES.c.revoked_at.is_(None),
    )
)
_WHEN = func.coalesce(_CODES.c.sent_at, _CODES.c.drafted_at)
_MAILED = select(_CODES.c.card_id, _WHEN).where(
    _CODES.c.issued_by.is_(None), bindparam("since", type_=_CODES.c.drafted_at.type) <= _WHEN
)
_SEND_TIMES = Prepared(
    _MAILED.where(
        _OF_CARD,
        _CODES.c.proves_owner == bindparam("owner"),
        _CODES.c.unproven == bindparam("unproven"),
    )
)
_SEND_TIMES_OF_HOLDER = Prepared(_MAILED.where(_CODES.c.holder_id == bindparam("holder")))
_DRAFT = and_(
    _THIS,
    _CODES.c.drafted_by == bindparam("drafter"),
    *_IS_DRAFT,
    or_(_CODES.c.needs_second.is_(False), _CODES.c.agreed_by.is_not(None)),
)
_DRAFT_AND_EARLIER = for_update(
    CodeRow,
    or_(
        _DRAFT,
        and_(
            _CODES.c.card_id == select(_CODES.c.card_id).where(_DRAFT).scalar_subquery(), _IS_LIVE
        ),
    ),
)
_CHARGE, _GIVE_BACK = counting(
    _CODES.c.tries,
    _CODES.c.max_tries,
    _THIS,
    _IS_LIVE,
    _CODES.c.expires_at > bindparam("now"),
    _CODES.c.sent_at <= bindparam("soon"),
)
_IS_UNAGREED = (
    *_IS_DRAFT,
    col(CodeRow.needs_second).is_(True),
    col(CodeRow.agreed_by).is_(None),
)
_ENTERABLE = for_update(
    CodeRow,
    _OF_CARD,
    _CODES.c.sent_at.is_not(None) | _CODES.c.issued_by.is_not(None),
    *_IS_UNUSED,
)
_CODES_A_HOLDER: Final = 10
"""Codes that are read for each time that is returned."""


class EmailCodes(Repository):
    """At most one live code a card: sent, not consumed, not revoked (its expiry aside)."""

    def get(self, code_id: str) -> EmailCode | None:
        return self._one(EmailCode, CodeRow, _CODE, {"code": code_id}, id=code_id)

    def newest(self, card_id: str) -> EmailCode | None:
        """Return the last that was sent or given, in any state; none that a clock ahead dated."""
        this = {"card": card_id, "soon": self._now + CLOCKS_DIFFER}
        return self._one(EmailCode, CodeRow, _NEWEST, this, card_id=card_id)

    def send_times(
        self, card_id: str, since: datetime, *, proves_owner: bool = False, unproven: bool = False
    ) -> tuple[datetime, ...]:
        """Return when codes of one kind were drafted to be mailed, or sent, oldest first.

        Lock the card first (``cards.lock``) for a decision about a limit.
        """
        given = {"card": card_id, "since": since, "owner": proves_owner, "unproven": unproven}
        return _by_card(self._gateway.tuples(_SEND_TIMES, given)).get(card_id, ())

    def send_times_of_holder(
        self, holder_id: str, since: datetime
    ) -> dict[str, tuple[datetime, ...]]:
        """Return the same for every card of a holder, by card id."""
        given = {"holder": holder_id, "since": since}
        return _by_card(self._gateway.tuples(_SEND_TIMES_OF_HOLDER, given))

    def open_of_holder(self, holder_id: str) -> tuple[EmailCode, ...]:
        """Return a holder's codes that are live and not over, or wait for a second member."""
        sent = col(CodeRow.sent_at) <= self._now + CLOCKS_DIFFER
        live = and_(sent, col(CodeRow.expires_at) > self._now)
        is_open = *_IS_UNUSED, or_(live, and_(*_IS_UNAGREED))
        statement = select(CodeRow).where(col(CodeRow.holder_id) == holder_id, *is_open)
        return self._all(EmailCode, CodeRow, statement.order_by(col(CodeRow.drafted_at)))

    def draft(self, code: EmailCode) -> None:
        """Record a code that cannot be entered yet; one that is to be mailed counts as a send."""
        if code.sent_at is not None:
            raise ValueError("a code that was sent is no draft")
        self._gateway.add(CodeRow, values(code))

    def of_attempt(self, card_id: str, visit_id: str, attempt: str) -> EmailCode | None:
        """Return the one that an attempt of a visit requested, unless it was revoked."""
        given = {"card": card_id, "visit": visit_id, "asked": attempt}
        this = {"card_id": card_id, "visit_id": visit_id, "attempt": attempt}
        return self._one(EmailCode, CodeRow, _OF_ATTEMPT, given, **this)

    def redraft(self, code: EmailCode) -> bool:
        """Put another code into a draft that was not mailed; return False where it is none."""
        new, names = values(code), ("digest", "key_id", "digits", "drafted_at", "drafted_by")
        changed = {name: new[name] for name in names}
        return bool(self._gateway.change(CodeRow, _is_code(code.id), *_IS_DRAFT, **changed))

    def activate(
        self, code_id: str, sent_at: datetime, expires_at: datetime, drafted_by: str = ""
    ) -> EmailCode | None:
        """Make a draft the card's live code, and return it: it was mailed, or staff gave it.

        Earlier ones are revoked. Returns None where it is no longer a draft, where another process
        than ``drafted_by`` has drawn it again, or where a required second member has not agreed.
        """
        given = {"code": code_id, "drafter": drafted_by}
        rows = self._gateway.many(_DRAFT_AND_EARLIER, CodeRow, given)
        draft = next((row for row in rows if row.sent_at is None), None)
        if draft is None:
            return None
        for row in rows:
            if row is not draft:
                self._gateway.rewrite(row, revoked_at=self._now)
        self._gateway.rewrite(draft, sent_at=sent_at, expires_at=expires_at)
        return replace(draft.record(EmailCode), sent_at=sent_at, expires_at=expires_at)

    def discard(self, code_id: str) -> None:
        """Delete a draft: it was not sent and is not counted."""
        unsent = delete(CodeRow).where(col(CodeRow.sent_at).is_(None))
        self._gateway.write(unsent.where(_is_code(code_id)))

    def times(self, span: timedelta, most: int) -> tuple[timedelta, ...]:
        """Return how long the newest mailed codes waited for their first right entry, one a holder.

        Those that went by text message are left out.

        For display, never for a decision. A code that was entered after its visit counts for
        nothing: its holder went elsewhere to read it. Of one that ended without a right entry it is
        its life, but not where it went to an address that is not recorded, or a card that may be a
        copy was in the reader.
        """
        drafted = _CODES.c.drafted_at
        by_text = exists().where(
            col(AddressRow.id) == _CODES.c.route, col(AddressRow.kind) == AddressKind.NUMBER
        )
        is_unused = and_(*_IS_UNUSED, _CODES.c.pending_id.is_(None))
        newest = (  # first of all, so that a busy day costs no more than a quiet one
            select(
                _CODES.c.id,
                _CODES.c.holder_id,
                _CODES.c.visit_id,
                _CODES.c.sent_at,
                _CODES.c.expires_at,
                drafted,
                and_(is_unused, _CODES.c.unproven.is_(False)).label("may_lapse"),
            )
            .where(drafted > self._now - span, drafted <= self._now + CLOCKS_DIFFER)
            .where(_CODES.c.issued_by.is_(None), _CODES.c.sent_at.is_not(None), ~by_text)
            .order_by(drafted.desc())
            .limit(most * _CODES_A_HOLDER)
            .subquery()
            .c
        )
        is_right = col(AttemptRow.verdict) == Verdict.RIGHT
        entered_at = (
            select(func.min(col(AttemptRow.charged_at)))
            .where(col(AttemptRow.subject) == newest.id, is_right)
            .scalar_subquery()
        )
        read = newest.holder_id, newest.sent_at, newest.expires_at, newest.may_lapse
        found = self._gateway.tuples(
            select(*read, entered_at, col(VisitRow.closed_at))
            .outerjoin(VisitRow, col(VisitRow.id) == newest.visit_id)
            .order_by(newest.drafted_at.desc())
        )
        times: dict[str, timedelta] = {}
        for holder_id, sent_at, expires_at, may_lapse, entered, closed in found:
            ended = entered or (expires_at if may_lapse and expires_at <= self._now else None)
            went_away = entered is not None and closed is not None and closed < entered
            if ended is not None and not went_away and holder_id not in times:
                times[holder_id] = max(ended - sent_at, timedelta(0))
        return tuple(times.values())[:most]

    # --- given by staff ---

    def give_times(self, card_id: str, since: datetime) -> tuple[datetime, ...]:
        """Return when staff made codes, whatever became of them.

        Lock the card first for a decision about a limit.
        """
        made = col(CodeRow.issued_by).is_not(None), col(CodeRow.drafted_at) >= since
        given = select(col(CodeRow.drafted_at)).where(col(CodeRow.card_id) == card_id, *made)
        return tuple(sorted(row[0] for row in self._gateway.tuples(given)))

    def unagreed(self, life: timedelta) -> tuple[EmailCode, ...]:
        """Return those that wait for a second member of staff, for less than ``life``."""
        drafted = col(CodeRow.drafted_at)
        recent = drafted > self._now - life, drafted < self._now + life
        waiting = select(CodeRow).where(*_IS_UNAGREED, *recent)
        return self._all(EmailCode, CodeRow, waiting.order_by(col(CodeRow.drafted_at)))

    def agree(self, code_id: str, by: str) -> bool:
        """Note who agreed; return False where it does not wait for anybody (any more)."""
        return bool(self._gateway.change(CodeRow, _is_code(code_id), *_IS_UNAGREED, agreed_by=by))

    # --- entering ---

    def entries(self, code_id: str) -> AttemptCounter:
        """Return the counter of a code's entries; none is left where it is not live, or expired."""
        return AttemptCounter(
            self._gateway,
            self._now,
            code_id,
            take=partial(self._charge_try, code_id),
            undo=partial(self._give_back, code_id),
        )

    def _charge_try(self, code_id: str) -> int | None:
        given = {"code": code_id, "now": self._now, "soon": self._now + CLOCKS_DIFFER}
        left: int | None = self._gateway.scalar(_CHARGE, given)
        return left

    def _give_back(self, code_id: str) -> None:
        self._gateway.write(_GIVE_BACK, {"code": code_id})

    def consume(self, code_id: str) -> bool:
        """Use up a code; return True for exactly one caller. The entry has checked the expiry."""
        this = {"code": code_id}
        return bool(self._gateway.change_prepared(CodeRow, _LIVE, this, consumed_at=self._now))

    def revoke_live(self, card_id: str) -> bool:
        this = {"card": card_id}
        return bool(
            self._gateway.change_prepared(CodeRow, _LIVE_TO_REVOKE, this, revoked_at=self._now)
        )

    def revoke(self, code_id: str) -> bool:
        """Revoke one, live or not yet; return False where it was used up or revoked before."""
        return self._revoke(_is_code(code_id)) > 0

    def revoke_given(self, card_id: str) -> bool:
        """Revoke the codes that staff gave for a card, agreed to or not."""
        given = col(CodeRow.card_id) == card_id, col(CodeRow.issued_by).is_not(None)
        return self._revoke(*given) > 0

    def revoke_all(self, card_id: str) -> None:
        """Revoke every code of a card except one that is being mailed: it can never be entered."""
        self._gateway.change_prepared(CodeRow, _ENTERABLE, {"card": card_id}, revoked_at=self._now)

    def revoke_every(self, but: Collection[str] = ()) -> int:
        """Revoke every code that was not used, of all cards, but some; return how many."""
        return self._revoke(col(CodeRow.id).not_in(but))

    def revoke_unaltered(self, visit_id: str) -> tuple[str, ...]:
        """Revoke the codes that a visit asked for and nobody used; return which.

        Those that were altered outside of the service stay as they are: they open nothing.
        """
        asked = select(CodeRow).where(col(CodeRow.visit_id) == visit_id, *_IS_UNUSED)
        rows = self._gateway.unchecked(asked.with_for_update(), CodeRow)
        revoked = [row for row in rows if self._gateway.fits(row)]
        for row in revoked:
            self._gateway.rewrite(row, revoked_at=self._now)
        return tuple(row.id for row in revoked)

    def revoke_of_holder(self, holder_id: str) -> None:
        """Revoke every code of a holder, also those that are being mailed."""
        self._revoke(col(CodeRow.holder_id) == holder_id)

    def _revoke(self, *conditions: ColumnElement[bool]) -> int:
        return len(self._gateway.change(CodeRow, *conditions, *_IS_UNUSED, revoked_at=self._now))


def _is_code(code_id: str) -> ColumnElement[bool]:
    return col(CodeRow.id) == code_id


def _by_card(rows: Sequence[Sequence[Any]]) -> dict[str, tuple[datetime, ...]]:
    times: defaultdict[str, list[datetime]] = defaultdict(list)
    for card_id, at in rows:
        times[card_id].append(at)
    return {card_id: tuple(sorted(each)) for card_id, each in times.items()}


# Numbers in notices: reading one out stops self-service for its holder.
#
# Only keyed digests are kept. A number is found by its digest, so there is no salt, and no two
# stored numbers are equal.

STOP_NUMBER_LIFE: Final = timedelta(days=30)
"""How long a number is valid."""
STOP_NUMBER_KEPT: Final = timedelta(days=180)
"""Then a number is deleted; until then one that is too old is recognised."""

DAY: Final = timedelta(days=1)

_USE: Final = "stop-number"
_DRAWS: Final = 20


_KEPT = Prepared(select(StopNumberRow).where(col(StopNumberRow.digest) == bindparam("digest")))


class StopNumbers(Repository):
    def draw(self, holder_id: str, visit_id: str) -> str:
        """Draw a number for an event in a visit, and keep its digest; return the digits."""
        for _ in range(_DRAWS):
            digits = f"{secrets.randbelow(10**STOP_NUMBER_DIGITS):0{STOP_NUMBER_DIGITS}d}"
            digest, *of_older_keys = self._gateway.macs.number_digests(_USE, digits)
            if any(self._kept(each) for each in of_older_keys):
                continue
            number = StopNumber(new_id(), holder_id, visit_id, digest, self._now)
            if self._gateway.add_new(StopNumberRow, values(number)):
                return digits
        raise StoreError("no free stop number was found", "stop-number")

    def find(self, digits: str) -> StopNumber | None:
        """Return the one with these digits, used up or too old as well."""
        digests = self._gateway.macs.number_digests(_USE, digits)
        return next((kept for kept in map(self._kept, digests) if kept), None)

    def _kept(self, digest: str) -> StopNumber | None:
        return self._one(StopNumber, StopNumberRow, _KEPT, {"digest": digest})

    def is_too_old(self, number: StopNumber) -> bool:
        return number.made_at + STOP_NUMBER_LIFE <= self._now

    def use_all(self, holder_id: str) -> None:
        """Mark a holder's numbers as used: none is valid any more."""
        theirs = col(StopNumberRow.holder_id) == holder_id, col(StopNumberRow.used_at).is_(None)
        self._gateway.change(StopNumberRow, *theirs, used_at=self._now)

    # --- entering ---

    def left(self, subject: str, visit_id: str, *, a_visit: int, a_day: int) -> int:
        """Return how many entries are left for a visit; lock the holder's cards to charge one."""
        wrong = (
            col(AttemptRow.subject) == subject,
            # One that is ahead by more than a day was dated by a wrong clock.
            col(AttemptRow.charged_at) > self._now - DAY,
            col(AttemptRow.charged_at) < self._now + DAY,
            or_(col(AttemptRow.verdict).is_(None), col(AttemptRow.verdict) == Verdict.WRONG),
        )
        here = col(AttemptRow.attempt_id).startswith(f"{visit_id}/", autoescape=True)
        count = select(func.count(), func.count().filter(here)).where(*wrong)
        ((of_day, of_visit),) = self._gateway.tuples(count)
        left: int = min(a_day - of_day, a_visit - of_visit)
        return max(0, left)

    def entries(self, subject: str, left: int) -> AttemptCounter:
        """Return the counter of entries; ``left`` is the result of ``left`` under the same lock.

        An entry counts by its row, unless it was right or could not be checked.
        """
        return AttemptCounter(
            self._gateway,
            self._now,
            subject,
            take=lambda: left - 1 if left > 0 else None,
            undo=lambda: None,
        )

    def bind(self, digits: str) -> bytes:
        return self._gateway.macs.number_digests(_USE, digits)[0].encode()


def entries_subject(holder_id: str, *, proven: bool) -> str:
    """Return what entries of stop numbers are charged to.

    A copy, a card known by name only, must not use up the entries of a card that has proven itself.
    """
    return f"stop:{holder_id}" if proven else f"stop-unproven:{holder_id}"


def read_stop_number(text: str) -> str | None:
    """Return the digits of a typed text, with or without spaces; None for anything else."""
    digits = "".join(text.split())
    is_one = len(digits) == STOP_NUMBER_DIGITS and digits.isascii() and digits.isdigit()
    return digits if is_one else None
