"""``Cards`` on PC/SC: each call acquires the card, has a deadline, and ends with a reset."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeVar

from hardware import pcsc
from hardware.connection import Connection, KeysRefused, Link, Record, Steps, Trace
from hardware.driver import CardSession, Driver, PinKey, all_applications, open_session, recognise
from hardware.pcsc import Contexts, PcscError
from kiosk.contract import errors
from kiosk.contract.messages import (
    Attestation,
    CardId,
    CardReport,
    PinChallenge,
    PinEntry,
    PinProof,
)
from kiosk.contract.ports import CardAddress, CardHold

T = TypeVar("T")
Job = Callable[[], None]

log = logging.getLogger(__name__)

BEFORE_VERIFY: Final = PinChallenge(b"unlock-kiosk: needs no PIN".ljust(32, b"."))
"""A card's key must refuse to sign this directly after a reset; it is as long as a challenge."""


class Workers:
    """Idle threads, so that a call on a card does not wait for a new thread.

    There are as many threads as there were jobs at one time. While one hangs, the next job gets
    another thread. Threads do not survive a fork: create this in the process that uses it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Job]] = []

    def start(self, job: Job) -> None:
        """Run ``job`` in an idle or a new thread; it must not raise.

        Its log lines keep the caller's log context.
        """
        with self._lock:
            jobs = self._idle.pop() if self._idle else None
        if jobs is None:
            jobs = SimpleQueue()
            threading.Thread(target=self._work, args=(jobs,), name="card", daemon=True).start()
        jobs.put(partial(copy_context().run, job))

    def _work(self, jobs: SimpleQueue[Job]) -> None:
        while True:
            jobs.get()()
            with self._lock:
                self._idle.append(jobs)


class AbandonedError(Exception):
    """Raised in work that no caller waits for any more: it must send nothing and end."""


class Watchdog:
    """A deadline for one piece of work that cannot be interrupted.

    PC/SC cannot cancel a transmission, so a card that hangs blocks its thread. The work therefore
    runs in another thread, and the caller measures how long the present step of the card takes; the
    time between two steps is not measured. When a step takes too long, the caller abandons the work
    and goes on. Once the card answers, the abandoned work sends nothing more and releases the card.
    """

    def __init__(self, limit_s: float, workers: Workers) -> None:
        self._workers = workers
        self._limit_s = limit_s
        self._changed = threading.Condition()
        self._since: float | None = None
        self._more_s = 0.0
        self._at_stake = False
        self._abandoned = False
        self._ended = False

    @contextmanager
    def guard(self, *, changes_card: bool = False, more_s: float = 0.0) -> Iterator[None]:
        """Time the block as one step of the card.

        ``more_s`` is the extra time for a person at the reader's keys. Raises ``AbandonedError``
        where the step must not begin, and after a step that took too long: no caller waits for its
        answer, and nothing may follow from it.
        """
        self._note(time.monotonic(), changes_card, more_s)
        try:
            yield
        finally:
            self._note(None, changes_card=False)

    def run(self, work: Callable[[], T], tidy: Callable[[], None]) -> T:
        """Do ``work``, then ``tidy``, in another thread; return its result or raise its error.

        A step that takes longer than the limit raises ``CardHung``, or ``OutcomeUnknown`` when it
        may have changed the card. When only ``tidy`` takes too long, the result of ``work`` stands.
        """
        verdict: Future[T] = Future()
        self._workers.start(lambda: self._do(work, tidy, verdict))
        with self._changed:
            while not self._ended and (left := self._time_left()) > 0:
                self._changed.wait(left)
            self._abandoned = not self._ended
        if verdict.done():
            return verdict.result()
        if self._at_stake:
            raise errors.OutcomeUnknown("the card took a command and did not answer in time")
        raise errors.CardHung("the card did not answer in time")

    def ended(self, within_s: float) -> bool:
        """Return whether the thread has released everything, waiting up to ``within_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended, within_s)

    def _do(self, work: Callable[[], T], tidy: Callable[[], None], verdict: Future[T]) -> None:
        try:
            verdict.set_result(work())
        except AbandonedError:
            pass
        except Exception as error:  # noqa: BLE001  carried over: the waiting thread raises it
            if isinstance(error, errors.CardError):
                # It is expected, and the frames of its traceback hold PINs as they were sent. A
                # report of any other error must not show the locals.
                error.__context__ = None
                error.with_traceback(None)
            verdict.set_exception(error)
        finally:
            with self._changed:
                self._since = time.monotonic()
            try:
                tidy()
            finally:
                with self._changed:
                    self._ended = True
                    self._changed.notify_all()

    def _time_left(self) -> float:
        """Return the seconds until a step can be late, also one that begins now."""
        since = time.monotonic() if self._since is None else self._since
        return since + self._limit_s + self._more_s - time.monotonic()

    def _note(self, since: float | None, changes_card: bool, more_s: float = 0.0) -> None:
        with self._changed:
            if self._abandoned:
                raise AbandonedError
            if more_s < self._more_s:
                self._changed.notify_all()
            self._since, self._at_stake, self._more_s = since, changes_card, more_s


