"""The standing of a person and their cards, by the rules of the authority.

Only ``card_observations`` reads the database; the rest is computed from ``StandingFacts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, assert_never

from msgspec.structs import replace

from kiosk.authority.addresses import Addresses
from kiosk.authority.administration.views import CodeLine, RightPin, Standing
from kiosk.authority.audit.events import EVENTS, AuditKind, Count
from kiosk.authority.facts import (
    AddressUnconfirmed,
    AdminKeyNotShown,
    AfterRefusal,
    AnswersPaused,
    AttemptsFailed,
    AttemptsUsedUp,
    Blocked,
    BlockedByReport,
    CardExpired,
    CardRevoked,
    CardSetAside,
    CardStopped,
    CardTrouble,
    ChoosePin,
    CodeEntered,
    CodeNotEntered,
    CodeWaits,
    Do,
    EnterCode,
    EnterGivenCode,
    FamilyUnknown,
    FirstCodeEntered,
    FirstCodeGiven,
    FirstCodeWaits,
    FirstHelp,
    GiveCodeOnly,
    Happened,
    Headline,
    LastTryKept,
    Left,
    NoCard,
    NoneInUse,
    NoneUsable,
    NotRegistered,
    OneCardTroubled,
    OnlyCardTroubled,
    OutcomeUnknown,
    QuestionsMissing,
    Ready,
    RegisterOrHelp,
    Registers,
    RegistersLater,
    RegistrationCodeSent,
    ReportedAct,
    SecretNotOpened,
    SecretNotRecorded,
    SecretUnchanged,
    SeenRefused,
    Start,
    ThenRegister,
    TooManyCodes,
)
from kiosk.authority.records import (
    CLOCKS_DIFFER,
    AuditEvent,
    AuditQuery,
    Card,
    Cardholder,
    EmailCode,
    PinEvidence,
    Registration,
    UnblockEntry,
)
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.blocking import is_exhausted
from kiosk.authority.visit.context import ASSISTED_LIFE, can_be_entered, is_assisted
from kiosk.authority.visit.factors import FACTORS
from kiosk.authority.visit.proofs import enrolled_in
from kiosk.authority.visit.rules import (
    EXCHANGE_SPAN,
    KEPT_SECRET_TRIES,
    CardProblem,
    card_withdrawn,
    has_left,
    is_of_unknown_family,
    is_registered,
    key_barred,
    last_exchange,
    out_of_use,
    secret_barred,
    tries_by_account,
)
from kiosk.contract.families import MUTUALLY_AUTHENTICATED
from kiosk.contract.messages import Purpose, Reason
from kiosk.contract.policy import Policy, may_send_code

# What stations last saw of a person's cards, where it prevents an unlock.

SEEN_AT_STATIONS: Final = frozenset(
    {
        Reason.CARD_EXPIRED,
        Reason.CARD_REVOKED,
        Reason.CARD_STOPPED,
        Reason.NOT_GENUINE,
        Reason.SECRET_BLOCKED,
        Reason.CARD_REFUSED,
        Reason.PIN_BLOCKED,
        Reason.OUTCOME_UNKNOWN,
        Reason.CARD_UNREADABLE,
        Reason.INSERT_CARD,
        Reason.NO_RECORDED_EMAIL,
    }
)
"""Refusals that will meet the same card again. A pause has its end in the registration."""

_OF_CERTIFICATES: Final = frozenset({Reason.CARD_EXPIRED, Reason.CARD_REVOKED, Reason.CARD_STOPPED})
"""Refusals for a certificate that a card shows, or for what is recorded of the card."""

_REFUSED: Final = frozenset(kind for kind, spec in EVENTS.items() if Count.REFUSED in spec.counts)
_KINDS: Final = (
    _REFUSED | {kind for kind, spec in EVENTS.items() if spec.ends} | {AuditKind.CODE_RIGHT.value}
)
_LOOKED_BACK: Final = 200


@dataclass(frozen=True, slots=True)
class CardObservation:
    """The newest refusal because of a card, and where and when a station met it."""

    reason: Reason
    at: datetime
    station: str


class CardObservations(NamedTuple):
    """By card (id): the refusal since it last worked, and the last time that its PIN was right.

    ``right_codes``: by code (id), the last time that it was entered rightly.
    """

    refused: Mapping[str, CardObservation]
    right_pins: Mapping[str, RightPin]
    right_codes: Mapping[str, AuditEvent]


def card_observations(uow: UnitOfWork, holder_id: str) -> CardObservations:
    """Read it from the newest 200 events about a person's cards.

    Those of a clock that was ahead are left out: what came after them would be before.
    """
    query = AuditQuery(holder_id=holder_id, kinds=_KINDS, until=uow.now + CLOCKS_DIFFER)
    seen: dict[str, CardObservation] = {}
    right_pins: dict[str, RightPin] = {}
    right_codes: dict[str, AuditEvent] = {}
    for event in reversed(uow.trail.newest(query, limit=_LOOKED_BACK)):
        card_id = event.card_id
        if card_id is None:
            continue
        if event.kind == AuditKind.PIN_VERIFIED.value:
            proven = event.detail.get("evidence") == PinEvidence.PROVEN.value
            right_pins[card_id] = RightPin(event.at, proven)
        if event.kind == AuditKind.CODE_RIGHT.value:
            right_codes[str(event.detail.get("code"))] = event
        reason = str(event.detail.get("reason")) if event.kind in _REFUSED else ""
        # What is recorded is judged by the present record: only a certificate is the card's.
        by_record = reason in _OF_CERTIFICATES and event.detail.get("by") != "certificate"
        if reason in SEEN_AT_STATIONS and not by_record:
            seen[card_id] = CardObservation(Reason(reason), event.at, event.station or "")
        elif card_id in seen and seen[card_id].reason in EVENTS[event.kind].ends:
            del seen[card_id]
    return CardObservations(seen, right_pins, right_codes)


BrokenSeals = frozenset[tuple[str, int]]
"""Cards (by id) whose unblock secret of that revision did not open when it was needed."""


_LASTING = frozenset({Reason.CARD_EXPIRED, Reason.SECRET_BLOCKED})
"""Reports of a card about itself that no later visit will find changed."""


@dataclass(frozen=True, slots=True)
class MisuseReport:
    """When an act was reported as not done by the holder, and which, where that is known."""

    at: datetime
    about: AuditEvent | None = None


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """The records of a person that decide what they can do.

    ``codes`` are those that can still be entered, ``sent`` says for each card when codes were sent
    within the hour, ``unsettled`` are unblocks without a known outcome.
    """

    holder: Cardholder
    cards: tuple[Card, ...]
    registration: Registration | None
    addresses: Addresses
    policy: Policy
    now: datetime
    codes: tuple[EmailCode, ...]
    sent: Mapping[str, Sequence[datetime]]
    unsettled: tuple[UnblockEntry, ...]
    broken: BrokenSeals
    blocked_where: str
    seen: CardObservations
    report: MisuseReport | None

    @property
    def is_misuse_reported(self) -> bool:
        """Whether misuse was reported since the block, or by it."""
        blocked = self.registration.blocked_at if self.registration else None
        return blocked is not None and self.report is not None and self.report.at >= blocked

    @property
    def standing(self) -> Standing:
        return standing_of(
            self.holder, self.cards, self.registration, self.policy, self.now, self.broken
        )

    @property
    def in_use(self) -> tuple[Card, ...]:
        """The cards that are neither revoked nor expired."""
        return tuple(card for card in self.cards if card_withdrawn(card, self.now) is None)

    @property
    def unusable(self) -> tuple[tuple[Card, CardProblem], ...]:
        judged = ((card, self.trouble(card)) for card in self.in_use)
        return tuple((card, reason) for card, reason in judged if reason is not None)

    @property
    def waiting_code(self) -> EmailCode | None:
        """The unlock code that can be entered now, if there is one."""
        return self.live_code(Purpose.UNLOCK)

    @property
    def first_code(self) -> EmailCode | None:
        """The code for a first unlock that can be entered now, if there is one."""
        code = self.live_code(Purpose.FIRST_UNLOCK)
        able = {card.id for card in self.unlockable}
        return code if code is not None and code.card_id in able else None

    @property
    def unlockable(self) -> tuple[Card, ...]:
        """The cards in use that can be unlocked once their holder has proven who they are."""
        return tuple(card for card in self.in_use if self.trouble(card) is None)

    @property
    def waits_until(self) -> datetime | None:
        """When a code can be sent to a card again, where none of those in use can get one now.

        None where a code can be sent, or one that was sent can still be entered.
        """
        if self.waiting_code is not None:
            return None
        waits = [
            may_send_code(self.sent.get(card.id, ()), self.now, self.policy)
            for card in self.unlockable
        ]
        if not waits or not all(verdict.too_many for verdict in waits):
            return None
        return self.now + min(verdict.wait for verdict in waits)

    @property
    def can_unlock(self) -> bool:
        if self.standing is Standing.NOT_REGISTERED:
            return self.first_code is not None
        if self.standing is not Standing.READY or self.waits_until is not None:
            return False
        return any(
            card.id not in self.seen.refused or self.seen.refused[card.id].reason not in _LASTING
            for card in self.unlockable
        )

    @property
    def refused_cards(self) -> tuple[tuple[Card, CardObservation], ...]:
        """The cards in use that a station refused since they last worked, newest first."""
        refused = self.seen.refused
        seen = [(card, refused[card.id]) for card in self.in_use if card.id in refused]
        if self.holder.address_id or self.registration:  # an address was recorded since
            seen = [one for one in seen if one[1].reason is not Reason.NO_RECORDED_EMAIL]
        return tuple(sorted(seen, key=lambda one: one[1].at, reverse=True))

    @property
    def paused_until(self) -> datetime | None:
        """Until when no answers are accepted with a card that cannot prove itself."""
        if self.registration is None:
            return None
        return self.registration.paused_until(self.now, self.policy.max_failures)

    def trouble(self, card: Card) -> CardProblem | None:
        return card_problem(card, self.now, self.policy, self.broken)

    def live_code(self, purpose: Purpose) -> EmailCode | None:
        able = (code for code in self.codes if can_be_entered(code, self.now))
        return next((code for code in able if code.purpose is purpose), None)


def standing_of(
    holder: Cardholder,
    cards: Sequence[Card],
    registration: Registration | None,
    policy: Policy,
    now: datetime,
    broken: BrokenSeals,
) -> Standing:
    """Return somebody's standing: what has to be corrected first, if anything."""
    if has_left(holder, now):
        return Standing.LEFT
    if is_blocked(registration, policy):
        return Standing.BLOCKED
    if not cards:
        return Standing.NO_CARD
    if all(card_withdrawn(card, now) for card in cards):
        return Standing.CARD_TROUBLE
    enrolled = enrolled_in(registration, FACTORS)
    if not is_registered(registration, policy, enrolled):
        return Standing.NOT_REGISTERED
    if all(card_problem(card, now, policy, broken) for card in cards):
        return Standing.CARD_TROUBLE
    return Standing.READY


