"""The rules of a visit, pure: what may be done with a card, and which gate comes next.

Both are recomputed from the records for every call.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, assert_never

from kiosk.authority.records import (
    MOST_FURTHER,
    Card,
    Cardholder,
    CardStatus,
    PinEvidence,
    PinPolicy,
    Registration,
    Station,
    UnblockEntry,
    Visit,
)
from kiosk.authority.visit.stops import is_stopped
from kiosk.authority.visit.ways import open_ways
from kiosk.contract.families import FAMILIES, MUTUALLY_AUTHENTICATED
from kiosk.contract.messages import Factor, Position, Purpose, Reason, Way
from kiosk.contract.policy import Policy, SecondRoute

ASSUMED_SECRET_TRIES = 3
"""Where neither card nor record has the limit of wrong unblock secrets."""

KEPT_SECRET_TRIES = 1
"""The last try is never spent: some cards erase their keys with it."""


MOST_EXCHANGES = 5
EXCHANGE_SPAN = timedelta(hours=24)
"""After so many uses of an admin key without a right answer, it is not used for so long."""


HolderBarred = Literal[Reason.LEAVER]
Withdrawn = Literal[Reason.CARD_REVOKED, Reason.CARD_EXPIRED]
OutOfUse = Literal[Reason.CARD_REVOKED, Reason.CARD_EXPIRED, Reason.CARD_STOPPED]
SecretProblem = Literal[Reason.SECRET_MISSING, Reason.SECRET_BLOCKED]
CardProblem = OutOfUse | SecretProblem
"""A problem of a card by its record. Staff's words for each are in ``standing``, held by types."""


def station_barred(station: Station | None) -> Literal[Reason.STATION_RETIRED] | None:
    """Return why a station may serve nobody; one without a row may.

    ``Heartbeats`` asks the same of all stations at once, by ``Stations.retired``.
    """
    retired = station is not None and station.retired_at is not None
    return Reason.STATION_RETIRED if retired else None


def has_left(holder: Cardholder, now: datetime) -> bool:
    return holder.left_at is not None and holder.left_at <= now


def card_barred(
    card: Card, holder: Cardholder, now: datetime, policy: Policy, visit: Visit | None = None
) -> HolderBarred | OutOfUse | None:
    """Return why nothing at all can be done with a known card; ``visit``: its keys count, too."""
    return Reason.LEAVER if has_left(holder, now) else out_of_use(card, now, policy, visit)


def out_of_use(
    card: Card, now: datetime, policy: Policy, visit: Visit | None = None
) -> OutOfUse | None:
    """Return why no station serves a card, by its record or by the policy, whoever holds it."""
    stopped: OutOfUse | None = Reason.CARD_STOPPED if is_stopped(policy, card, visit) else None
    return card_withdrawn(card, now) or stopped


def card_withdrawn(card: Card, now: datetime) -> Withdrawn | None:
    """Return why a card is out of use by its record, for any holder."""
    if card.status is CardStatus.REVOKED:
        return Reason.CARD_REVOKED
    if card.expires_at is not None and card.expires_at <= now:
        return Reason.CARD_EXPIRED
    return None


def is_registered(
    registration: Registration | None,
    policy: Policy,
    enrolled: Collection[Factor],
    *,
    card_proves: bool = False,
) -> bool:
    """Return whether self-service is possible; if not, the holder may register again.

    A registration does not count where no way is open to its holder, with the factors in which they
    are ``enrolled``. One that was made without any proof does not count for a card that proves
    itself (``card_proves``).
    """
    if registration is None or (card_proves and not registration.proven):
        return False
    return bool(open_ways(policy.verification, enrolled))


