"""The ``Authority`` port: each call goes to its use case, and comes back in the port's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import TypeVar

from kiosk.authority import answers as answering
from kiosk.authority import begin, codes, ending, gathering, misuse, pin_evidence, stations
from kiosk.authority.audit import AuditKind, altered, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.stations import HealthWatch
from kiosk.authority.store.records import Scalar, Visit
from kiosk.authority.unblock import mutual_authentication, release, rotation
from kiosk.authority.unblock.outcome import record_outcome
from kiosk.authority.visit_context import VisitRefused
from kiosk.contract.errors import (
    AuthorityUnavailable,
    KeyMissing,
    KeysAway,
    RowAltered,
    StepRefused,
    StoreError,
)
from kiosk.contract.messages import (
    Answer,
    AnswersRefused,
    AnswersWrong,
    CardChallenge,
    CardProof,
    CardReport,
    CodeDead,
    CodeNotSent,
    CodeWrong,
    EmailRefused,
    Grant,
    Health,
    Heartbeat,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    PinChallenge,
    PinProof,
    Purpose,
    Reason,
    Refusal,
    StationStanding,
    StopNumberWrong,
    Task,
    UnblockOutcome,
    UnreadCard,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.reference import reference_of
from kiosk.contract.sensitive import Sensitive

# One call at a time for each visit, in this process.
#
# A repeated call then waits for the first and gets its verdict, instead of finding it half done.
# Between processes the database's own statements decide.


class VisitLocks:
    """Locks by visit that exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: dict[str, Lock] = {}
        self._users: Counter[str] = Counter()

    @contextmanager
    def of(self, visit: str) -> Iterator[None]:
        """Wait for the visit's turn, and hold it for the block."""
        with self._guard:
            lock = self._locks.setdefault(visit, Lock())
            self._users[visit] += 1
        try:
            with lock:
                yield
        finally:
            self._leave(visit)

    def _leave(self, visit: str) -> None:
        with self._guard:
            self._users[visit] -= 1
            if not self._users[visit]:
                del self._users[visit], self._locks[visit]


T = TypeVar("T")

_ATTEMPT_MAX = 64


