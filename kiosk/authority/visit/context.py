"""What a decision needs: a visit and all that is recorded around it, read under its locks.

``enter`` reads the ``VisitContext`` and refuses a visit that may not continue,
``VisitContext.need`` computes from it whether an act is due. A report about a grant begins with
``find_grant``: its visit may be over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, assert_never

from kiosk.authority.addresses import Addresses, named_addresses
from kiosk.authority.audit.events import record_refusal
from kiosk.authority.crypto.card_keys import named_by_key
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import RowAltered, ValueUnreadable
from kiosk.authority.records import (
    Card,
    Cardholder,
    EmailCode,
    LockedGrant,
    LockedVisit,
    PinEvidence,
    Proof,
    Registration,
    Scalar,
    Visit,
)
from kiosk.authority.roles import Action, may
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.repositories.visits import is_within_visit
from kiosk.authority.visit.card_evidence import key_to_prove
from kiosk.authority.visit.proofs import Factors, enrolled_in
from kiosk.authority.visit.rules import (
    BY_STAFF,
    OWNER_IS_ASKED,
    UNLOCKS,
    Gate,
    Progress,
    SecretProblem,
    Step,
    card_barred,
    is_pin_by_staff,
    is_registered,
    needs_pin,
    next_step,
    position,
    reaches,
    secret_barred,
    station_barred,
)
from kiosk.authority.visit.ways import named, open_ways
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Factor, JournalId, Position, Purpose, Reason, Task, VisitId, Way
from kiosk.contract.policy import Genuine, Policy


class VisitRefused(Exception):
    """The visit cannot continue; raised inside, and answered by the service as a refusal.

    What the unit of work has written is rolled back. Where ``keep`` names the visit, it is
    committed instead, together with the audit event of the refusal. ``detail`` is for that event
    alone.
    """

    def __init__(
        self,
        reason: Reason,
        retry_at: datetime | None = None,
        *,
        keep: Visit | None = None,
        **detail: Scalar,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.retry_at = retry_at
        self.keep = keep
        self.detail = detail


@contextmanager
def deciding(parts: Dependencies) -> Iterator[UnitOfWork]:
    """Begin a unit of work of a visit: it rolls back, unless it or a ``VisitRefused`` commits.

    Raises ``StoreError`` where the clock of the database is wrong, or the machine's.
    """
    with parts.store.begin() as uow:
        parts.store.need_right_clock()
        try:
            yield uow
        except VisitRefused as refused:
            if refused.keep is not None:
                record_refusal(uow, refused.keep, refused.reason, **refused.detail)
                uow.commit()
            raise


def act_on_each(
    store: Store, ids: Iterable[str], act: Callable[[UnitOfWork, str], None]
) -> tuple[RowAltered, ...]:
    """Act on each id in a separate unit of work; return the altered rows that prevent it."""
    altered = []
    for each in ids:
        try:
            with store.begin() as uow:
                act(uow, each)
                uow.commit()
        except RowAltered as error:
            altered.append(error)
        except ValueUnreadable:
            continue  # the check of all rows names such a row
    return tuple(altered)


# Codes that staff gave by word of mouth, to somebody who cannot read their email.
#
# Such a code replaces the mailed one and nothing else: it carries no answers, no visit resumes by
# it, and it is valid only as long as those who gave it may give codes.

ASSISTED_LIFE = timedelta(minutes=15)
"""How long one is valid, and how long it waits for a second member of staff before that."""


def is_assisted(code: EmailCode) -> bool:
    return code.issued_by is not None


def is_vouched_for(uow: UnitOfWork, code: EmailCode) -> bool:
    """Return whether everybody who gave a code, or agreed to it, may still do so.

    A mailed code needs nobody. The code of a former member of staff may be the reason for their
    dismissal, and the key with which one was given has to be theirs still.
    """
    if code.issued_key:
        key = uow.staff.key(code.issued_key)
        if key is None or key.staff_id != code.issued_by:
            return False
    for who, action in (code.issued_by, Action.ISSUE_CODE), (code.agreed_by, Action.AGREE_CODE):
        # Nobody recorded gave it on the command line, with control of the machine.
        member = uow.staff.get(who) if who is not None else None
        if member is not None and (member.removed_at is not None or not may(member.role, action)):
            return False
    return True


def given_by(code: EmailCode) -> dict[str, Scalar]:
    """Return what the audit adds to each row about a code that staff gave: who gave it."""
    givers = {"given_by": code.issued_by, "agreed_by": code.agreed_by}
    return {part: who for part, who in givers.items() if who is not None}


@dataclass(frozen=True, slots=True)
class VisitContext(LockedVisit):
    """A visit, and all that is recorded around it; ``factors`` are the rules of each.

    ``addresses`` are those of the holder, each for what it is used for.
    ``code`` is the card's live code, for any purpose; ``proven_code`` the one that was entered
    correctly in this visit. Neither is from staff who may no longer give codes.
    ``after_first_unlock``: this registration follows a first unlock in the same visit.
    ``slow_mail`` is how long codes by mail take while that is long, else None.
    """

    addresses: Addresses
    policy: Policy
    factors: Factors
    now: datetime
    after_first_unlock: bool
    slow_mail: timedelta | None

    @property
    def required_registration(self) -> Registration:
        """The registration; ``StepRefused`` where there is none."""
        if self.registration is None:
            raise StepRefused("the holder is not registered")
        return self.registration

    @property
    def paused_until(self) -> datetime | None:
        """Until when answers are refused with a card that is known by name only, if they are."""
        if self.is_proven or self.registration is None:
            return None
        return self.registration.paused_until(self.now, self.policy.max_failures)

    @property
    def progress(self) -> Progress:
        """Return the steps that the records say are passed; ``StepRefused`` before a choice."""
        if self.visit.purpose is None:
            raise StepRefused("nothing was chosen yet")
        gates = (gate for gate in Gate if self._is_passed(gate))
        passed: frozenset[Step] = frozenset(gates) | self.passed_factors
        finished = self.visit.finished_at is not None
        claimed = self._is_claimed
        return Progress(self.visit.purpose, passed, finished, claimed, self.ways, self.way)

    @property
    def next_step(self) -> Step | None:
        return next_step(self.policy, self.progress)

    def task_of(self, uow: UnitOfWork, factor: Factor) -> Task:
        return self.factors[factor].task(uow, self)

    # --- ways and proofs ---

    @property
    def enrolled(self) -> frozenset[Factor]:
        """The factors that the holder can be asked for."""
        return enrolled_in(self.registration, self.factors)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to unlock the card that are open to its holder."""
        return self.ways_to(self.visit.purpose)

    def ways_to(self, purpose: Purpose | None) -> tuple[Way, ...]:
        if purpose is Purpose.FIRST_UNLOCK:
            return BY_STAFF
        if purpose is not Purpose.UNLOCK:
            return ()
        return open_ways(self.policy.verification, self.enrolled)

    @property
    def way(self) -> Way | None:
        """The way that was chosen, or the only one."""
        ways = self.ways
        return ways[0] if len(ways) == 1 else named(self.visit.way, ways)

    @property
    def way_to_code(self) -> Way:
        """The factors that come before the code of an unlock."""
        way = self.way or ()
        return way[: way.index(Factor.EMAIL_CODE)] if Factor.EMAIL_CODE in way else way

    def proof_of(self, factor: Factor) -> Proof | None:
        return next((proof for proof in self.proofs if proof.factor is factor), None)

    @property
    def passed_factors(self) -> frozenset[Factor]:
        """The factors whose proof counts now."""
        return frozenset(proof.factor for proof in self.proofs if self._counts(proof))

    def is_passed_here(self, factor: Factor) -> bool:
        """Return whether this very visit has passed a factor, and does not merely carry it on."""
        proof = self.proof_of(factor)
        return proof is not None and proof.carried_from is None

    def passed(self, uow: UnitOfWork, factor: Factor, *, subject: str = "") -> VisitContext:
        """Record that a factor was passed in this visit, and return the context with it."""
        proof = Proof(self.visit.id, factor, self.now, subject)
        uow.proofs.put(proof)
        others = (one for one in self.proofs if one.factor is not factor)
        return replace(self, proofs=(*others, proof))

    def _counts(self, proof: Proof) -> bool:
        """Return whether a proof counts: carried ones for an hour, or until all were passed.

        A visit ends before its own ones are too old.
        """
        if not self.factors[proof.factor].stands(self, proof):
            return False
        if proof.carried_from is None or is_within_visit(proof.at, self.now):
            return True
        own = (one for one in self.proofs if one.carried_from is None)
        return any(self.factors[one.factor].stands(self, one) for one in own)

    @property
    def is_proven(self) -> bool:
        """Whether the card proved a key that is recorded for it, certified for it, or names it.

        Any other card is known by name only, which a copy could report as well.
        """
        return proves_itself(self.visit, self.card)

    @property
    def unblock_barred(self) -> SecretProblem | Literal[Reason.SECRET_KIND_DIFFERS] | None:
        """Why the card cannot be unblocked in this visit, whatever its holder proves."""
        barred = secret_barred(self.card, self.visit.secret_tries)
        if barred is None and self.visit.other_kind is not None:
            return Reason.SECRET_KIND_DIFFERS
        return barred

    @property
    def known_address(self) -> str:
        """The holder's address: registered, else from the records; or empty."""
        return self.addresses.shown

    @property
    def known_route(self) -> str:
        """The id of that address; or empty."""
        known = self.addresses.for_codes
        return known.id if known else ""

    @property
    def asks_owner(self) -> bool:
        """Whether the due code goes to the recorded address, because a PIN was claimed."""
        return self._is_claimed and not self._owner_is_proven

    @property
    def code_step(self) -> Step:
        """The step that the visit's code passes."""
        if self.asks_owner:
            return Gate.OWNER
        return Factor.EMAIL_CODE if self.visit.purpose in UNLOCKS else Gate.CODE

    @property
    def routes(self) -> Mapping[str, str]:
        """Where a code that this visit asks for now can go: addresses by id, the first one first.

        The id is that of an address, or of the change that gathered one. Either names one value,
        and another value has another id. Only for an unlock is there a choice: whoever shows that
        an address is theirs has to read the one that would change.
        """
        if self.visit.purpose is Purpose.UNLOCK:
            return {one.id: one.value for one in self.addresses.choices_for_codes(self.now)}
        if self.asks_owner:
            return {self.known_route: self.known_address} if self.known_route else {}
        pending = self.pending
        return {pending.id: pending.email} if pending and pending.email else {}

    @property
    def own_code(self) -> EmailCode | None:
        """The live code, where it is for this purpose and this address; it may be expired."""
        code = self.code
        if code is None or code.purpose is not self.visit.purpose:
            return None
        if code.purpose is Purpose.FIRST_UNLOCK:
            return code if is_assisted(code) else None
        if is_assisted(code):
            return code if self._answered_here else None
        if code.route not in self.routes or code.proves_owner != self.asks_owner:
            return None
        if code.purpose is not Purpose.UNLOCK:
            return code if self.pending and code.pending_id == self.pending.id else None
        return code if reaches(self.policy, self.progress, self.code_step) else None

    @property
    def waiting_code(self) -> EmailCode | None:
        """The own code, where it can still be entered."""
        code = self.own_code
        return code if code is not None and can_be_entered(code, self.now) else None

    @property
    def first_code(self) -> EmailCode | None:
        """The code for a first unlock that staff gave, where it can be entered now."""
        code = self.code
        if code is None or code.purpose is not Purpose.FIRST_UNLOCK or not is_assisted(code):
            return None
        return code if can_be_entered(code, self.now) else None

    @property
    def asks_again(self) -> bool:
        """Whether staff gave a code that is valid only after the factors before it, passed here."""
        code, purpose = self.code, self.visit.purpose
        assisted = code is not None and is_assisted(code) and code.purpose is purpose
        return assisted and any(one.carried_from for one in self.proofs) and not self._answered_here

    @property
    def carried_is_over(self) -> bool:
        """Whether a proof that was carried into this visit is too old by now."""
        step = self.next_step
        proof = self.proof_of(step) if isinstance(step, Factor) else None
        return proof is not None and proof.carried_from is not None

    @property
    def pin_key(self) -> bytes | None:
        """The one key that proves the PIN; None: any that an issuer certified for the card."""
        if self.visit.purpose is Purpose.MAINTENANCE and self.staff_card is not None:
            return self.staff_card.public_key
        return self.card.pin_key

    @property
    def pin_key_is_replaced(self) -> bool:
        """Whether another key than the one that proved the PIN was recorded for the card since.

        Only where recovery data would change on that proof.
        """
        visit, pending = self.visit, self.pending
        proven = self._pin_evidence is PinEvidence.PROVEN
        if visit.purpose not in OWNER_IS_ASKED or not proven:
            return False
        signed = pending.pin_key if visit.pin_evidence is None and pending else visit.pin_key
        return self.card.pin_key not in (None, signed)

    @property
    def counts_as_claimed(self) -> bool:
        """Whether the PIN is claimed, or will be by what is known of the card: to count steps.

        It decides nothing. The count may change by one once the PIN is entered, where a card leaves
        its proof out, shows a certificate for a key that is not recorded, or attests its key.
        """
        if self._pin_evidence is not None:
            return self._pin_evidence is PinEvidence.CLAIMED
        known = self.pin_key is not None or self.visit.key_vouched
        is_bound = needs_pin(self.card, self.pin_key or b"")
        return not known or not is_bound or self.is_pin_by_staff

    @property
    def is_pin_by_staff(self) -> bool:
        return is_pin_by_staff(self.card, self.visit, self.policy, self.now)

    @property
    def can_register(self) -> bool:
        """Whether a registration can follow a first unlock: its PIN is claimed."""
        return bool(self.known_address)

    def position(self, step: Step) -> Position:
        """Return how far the holder is at ``step``, for the page that shows it."""
        return position(
            self.policy,
            replace(self.progress, claimed=self.counts_as_claimed),
            step,
            after_first_unlock=self.after_first_unlock,
            registers=self.can_register,
        )

    def need(self, step: Step) -> None:
        """Raise ``StepRefused`` unless ``step`` is due, ``VisitRefused`` for a withdrawn proof."""
        if reaches(self.policy, self.progress, step):
            return
        for proof in self.proofs:
            rules = self.factors[proof.factor]
            if not rules.stands(self, proof):
                raise VisitRefused(rules.refusal(self, proof))
        raise StepRefused(f"the step {step.value!r} is not due")

    def need_own_pin(self) -> None:
        """Raise ``StepRefused`` unless the PIN was proven in this very visit.

        A visit that came back to enter a code carries what was gathered before; it may finish that,
        and not gather anything else.
        """
        if self.visit.pin_proven_at is None:
            raise StepRefused("the PIN was not proven in this visit")

    def _is_passed(self, gate: Gate) -> bool:
        visit, pending = self.visit, self.pending
        match gate:
            case Gate.PIN:
                if visit.pin_proven_at is not None:
                    return True
                # A visit that came back may enter a code on the PIN of the one before.
                return pending is not None and (self.asks_owner or bool(pending.email))
            case Gate.OWNER:
                return self._owner_is_proven
            case Gate.NEW_QUESTIONS:
                return pending is not None and bool(pending.hashes)
            case Gate.EMAIL:
                return pending is not None and bool(pending.email)
            case Gate.WAY:
                return self.way is not None
            case Gate.CODE:
                # The code to the recorded address has shown it, where the given one is the same.
                # The code to another one finishes the visit.
                same = pending is not None and pending.email == self.known_address
                return same and self._owner_is_proven
            case Gate.NEW_PIN | Gate.SAVED_CODES | Gate.STOP_NUMBER | Gate.MAINTENANCE:
                return False  # the last of its path: passing it finishes the visit
            case _:
                assert_never(gate)

    @property
    def _pin_evidence(self) -> PinEvidence | None:
        """The evidence of the PIN, from this visit or from the one that it continues."""
        evidence = self.visit.pin_evidence
        if evidence is None and self.pending is not None:
            return self.pending.pin_evidence
        return evidence

    @property
    def _is_claimed(self) -> bool:
        """Whether recovery data would change on a PIN that only a status word shows."""
        asked = self.visit.purpose in OWNER_IS_ASKED
        return asked and self._pin_evidence is PinEvidence.CLAIMED

    @property
    def _owner_is_proven(self) -> bool:
        """Whether the code to the recorded address was entered in this very visit.

        One that was entered before counts for a visit that came back to finish what was gathered
        then, and for none in which a PIN is claimed: a copy of the card could be in it.
        """
        owner = self.visit.owner_route
        if owner is None and self.visit.pin_proven_at is None and self.pending is not None:
            owner = self.pending.owner_route if self.pending.email else None
        return self.addresses.value_of(owner) == self.known_address != ""

    @property
    def _answered_here(self) -> bool:
        """Whether this very visit has passed the factors that come before a code, if any do."""
        return self.way is not None and all(map(self.is_passed_here, self.way_to_code))