def offers(
    registration: Registration | None,
    policy: Policy,
    enrolled: Collection[Factor],
    *,
    pin_blocked: bool,
    card_proves: bool,
    code_given: bool = False,
) -> tuple[Purpose, ...] | Reason:
    """Return what is offered, or why nothing is.

    A blocked registration with a working PIN may still change that PIN: the card proves its holder
    then, without answers. ``code_given``: staff gave a code for a first unlock of this card, which
    can be entered now.
    """
    blocked = registration is not None and registration.blocked_at is not None
    if blocked:
        return Reason.REGISTRATION_BLOCKED if pin_blocked else (Purpose.CHANGE_PIN,)
    if not is_registered(registration, policy, enrolled, card_proves=card_proves):
        first = (Purpose.FIRST_UNLOCK,) if code_given else ()
        if pin_blocked:
            return first or Reason.NOT_REGISTERED
        return (*first, Purpose.REGISTER, Purpose.CHANGE_PIN)
    if pin_blocked:
        return (Purpose.UNLOCK,)
    questions = (Purpose.CHANGE_QUESTIONS,) if policy.asks_questions else ()
    saved = (Purpose.SAVED_CODES,) if policy.saved_codes else ()
    has_room = registration is not None and len(registration.further) < MOST_FURTHER
    adds = policy.second_route is SecondRoute.OFFER and has_room
    further = (Purpose.ADD_ADDRESS,) if adds else ()
    return (Purpose.UNLOCK, Purpose.CHANGE_PIN, *questions, Purpose.CHANGE_EMAIL, *further, *saved)


def secret_barred(card: Card, reported: int | None = None) -> SecretProblem | None:
    """Return why the card cannot be unblocked, by our count of its unblock secret's tries.

    ``reported`` is the card's own count in this visit. It replaces ours, up to the recorded limit,
    but not for an admin key, whose tries no reported number gives back.
    """
    if card.sealed_secret is None or is_of_unknown_family(card):
        return Reason.SECRET_MISSING
    if card.set_aside_at is not None:
        return Reason.SECRET_BLOCKED
    left = tries_by_account(card) - card.secret_exposure
    if reported is not None:
        left = min(reported, left if has_admin_key(card) else most_tries(card))
    return Reason.SECRET_BLOCKED if left <= KEPT_SECRET_TRIES else None


def has_signed(visit: Visit, card: Card) -> bool:
    """Return whether the card in the reader signed in this visit by a key that is known to be its.

    It may not have asked for its PIN before: see ``needs_pin``.
    """
    recorded = visit.pin_key is not None and visit.pin_key == card.pin_key
    return recorded or visit.pin_evidence is PinEvidence.PROVEN


def needs_pin(card: Card, key: bytes) -> bool:
    """Return whether an import declared that the card uses this key only after its PIN."""
    return card.pin_policy in _ASKS_FOR_PIN and card.pin_key in (None, key)


_ASKS_FOR_PIN = frozenset({PinPolicy.ONCE, PinPolicy.ALWAYS})


def is_pin_by_staff(card: Card, visit: Visit, policy: Policy, now: datetime) -> bool:
    """Return whether the PIN may be one that was set with a code from staff not long ago.

    Who was given that code by telephone knows it: for the cooling-off, and in that visit, it shows
    nothing that the code does not. A time that is as far ahead is of a wrong clock.
    """
    at = card.assisted_pin_at
    if at is None:
        return False
    return abs(now - at) < policy.address_cooling_off or at >= visit.opened_at


def has_admin_key(card: Card) -> bool:
    """Return whether the secret is a key, which is never sent; an unknown family may have one."""
    return card.driver in MUTUALLY_AUTHENTICATED or is_of_unknown_family(card)


def is_of_unknown_family(card: Card) -> bool:
    """Return whether another release, on the same database, recorded a card that this cannot serve.

    That is so while an estate is upgraded, and after a program was put back.
    """
    return card.driver not in FAMILIES


def is_key_proven(card: Card) -> bool:
    """Return whether the card has proven the admin key that is recorded now."""
    sealed = card.sealed_secret
    return sealed is not None and card.key_proven_revision == sealed.revision