class LocalAuthority:
    """The authority as an object in this process; safe to call from several threads.

    Nothing it raises carries a secret: ``AuthorityUnavailable`` and ``StepRefused`` only.
    """

    def __init__(self, parts: Dependencies) -> None:
        self._parts = parts
        self._turns = VisitLocks()
        self._health = HealthWatch(parts.store, parts.mailer, parts.clock, self._reach_keys)

    def begin(
        self, visit: VisitId, station: str, report: CardReport
    ) -> VisitOpened | CardChallenge | Refusal:
        """Open a visit for the card that went in, or have it prove itself first."""
        return self._decide(
            "begin", visit, lambda: begin.begin(self._parts, visit, station, report)
        )

    def prove(self, visit: VisitId, proof: CardProof | None) -> VisitOpened | Refusal:
        """Open the visit whose card has answered its challenge."""
        return self._decide("prove", visit, lambda: begin.prove(self._parts, visit, proof))

    def choose(self, visit: VisitId, purpose: Purpose) -> Task | Refusal:
        """Start on one of the offers."""
        return self._decide("choose", visit, lambda: begin.choose(self._parts, visit, purpose))

    def pin_challenge(self, visit: VisitId) -> PinChallenge | Refusal:
        """Draw what the card signs directly after VERIFY."""
        return self._decide(
            "pin_challenge", visit, lambda: pin_evidence.pin_challenge(self._parts, visit)
        )

    def pin_verified(self, visit: VisitId, proof: PinProof | None) -> Task | Refusal:
        """Record that the card verified its PIN, and what shows it."""
        return self._decide(
            "pin_verified", visit, lambda: pin_evidence.pin_verified(self._parts, visit, proof)
        )

    def save_questions(
        self, visit: VisitId, answers: tuple[Answer, ...]
    ) -> Task | AnswersRefused | Refusal:
        """Take the questions that the holder chose, with their answers."""
        return self._decide(
            "save_questions", visit, lambda: gathering.save_questions(self._parts, visit, answers)
        )

    def give_email(
        self, visit: VisitId, email: str, attempt: str
    ) -> Task | EmailRefused | CodeNotSent | Refusal:
        """Take an address and send a code to it."""

        def take() -> Task | EmailRefused | CodeNotSent | Refusal:
            return gathering.give_email(self._parts, visit, email, _named(attempt))

        return self._decide("give_email", visit, take)

    def answer(
        self, visit: VisitId, attempt: str, answers: tuple[Answer, ...]
    ) -> Task | AnswersWrong | Refusal:
        """Check one full set of answers; charged before it is looked at."""

        def check() -> Task | AnswersWrong | Refusal:
            return answering.answer(self._parts, visit, _named(attempt), answers)

        return self._decide("answer", visit, check)

    def send_code(self, visit: VisitId, attempt: str) -> Task | CodeNotSent | Refusal:
        """Send the code that is due, or a fresh one in its place."""

        def send() -> Task | CodeNotSent | Refusal:
            return codes.send_code(self._parts, visit, _named(attempt))

        return self._decide("send_code", visit, send)

    def enter_code(
        self, visit: VisitId, attempt: str, code: Sensitive
    ) -> Task | CodeWrong | CodeDead | Refusal:
        """Check one entered code; charged before it is looked at."""

        def check() -> Task | CodeWrong | CodeDead | Refusal:
            return codes.enter_code(self._parts, visit, _named(attempt), code)

        return self._decide("enter_code", visit, check)

    def enter_stop_number(
        self, visit: VisitId, attempt: str, number: Sensitive
    ) -> Task | StopNumberWrong | Refusal:
        """Check one entered stop number; charged before it is looked at."""

        def check() -> Task | StopNumberWrong:
            return misuse.enter_stop_number(self._parts, visit, _named(attempt), number)

        return self._decide("enter_stop_number", visit, check)

    def challenge(self, visit: VisitId) -> CardChallenge | KeyChallenge | Refusal | None:
        """Draw what the card has to answer for its secret."""
        return self._decide("challenge", visit, lambda: release.challenge(self._parts, visit))

    def release(
        self, visit: VisitId, attempt: str, proof: CardProof | KeyNonce | None = None
    ) -> Grant | KeyGrant | Refusal:
        """Release the unblock secret, once, after every factor."""

        def work() -> Grant | KeyGrant | Refusal:
            return release.release(self._parts, visit, _named(attempt), proof)

        return self._decide("release", visit, work)

    def admit(self, visit: VisitId, journal: JournalId, answer: KeyAnswer) -> Refusal | None:
        """Judge whether the card has the admin key, too."""

        return self._decide(
            "admit", visit, lambda: mutual_authentication.admit(self._parts, visit, journal, answer)
        )

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Task | Refusal:
        """Record what the card did with a grant."""
        return self._decide(
            "record_outcome", visit, lambda: record_outcome(self._parts, visit, journal, outcome)
        )

    def rotate_secret(self, visit: VisitId, journal: JournalId) -> Sensitive | None:
        """Draw the secret that the card is to take in place of the one that was used."""

        def draw() -> Sensitive | None:
            return rotation.rotate_secret(self._parts, visit, journal)

        drawn = self._decide("rotate_secret", visit, draw)
        return None if isinstance(drawn, Refusal) else drawn

    def confirm_rotation(self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome) -> None:
        """Record what the card made of the secret that it was to take."""
        self._decide(
            "confirm_rotation",
            visit,
            lambda: rotation.confirm_rotation(self._parts, visit, journal, outcome),
        )

    def pin_changed(self, visit: VisitId) -> Task | Refusal:
        """Record that the card took a new PIN in a change-PIN visit."""
        return self._decide("pin_changed", visit, lambda: ending.pin_changed(self._parts, visit))

    def end(self, visit: VisitId, how: VisitEnd) -> None:
        """Close a visit; it does not wait for a call of the visit that is under way."""
        with _reachable():
            ending.end(self._parts, visit, how)

    def refuse(
        self, visit: VisitId, station: str, reason: str, unread: UnreadCard | None = None
    ) -> str:
        """Record a refusal that the station made by itself; return its reference number."""
        with _reachable():
            return ending.refuse(self._parts, visit, station, reason, unread)

    def health(self) -> Health:
        """Say what answers."""
        return self._health.look()

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        """Note that a station lives, and tell it whether it may serve anybody."""
        with _reachable():
            return stations.heartbeat(self._parts, beat)

    def _reach_keys(self) -> None:
        self._parts.sealer.masters.reach()
        self._parts.source.ready()

    # --- what every call has in common ---

    def _decide(self, call: str, visit: VisitId, decide: Callable[[], T]) -> T | Refusal:
        """Run one use case in the visit's turn; audit a step or a holder that is turned away."""
        with self._turns.of(visit), _reachable():
            try:
                return decide()
            except VisitRefused as turned:
                return self._refusal(visit, turned.reason, turned.retry_at)
            except RowAltered as error:
                self._audit(visit, AuditKind.ROW_ALTERED, **altered(error))
                return self._refusal(visit, Reason.RECORD_ALTERED)
            except StepRefused as refused:
                self._audit(visit, AuditKind.STEP_REFUSED, call=call, because=str(refused))
                raise

    def _refusal(self, visit: VisitId, reason: Reason, retry_at: datetime | None = None) -> Refusal:
        self._audit(visit, AuditKind.REFUSED, reason=reason.value)
        return Refusal(reason, reference_of(visit), retry_at)

    def _audit(self, visit: VisitId, kind: AuditKind, **detail: Scalar) -> None:
        if not begin.is_visit_id(visit):
            detail, visit = {**detail, "visit": "malformed"}, VisitId("0" * 32)
        with self._parts.store.begin() as uow:
            unknown = Visit(visit, reference_of(visit), "", uow.now)
            record(uow, kind, uow.visits.unchecked(visit) or unknown, **detail)
            uow.commit()


def _named(attempt: str) -> str:
    if not 0 < len(attempt) <= _ATTEMPT_MAX:
        raise StepRefused("an attempt has an id of 1 to 64 characters")
    return attempt


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn a database or a key that cannot be reached into the port's own word for it."""
    try:
        yield
    except StoreError as error:
        raise AuthorityUnavailable(f"the database gives no answer ({error.code})") from None
    except (KeyMissing, KeysAway) as error:
        raise AuthorityUnavailable(str(error)) from None