def proves_itself(visit: Visit, card: Card) -> bool:
    """Return whether a visit's card has proven a key: see ``VisitContext.is_proven``."""
    key = visit.auth_key
    if key is None or visit.genuine_at is None:
        return False
    return visit.key_vouched or key == card.auth_key or named_by_key(card.identity, key)


def can_be_entered(code: EmailCode, now: datetime) -> bool:
    """Return whether a code was sent, lives, and has a try left."""
    return code.is_alive(now) and code.tries < code.max_tries


def enter(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> VisitContext:
    """Lock card and visit, so that nobody else decides on this card, and read the records.

    Raises ``StepRefused`` for a visit that is unknown, closed or too old, or whose card has not
    proven itself. Raises ``VisitRefused`` where station, card, holder or registration were barred
    since it opened, or where the card would now have to prove what it cannot.
    """
    return enter_locked(uow, parts, uow.visit_records.lock_visit(visit_id, at_station=True))


def enter_locked(uow: UnitOfWork, parts: Dependencies, locked: LockedVisit | None) -> VisitContext:
    """Do the same with what was locked and read at the station."""
    locked = need_open(uow, parts, locked)
    context = context_of(uow, parts, locked)
    _need_proof(context)
    reason = (
        station_barred(context.station)
        or card_barred(context.card, context.holder, uow.now, context.policy, context.visit)
        or _registration_barred(context)
    )
    if reason is not None:
        raise VisitRefused(reason)
    return context


def enter_to_report(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> VisitContext:
    """Do as ``enter``, also where somebody was barred since: the card's act is a fact.

    Raises ``StepRefused`` as ``enter`` does, and for a closed visit only where no change of the PIN
    was begun in it or recorded.
    """
    locked = uow.visit_records.lock_visit(visit_id, at_station=False)
    visit = locked.visit if locked else None
    owed = visit is not None and (visit.pin_change is not None or visit.finished_at is not None)
    locked = need_open(uow, parts, locked, or_closed=owed)
    return context_of(uow, parts, locked)


def read_context(
    uow: UnitOfWork,
    parts: Dependencies,
    visit: Visit,
    card: Card,
    holder: Cardholder,
    proofs: tuple[Proof, ...] = (),
) -> VisitContext:
    return context_of(uow, parts, uow.visit_records.read_around(visit, card, holder, proofs))


def context_of(uow: UnitOfWork, parts: Dependencies, locked: LockedVisit) -> VisitContext:
    return _context(uow, parts.policy(), parts.factors, parts.mail_time.slow, locked)


def _context(
    uow: UnitOfWork,
    policy: Policy,
    factors: Factors,
    slow_mail: timedelta | None,
    locked: LockedVisit,
) -> VisitContext:
    visit = locked.visit
    return VisitContext(
        visit=visit,
        card=locked.card,
        holder=locked.holder,
        rows=locked.rows,
        registration=locked.registration,
        pending=locked.pending,
        code=_vouched_for(uow, locked.code),
        proven_code=_vouched_for(uow, locked.proven_code),
        staff_card=locked.staff_card,
        staff_member=locked.staff_member,
        station=locked.station,
        proofs=locked.proofs,
        addresses=named_addresses(locked.holder, locked.registration, locked.rows),
        policy=policy,
        factors=factors,
        now=uow.now,
        slow_mail=slow_mail,
        # Only an unlock gets a grant; a visit with a grant that registers began as a first unlock.
        after_first_unlock=visit.purpose is Purpose.REGISTER
        and bool(uow.journal.of_visit(visit.id)),
    )


def _vouched_for(uow: UnitOfWork, code: EmailCode | None) -> EmailCode | None:
    return code if code is not None and is_vouched_for(uow, code) else None


def reload(uow: UnitOfWork, context: VisitContext, visit: Visit | None = None) -> VisitContext:
    """Save the changed visit, and read again what this unit of work has changed."""
    if visit is not None:
        uow.visits.save(visit)
    now = visit or context.visit
    return reread(uow, context, now, context.card, context.proofs)


def reread(
    uow: UnitOfWork, context: VisitContext, visit: Visit, card: Card, proofs: tuple[Proof, ...]
) -> VisitContext:
    """Read again what is around a visit, by the same policy."""
    around = uow.visit_records.read_around(visit, card, context.holder, proofs)
    return _context(uow, context.policy, context.factors, context.slow_mail, around)


def need_open(
    uow: UnitOfWork, parts: Dependencies, locked: LockedVisit | None, *, or_closed: bool = False
) -> LockedVisit:
    """Raise ``StepRefused`` for a visit that is unknown, another station's, closed or too old."""
    if locked is None:
        raise StepRefused("there is no such visit, or its card is not recorded any more")
    need_own(parts, locked.visit)
    if locked.visit.closed_at is not None and not or_closed:
        raise StepRefused("the visit is over")
    if not is_within_visit(locked.visit.opened_at, uow.now):
        raise StepRefused("the visit is too old")
    return locked


def need_own(parts: Dependencies, visit: Visit) -> None:
    """Raise ``StepRefused`` for a visit that another station than the one that calls opened."""
    if visit.station != parts.station.name:
        raise StepRefused(f"the station {parts.station.name!r} did not open this visit")


def _need_proof(context: VisitContext) -> None:
    """Raise unless the card has proven in this visit what it has to.

    ``VisitRefused`` where others changed what has to be proven: the policy, or the card's key.
    ``StepRefused`` where a station left the proof out: it learns nothing about the card.
    """
    visit, key = context.visit, key_to_prove(context.policy, context.card, context.visit.auth_key)
    if key is None:
        has_changed = context.policy.genuine is Genuine.ALWAYS
    elif visit.genuine_at is None:
        raise StepRefused("the card has not proven that it is genuine")
    else:
        has_changed = visit.auth_key != key
    if has_changed:
        raise VisitRefused(Reason.NOT_GENUINE)
    if context.pin_key_is_replaced:
        raise StepRefused("another key was recorded than the one that proved the PIN")


_OF_ANYBODY = (None, Purpose.CHANGE_PIN, Purpose.REPORT_MISUSE, Purpose.MAINTENANCE)


def _registration_barred(context: VisitContext) -> Reason | None:
    registration, purpose = context.registration, context.visit.purpose
    if registration is None:
        # It was revoked since this was chosen: then it cannot be changed.
        if purpose in OWNER_IS_ASKED - {Purpose.REGISTER}:
            raise StepRefused("the holder is not registered any more")
        return Reason.NOT_REGISTERED if purpose is Purpose.UNLOCK else None
    if registration.blocked_at is not None and purpose not in _OF_ANYBODY:
        return Reason.REGISTRATION_BLOCKED
    proves = context.visit.genuine_at is not None
    registered = is_registered(registration, context.policy, context.enrolled, card_proves=proves)
    # Somebody who can now answer questions is not served on a code alone.
    is_over = registered and purpose is Purpose.FIRST_UNLOCK
    return Reason.GIVEN_CODE_OVER if is_over else None


def find_grant(
    uow: UnitOfWork, parts: Dependencies, visit_id: VisitId, journal: JournalId
) -> LockedGrant:
    """Lock card and visit; raises ``StepRefused`` where the visit has no such grant."""
    locked = uow.visit_records.lock_grant(visit_id, journal)
    if locked is None:
        raise StepRefused("this visit was granted no such unblock")
    need_own(parts, locked.visit)
    return locked
