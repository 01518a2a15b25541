"""Why somebody can or cannot unlock, and what to do next, in sentences to be read out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from kiosk.administration.code_lines import waits_for_second
from kiosk.administration.saying import counted, last_day, said_at, said_day
from kiosk.administration.seen_of_cards import SeenOfCard
from kiosk.administration.standing import Facts
from kiosk.administration.views.people import Standing
from kiosk.authority.offers import EXCHANGE_SPAN, key_barred
from kiosk.dialogue import Purpose, Reason
from kiosk.policy import admin_key
from kiosk.store.records import Card
from kiosk.store.visit_records import EmailCode

_TAIL = 4
"""So many signs of a card's identifier tell it from its holder's others."""


class Headline(NamedTuple):
    """What is so, and what to do about it."""

    told: str
    advice: str


SEEN_FOR: Final = timedelta(hours=24)
"""How long a secret that was released and not changed is nothing to speak of: people come back."""

NOTHING_TO_DO = "Nothing has to be done."

_ADVICE = {
    Reason.CARD_REVOKED: "Add the card that they have now.",
    Reason.CARD_EXPIRED: (
        "Replace the card. Where the recorded end is wrong, import the right one; "
        "it cannot lengthen the card's own certificate."
    ),
    Reason.SECRET_MISSING: "Set the unblock secret, or replace the card.",
    Reason.SECRET_BLOCKED: "Replace the card: the last try of its unblock secret is never spent.",
}


def headline_of(facts: Facts, zone: tzinfo) -> Headline:
    """Return what matters most about somebody; moments are told in ``zone``."""
    match facts.standing:
        case Standing.LEFT:
            return _left(facts, zone)
        case Standing.BLOCKED:
            return _blocked(facts, zone)
        case Standing.NO_CARD:
            return Headline("No card is recorded for them.", "Add their card.")
        case Standing.NOT_REGISTERED:
            return _not_registered(facts, zone)
        case Standing.CARD_TROUBLE:
            return _card_trouble(facts)
        case Standing.READY:
            return next(_remarks(facts, zone))


def trouble_words(card: Card, reason: Reason | None) -> str:
    """Say of a card why it cannot be unlocked; empty where it can."""
    match reason:
        case None:
            return ""
        case Reason.CARD_REVOKED:
            return "It was revoked."
        case Reason.CARD_EXPIRED:
            return f"It expired on {last_day(_end_of(card))}."
        case Reason.SECRET_MISSING if card.sealed_secret is None:
            return "No unblock secret is recorded for it."
        case Reason.SECRET_MISSING:
            return "Its unblock secret cannot be opened any more."
        case _ if card.set_aside_at is not None:
            return "It is set aside: it refused every unblock secret that it could have."
        case _:
            return "It may have one try of its unblock secret left: it is sent nothing more."


# --- those who cannot ------------------------------------------------------------------


def _left(facts: Facts, zone: tzinfo) -> Headline:
    since = said_day(facts.holder.left_at or facts.now, zone)
    return Headline(
        f"Marked as a leaver since {since}: no station serves them.",
        "If they are here again, take them back from the leavers.",
    )


def _blocked(facts: Facts, zone: tzinfo) -> Headline:
    advice = (
        "Make sure who they are, then lift the block. Until then, whoever knows the PIN "
        "can still change it at a station."
    )
    registration = facts.registration
    if registration is None or registration.blocked_at is None:
        return Headline("Blocked: all attempts at their security questions are used.", advice)
    since = said_at(registration.blocked_at, facts.now, zone)
    if facts.is_misuse_reported:
        return Headline(
            f"Blocked since {since}: it was reported that something was not done by them.",
            "Look at their story with them. Make sure who they are before you lift the block.",
        )
    if not registration.failures:
        return Headline(f"Blocked since {since}.", advice)
    where = f", the last at {facts.blocked_where}" if facts.blocked_where else ""
    failed = counted(registration.failures, "failed attempt")
    return Headline(f"Blocked since {since}: {failed}{where}.", advice)


def _not_registered(facts: Facts, zone: tzinfo) -> Headline:
    first = facts.first_code
    if first is not None:
        return Headline(
            "Not registered. A code by word of mouth was given and has not been entered.",
            f"Before {_end(first, zone)} they put the card into any station, enter the code and "
            "choose a new PIN. Then they register there.",
        )
    if any(waits_for_second(code) for code in facts.codes):
        return Headline(
            "Not registered. A code by word of mouth waits for a second member of staff.",
            "A colleague has to agree to the code.",
        )
    for card, seen in facts.refused_cards:
        met = _of_seen(card, seen, facts, zone, "They are not registered")
        is_blocked = seen.reason is Reason.PIN_BLOCKED
        return Headline(met.told, _first(facts)) if is_blocked else met
    code = facts.live_code(Purpose.REGISTER)
    if code is not None and code.sent_at is not None:
        return Headline(
            f"Not registered yet: the code that was sent at {_at(code.sent_at, facts, zone)} "
            "was not entered.",
            f"They enter it at any station before {_end(code, zone)}.",
        )
    if facts.registration is not None:
        told = "Registered without security questions, which the policy asks for now."
    else:
        told = "Not registered: they have not finished a registration at any station."
    return Headline(
        told, f"While they know their PIN they register at any station. {_first(facts)}"
    )


def _first(facts: Facts) -> str:
    """Say what the clerk can do for somebody whose PIN is blocked before they registered."""
    if not facts.unlockable:
        return "If the PIN is blocked, stations cannot help: unlock or replace the card yourselves."
    if not facts.holder.email and facts.registration is None:
        return (
            "If the PIN is blocked, make sure who they are, record their email address, and give "
            "a code: with it they unlock and register at a station."
        )
    return (
        "If the PIN is blocked, make sure who they are and give a code: with it they unlock and "
        "register at a station, in one visit."
    )


def _card_trouble(facts: Facts) -> Headline:
    in_use = facts.in_use
    if not in_use:
        return _out_of_use(facts)
    (card, reason), *others = facts.in_trouble
    if not others:
        return Headline(_of_their_card(card, reason), _advice(card, reason))
    return Headline(
        f"None of their {counted(len(in_use), 'card')} can be unlocked.",
        "See what each card needs, beside it.",
    )


_LOOK_AT_IT = (
    "Look at the card that they hold. If it is the one that was issued, set its admin key again "
    "here, with all its tries: it need not be replaced."
)


def _advice(card: Card, reason: Reason) -> str:
    if reason is Reason.SECRET_BLOCKED and card.driver in admin_key.FAMILIES:
        return _LOOK_AT_IT
    if reason is Reason.SECRET_BLOCKED and card.set_aside_at is not None:
        return "Give the card another unblock secret with your card management and set it here."
    return _ADVICE[reason]


def _out_of_use(facts: Facts) -> Headline:
    """Tell of the card that was in use last: expired ones rather than revoked ones."""
    judged = [(card, facts.trouble(card)) for card in facts.cards]
    expired = [(card, why) for card, why in judged if why is Reason.CARD_EXPIRED]
    card, reason = max(expired, key=lambda one: _end_of(one[0])) if expired else judged[0]
    if reason is Reason.CARD_EXPIRED:
        return Headline(f"Card expired on {last_day(_end_of(card))}.", _ADVICE[reason])
    told = "Their card was" if len(judged) == 1 else "All their cards were"
    return Headline(f"{told} revoked.", _ADVICE[Reason.CARD_REVOKED])


def _of_their_card(card: Card, reason: Reason) -> str:
    if reason is Reason.SECRET_BLOCKED and card.set_aside_at is not None:
        return "Their card is set aside: it refused every unblock secret that it could have."
    if reason is Reason.SECRET_BLOCKED:
        return "Their card may have one try of its unblock secret left: it is sent nothing more."
    if card.sealed_secret is None:
        return "No unblock secret is recorded for their card."
    return "The unblock secret of their card cannot be opened any more."


# --- those who can ---------------------------------------------------------------------


def _remarks(facts: Facts, zone: tzinfo) -> Iterator[Headline]:
    """Say what is worth knowing of somebody who is ready, the weightiest first."""
    yield from _about_seen(facts, zone)
    if facts.paused_until is not None:
        yield Headline(
            "Too many wrong answers with a card that cannot prove itself: no answers are taken "
            f"with such a card before {said_at(facts.paused_until, facts.now, zone)}.",
            "They wait until then; or make sure who they are, and lift the block, which ends the "
            "wait. A card whose key is recorded is not affected.",
        )
    yield from _about_codes(facts, zone)
    registration = facts.registration
    if registration is not None and registration.unconfirmed_since is not None:
        yield Headline(
            "They can unlock. Codes go to an address that has not been confirmed since "
            "staff changed it.",
            "The next code that they enter confirms it.",
        )
    yield from _about_cards(facts, zone)
    if registration is not None and registration.failures:
        left = counted(facts.policy.max_failures - registration.failures, "attempt")
        failed = counted(registration.failures, "failed attempt")
        told = f"They can unlock. After {failed} they have {left} left."
        yield Headline(told, "Nothing has to be done: the next unlock forgets the failed ones.")
    yield Headline("They can unlock at every station.", NOTHING_TO_DO)


def _about_seen(facts: Facts, zone: tzinfo) -> Iterator[Headline]:
    sound = {card.id for card in facts.in_use} - set(facts.seen)
    for card, seen in facts.refused_cards:
        start = "They can unlock another card" if sound else "They may not be able to unlock"
        yield _of_seen(card, seen, facts, zone, start)


def _of_seen(card: Card, seen: SeenOfCard, facts: Facts, zone: tzinfo, start: str) -> Headline:
    """Say what a station saw of a card, and what to do about it."""
    where = f" at {seen.station}" if seen.station else ""
    met = f"{said_at(seen.at, facts.now, zone)}{where}"
    said, advice = _SEEN[seen.reason]
    return Headline(f"{start}. {said.format(card=_named(card))} ({met}).", advice)


_SEEN: Final[dict[Reason, tuple[str, str]]] = {
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
        (
            "They put it into a station and choose to unlock it, if they are registered. "
            "Otherwise make sure who they are and give a code: with it they unlock and register."
        ),
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


def _about_codes(facts: Facts, zone: tzinfo) -> Iterator[Headline]:
    until = facts.waits_until
    if until is not None:
        yield Headline(
            f"Not before {said_at(until, facts.now, zone)}: "
            f"{counted(facts.policy.codes_an_hour, 'code')} went out within the hour.",
            "They look for the latest code in their mail, or wait.",
        )
    if any(code.needs_second and code.agreed_by is None for code in facts.codes):
        yield Headline(
            "They can unlock. A code by word of mouth waits for a second member of staff.",
            "A colleague has to agree to the code.",
        )
    code = facts.waiting_code
    if code is not None:
        how = "was given by word of mouth" if code.issued_by else "was sent by mail"
        yield Headline(
            f"They can unlock: a code {how} and has not been entered.",
            f"They enter it at any station before {_end(code, zone)}.",
        )


def _about_cards(facts: Facts, zone: tzinfo) -> Iterator[Headline]:
    if facts.unsettled:
        began = said_at(facts.unsettled[0].opened_at, facts.now, zone)
        yield Headline(
            f"They can unlock. What became of the unlock of {began} is not known.",
            "The card tells as soon as it is put into any station.",
        )
    for card, reason in facts.in_trouble:
        told = f"They can unlock, but not {_named(card)}. {trouble_words(card, reason)}"
        yield Headline(told, _advice(card, reason))
    for card in facts.in_use:
        yield from _about_key(card, facts, zone)
        yield from _about_seen_secret(card, facts, zone)


def _about_key(card: Card, facts: Facts, zone: tzinfo) -> Iterator[Headline]:
    """Tell of cards that were sent what the admin key made, and did not show that they have it."""
    last = card.key_exchanged_at
    if last is None or last + EXCHANGE_SPAN <= facts.now:
        return
    times = counted(card.key_exchanges, "time")
    told = (
        f"A card that names itself as {_named(card)} did not show its admin key, {times}, "
        f"the last {said_at(last, facts.now, zone)}. It may be forged."
    )
    if key_barred(card, facts.now) is not None:
        until = said_at(last + EXCHANGE_SPAN, facts.now, zone)
        told = f"They cannot unlock before {until}. {told}"
    yield Headline(told, _LOOK_AT_IT)


def _about_seen_secret(card: Card, facts: Facts, zone: tzinfo) -> Iterator[Headline]:
    seen = card.secret_seen_at
    if seen is None or seen + SEEN_FOR > facts.now:
        return
    yield Headline(
        f"They can unlock. The unblock secret of {_named(card)} went to a station at "
        f"{said_at(seen, facts.now, zone)} and was not changed since: somebody may know it.",
        "The next unlock at a station changes it. If that is long to wait for, give the card "
        "another one with your card management and set it here.",
    )


# --- words -----------------------------------------------------------------------------


def _named(card: Card) -> str:
    return f"the card ending in {card.identifier[-_TAIL:]}"


def _end_of(card: Card) -> datetime:
    if card.expires_at is None:
        raise ValueError("a card without an end did not expire")
    return card.expires_at


def _at(moment: datetime, facts: Facts, zone: tzinfo) -> str:
    return said_at(moment, facts.now, zone)


def _end(code: EmailCode, zone: tzinfo) -> str:
    """Tell when a live code dies: today, for no code lives longer than an hour."""
    if code.expires_at is None:
        raise ValueError("a code that was not sent has no end")
    return f"{code.expires_at.astimezone(zone):%H:%M}"