@dataclass(frozen=True, slots=True)
class CardTimeouts:
    """How long to wait, in seconds.

    ``answer_s``: for one answer of the card. ``busy_s``: for another program that holds the card,
    with an attempt every ``retry_s``.
    """

    answer_s: float = 10.0
    busy_s: float = 2.0
    retry_s: float = 0.05


DEFAULT_TIMEOUTS: Final = CardTimeouts()


class CardLease:
    """Holds one card, for the one thread that works with it."""

    def __init__(
        self, reader: str, steps: Steps, timeouts: CardTimeouts, contexts: Contexts
    ) -> None:
        self._reader = reader
        self._steps = steps
        self._timeouts = timeouts
        self._contexts = contexts
        self._context: pcsc.Context | None = None
        self._handle: pcsc.Handle | None = None

    def acquire(self, *, reset: bool) -> Link:
        """Connect; wait a moment for another program, then raise ``CardBusy``.

        After a ``reset`` the card has forgotten every PIN and PUK that it verified.
        """
        give_up_at = time.monotonic() + self._timeouts.busy_s
        while True:
            try:
                with self._steps():
                    link = self._connect()
                if reset:
                    link.reconnect(reset=True)
            except errors.CardBusy:
                if time.monotonic() >= give_up_at:
                    raise
            else:
                return link
            with self._steps():
                self._disconnect()
            time.sleep(self._timeouts.retry_s)

    def release(self) -> None:
        """Disconnect with a reset, so that no PIN stays verified."""
        if self._handle is not None and self._context is not None:
            self._disconnect()
            self._contexts.give_back(self._context)
            self._context = None
        self._release()

    def _disconnect(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            pcsc.disconnect(handle, reset=True)

    def _release(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            pcsc.release(context)

    def _connect(self) -> Link:
        while True:
            kept = self._context or self._contexts.borrow()
            try:
                self._context = kept or pcsc.establish()
                self._handle, protocol = pcsc.connect(self._context, self._reader)
                return Link(self._handle, protocol, self._steps)
            except PcscError as error:
                if kept is None or not error.service_lost:
                    raise pcsc.card_error(error) from None
            # The service forgot the context.
            self._release()


class PcscCards:
    """Implements ``kiosk.contract.ports.Cards``; calls may come from several threads.

    ``pads``: PINs are entered on the keys of a reader that has some, until it refuses a request.
    ``record`` gets whole APDUs, with the secrets in them: it is for the trial of a test card.
    """

    def __init__(
        self,
        drivers: Sequence[Driver],
        timeouts: CardTimeouts = DEFAULT_TIMEOUTS,
        trace: Trace | None = None,
        *,
        pads: bool = True,
        record: Record | None = None,
    ) -> None:
        self._drivers = drivers
        self._timeouts = timeouts
        self._trace = trace
        self._record = record
        self._contexts = Contexts()
        self._workers = Workers()
        self._stuck: dict[str, Watchdog] = {}
        self._pads = pads
        self._pads_refused: set[tuple[str, str]] = set()

    def read(self, reader: str) -> CardReport:
        """Return what the card shows without a PIN; raise ``CardUnknown`` where no driver fits."""

        def work(connection: Connection) -> CardReport:
            driver, session = recognise(self._drivers, connection)
            card = CardId(driver.name, session.identifier())
            pin, expires_at = session.pin_state(), session.expires_at()
            certificate = session.certificate()
            pin_pad = self._pads and (reader, driver.name) not in self._pads_refused
            return CardReport(
                card,
                pin,
                expires_at,
                certificate,
                pin_pad and connection.link.keypad is not None and session.takes_pad(),
                session.changes_on_pad(),
                session.secret_tries(),
                session.pin_format(),
                driver.secret_kind,
            )

        return self._hold(reader, work)

    def applications(self, reader: str) -> tuple[CardId, ...]:
        """Return all applications of these families on the card, in the order of ``families``."""
        return self._hold(reader, partial(all_applications, self._drivers))

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        """Let the card verify ``pin`` and sign ``challenge`` directly afterwards.

        The card is reset first: after another program's VERIFY a key would sign at once. A card
        that hangs in the signature has verified the PIN, and gives no proof.
        """
        verified = False

        def work(connection: Connection) -> PinProof | None:
            nonlocal verified
            session = open_session(self._drivers, connection, at.card)
            if challenge is None:
                session.verify_pin(pin)
                return None
            key = _pin_key(session)
            # Before VERIFY: nothing comes between that and the signature.
            attested = _attestation(session) if key is not None and challenge.attest else None
            session.verify_pin(pin)
            verified = True
            if key is None:
                return None
            try:
                signature = session.sign_with_pin_key(key, challenge)
            except errors.CardError:
                return None
            if signature is None:
                return None
            return PinProof(signature, key.public_key, key.certificate, attested)

        try:
            return self._hold_card(at, work, reset=challenge is not None)
        except errors.CardHung:
            if not verified:
                raise
            return None

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        def work(connection: Connection) -> None:
            open_session(self._drivers, connection, at.card).change_pin(current, new)

        self._hold_card(at, work, reset=False)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Return or raise what ``use`` does with the card.

        The card is reset first: a card on which a secret was validated earlier would accept a wrong
        one.
        """

        def work(connection: Connection) -> T:
            return use(open_session(self._drivers, connection, at.card))

        return self._hold_card(at, work, reset=True)

    def _hold_card(self, at: CardAddress, work: Callable[[Connection], T], *, reset: bool) -> T:
        try:
            return self._hold(at.reader, work, reset=reset)
        except KeysRefused:
            refused = at.reader, at.card.driver
            if refused not in self._pads_refused:
                self._pads_refused.add(refused)
                log.warning(
                    "the keys of reader %r do not take PINs of %s cards: from now on their PINs "
                    "are typed at the station",
                    *refused,
                )
            raise

    def _hold(self, reader: str, work: Callable[[Connection], T], *, reset: bool = False) -> T:
        stuck = self._stuck.get(reader)
        if stuck is not None and not stuck.ended(self._timeouts.busy_s):
            raise errors.CardHung("the card still holds an earlier command")
        self._stuck.pop(reader, None)
        watchdog = Watchdog(self._timeouts.answer_s, self._workers)
        lease = CardLease(reader, watchdog.guard, self._timeouts, self._contexts)
        try:
            return watchdog.run(
                lambda: _with_contact_advice(
                    work, Connection(lease.acquire(reset=reset), self._trace, self._record)
                ),
                lease.release,
            )
        finally:
            if not watchdog.ended(0):
                self._stuck[reader] = watchdog


def _pin_key(session: CardSession) -> PinKey | None:
    """Return the key; None where the card has none, or where its key also signs before VERIFY."""
    try:
        key = session.pin_key()
        if key is None or session.sign_with_pin_key(key, BEFORE_VERIFY) is not None:
            return None
    except errors.CardProtocolError:
        return None
    return key


def _attestation(session: CardSession) -> Attestation | None:
    try:
        return session.attest_pin_key()
    except errors.CardProtocolError:
        return None


def _with_contact_advice(work: Callable[[Connection], T], connection: Connection) -> T:
    """Run ``work``; raise ``ContactNeeded`` where a contactless card forbids it.

    The status word is the same as on a card that forbids the command on every interface; only the
    reader knows the interface.
    """
    try:
        return work(connection)
    except errors.NotAllowed as refused:
        if refused.status and connection.link.is_contactless():
            raise errors.ContactNeeded(
                "held against the reader, the card takes no PIN: it wants a reader with contacts",
                refused.status,
            ) from None
        raise