def is_blocked(registration: Registration | None, policy: Policy) -> bool:
    """Return whether self-service is blocked, or will be when the card is next seen."""
    blocked = registration is not None and registration.blocked_at is not None
    return blocked or is_exhausted(registration, policy)


def card_problem(
    card: Card, now: datetime, policy: Policy, broken: BrokenSeals = frozenset()
) -> CardProblem | None:
    """Return why a card cannot be unlocked, whatever its holder proves."""
    problem = out_of_use(card, now, policy) or secret_barred(card)
    sealed = card.sealed_secret
    is_broken = sealed is not None and (card.id, sealed.revision) in broken
    return problem or (Reason.SECRET_MISSING if is_broken else None)


# A code for staff: whose, by whom, until when; never the code.


def code_line(code: EmailCode, holder: Cardholder, given_by: str) -> CodeLine:
    """Return a code's line; ``given_by`` names the member of staff, empty for a mailed one."""
    return CodeLine(
        code_id=code.id,
        card_id=code.card_id,
        holder_id=holder.id,
        holder_name=holder.name,
        by_mail=not is_assisted(code),
        issued_by=given_by,
        issued_at=code.drafted_at,
        expires_at=code.expires_at or code.drafted_at + ASSISTED_LIFE,
        waits_for_second=waits_for_second(code),
    )


