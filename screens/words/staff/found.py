"""What a reference number leads to, and the cards that no station could serve."""

from __future__ import annotations

from typing import Final, NamedTuple, assert_never

from kiosk.authority import facts
from kiosk.authority.administration.views import Found, UnknownCard
from kiosk.authority.facts import NearCard
from kiosk.authority.wording import format_moment
from kiosk.contract.messages import ReadFault
from screens.words.staff.events import event_words


class FaultWords(NamedTuple):
    """What was wrong with the card, and what to do now."""

    cause: str
    advice: str


NOT_RECORDED: Final = FaultWords(
    "It is not recorded",
    (
        "Make sure whose card it is. If they should have it, correct its identifier in the file of "
        "people and import that again, or add the card on their page."
    ),
)
RECORDED_SINCE: Final = FaultWords("It was not recorded then", "Nothing is left to do here.")
FAULTS: Final[dict[ReadFault, FaultWords]] = {
    ReadFault.NO_ANSWER: FaultWords(
        "It gave the reader no answer",
        (
            "They put it in the other way round and wipe the chip. If a second station gets no "
            "answer either, replace the card."
        ),
    ),
    ReadFault.UNKNOWN_KIND: FaultWords(
        "It is of no kind that the station serves",
        (
            "Ask which card they used: it may be a bank card or a pass. If it is their smartcard, "
            "an administrator looks at it with `kiosk cards read` and at `families` in [cards]."
        ),
    ),
    ReadFault.NO_IDENTIFIER: FaultWords(
        "It has no identifier by which a card is known",
        "It was not personalised, was emptied, or never had one. Replace the card.",
    ),
    ReadFault.GLOBAL_PIN: FaultWords(
        "Its PIN in use is the Global PIN, of the whole card",
        (
            "No station checks, changes or unlocks that PIN, so none was asked for. Those who "
            "manage your cards help its holder, or have the card use its PIV PIN."
        ),
    ),
    ReadFault.TOO_SLOW: FaultWords(
        "It did not answer in time",
        (
            "They try once more, at another station if there is one. If it is slow there as well, "
            "replace the card."
        ),
    ),
    ReadFault.TAKEN_OUT: FaultWords(
        "It left the reader while it was read",
        "They put it in once more, and leave it in until the station says to take it out.",
    ),
    ReadFault.SWAPPED: FaultWords(
        "Another card took its place while it was read",
        "They take every card out, and put in one card alone.",
    ),
    ReadFault.MALFORMED: FaultWords(
        "Its answer does not follow the standard",
        "They try another station. If that fails too, replace the card.",
    ),
}
"""By the station's report."""


def fault_words(card: UnknownCard) -> FaultWords:
    if card.recorded:
        return RECORDED_SINCE
    return FAULTS[card.fault] if card.fault else NOT_RECORDED


def card_words(card: UnknownCard) -> str:
    """Return how the card names itself, and why it could not be read."""
    named = f"It calls itself {card.family} {card.identifier}."
    if card.fault is None:
        return named
    of_family = f" It is of the family {card.family}." if card.family else ""
    more = f" {named}" if card.identifier else of_family
    return f"{fault_words(card).cause}, by the station's report.{more}"


def near_lines(card: UnknownCard) -> tuple[str, ...]:
    """Return the recorded cards that it resembles, the closest first."""
    return tuple(map(_near_words, card.near))


def found_words(found: Found) -> str:
    """Return what a reference number stands for; empty where none was looked for."""
    words, about = [], found.about
    if about is not None and about.mail is not None:
        words.append(_mail_words(about.mail, about.clock))
    if about is not None and about.shown is not None:
        words.append(_shown_words(about.shown, about.clock))
    if found.card is not None:
        near = near_lines(found.card)
        words += [card_words(found.card), *near]
        if found.card.fault is not None or not near:
            words.append(fault_words(found.card).advice)
    return " ".join(words)


def _shown_words(shown: facts.ShownAt, clock: facts.ReadAt) -> str:
    where = f" at {shown.station}" if shown.station else f" by {shown.who}" if shown.who else ""
    when = format_moment(shown.at, clock.now, clock.zone)
    gone = " The person was erased." if shown.erased else ""
    return f"{shown.reference}{where}, {when}: {event_words(shown.what)}{gone}"


def _mail_words(mail: facts.OfMail, clock: facts.ReadAt) -> str:
    still = "it stops nothing more at a station, and you can still stop everything here"
    if mail.used_at is not None:
        when = format_moment(mail.used_at, clock.now, clock.zone)
        return f"The number of a mail, used up by a report at {when}: {still}."
    if mail.is_old:
        return f"The number of a mail of more than 30 days ago: {still}."
    return "The number of a mail, for somebody to stop what they did not do."


def _near_words(near: NearCard) -> str:
    match near:
        case facts.RecordedAs(name, number):
            return f"It is recorded as a card of {name} ({number})."
        case facts.RecordedSince(name, number):
            return f"It was recorded since: a card of {name} ({number})."
        case facts.OfOtherFamily(name, number, family):
            return f"{_recorded(name, number)} so, under the family {family}."
        case facts.OfOtherCapitals(name, number):
            return f"{_recorded(name, number)} so, with other capital letters."
        case facts.OfOtherByteOrder(name, number, identifier):
            order = "the same bytes in another order. Mistyped import?"
            return f"{_recorded(name, number)} as {identifier}: {order}"
        case facts.OfOtherLength(name, number, identifier, signs):
            has = f"has {len(identifier)} signs and not {signs}"
            return f"{_recorded(name, number)} as {identifier}, which {has}."
        case facts.OfFewOtherSigns(name, number, identifier, signs):
            few = "one sign" if signs == 1 else f"{signs} signs"
            differs = f"which differs in {few}. Mistyped import?"
            return f"{_recorded(name, number)} as {identifier}, {differs}"
        case facts.TooManyAlike(cards):
            return (
                f"The identifiers of {cards} recorded cards differ from it in one or two signs: "
                "too many to say which is meant."
            )
        case _:
            assert_never(near)


def _recorded(name: str, number: str) -> str:
    return f"A card of {name} ({number}) is recorded"
