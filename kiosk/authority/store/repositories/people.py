"""Cardholders, their registrations, and the security questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final, assert_never

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.records import (
    Address,
    AddressSource,
    Cardholder,
    CardStatus,
    JointHash,
    Registration,
    SavedCode,
    SecurityQuestion,
    UnblockState,
    Verdict,
    pause_after,
)
from kiosk.authority.store.gateway import Prepared, Repository, for_update, table_of
from kiosk.authority.store.repositories.attempts import AttemptCounter, counting
from kiosk.authority.store.repositories.codes import entries_subject
from kiosk.authority.store.repositories.visits import VISIT_LIFE
from kiosk.authority.store.tables import (
    ActionNoteRow,
    AddressRow,
    AttemptRow,
    CardholderRow,
    CardRow,
    CodeRow,
    ErasedNumberRow,
    KeptSecretRow,
    OutboxRow,
    PendingRow,
    ProposedActRow,
    QuestionRow,
    RegistrationRow,
    SearchTermRow,
    StaffCardRow,
    StopNumberRow,
    UnblockRow,
    VisitRow,
    col,
    values,
)
from kiosk.contract.language import Language
from kiosk.contract.text import sort_name

OVERWRITTEN = (
    "address_id",
    "question_ids",
    "hashes",
    "asked",
    "proven",
    "language",
    "saved_codes",
)

STATION_LIMITS: Final = ((timedelta(hours=1), 24), (timedelta(days=1), 72))
"""Within each span, how many wrong answers with cards known by name only one station may cause.