def waits_for_second(code: EmailCode) -> bool:
    """Return whether a code that staff gave waits until somebody else agrees."""
    undecided = code.agreed_by is None and code.sent_at is None and code.revoked_at is None
    return is_assisted(code) and code.needs_second and undecided


# Why somebody can or cannot unlock, and what to do next: codes, which screens/words/staff says.

CARD_TAIL = 4
"""So many characters of a card's identifier distinguish it from its holder's others."""


SEEN_FOR: Final = timedelta(hours=24)
"""How long a secret that was released and not changed is not mentioned: people come back."""


def headline_of(facts: StandingFacts) -> Headline:
    match facts.standing:
        case Standing.LEFT:
            return Headline(Left(facts.holder.left_at or facts.now), Do.TAKE_BACK_LEAVER)
        case Standing.BLOCKED:
            return _blocked(facts)
        case Standing.NO_CARD:
            return Headline(NoCard(), Do.ADD_CARD)
        case Standing.NOT_REGISTERED:
            return _not_registered(facts)
        case Standing.CARD_TROUBLE:
            return _card_trouble(facts)
        case Standing.READY:
            return next(_remarks(facts))


def trouble_of(card: Card, reason: CardProblem) -> CardTrouble:
    match reason:
        case Reason.CARD_REVOKED:
            return CardRevoked()
        case Reason.CARD_EXPIRED:
            return CardExpired(_end_of(card))
        case Reason.CARD_STOPPED:
            return CardStopped()
        case Reason.SECRET_MISSING if is_of_unknown_family(card):
            return FamilyUnknown(card.driver)
        case Reason.SECRET_MISSING:
            return SecretNotRecorded() if card.sealed_secret is None else SecretNotOpened()
        case Reason.SECRET_BLOCKED:
            return LastTryKept() if card.set_aside_at is None else CardSetAside()
        case _:
            assert_never(reason)


