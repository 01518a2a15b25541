"""How a person stands with self-service: pure, by the rules that the authority decides by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kiosk.administration.seen_of_cards import SeenOfCard
from kiosk.administration.views.people import Standing
from kiosk.authority.blocking import is_exhausted
from kiosk.authority.offers import card_withdrawn, has_left, is_registered, secret_barred
from kiosk.dialogue import Purpose, Reason
from kiosk.policy import Policy, may_send_code
from kiosk.policy.codes import SendVerdict
from kiosk.store.records import Card, Cardholder, Registration
from kiosk.store.visit_records import EmailCode, UnblockEntry

BrokenSeals = frozenset[tuple[str, int]]
"""Cards (by id) whose unblock secret of that revision did not open when it was wanted."""


_LASTING = frozenset({Reason.CARD_EXPIRED, Reason.SECRET_BLOCKED})
"""What a card told of itself that no other visit will find changed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is recorded of a person, as far as it decides what they can do.

    ``codes`` are those that can still come to be entered, ``sent`` says for each card when
    codes went out within the hour, ``unsettled`` are unblocks without a known outcome,
    ``seen`` is by card (id) what a station refused it for since it last worked.
    """

    holder: Cardholder
    cards: tuple[Card, ...]
    registration: Registration | None
    policy: Policy
    now: datetime
    codes: tuple[EmailCode, ...] = ()
    sent: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    unsettled: tuple[UnblockEntry, ...] = ()
    broken: BrokenSeals = frozenset()
    blocked_where: str = ""
    seen: Mapping[str, SeenOfCard] = field(default_factory=dict)
    last_pin_proven: Mapping[str, bool] = field(default_factory=dict)
    reported_at: datetime | None = None

    @property
    def is_misuse_reported(self) -> bool:
        """Whether somebody said since the block, or by it, that it was not the holder."""
        blocked = self.registration.blocked_at if self.registration else None
        return blocked is not None and self.reported_at is not None and self.reported_at >= blocked

    @property
    def standing(self) -> Standing:
        """How they stand."""
        return standing_of(
            self.holder, self.cards, self.registration, self.policy, self.now, self.broken
        )

    @property
    def in_use(self) -> tuple[Card, ...]:
        """The cards that are neither revoked nor expired."""
        return tuple(card for card in self.cards if card_withdrawn(card, self.now) is None)

    @property
    def in_trouble(self) -> tuple[tuple[Card, Reason], ...]:
        """The cards in use that cannot be unlocked, each with the reason."""
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
        """When a card can be sent a code again, where none of those in use can be now.

        None where a code can be sent, or one that was sent can still be entered.
        """
        if self.waiting_code is not None:
            return None
        waits = [self._may_send(card) for card in self.in_use if self.trouble(card) is None]
        if not waits or not all(verdict.too_many for verdict in waits):
            return None
        return self.now + min(verdict.wait for verdict in waits)

    @property
    def can_unlock(self) -> bool:
        """Whether they can unlock at a station at this moment."""
        if self.standing is Standing.NOT_REGISTERED:
            return self.first_code is not None
        if self.standing is not Standing.READY or self.waits_until is not None:
            return False
        sound = (card for card in self.in_use if self.trouble(card) is None)
        return any(self._seen_reason(card) not in _LASTING for card in sound)

    @property
    def refused_cards(self) -> tuple[tuple[Card, SeenOfCard], ...]:
        """The cards in use that a station refused since they last worked, newest first."""
        seen = [(card, self.seen[card.id]) for card in self.in_use if card.id in self.seen]
        still = (one for one in seen if not self._is_put_right(one[1].reason))
        return tuple(sorted(still, key=lambda one: one[1].at, reverse=True))

    @property
    def paused_until(self) -> datetime | None:
        """Until when no answers are taken with a card that cannot prove itself."""
        until = self.registration.unproven_until if self.registration else None
        return until if until is not None and until > self.now else None

    def _seen_reason(self, card: Card) -> Reason | None:
        seen = self.seen.get(card.id)
        return seen.reason if seen else None

    def _is_put_right(self, reason: Reason) -> bool:
        recorded = self.holder.email or self.registration
        return reason is Reason.NO_RECORDED_EMAIL and bool(recorded)

    def trouble(self, card: Card) -> Reason | None:
        """Return why one of the cards cannot be unlocked, whatever its holder proves."""
        return card_trouble(card, self.now, self.broken)

    def live_code(self, purpose: Purpose) -> EmailCode | None:
        """Return a code for ``purpose`` that can be entered now."""
        for code in self.codes:
            alive = code.expires_at is not None and code.expires_at > self.now
            if code.purpose is purpose and alive and code.tries < code.max_tries:
                return code
        return None

    def _may_send(self, card: Card) -> SendVerdict:
        return may_send_code(self.sent.get(card.id, ()), self.now, self.policy)


def standing_of(
    holder: Cardholder,
    cards: Sequence[Card],
    registration: Registration | None,
    policy: Policy,
    now: datetime,
    broken: BrokenSeals = frozenset(),
) -> Standing:
    """Return how somebody stands: what has to be put right first, if anything has."""
    if has_left(holder, now):
        return Standing.LEFT
    if is_blocked(registration, policy):
        return Standing.BLOCKED
    if not cards:
        return Standing.NO_CARD
    if all(card_withdrawn(card, now) for card in cards):
        return Standing.CARD_TROUBLE
    if not is_registered(registration, policy):
        return Standing.NOT_REGISTERED
    if all(card_trouble(card, now, broken) for card in cards):
        return Standing.CARD_TROUBLE
    return Standing.READY


def is_blocked(registration: Registration | None, policy: Policy) -> bool:
    """Tell whether self-service is blocked, or will be when the card is next seen."""
    blocked = registration is not None and registration.blocked_at is not None
    return blocked or is_exhausted(registration, policy)


def card_trouble(card: Card, now: datetime, broken: BrokenSeals = frozenset()) -> Reason | None:
    """Return why a card cannot be unlocked, whatever its holder proves."""
    return card_withdrawn(card, now) or secret_barred(card) or _broken(card, broken)


def _broken(card: Card, broken: BrokenSeals) -> Reason | None:
    sealed = card.sealed_secret
    is_broken = sealed is not None and (card.id, sealed.revision) in broken
    return Reason.SECRET_MISSING if is_broken else None
