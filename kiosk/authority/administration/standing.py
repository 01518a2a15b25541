"""The standing of a person and their cards, by the rules of the authority.

Only ``card_observations`` reads the database; the rest is computed from ``StandingFacts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple, assert_never

from kiosk.authority.addresses import Addresses
from kiosk.authority.administration.views import CodeLine, RightPin, Standing
from kiosk.authority.audit.events import EVENTS, AuditKind, Count, audit_message
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
    secret_barred,
    tries_by_account,
)
from kiosk.authority.wording import as_sentence, counted, format_day, format_moment, last_day
from kiosk.contract.families import MUTUALLY_AUTHENTICATED
from kiosk.contract.messages import Purpose, Reason
from kiosk.contract.policy import Policy, end_of_wait, may_send_code

# What stations last saw of a person's cards, where it prevents an unlock.

SEEN_AT_STATIONS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.CARD_EXPIRED: (
        "The certificate on {card} has expired",
        "Replace the card. An imported end cannot lengthen its certificate.",
    ),
    Reason.NOT_GENUINE: (
        "What named itself as {card} did not prove that it is that card",
        (
            "Look at the card that they hold. If it is not the one that was issued, keep it and "
            "tell your security team. If it is, its recorded key is wrong or missing: import the "
            "right one."
        ),
    ),
    Reason.SECRET_BLOCKED: (
        "By its own count {card} takes no unblock secret any more",
        "Replace the card, or have your card management give it another secret and set it here.",
    ),
    Reason.CARD_REFUSED: (
        "The command to set a PIN was refused by {card}",
        "Let them try once more at another station. If it refuses again, replace the card.",
    ),
    Reason.PIN_BLOCKED: (
        "Wrong entries blocked the PIN of {card}",
        "They put it into any station and choose to unlock it.",
    ),
    Reason.OUTCOME_UNKNOWN: (
        "What became of the PIN of {card} is not known",
        "They put it into any station again, which shows whether the PIN was set.",
    ),
    Reason.CARD_UNREADABLE: (
        "The station could not read {card}",
        "Let them clean the chip and try another station. If that fails too, replace the card.",
    ),
    Reason.INSERT_CARD: (
        "Held against the reader, {card} takes no PIN",
        "They put the card into a slot, at a station that has one.",
    ),
    Reason.NO_RECORDED_EMAIL: (
        "The PIN of {card} was not proved by a key, and no email address is recorded",
        "Make sure who they are, and record their email address. Then they register again.",
    ),
}
"""Refusals that will meet the same card again, in words for staff, and the advice.