def advice_on(card: Card, reason: CardProblem) -> Do:
    """Return what to do about a card that cannot be unlocked."""
    match reason:
        case Reason.CARD_REVOKED:
            return Do.ADD_PRESENT_CARD
        case Reason.CARD_EXPIRED:
            return Do.REPLACE_EXPIRED_CARD
        case Reason.CARD_STOPPED:
            return Do.REPLACE_STOPPED_CARD
        case Reason.SECRET_MISSING:
            return Do.UPDATE_RELEASE if is_of_unknown_family(card) else Do.SET_OR_REPLACE
        case Reason.SECRET_BLOCKED if card.driver in MUTUALLY_AUTHENTICATED:
            return Do.SET_ADMIN_KEY_AGAIN
        case Reason.SECRET_BLOCKED if _takes_another_secret(card):
            return Do.SET_RIGHT_SECRET
        case Reason.SECRET_BLOCKED if card.set_aside_at is not None:
            return Do.GIVE_CARD_ANOTHER_SECRET
        case Reason.SECRET_BLOCKED:
            return Do.REPLACE_CARD
        case _:
            assert_never(reason)


# Why somebody cannot unlock.


def _blocked(facts: StandingFacts) -> Headline:
    refused = facts.refused_cards
    pins = tuple(_tail(card) for card, seen in refused if seen.reason is Reason.PIN_BLOCKED)
    advice = Do.LIFT_BLOCK if pins else Do.LIFT_BLOCK_PIN_IN_USE
    registration = facts.registration
    if registration is None or registration.blocked_at is None:
        return Headline(AttemptsUsedUp(pins), advice)
    since = registration.blocked_at
    if facts.is_misuse_reported:
        act = None
        if facts.report is not None and (about := facts.report.about) is not None:
            what = happened(about)
            act = ReportedAct(about.reference, about.station or "", about.at, what)
        return Headline(BlockedByReport(since, act, pins), Do.PUT_RIGHT_THEN_LIFT_BLOCK)
    where = facts.blocked_where
    return Headline(Blocked(since, registration.failures, where, pins), advice)