An unlock takes a minute and a half at least, so that a queue without a gap has forty unlocks an
hour: every second holder may give one wrong set first, and every fourth of a day of eight hours.
Three wrong sets pause a holder. So the key of one station pauses eight of them an hour, 24 a day.
"""

LONGEST_CHECK: Final = timedelta(seconds=30)
"""After this a set without verdict has none any more: no station waits so long for one."""


_TABLE = table_of(RegistrationRow)
_THIS = _TABLE.c.holder_id == bindparam("holder")
_REGISTRATION = for_update(RegistrationRow, _THIS)
_LOCK = Prepared(select(_TABLE.c.holder_id).where(_THIS).with_for_update())
_UNASKED = for_update(RegistrationRow, _THIS, _TABLE.c.asked.is_(None))
_MOST = bindparam("most", type_=Integer)
_CHARGE, _GIVE_BACK = counting(_TABLE.c.failures, _MOST, _THIS, _TABLE.c.blocked_at.is_(None))


class Registrations(Repository):
    def of_holder(self, holder_id: str) -> Registration | None:
        statement = select(RegistrationRow).where(_is(holder_id))
        return self._one(Registration, RegistrationRow, statement, holder_id=holder_id)

    def of_holders(self, holder_ids: Iterable[str]) -> dict[str, Registration]:
        """For display, never for a decision: altered ones too. At most 500 at a time."""
        wanted = col(RegistrationRow.holder_id).in_(list(holder_ids))
        rows = self._gateway.unchecked(select(RegistrationRow).where(wanted), RegistrationRow)
        return {row.holder_id: row.record(Registration) for row in rows}

    def put(self, registration: Registration) -> None:
        """Add one, or overwrite ``OVERWRITTEN`` in the one that exists: failures and block stay."""
        new = values(registration)
        if not self._gateway.add_new(RegistrationRow, new):
            overwritten = {name: new[name] for name in OVERWRITTEN}
            self._gateway.change(RegistrationRow, _is(registration.holder_id), **overwritten)

    def set_questions(
        self, holder_id: str, question_ids: tuple[int, ...], hashes: tuple[JointHash, ...]
    ) -> None:
        """Replace questions and answers; the ones to ask are drawn again, failures stay."""
        new = {"question_ids": question_ids, "hashes": hashes, "asked": None}
        self._gateway.change(RegistrationRow, _is(holder_id), **new)

    def names(self, holder_id: str, address_id: str) -> bool:
        """Lock one; return whether it names this address."""
        named = self._gateway.many(_REGISTRATION, RegistrationRow, {"holder": holder_id})
        return [one.address_id for one in named] == [address_id]

    def replace_address(self, holder_id: str, old: str, new: str) -> bool:
        """Name another address in place of ``old``; False if that changed, or with a block."""
        this = _is(holder_id), col(RegistrationRow.address_id) == old
        free = col(RegistrationRow.blocked_at).is_(None)
        return bool(self._gateway.change(RegistrationRow, *this, free, address_id=new))

    def correct_address(self, holder_id: str, new: str) -> None:
        """Name another address, whatever the registration named, and with a block, too."""
        self._gateway.change(RegistrationRow, _is(holder_id), address_id=new)

    def set_further(self, registration: Registration, further: tuple[str, ...]) -> bool:
        """Name other further addresses; return False where they changed since it was read."""
        this = _is(registration.holder_id), col(RegistrationRow.further) == registration.further
        return bool(self._gateway.change(RegistrationRow, *this, further=further))

    def delete(self, holder_id: str) -> bool:
        """Delete one with its addresses, answers, failures, block; False where there was none."""
        theirs = col(AddressRow.holder_id) == holder_id
        of_registration = col(AddressRow.source) != AddressSource.RECORD
        self._gateway.write(delete(AddressRow).where(theirs, of_registration))
        return self._gateway.run(delete(RegistrationRow).where(_is(holder_id))) == 1

    def attempts(
        self, holder_id: str, most: int, *, proven: bool = True, station: str = ""
    ) -> AttemptCounter:
        """Return the counter of a holder's answers; none is left once ``most`` failed, or blocked.

        Not ``proven``: with a card that is known by name only. These count apart from the holder's
        own, and for the ``station`` as well. After ``most`` wrong ones there is a pause, then one
        attempt and a longer pause.
        """
        subject = holder_id if proven else unproven_subject(holder_id)
        take = self._charge_failure if proven else self._charge_unproven
        undo = self._give_back if proven else self._give_back_unproven
        return AttemptCounter(
            self._gateway,
            self._now,
            subject,
            take=partial(take, holder_id, most),
            undo=partial(undo, holder_id),
            station=None if proven else station,
        )

    def lock_answers_at(self, station: str) -> None:
        """Keep others from charging answers at a station until the end; lock the card before."""
        self._gateway.take_turns(f"answers at {station}")

    def no_answers_until(self, station: str) -> datetime | None:
        """Return until when a station takes no answers with cards that are known by name only.

        None where it takes them. An attempt without a verdict counts as wrong. One that is ahead
        by more than the span was dated by a wrong clock, and does not count.
        """
        longest, most = max(STATION_LIMITS)
        at, verdict = col(AttemptRow.charged_at), col(AttemptRow.verdict)
        wrong = col(AttemptRow.station) == station, or_(verdict.is_(None), verdict == Verdict.WRONG)
        recent = at > self._now - longest, at < self._now + longest
        newest = select(at).where(*wrong, *recent).order_by(at.desc()).limit(most)
        charged = [each for (each,) in self._gateway.tuples(newest)]
        ends: list[datetime] = []
        for span, most in STATION_LIMITS:
            within = [each for each in charged if abs(self._now - each) < span]
            ends += [each + span for each in within[most - 1 : most]]
        return max(ends, default=None)

    def is_being_checked(self, holder_id: str) -> bool:
        """Return whether a set given with a proven card was charged just now, without verdict.

        Locks the registration: of two last verdicts at once, the second sees the first.
        """
        self._gateway.lock(_LOCK, {"holder": holder_id})
        at, longest = col(AttemptRow.charged_at), LONGEST_CHECK
        theirs = col(AttemptRow.subject) == holder_id, col(AttemptRow.verdict).is_(None)
        recent = at > self._now - longest, at < self._now + longest
        return bool(self._gateway.many(select(AttemptRow).where(*theirs, *recent), AttemptRow))

    def _charge_failure(self, holder_id: str, most: int) -> int | None:
        given = {"holder": holder_id, "most": most}
        left: int | None = self._gateway.scalar(_CHARGE, given)
        return left

    def _charge_unproven(self, holder_id: str, most: int) -> int | None:
        row = self._gateway.one(_REGISTRATION, RegistrationRow, {"holder": holder_id})
        if row is None or row.blocked_at is not None:
            return None
        if row.record(Registration).paused_until(self._now, most) is not None:
            return None
        count = row.unproven_failures + 1
        counted = update(RegistrationRow).where(_is(holder_id))
        self._gateway.write(counted.values(unproven_failures=count))
        if count >= most:
            self._gateway.rewrite(row, unproven_until=self._now + pause_after(count, most))
        return max(0, most - count)

    def _give_back(self, holder_id: str) -> None:
        self._gateway.write(_GIVE_BACK, {"holder": holder_id})

    def _give_back_unproven(self, holder_id: str) -> None:
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

    def end_pause(self, holder_id: str) -> Registration | None:
        """End a pause, and clear the failures that led to it; a block stays.

        Returns the registration as it was; None where no pause was in force.
        """
        paused = _is(holder_id), col(RegistrationRow.unproven_until) > self._now
        over = {"unproven_failures": 0, "unproven_until": None}
        ended = self._gateway.change(RegistrationRow, *paused, **over)
        return ended[0].record(Registration) if ended else None

    # --- saved codes ---

    def put_saved_codes(self, holder_id: str, codes: tuple[SavedCode, ...]) -> bool:
        """Put others in place of those that a holder has; False where nobody is registered."""
        new = codes or None
        return bool(self._gateway.change(RegistrationRow, _is(holder_id), saved_codes=new))

    def drop_saved_codes(self, holder_id: str) -> int:
        """Delete all that a holder has; return how many could be entered."""
        theirs = _is(holder_id), col(RegistrationRow.saved_codes).is_not(None)
        dropped = self._gateway.change(RegistrationRow, *theirs, saved_codes=None)
        return sum(len(row.record(Registration).saved_left) for row in dropped)

    def drop_every_saved_code(self, but: Collection[str] = ()) -> int:
        """Delete those of all holders, but some; return how many holders had any."""
        with_some = col(RegistrationRow.saved_codes).is_not(None)
        others = col(RegistrationRow.holder_id).not_in(but)
        return len(self._gateway.change(RegistrationRow, with_some, others, saved_codes=None))

    def use_saved_code(self, holder_id: str, code_id: str) -> bool:
        """Delete a code; return True for exactly one caller.

        What replaces it counts only once it is shown: see ``show_saved_code``.
        """
        codes = self._lock_saved_codes(holder_id)
        if not any(one.id == code_id and not one.replaces for one in codes):
            return False
        return self.put_saved_codes(holder_id, tuple(one for one in codes if one.id != code_id))

    def show_saved_code(self, holder_id: str, used_id: str, visit_id: str) -> SavedCode | None:
        """Let the code count that replaces a used one; it may be shown in that visit."""
        codes = self._lock_saved_codes(holder_id)
        found = next((one for one in codes if one.replaces == used_id), None)
        if found is None or any(one.id == used_id for one in codes):
            return None
        shown = replace(found, replaces="", visit_id=visit_id, made_at=self._now)
        self.put_saved_codes(holder_id, tuple(shown if one is found else one for one in codes))
        return shown

    def forget_nonces(self, holder_id: str, visit_id: str) -> None:
        """Let nothing that was shown in a visit be made again."""
        codes = self._lock_saved_codes(holder_id)
        if any(one.nonce and one.visit_id == visit_id and not one.replaces for one in codes):
            kept = (one if one.replaces else replace(one, nonce="") for one in codes)
            self.put_saved_codes(holder_id, tuple(kept))

    def _lock_saved_codes(self, holder_id: str) -> tuple[SavedCode, ...]:
        row = self._gateway.one(_REGISTRATION, RegistrationRow, {"holder": holder_id})
        self._gateway.check_asked(row, holder_id=holder_id)
        return (row.saved_codes or ()) if row is not None else ()

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
    return f"unproven:{holder_id}"


def _is(holder_id: str) -> ColumnElement[bool]:
    return col(RegistrationRow.holder_id) == holder_id


_OF_CARD: Final = StaffCardRow, KeptSecretRow, UnblockRow
_OF_HOLDER: Final = (
    StopNumberRow,
    AddressRow,
    CodeRow,
    PendingRow,
    RegistrationRow,
    SearchTermRow,
    OutboxRow,
    ProposedActRow,
    ActionNoteRow,
    CardRow,
)
"""Beside visits and attempts, the rows about a card or a holder, in the order of their erasure.