A pause has its end in the registration.
"""

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
        # An imported end is judged by the present record: only the certificate's is the card's.
        by_record = reason == Reason.CARD_EXPIRED and event.detail.get("by") != "certificate"
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
    zone: tzinfo
    """That of the times in the sentences."""
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
        return self.registration.paused_until(self.now) if self.registration else None

    def when(self, moment: datetime) -> str:
        return format_moment(moment, self.now, self.zone)

    def trouble(self, card: Card) -> CardProblem | None:
        return card_problem(card, self.now, self.broken)

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
    if all(card_problem(card, now, broken) for card in cards):
        return Standing.CARD_TROUBLE
    return Standing.READY


def is_blocked(registration: Registration | None, policy: Policy) -> bool:
    """Return whether self-service is blocked, or will be when the card is next seen."""
    blocked = registration is not None and registration.blocked_at is not None
    return blocked or is_exhausted(registration, policy)


def card_problem(
    card: Card, now: datetime, broken: BrokenSeals = frozenset()
) -> CardProblem | None:
    """Return why a card cannot be unlocked, whatever its holder proves."""
    problem = card_withdrawn(card, now) or secret_barred(card)
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


# Why somebody can or cannot unlock, and what to do next, in sentences to be read out.

CARD_TAIL = 4
"""So many characters of a card's identifier distinguish it from its holder's others."""


class Headline(NamedTuple):
    """The finding, and the advice.

    ``may_fail``: by the records they can unlock, but stations saw reasons against it.
    """

    sentence: str
    advice: str
    may_fail: bool = False


SEEN_FOR: Final = timedelta(hours=24)
"""How long a secret that was released and not changed is not mentioned: people come back."""

NOTHING_TO_DO = "Nothing has to be done."


def headline_of(facts: StandingFacts) -> Headline:
    match facts.standing:
        case Standing.LEFT:
            since = format_day(facts.holder.left_at or facts.now, facts.zone)
            return Headline(
                f"Marked as a leaver since {since}: no station serves them.",
                "If they are here again, take them back from the leavers.",
            )
        case Standing.BLOCKED:
            which = " and of ".join(
                _named(card)
                for card, seen in facts.refused_cards
                if seen.reason is Reason.PIN_BLOCKED
            )
            blocked = _blocked(facts, is_pin_blocked=bool(which))
            pins = f" The PIN of {which} is blocked, too." if which else ""
            return blocked._replace(sentence=blocked.sentence + pins)
        case Standing.NO_CARD:
            return Headline("No card is recorded for them.", "Add their card.")
        case Standing.NOT_REGISTERED:
            return _not_registered(facts)
        case Standing.CARD_TROUBLE:
            return _card_trouble(facts)
        case Standing.READY:
            return next(_remarks(facts))


def problem_of(card: Card, reason: CardProblem, it: str = "it") -> Headline:
    """Return why a card, which is called ``it``, cannot be unlocked, and what to do."""
    its = "its" if it == "it" else f"{it}'s"
    match reason:
        case Reason.CARD_REVOKED:
            words = f"{it} was revoked"
            advice = "Add the card that they have now."
        case Reason.CARD_EXPIRED:
            words = f"{it} expired on {last_day(_end_of(card))}"
            advice = (
                "Replace the card. Where the recorded end is wrong, import the right one; "
                "it cannot lengthen the card's own certificate."
            )
        case Reason.SECRET_MISSING if is_of_unknown_family(card):
            words = f"this release does not know {its} family, {card.driver}"
            advice = (
                "Tell the service's administrator: a newer release recorded the card, and this one "
                "has to be updated."
            )
        case Reason.SECRET_MISSING:
            words = f"{its} unblock secret cannot be opened any more"
            if card.sealed_secret is None:
                words = f"no unblock secret is recorded for {it}"
            advice = "Set the unblock secret, or replace the card."
        case Reason.SECRET_BLOCKED:
            words = f"{it} may have one try of its unblock secret left: it is sent nothing more"
            advice = "Replace the card: the last try of its unblock secret is never spent."
            if card.set_aside_at is not None:
                words = f"{it} is set aside: the recorded unblock secret is not the card's"
                advice = (
                    "Give the card another unblock secret with your card management and set it "
                    "here."
                )
            if _takes_another_secret(card):
                advice = "Set the right unblock secret, or replace the card."
            if card.driver in MUTUALLY_AUTHENTICATED:
                advice = _LOOK_AT_IT
        case _:
            assert_never(reason)
    return Headline(as_sentence(words), advice)


def problem_words(card: Card, reason: CardProblem | None) -> str:
    return problem_of(card, reason).sentence if reason else ""


# Why somebody cannot unlock.


def _blocked(facts: StandingFacts, *, is_pin_blocked: bool) -> Headline:
    advice = "Make sure who they are, then lift the block."
    if not is_pin_blocked:
        advice += " Until then, whoever knows the PIN can still change it at a station."
    registration = facts.registration
    if registration is None or registration.blocked_at is None:
        return Headline("Blocked: all attempts at their security questions are used.", advice)
    since = facts.when(registration.blocked_at)
    if facts.is_misuse_reported:
        reported = "something was not done by them."
        if facts.report is not None and (about := facts.report.about) is not None:
            when = facts.when(about.at)
            where = f" at {about.station}" if about.station else ""
            deed = audit_message(about)
            reported = f"they did not do {about.reference}{where}, {when}: {deed}"
        return Headline(
            f"Blocked since {since}: it was reported that {reported}",
            "Make sure who they are. Put right with them what was done; then lift the block.",
        )
    if not registration.failures:
        return Headline(f"Blocked since {since}.", advice)
    where = f", the last at {facts.blocked_where}" if facts.blocked_where else ""
    failed = counted(registration.failures, "failed attempt")
    return Headline(f"Blocked since {since}: {failed}{where}.", advice)


def _not_registered(facts: StandingFacts) -> Headline:
    first = facts.first_code
    if first is not None and first.id in facts.seen.right_codes:
        return Headline(
            f"Not registered. A code by word of mouth {_was_entered(first, facts)}",
            f"{_then_new_pin(first, facts)} {_then_register(facts)}",
        )
    if first is not None:
        return Headline(
            "Not registered. A code by word of mouth was given and has not been entered.",
            f"Before {_end(first, facts)} they put the card into any station, enter the code and "
            f"choose a new PIN. {_then_register(facts)}",
        )
    if any(waits_for_second(code) for code in facts.codes):
        return Headline(
            "Not registered. A code by word of mouth waits for a second member of staff.",
            "A colleague has to agree to the code.",
        )
    for card, seen in facts.refused_cards:
        met = _of_seen(card, seen, facts, "They are not registered")
        if seen.reason is Reason.PIN_BLOCKED:
            return Headline(met.sentence, _first(facts, is_blocked=True))
        return met
    code = facts.live_code(Purpose.REGISTER)
    if code is not None and code.sent_at is not None:
        return Headline(
            "Not registered yet: the code that was sent at "
            f"{facts.when(code.sent_at)} was not entered.",
            f"They enter it at any station before {_end(code, facts)}.",
        )
    if facts.registration is not None:
        sentence = "Registered without security questions, which the policy asks for now."
    else:
        sentence = "Not registered: they have not finished a registration at any station."
    return Headline(
        sentence,
        "While they know their PIN they register at any station. "
        f"{_first(facts, is_blocked=False)}",
    )


def registers_later(facts: StandingFacts) -> str:
    """Return that codes by mail may be used up for a registration; empty where they are not.

    A station counts those to a recorded and to a new address apart: it may send one earlier.
    """
    until = facts.waits_until if facts.standing is Standing.NOT_REGISTERED else None
    if until is None:
        return ""
    sent = f"{counted(facts.policy.codes_an_hour, 'code')} went out within the hour"
    return f"They may not be able to register before {_wait(until, facts)}: {sent}."


def _then_register(facts: StandingFacts) -> str:
    if not facts.holder.address_id and facts.registration is None:
        return "They cannot register without an email address: record it before."
    return registers_later(facts) or "Then they register there."


def _first(facts: StandingFacts, *, is_blocked: bool) -> str:
    """Return what the clerk can do for somebody whose PIN is blocked before they registered."""
    if not facts.unlockable:
        problems = facts.unusable
        missing = (card for card, reason in problems if reason is Reason.SECRET_MISSING)
        if not all(map(is_of_unknown_family, missing)):
            words = "first set the unblock secret of the card, then give a code."
        else:
            advice = problem_of(*problems[0]).advice
            words = advice[0].lower() + advice[1:]
    elif not facts.holder.address_id and facts.registration is None:
        words = (
            "make sure who they are, record their email address, and give a code: with it they "
            "unlock and register at a station."
        )
    elif later := registers_later(facts):
        words = f"make sure who they are and give a code: with it they unlock at a station. {later}"
    else:
        words = (
            "make sure who they are and give a code: with it they unlock and register at a "
            "station, in one visit."
        )
    return words[0].upper() + words[1:] if is_blocked else f"If the PIN is blocked, {words}"


def _card_trouble(facts: StandingFacts) -> Headline:
    if facts.in_use:
        (card, reason), *others = facts.unusable
        if not others:
            return problem_of(card, reason, "their card")
        return Headline(
            f"None of their {counted(len(facts.in_use), 'card')} can be unlocked.",
            "See what each card needs, beside it.",
        )
    # The expired card that ended last; where none expired, a revoked one.
    judged = [(card, why) for card in facts.cards if (why := card_withdrawn(card, facts.now))]
    expired = [(card, why) for card, why in judged if why is Reason.CARD_EXPIRED]
    card, why = max(expired, key=lambda one: _end_of(one[0])) if expired else judged[0]
    if len(judged) == 1:
        return problem_of(card, why, "their card")
    found, advice, _ = problem_of(card, why, _named(card))
    return Headline(f"None of their {counted(len(judged), 'card')} is in use. {found}", advice)


_LOOK_AT_IT = (
    "Look at the card that they hold. If it is the one that was issued, set its admin key again "
    "here, with all its tries: it need not be replaced."
)


def _takes_another_secret(card: Card) -> bool:
    """Return whether the card refused the recorded secret and has tries left for another."""
    return card.set_aside_at is not None and tries_by_account(card) > KEPT_SECRET_TRIES


# People who can unlock.


def _remarks(facts: StandingFacts) -> Iterator[Headline]:
    """Return what is worth knowing of somebody who is ready, the most important first."""
    # A blocked PIN is what an unlock is for.
    refused = [one for one in facts.refused_cards if one[1].reason is not Reason.PIN_BLOCKED]
    sound = {card.id for card in facts.in_use} - {card.id for card, _seen in refused}
    start = "They may not be able to unlock" if facts.can_unlock else "They cannot unlock"
    for card, seen in refused:
        headline = _of_seen(card, seen, facts, "They can unlock another card" if sound else start)
        yield headline._replace(may_fail=facts.can_unlock and not sound)
    if facts.paused_until is not None:
        yield Headline(
            "Too many wrong answers with a card that cannot prove itself: no answers are taken "
            f"with such a card before {_wait(facts.paused_until, facts)}.",
            "They wait until then; or make sure who they are, and lift the block, which ends the "
            "wait. A card whose key is recorded is not affected.",
            may_fail=True,
        )
    yield from _about_codes(facts)
    for card, seen in facts.refused_cards:
        able = facts.trouble(card) is None and key_barred(card, facts.now) is None
        if seen.reason is Reason.PIN_BLOCKED and able:
            yield _of_seen(card, seen, facts, "They can unlock at every station")
    registration = facts.registration
    if facts.addresses.unconfirmed is not None:
        yield Headline(
            "They can unlock. Codes go to an address that has not been confirmed since "
            "staff changed it.",
            "The next code that they enter confirms it.",
        )
    yield from _about_cards(facts)
    if registration is not None and registration.failures:
        left = counted(facts.policy.max_failures - registration.failures, "attempt")
        failed = counted(registration.failures, "failed attempt")
        sentence = f"They can unlock. After {failed} they have {left} left."
        yield Headline(sentence, "Nothing has to be done: the next unlock forgets the failed ones.")
    yield Headline("They can unlock at every station.", NOTHING_TO_DO)


def _of_seen(card: Card, seen: CardObservation, facts: StandingFacts, start: str) -> Headline:
    met = facts.when(seen.at) + (f" at {seen.station}" if seen.station else "")
    sentence, advice = SEEN_AT_STATIONS[seen.reason]
    is_of_secret = seen.reason in {Reason.CARD_REFUSED, Reason.SECRET_BLOCKED}
    if is_of_secret and _takes_another_secret(card):
        sentence = "The unblock secret that is recorded for {card} is not the card's"
        advice = problem_of(card, Reason.SECRET_BLOCKED).advice
    return Headline(f"{start}. {sentence.format(card=_named(card))} ({met}).", advice)


def _about_codes(facts: StandingFacts) -> Iterator[Headline]:
    until = facts.waits_until
    if until is not None:
        yield Headline(
            f"Not before {_wait(until, facts)}: "
            f"{counted(facts.policy.codes_an_hour, 'code')} went out within the hour.",
            "None of these can be entered any more. They wait, or you make sure who they are and "
            "give a code.",
        )
    if any(code.needs_second and code.agreed_by is None for code in facts.codes):
        yield Headline(
            "They can unlock. A code by word of mouth waits for a second member of staff.",
            "A colleague has to agree to the code.",
        )
    code = facts.waiting_code
    if code is not None and code.id in facts.seen.right_codes:
        yield Headline(
            f"They can unlock: a code {_was_entered(code, facts)}", _then_new_pin(code, facts)
        )
    elif code is not None:
        how = "was given by word of mouth" if code.issued_by else "was sent by mail"
        yield Headline(
            f"They can unlock: a code {how} and has not been entered.",
            f"They enter it at any station before {_end(code, facts)}.",
        )


def _about_cards(facts: StandingFacts) -> Iterator[Headline]:
    if facts.unsettled:
        began = facts.when(facts.unsettled[0].opened_at)
        yield Headline(
            f"They can unlock. What became of the unlock of {began} is not known.",
            "The card tells as soon as it is put into any station.",
        )
    for card, reason in facts.unusable:
        found, advice, _ = problem_of(card, reason)
        yield Headline(f"They can unlock, but not {_named(card)}. {found}", advice)
    for card in facts.in_use:
        # It got a cryptogram, and did not prove that it has the admin key.
        if (last := last_exchange(card, facts.now)) is not None:
            sentence = (
                f"A card that names itself as {_named(card)} did not show its admin key, "
                f"{counted(card.key_exchanges, 'time')}, the last {facts.when(last)}. "
                "It may be forged."
            )
            is_barred = key_barred(card, facts.now) is not None
            if is_barred:
                until = _wait(last + EXCHANGE_SPAN, facts)
                sentence = f"They cannot unlock before {until}. {sentence}"
            yield Headline(sentence, _LOOK_AT_IT, may_fail=is_barred)
        seen = card.secret_seen_at
        if seen is not None and seen + SEEN_FOR <= facts.now:
            when = facts.when(seen)
            yield Headline(
                f"They can unlock. The unblock secret of {_named(card)} went to a station at "
                f"{when} and was not changed since: somebody may know it.",
                "The next unlock at a station changes it. If that is long to wait for, give the "
                "card another one with your card management and set it here.",
            )


# Parts of those sentences.


def _named(card: Card) -> str:
    return f"the card ending in {card.identifier[-CARD_TAIL:]}"


def _end_of(card: Card) -> datetime:
    if card.expires_at is None:
        raise ValueError("a card without an end did not expire")
    return card.expires_at


def _was_entered(code: EmailCode, facts: StandingFacts) -> str:
    entered = facts.seen.right_codes[code.id]
    where = f" at {entered.station}" if entered.station else ""
    when = facts.when(entered.at)
    return f"was entered{where}, {when}; the new PIN is not set yet."


def _then_new_pin(code: EmailCode, facts: StandingFacts) -> str:
    return (
        "They choose the new PIN at the station. If they had to stop, they put the card into any "
        f"station and enter the same code again before {_end(code, facts)}."
    )


def _wait(until: datetime, facts: StandingFacts) -> str:
    return facts.when(end_of_wait(until))


def _end(code: EmailCode, facts: StandingFacts) -> str:
    """Return when a live code expires: today, as no code lives longer than an hour."""
    if code.expires_at is None:
        raise ValueError("a code that was not sent has no end")
    return f"{code.expires_at.astimezone(facts.zone):%H:%M}"