def _not_registered(facts: StandingFacts) -> Headline:
    first = facts.first_code
    if first is not None and (entered := facts.seen.right_codes.get(first.id)) is not None:
        return Headline(
            FirstCodeEntered(entered.at, entered.station or ""),
            ChoosePin(_end(first), _then_register(facts)),
        )
    if first is not None:
        return Headline(FirstCodeGiven(), EnterGivenCode(_end(first), _then_register(facts)))
    if any(waits_for_second(code) for code in facts.codes):
        return Headline(FirstCodeWaits(), Do.AGREE_TO_CODE)
    for card, seen in facts.refused_cards:
        met = _of_seen(card, seen, Start.NOT_REGISTERED)
        if seen.reason is Reason.PIN_BLOCKED:
            return Headline(met.finding, _first(facts))
        return met
    code = facts.live_code(Purpose.REGISTER)
    if code is not None and code.sent_at is not None:
        return Headline(RegistrationCodeSent(code.sent_at), EnterCode(_end(code)))
    finding = NotRegistered() if facts.registration is None else QuestionsMissing()
    return Headline(finding, RegisterOrHelp(_first(facts)))


def registers_later(facts: StandingFacts) -> RegistersLater | None:
    """Return until when codes by mail may be used up for a registration; None where they are not.

    A station counts those to a recorded and to a new address apart: it may send one earlier.
    """
    until = facts.waits_until if facts.standing is Standing.NOT_REGISTERED else None
    return None if until is None else RegistersLater(until, facts.policy.codes_an_hour)


def _then_register(facts: StandingFacts) -> ThenRegister:
    if not facts.holder.address_id and facts.registration is None:
        return Registers.AFTER_ADDRESS_IS_RECORDED
    return registers_later(facts) or Registers.THERE


def _first(facts: StandingFacts) -> FirstHelp:
    """Return what the clerk can do for somebody whose PIN is blocked before they registered."""
    if not facts.unlockable:
        problems = facts.unusable
        missing = (card for card, reason in problems if reason is Reason.SECRET_MISSING)
        if not all(map(is_of_unknown_family, missing)):
            return Do.SET_SECRET_THEN_GIVE_CODE
        return advice_on(*problems[0])
    if not facts.holder.address_id and facts.registration is None:
        return Do.RECORD_ADDRESS_AND_GIVE_CODE
    later = registers_later(facts)
    return Do.GIVE_CODE_TO_REGISTER if later is None else GiveCodeOnly(later)


def _card_trouble(facts: StandingFacts) -> Headline:
    if facts.in_use:
        (card, reason), *others = facts.unusable
        if not others:
            return Headline(OnlyCardTroubled(trouble_of(card, reason)), advice_on(card, reason))
        return Headline(NoneUsable(len(facts.in_use)), Do.SEE_EACH_CARD)
    # The expired card that ended last; where none expired, a revoked one.
    judged = [(card, why) for card in facts.cards if (why := card_withdrawn(card, facts.now))]
    expired = [(card, why) for card, why in judged if why is Reason.CARD_EXPIRED]
    card, why = max(expired, key=lambda one: _end_of(one[0])) if expired else judged[0]
    trouble, advice = trouble_of(card, why), advice_on(card, why)
    if len(judged) == 1:
        return Headline(OnlyCardTroubled(trouble), advice)
    return Headline(NoneInUse(len(judged), _tail(card), trouble), advice)


def _takes_another_secret(card: Card) -> bool:
    """Return whether the card refused the recorded secret and has tries left for another."""
    return card.set_aside_at is not None and tries_by_account(card) > KEPT_SECRET_TRIES


# People who can unlock.