What refers to something goes before it.
"""

_ERASED: Final = "erased-number"
_WRITTEN: Final = ("name", "sort_name", "address_id", "left_at")


class Cardholders(Repository):
    def get(self, holder_id: str) -> Cardholder | None:
        wanted = select(CardholderRow).where(col(CardholderRow.id) == holder_id)
        return self._one(Cardholder, CardholderRow, wanted, id=holder_id)

    def by_numbers(self, numbers: Iterable[str]) -> dict[str, Cardholder]:
        """Return those that exist, by number; at most 500 at a time."""
        wanted = select(CardholderRow).where(col(CardholderRow.number).in_(list(numbers)))
        found = self._all(Cardholder, CardholderRow, wanted)
        return {one.number: one for one in found}

    def by_ids(self, ids: Iterable[str]) -> dict[str, Cardholder]:
        """For display, never for a decision: altered ones too. At most 500 at a time."""
        wanted = select(CardholderRow).where(col(CardholderRow.id).in_(list(ids)))
        rows = self._gateway.unchecked(wanted, CardholderRow)
        return {row.id: row.record(Cardholder) for row in rows}

    def lock_each(self, ids: Iterable[str]) -> dict[str, Cardholder]:
        """Lock some, at most 500 at a time; rows that refer to them can still be added."""
        statement = select(CardholderRow).where(col(CardholderRow.id).in_(list(ids)))
        ordered = statement.order_by(col(CardholderRow.id)).with_for_update(key_share=True)
        found = self._all(Cardholder, CardholderRow, ordered)
        return {one.id: one for one in found}

    def put(self, holders: Iterable[Cardholder], addresses: Iterable[Address] = ()) -> None:
        """Add each, or overwrite the name; at most 500 at a time.

        ``addresses`` are those of records that are new. Without one, a holder who exists keeps what
        their record names: an import must not undo what staff decided while the file was read. A
        leaver stays one for the same reason.
        """
        holders = tuple(holders)
        new_ones = {one.holder_id: one for one in addresses}
        held = self.lock_each(holder.id for holder in holders)
        upsert = self._gateway.upsert(CardholderRow)
        new = upsert.excluded
        # A statement that sets the number, even to what it is, would lock the key as well.
        changed: dict[str, Any] = {name: new[name] for name in (*_WRITTEN, "mac")}
        changed["revision"] = col(CardholderRow.revision) + 1
        statement = upsert.on_conflict_do_update(index_elements=["id"], set_=changed)
        merged = []
        for one in holders:
            was = held.get(one.id, one)
            address = new_ones[one.id].id if one.id in new_ones else was.address_id
            kept = replace(one, number=was.number, left_at=was.left_at, address_id=address)
            merged.append(self._gateway.stamped(CardholderRow, _columns(kept)))
        self._gateway.run(statement, merged)
        self._record(new_ones.values(), held)

    def _record(self, addresses: Collection[Address], held: Collection[str]) -> None:
        """Write addresses of records in place of those that were there."""
        before = [one.holder_id for one in addresses if one.holder_id in held]
        if before:
            recorded = col(AddressRow.source) == AddressSource.RECORD
            theirs = col(AddressRow.holder_id).in_(before)
            self._gateway.write(delete(AddressRow).where(theirs, recorded))
        rows = [self._gateway.stamped(AddressRow, values(one)) for one in addresses]
        self._gateway.run(insert(AddressRow), rows)

    def add(self, holder: Cardholder, address: Address | None = None) -> bool:
        """Add one with the address of the record; return False where the number exists."""
        named = replace(holder, address_id=address.id if address else None)
        if not self._gateway.add_new(CardholderRow, _columns(named)):
            return False
        self._record([address] if address else [], ())
        return True

    def touch(self, holder_id: str, revision: int) -> bool:
        """Raise the revision and lock the row; return False where ``revision`` has changed."""
        same = col(CardholderRow.id) == holder_id, col(CardholderRow.revision) == revision
        statement = update(CardholderRow).where(*same).values(revision=revision + 1)
        return self._gateway.run(statement) == 1

    def save(self, holder: Cardholder, address: Address | None = None) -> None:
        """Overwrite name and leaving of a locked one, and the address if given; ``touch`` first."""
        if address is not None:
            holder = replace(holder, address_id=address.id)
            self._record([address], (holder.id,))
        this = select(CardholderRow).where(col(CardholderRow.id) == holder.id)
        locked, columns = this.with_for_update(key_share=True), _columns(holder)
        new = {name: columns[name] for name in _WRITTEN}
        self._gateway.change_prepared(CardholderRow, locked, {}, **new)

    def erase(self, holder_id: str) -> bool:
        """Delete a holder and every row about them; return False where there was none.

        A keyed digest of their number stays, so that an import can report that it brings them back,
        and so does the audit, which holds ids. Lock the person and their cards first, so that no
        station writes another row.
        """
        cards = select(col(CardRow.id)).where(col(CardRow.holder_id) == holder_id)
        codes = select(col(CodeRow.id)).where(col(CodeRow.holder_id) == holder_id)
        subjects = (
            holder_id,
            unproven_subject(holder_id),
            entries_subject(holder_id, proven=True),
            entries_subject(holder_id, proven=False),
        )
        subject, visit = col(AttemptRow.subject), VisitRow
        theirs = or_(col(visit.holder_id) == holder_id, col(visit.card_id).in_(cards))
        about = (
            *(delete(row).where(table_of(row).c.card_id.in_(cards)) for row in _OF_CARD),
            # Two statements: PostgreSQL would use no index for one with both.
            *(delete(AttemptRow).where(subject.in_(these)) for these in (subjects, codes)),
            delete(VisitRow).where(theirs),
            *(delete(row).where(table_of(row).c.holder_id == holder_id) for row in _OF_HOLDER),
        )
        this = col(CardholderRow.id) == holder_id
        number = self._gateway.scalar(select(col(CardholderRow.number)).where(this))
        if number is None:
            return False
        digest = self._gateway.macs.number_digests(_ERASED, number)[0]
        self._gateway.add_new(ErasedNumberRow, {"digest": digest})
        for statement in about:
            self._gateway.run(statement)
        return self._gateway.run(delete(CardholderRow).where(this)) == 1

    def erased_among(self, numbers: Iterable[str]) -> frozenset[str]:
        """Return those whose holder was erased, at most 500 at a time; raises ``KeyMissing``."""
        row = ErasedNumberRow
        if not self._gateway.tuples(select(col(row.digest)).limit(1)):
            return frozenset()
        sought = {
            digest: number
            for number in numbers
            for digest in self._gateway.macs.number_digests(_ERASED, number)
        }
        found = self._gateway.tuples(select(col(row.digest)).where(col(row.digest).in_(sought)))
        return frozenset(sought[digest] for (digest,) in found)


def _columns(holder: Cardholder) -> dict[str, Any]:
    return {**values(holder), "sort_name": sort_name(holder.name)}


@cache
def _questions(ids: tuple[str, ...]) -> Prepared:
    return Prepared(
        select(QuestionRow).where(col(QuestionRow.id).in_([bindparam(name) for name in ids]))
    )


class SecurityQuestions(Repository):
    """The list that registrations choose from."""

    def lock_all(self) -> None:
        self._gateway.lock_table(QuestionRow)

    def every(self) -> tuple[SecurityQuestion, ...]:
        """Return all by id, retired ones too."""
        every = select(QuestionRow).order_by(col(QuestionRow.id))
        return self._all(SecurityQuestion, QuestionRow, every)

    def current(self) -> tuple[SecurityQuestion, ...]:
        """Return those that are offered, by id."""
        offered = select(QuestionRow).where(col(QuestionRow.retired_at).is_(None))
        return self._all(SecurityQuestion, QuestionRow, offered.order_by(col(QuestionRow.id)))

    def by_ids(self, ids: Iterable[int]) -> dict[int, SecurityQuestion]:
        """Return retired ones, too: a registration keeps its own."""
        given = {f"id_{at}": question_id for at, question_id in enumerate(ids)}
        if not given:
            return {}
        found = self._all(SecurityQuestion, QuestionRow, _questions(tuple(given)), given)
        return {one.id: one for one in found}

    def add(self, question: SecurityQuestion) -> None:
        """Add one under an id that was never used."""
        self._gateway.add(QuestionRow, values(question))

    def put_text(self, question_id: int, language: Language, text: str) -> bool:
        """Let one read so in a language, an empty text as in English; False where it is unknown."""
        found = self.by_ids((question_id,)).get(question_id)
        if found is None:
            return False
        others = {tag: said for tag, said in (found.others or {}).items() if tag != language}
        if text:
            others[language] = text
        this = update(QuestionRow).where(col(QuestionRow.id) == question_id)
        self._gateway.run(this.values(others=others or None))
        return True

    def retire(self, question_id: int, at: datetime) -> bool:
        """Stop offering one to new holders; return False where it is unknown or retired already."""
        offered = col(QuestionRow.id) == question_id, col(QuestionRow.retired_at).is_(None)
        return self._gateway.run(update(QuestionRow).where(*offered).values(retired_at=at)) == 1

    def revive(self, question_id: int) -> bool:
        """Offer one again; return False where it is unknown or offered already."""
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


# Lists of people by their state, a page at a time: each page begins where one ended.
#
# A page is found by its sort key and the holder's id, never by an offset, so that the last page of
# a long list costs as much as its first.


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list; ``date`` is None where the group has none."""

    holder_id: str
    date: datetime | None
    place: PagePosition


