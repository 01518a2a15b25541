"""The ``Authority`` port: each call goes to its use case, and its errors become the port's.

Which parts of the authority answer is known here, too: every heartbeat asks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import partial, wraps
from threading import Lock
from typing import Concatenate, Final, ParamSpec, TypeVar, assert_never
from weakref import WeakValueDictionary

from kiosk.authority.audit.events import AuditKind, altered, new_reference, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import (
    KeyMissing,
    KeysUnavailable,
    MailError,
    ProgramTooOld,
    ResourcesExhausted,
    RowAltered,
    StoreError,
    ValueUnreadable,
)
from kiosk.authority.mail.compose import Mailer
from kiosk.authority.records import Scalar, Visit
from kiosk.authority.stations import Heartbeats, StationIdentity
from kiosk.authority.store.database import Store
from kiosk.authority.unblock import card_secret, mutual_authentication, outcome
from kiosk.authority.unblock import release as unblock_release
from kiosk.authority.visit import (
    gathering,
    lifecycle,
    maintenance,
    misuse,
    pin_change,
    pin_evidence,
    submitting,
)
from kiosk.authority.visit.context import VisitRefused
from kiosk.authority.visit.factors import saved_code
from kiosk.authority.visit.rules import station_barred
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.log_context import TroubleLog
from kiosk.contract.messages import (
    Heartbeat,
    JournalId,
    Reason,
    Refusal,
    StationStanding,
    UnblockOutcome,
    UnreadCard,
    VisitEnd,
    VisitId,
    reference_of,
)
from kiosk.contract.ports import Clock
from kiosk.contract.sensitive import Sensitive

log = logging.getLogger(__name__)

# One call at a time for each visit, in this process.
#
# A repeated call then waits for the first and gets its verdict, instead of finding it half done.
# Between processes the database decides.


class VisitLocks:
    """Locks by visit that exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    @contextmanager
    def of(self, visit: str) -> Iterator[None]:
        """Wait for the lock of the visit, and hold it in the block."""
        with self._guard:
            lock = self._locks.setdefault(visit, Lock())
        with lock:
            yield


# Which parts answer: mostly answered from memory.


@dataclass(frozen=True, slots=True)
class Health:
    """Which parts answer; ``keys`` are the master keys of unblock secrets, if any derive."""

    store: bool
    mail: bool
    keys: bool = True


STORE_S = 3.0
"""How long an answer of the database is reused for other stations."""

KEYS_S = 3.0
"""How long an answer of the token of master keys is reused."""

MAIL_S = 60.0
"""How long a good answer of the relay is reused."""

MAIL_AWAY_S = 15.0
"""How long a bad answer is reused: the relay is checked more often while it is away."""


class HealthWatch:
    """Checks database, master keys and relay, and reuses their answers for a while.

    One caller checks at a time; the others get the last result.
    """

    def __init__(
        self, store: Store, mailer: Mailer, clock: Clock, reach_keys: Callable[[], object]
    ) -> None:
        self._store = store
        self._mailer = mailer
        self._clock = clock
        self._reach_keys = reach_keys
        self._trouble = TroubleLog(log)
        self._asking = Lock()
        self._asking_mail = Lock()
        self._mail = True
        self._known = Health(store=True, mail=True)
        self._store_until = float("-inf")
        self._keys_until = float("-inf")
        self._mail_until = float("-inf")

    @property
    def mail_answered(self) -> bool | None:
        """Whether the relay answered the last check; None before the first."""
        return self._mail if self._mail_until > float("-inf") else None

    def ask_relay(self) -> bool:
        """Return whether the relay answers; the check may take as long as its deadline."""
        with self._asking_mail:
            if self._clock.monotonic() < self._mail_until:
                return self._mail
            try:
                self._mailer.check()
            except MailError:
                self._mail, lasts_s = False, MAIL_AWAY_S
            else:
                self._mail, lasts_s = True, MAIL_S
            self._mail_until = self._clock.monotonic() + lasts_s
            return self._mail

    def check(self) -> Health:
        """Return which parts answer; a check of the relay may take as long as its deadline."""
        if self._asking.acquire(blocking=False):
            try:
                was_well, store = self._known.store, self._store_answers()
                # The relay only while the database is well: a slow one must not delay its return.
                mail = self.ask_relay() if store and was_well else self._known.mail
                self._known = Health(store, mail, self._keys_answer())
            finally:
                self._asking.release()
        return self._known

    def _store_answers(self) -> bool:
        """Return whether it can decide: it has this program's tables, and room to write."""
        now = self._clock.monotonic()
        if self._known.store and now < self._store_until:
            return True
        try:
            if not self._store.schema_serves():
                return False
            self._store.check_writable()
            self._store.need_right_clock()
        except StoreError as error:
            self._trouble.note(f"stations are out of service: {error}")
            return False
        self._trouble.note("")
        self._store_until = now + STORE_S
        return True

    def _keys_answer(self) -> bool:
        now = self._clock.monotonic()
        if self._known.keys and now < self._keys_until:
            return True
        try:
            self._reach_keys()
        except (KeyMissing, KeysUnavailable) as error:
            if self._known.keys:
                log.warning("the master keys are away: %s", error)
            return False
        if not self._known.keys:
            log.info("the master keys are there again")
        self._keys_until = now + KEYS_S
        return True