def _remarks(facts: StandingFacts) -> Iterator[Headline]:
    """Return what is worth knowing of somebody who is ready, the most important first."""
    # A blocked PIN is what an unlock is for.
    refused = [one for one in facts.refused_cards if one[1].reason is not Reason.PIN_BLOCKED]
    sound = {card.id for card in facts.in_use} - {card.id for card, _seen in refused}
    start = Start.MAY_NOT_UNLOCK if facts.can_unlock else Start.CANNOT_UNLOCK
    for card, seen in refused:
        found = _of_seen(card, seen, Start.OTHER_CARD_WORKS if sound else start)
        yield replace(found, may_fail=facts.can_unlock and not sound)
    if facts.paused_until is not None:
        yield Headline(AnswersPaused(facts.paused_until), Do.WAIT_OR_LIFT_BLOCK, may_fail=True)
    yield from _about_codes(facts)
    for card, seen in facts.refused_cards:
        able = facts.trouble(card) is None and key_barred(card, facts.now) is None
        if seen.reason is Reason.PIN_BLOCKED and able:
            yield _of_seen(card, seen, Start.CAN_UNLOCK)
    registration = facts.registration
    if facts.addresses.unconfirmed is not None:
        yield Headline(AddressUnconfirmed(), Do.NEXT_CODE_CONFIRMS)
    yield from _about_cards(facts)
    if registration is not None and registration.failures:
        left = facts.policy.max_failures - registration.failures
        yield Headline(AttemptsFailed(registration.failures, left), Do.NEXT_UNLOCK_FORGETS_FAILURES)
    yield Headline(Ready(), Do.NOTHING)


def _of_seen(card: Card, seen: CardObservation, start: Start) -> Headline:
    is_of_secret = seen.reason in {Reason.CARD_REFUSED, Reason.SECRET_BLOCKED}
    other = is_of_secret and _takes_another_secret(card)
    advice = advice_on(card, Reason.SECRET_BLOCKED) if other else AfterRefusal(seen.reason)
    return Headline(
        SeenRefused(start, seen.reason, _tail(card), seen.at, seen.station, other), advice
    )


def _about_codes(facts: StandingFacts) -> Iterator[Headline]:
    until = facts.waits_until
    if until is not None:
        yield Headline(TooManyCodes(until, facts.policy.codes_an_hour), Do.WAIT_OR_GIVE_CODE)
    if any(code.needs_second and code.agreed_by is None for code in facts.codes):
        yield Headline(CodeWaits(), Do.AGREE_TO_CODE)
    code = facts.waiting_code
    if code is None:
        return
    if (entered := facts.seen.right_codes.get(code.id)) is not None:
        yield Headline(CodeEntered(entered.at, entered.station or ""), ChoosePin(_end(code)))
    else:
        yield Headline(CodeNotEntered(by_mail=not code.issued_by), EnterCode(_end(code)))


def _about_cards(facts: StandingFacts) -> Iterator[Headline]:
    if facts.unsettled:
        began = facts.unsettled[0].opened_at
        yield Headline(OutcomeUnknown(began), Do.NEXT_VISIT_SHOWS_OUTCOME)
    for card, reason in facts.unusable:
        finding = OneCardTroubled(_tail(card), trouble_of(card, reason))
        yield Headline(finding, advice_on(card, reason))
    for card in facts.in_use:
        # It got a cryptogram, and did not prove that it has the admin key.
        if (last := last_exchange(card, facts.now)) is not None:
            is_barred = key_barred(card, facts.now) is not None
            until = last + EXCHANGE_SPAN if is_barred else None
            shown = AdminKeyNotShown(_tail(card), card.key_exchanges, last, until)
            yield Headline(shown, Do.SET_ADMIN_KEY_AGAIN, may_fail=is_barred)
        seen = card.secret_seen_at
        if seen is not None and seen + SEEN_FOR <= facts.now:
            yield Headline(SecretUnchanged(_tail(card), seen), Do.NEXT_UNLOCK_CHANGES_SECRET)


# Parts of those facts.


def happened(event: AuditEvent) -> Happened:
    return Happened(event.kind, dict(event.detail))


def _tail(card: Card) -> str:
    return card.identifier[-CARD_TAIL:]


def _end_of(card: Card) -> datetime:
    if card.expires_at is None:
        raise ValueError("a card without an end did not expire")
    return card.expires_at


def _end(code: EmailCode) -> datetime:
    """Return when a live code expires: today, as no code lives longer than an hour."""
    if code.expires_at is None:
        raise ValueError("a code that was not sent has no end")
    return code.expires_at