_IS_VALID = col(CardRow.status) != CardStatus.REVOKED
_THEIR_CARD = col(CardRow.holder_id) == col(CardholderRow.id)
_THEIR_REGISTRATION = col(RegistrationRow.holder_id) == col(CardholderRow.id)


class PeopleLists(Repository):
    """The people of each group at ``now``."""

    def page(
        self,
        group: PeopleGroup,
        order: PeopleOrder,
        *,
        descending: bool = False,
        after: PagePosition | None = None,
        limit: int,
    ) -> tuple[Listed, ...]:
        found, date = self._group(group)
        id_ = col(CardholderRow.id)
        key: Any
        match order:
            case PeopleOrder.NUMBER:
                key = col(CardholderRow.number)
            case PeopleOrder.DATE if date is not None:
                key = date
            case PeopleOrder.NAME | PeopleOrder.DATE:
                key = col(CardholderRow.sort_name)
            case _:
                assert_never(order)
        if after is not None:
            there = tuple_(literal(after.key, key.type), literal(after.holder_id))
            here = tuple_(key, id_)
            found = found.where(here < there if descending else here > there)
        sort = (key.desc(), id_.desc()) if descending else (key, id_)
        dated = null() if date is None else date
        rows = self._gateway.tuples(
            found.with_only_columns(id_, dated, key).order_by(*sort).limit(limit)
        )
        return tuple(Listed(id_, at, PagePosition(key, id_)) for id_, at, key in rows)

    def count(self, group: PeopleGroup, most: int) -> int:
        found, _ = self._group(group)
        some = found.with_only_columns(col(CardholderRow.id)).limit(most).subquery()
        return self._gateway.count(select(func.count()).select_from(some))

    def _group(self, group: PeopleGroup) -> tuple[Select[Any], Any]:
        """Return the query for the group's people, and its date."""
        holder, left_at = select(CardholderRow), col(CardholderRow.left_at)
        here = or_(left_at.is_(None), left_at > self._now)
        blocked_at = col(RegistrationRow.blocked_at)
        match group:
            case PeopleGroup.EVERYBODY:
                return holder, None
            case PeopleGroup.LEFT:
                return holder.where(left_at.is_not(None), left_at <= self._now), left_at
            case PeopleGroup.BLOCKED:
                blocked = holder.join(RegistrationRow, _THEIR_REGISTRATION)
                return blocked.where(blocked_at.is_not(None), here), blocked_at
            case PeopleGroup.NO_CARD:
                blocked_one = _has(RegistrationRow, _THEIR_REGISTRATION, blocked_at.is_not(None))
                return holder.where(here, ~_has(CardRow, _THEIR_CARD), ~blocked_one), None
            case PeopleGroup.NOT_REGISTERED:
                expires_at = col(CardRow.expires_at)
                lasts = or_(expires_at.is_(None), expires_at > self._now)
                usable = _has(CardRow, _THEIR_CARD, _IS_VALID, lasts)
                return holder.where(here, usable, ~_has(RegistrationRow, _THEIR_REGISTRATION)), None
            case PeopleGroup.EXPIRING:
                ends = self._ending()
                ending = holder.join(ends, ends.c.holder_id == col(CardholderRow.id))
                return ending.where(here), ends.c.ends_at
            case PeopleGroup.CARD_IN_DOUBT:
                doubt = self._in_doubt()
                doubted = holder.join(doubt, doubt.c.holder_id == col(CardholderRow.id))
                return doubted.where(here), doubt.c.since
            case PeopleGroup.MAIL_FAILS:
                failing = self._failing()
                failed = holder.join(failing, failing.c.holder_id == col(CardholderRow.id))
                return failed.where(here), failing.c.since
            case _:
                assert_never(group)

    def _ending(self) -> Any:
        """Return the first end of a card for each holder who has one that ends this month."""
        expires_at: Any = col(CardRow.expires_at)
        now = self._now
        year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
        next_month = datetime(year, month, 1, tzinfo=now.tzinfo)
        ending = expires_at.is_not(None), expires_at > self._now, expires_at <= next_month
        first = func.min(expires_at, type_=expires_at.type).label("ends_at")
        of_holder = select(col(CardRow.holder_id), first).where(*ending, _IS_VALID)
        return of_holder.group_by(col(CardRow.holder_id)).subquery()

    def _failing(self) -> Any:
        """Return since when mail came back, for each holder with an address to which it did."""
        at: Any = col(AddressRow.bounced_at)
        owner = col(AddressRow.holder_id)
        since = func.min(at, type_=at.type).label("since")
        failing = at.is_not(None), col(AddressRow.bounce).startswith("5")
        return select(owner, since).where(*failing).group_by(owner).subquery()

    def _in_doubt(self) -> Any:
        """Return since when a card is in doubt, for each holder who has such a card."""
        owner = col(CardRow.holder_id)
        aside: Any = col(CardRow.set_aside_at)
        began: Any = col(UnblockRow.opened_at)
        is_over = or_(
            col(UnblockRow.state) == UnblockState.UNKNOWN,
            began <= self._now - VISIT_LIFE,
            began >= self._now + VISIT_LIFE,
        )
        refused = select(owner, aside.label("since")).where(aside.is_not(None), _IS_VALID)
        cut = (
            select(owner, began.label("since"))
            .join_from(UnblockRow, CardRow, col(UnblockRow.card_id) == col(CardRow.id))
            .where(col(UnblockRow.closed_at).is_(None), is_over, _IS_VALID)
        )
        each = union_all(refused, cut).subquery()
        first = func.min(each.c.since, type_=began.type).label("since")
        return select(each.c.holder_id, first).group_by(each.c.holder_id).subquery()


def _has(row: type[Any], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(literal(1)).select_from(row).where(*conditions).correlate(CardholderRow).exists()