def owes_response(card: Card, entry: UnblockEntry) -> bool:
    """Return whether a card has yet to prove its admin key in an unblock; no PIN is set before."""
    return has_admin_key(card) and entry.admitted_at is None


def key_barred(card: Card, now: datetime) -> Reason | None:
    """Return why the card's admin key is not used at the moment.

    Each use gives the person with the card two blocks of their choice under the key. Without a
    right answer a few a day are allowed.
    """
    many = card.key_exchanges >= MOST_EXCHANGES
    return Reason.NOT_GENUINE if many and last_exchange(card, now) is not None else None


def last_exchange(card: Card, now: datetime) -> datetime | None:
    """Return when the card's admin key was last used, where that counts still.

    It does not where it is as far ahead: a wrong clock dated it.
    """
    last = card.key_exchanged_at
    return last if last is not None and abs(now - last) < EXCHANGE_SPAN else None


def most_tries(card: Card) -> int:
    """Return the largest believable count of a card: a copy could report any number."""
    return max(secret_limit_of(card), tries_by_account(card))


def tries_by_account(card: Card) -> int:
    """Return the tries left of the unblock secret by our count, less those in doubt."""
    return secret_limit_of(card) if card.secret_tries_left is None else card.secret_tries_left


def secret_limit_of(card: Card) -> int:
    """Return how many wrong unblock secrets in a row the card allows."""
    return ASSUMED_SECRET_TRIES if card.secret_limit is None else card.secret_limit


# Which gate comes next.
#
# Each purpose is a path of steps in a fixed order: gates, and for an unlock the factors of the way
# that was chosen. The holder's next step is the first that is not passed; a call for a later one is
# refused. A station can therefore skip no step, whatever it sends or omits.


class Gate(StrEnum):
    """A step that is no factor; ``CODE``: to the address that is being registered."""

    PIN = "pin"
    OWNER = "owner"
    NEW_QUESTIONS = "new-questions"
    SAVED_CODES = "saved-codes"
    EMAIL = "email"
    WAY = "way"
    CODE = "code"
    NEW_PIN = "new-pin"
    STOP_NUMBER = "stop-number"
    MAINTENANCE = "maintenance"


Step = Gate | Factor

OWNER_IS_ASKED = frozenset(
    {
        Purpose.REGISTER,
        Purpose.CHANGE_QUESTIONS,
        Purpose.CHANGE_EMAIL,
        Purpose.ADD_ADDRESS,
        Purpose.SAVED_CODES,
    }
)
"""Purposes that change recovery data: after a claimed PIN, a code to a recorded address is due."""

GIVES_ADDRESS = frozenset({Purpose.REGISTER, Purpose.CHANGE_EMAIL, Purpose.ADD_ADDRESS})
"""Purposes that end with the code to an address that the holder gave."""

UNLOCKS = frozenset({Purpose.UNLOCK, Purpose.FIRST_UNLOCK})
"""Purposes that end in a release of the unblock secret."""

BY_STAFF: Final[tuple[Way, ...]] = ((Factor.EMAIL_CODE,),)
"""The one way to a first unlock: a code that staff gave by word of mouth."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps that a visit has passed; ``claimed``: only a status word shows the PIN.

    ``ways`` are those that are open to the holder of an unlock, ``way`` the one that was chosen.
    """

    purpose: Purpose
    passed: frozenset[Step] = frozenset()
    finished: bool = False
    claimed: bool = False
    ways: tuple[Way, ...] = ()
    way: Way | None = None

    def path(self, policy: Policy) -> tuple[Step, ...]:
        return path(policy, self.purpose, claimed=self.claimed, ways=self.ways, way=self.way)