# The calls.

P = ParamSpec("P")
T = TypeVar("T")


def _decided(
    use_case: Callable[Concatenate[Dependencies, VisitId, P], T],
) -> Callable[Concatenate[LocalAuthority, VisitId, P], T | Refusal]:
    """Make a use case a call of the port: one at a time for each visit, refusals audited."""

    @wraps(use_case)
    def call(
        self: LocalAuthority, visit: VisitId, /, *args: P.args, **named: P.kwargs
    ) -> T | Refusal:
        decide = partial(use_case, self._parts, visit, *args, **named)
        return self._decide(use_case.__name__, visit, decide)

    return call


class LocalAuthority:
    """The authority as an object in this process; safe to call from several threads.

    ``Authority`` documents each call. It raises only ``AuthorityUnavailable`` and ``StepRefused``,
    and no error holds a secret.
    """

    def __init__(self, parts: Dependencies) -> None:
        self._parts = parts
        self._locks = VisitLocks()
        self.health = HealthWatch(parts.store, parts.mailer, parts.clock, self.reach_keys)
        self._heartbeats = Heartbeats(parts.store, parts.clock, parts.language)

    def seen_by(self, station: StationIdentity) -> LocalAuthority:
        seen = copy(self)
        seen._parts = replace(self._parts, station=station)  # noqa: SLF001
        return seen

    begin = _decided(lifecycle.begin)
    prove = _decided(lifecycle.prove)
    choose = _decided(lifecycle.choose)
    pin_challenge = _decided(pin_evidence.pin_challenge)
    pin_verified = _decided(pin_evidence.pin_verified)
    save_questions = _decided(gathering.save_questions)
    give_email = _decided(gathering.give_email)
    choose_way = _decided(submitting.choose_way)
    prepare = _decided(submitting.prepare)
    submit = _decided(submitting.submit)
    make_saved_codes = _decided(saved_code.make_saved_codes)
    keep_saved_codes = _decided(saved_code.keep_saved_codes)
    enter_stop_number = _decided(misuse.enter_stop_number)
    challenge = _decided(unblock_release.challenge)
    release = _decided(unblock_release.release)
    admit = _decided(mutual_authentication.admit)
    record_outcome = _decided(outcome.record_outcome)
    pin_changing = _decided(pin_change.pin_changing)
    pin_kept = _decided(pin_change.pin_kept)
    pin_changed = _decided(pin_change.pin_changed)
    maintain = _decided(maintenance.maintain)

    def rotate_secret(self, visit: VisitId, journal: JournalId) -> Sensitive | None:
        decide = partial(card_secret.rotate_secret, self._parts, visit, journal)
        drawn = self._decide("rotate_secret", visit, decide)
        return None if isinstance(drawn, Refusal) else drawn

    def confirm_rotation(self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome) -> None:
        decide = partial(card_secret.confirm_rotation, self._parts, visit, journal, outcome)
        self._decide("confirm_rotation", visit, decide)

    def end(self, visit: VisitId, how: VisitEnd) -> None:
        """Close a visit; it does not wait for a running call of the visit."""
        with _reachable():
            lifecycle.end(self._parts, visit, how)

    def refuse(self, visit: VisitId, reason: str, unread: UnreadCard | None = None) -> None:
        with _reachable():
            lifecycle.refuse(self._parts, visit, reason, unread)

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        health = self.health.check()
        if not health.store:
            raise AuthorityUnavailable("the database gives no answer")
        with _reachable():
            standing = self._heartbeats.take(self._parts.station, beat)
        if not health.keys:
            raise AuthorityUnavailable("the master keys give no answer")
        return standing

    def station_standing(self) -> StationStanding:
        with _reachable(), self._parts.store.read() as uow:
            barred = station_barred(uow.stations.get(self._parts.station.name))
        match barred:
            case None:
                return StationStanding.IN_USE
            case Reason.STATION_RETIRED:
                return StationStanding.RETIRED
            case _:
                assert_never(barred)

    def reach_keys(self) -> None:
        """Check the master keys; raises ``KeyMissing`` or ``KeysUnavailable``."""
        self._parts.sealer.masters.reach()
        self._parts.source.ready()

    # --- what every call has in common ---

    def _decide(self, call: str, visit: VisitId, decide: Callable[[], T]) -> T | Refusal:
        """Run one use case under the visit's lock; audit a refused step or holder."""
        with self._locks.of(visit), _reachable():
            try:
                return decide()
            except VisitRefused as refused:
                if refused.keep is None:
                    reason = refused.reason.value
                    self._audit(visit, AuditKind.REFUSED, reason=reason, **refused.detail)
                return Refusal(refused.reason, refused.retry_at)
            except RowAltered as error:
                self._need_schema()  # what a newer program has written looks altered to an older
                self._audit(visit, AuditKind.ROW_ALTERED, **altered(error))
                self._audit(visit, AuditKind.REFUSED, reason=Reason.RECORD_ALTERED.value)
                return Refusal(Reason.RECORD_ALTERED)
            except ValueUnreadable:
                self._need_schema()
                reason = Reason.UNLISTED.value
                self._audit(visit, AuditKind.REFUSED, reason=reason, because=_NOT_KNOWN_HERE)
                return Refusal(Reason.UNLISTED)
            except StepRefused as error:
                self._audit(visit, AuditKind.STEP_REFUSED, call=call, because=str(error))
                raise

    def _need_schema(self) -> None:
        """Raise ``AuthorityUnavailable`` in a program that is too old for the database by now."""
        if not self._parts.store.schema_serves():
            raise AuthorityUnavailable(str(ProgramTooOld()))

    def _audit(self, visit: VisitId, kind: AuditKind, **detail: Scalar) -> None:
        if not lifecycle.is_visit_id(visit):
            detail, visit = {**detail, "visit": "malformed"}, VisitId("0" * 32)
        with self._parts.store.begin() as uow:
            try:
                called = uow.visits.unchecked(visit)
                # Where nobody opened it: never with the reference of one that somebody did open.
                taken = called is None and uow.visits.by_reference(reference_of(visit)) is not None
            except ValueUnreadable:
                called, taken = None, True
            if called is None:
                reference = new_reference() if taken else reference_of(visit)
                called = Visit(visit, reference, "", uow.now)
            # Who called, not who opened the visit: a station may name the visit of another one.
            record(uow, kind, replace(called, station=self._parts.station.name), **detail)
            uow.commit()


_NOT_KNOWN_HERE: Final = "a record has something in it that this version does not know"


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn an unreachable database or key, or exhausted memory, into the port's error."""
    try:
        yield
    except ProgramTooOld as error:
        raise AuthorityUnavailable(str(error)) from None
    except StoreError as error:
        raise AuthorityUnavailable(f"the database gives no answer ({error.code})") from None
    except (KeyMissing, KeysUnavailable, ResourcesExhausted) as error:
        raise AuthorityUnavailable(str(error)) from None