def path(
    policy: Policy,
    purpose: Purpose,
    *,
    claimed: bool = False,
    ways: tuple[Way, ...] = (),
    way: Way | None = None,
) -> tuple[Step, ...]:
    """Return the steps of a purpose; ``ways`` and ``way`` as in ``Progress``.

    Before a way was chosen, its steps are those of the first. Where no way is open, they are those
    of the policy's first: nobody passes them, and no path is without a factor.
    """
    pin = (Gate.PIN, Gate.OWNER) if claimed and purpose in OWNER_IS_ASKED else (Gate.PIN,)
    match purpose:
        case Purpose.REGISTER:
            questions = (Gate.NEW_QUESTIONS,) if policy.asks_questions else ()
            return (*pin, *questions, Gate.EMAIL, Gate.CODE)
        case Purpose.UNLOCK:
            choice = (Gate.WAY,) if len(ways) > 1 else ()
            return (*choice, *(way or (ways or policy.verification)[0]), Gate.NEW_PIN)
        case Purpose.FIRST_UNLOCK:
            return (*BY_STAFF[0], Gate.NEW_PIN)
        case Purpose.CHANGE_PIN:
            return (*pin, Gate.NEW_PIN)
        case Purpose.CHANGE_QUESTIONS:
            return (*pin, Gate.NEW_QUESTIONS)
        case Purpose.CHANGE_EMAIL | Purpose.ADD_ADDRESS:
            return (*pin, Gate.EMAIL, Gate.CODE)
        case Purpose.SAVED_CODES:
            return (*pin, Gate.SAVED_CODES)
        case Purpose.REPORT_MISUSE:
            return (Gate.STOP_NUMBER,)
        case Purpose.MAINTENANCE:
            return (*pin, Gate.MAINTENANCE)
        case _:
            assert_never(purpose)


CountedStep = tuple[Purpose, Step | None]
"""What a holder counts as one step. None: the page on which they confirm that it is their card."""


def counted_steps(
    policy: Policy,
    purpose: Purpose,
    *,
    claimed: bool = False,
    registers: bool = True,
    ways: tuple[Way, ...] = (),
    way: Way | None = None,
) -> tuple[CountedStep, ...]:
    """Return the steps that a holder sees; ``registers``: a registration follows a first unlock.

    The PIN of that unlock was set with a code from staff, so that it is only claimed.
    """
    steps = path(policy, purpose, claimed=claimed, ways=ways, way=way)
    own = tuple((purpose, step) for step in steps)
    if purpose not in UNLOCKS:
        return own
    goes_on = purpose is Purpose.FIRST_UNLOCK and registers
    after = counted_steps(policy, Purpose.REGISTER, claimed=True) if goes_on else ()
    return ((purpose, None), *own, *after)


def position(
    policy: Policy,
    progress: Progress,
    step: Step,
    *,
    after_first_unlock: bool = False,
    registers: bool = True,
) -> Position:
    """Return how far a holder is at ``step``; ``registers`` as for ``counted_steps``.

    A step that is no longer on the path (another call has proven the PIN since) is shown as the
    last step: a number on a screen is no reason to refuse a call.
    """
    begun_as = Purpose.FIRST_UNLOCK if after_first_unlock else progress.purpose
    steps = counted_steps(
        policy,
        begun_as,
        claimed=progress.claimed,
        registers=registers,
        ways=progress.ways,
        way=progress.way,
    )
    counted = (progress.purpose, step)
    return Position(steps.index(counted) + 1 if counted in steps else len(steps), len(steps))


def next_step(policy: Policy, progress: Progress) -> Step | None:
    """Return the first step that is not passed; None when all are passed."""
    if progress.finished:
        return None
    steps = progress.path(policy)
    return next((step for step in steps if step not in progress.passed), None)


def reaches(policy: Policy, progress: Progress, step: Step) -> bool:
    """Return whether every step before ``step`` is passed; a passed one can be repeated."""
    steps = progress.path(policy)
    if progress.finished or step not in steps:
        return False
    return progress.passed.issuperset(steps[: steps.index(step)])
