"""What the administration returns, for JSON: each code in words, and beside it as ``facts``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import UTC
from enum import Enum

import msgspec

from kiosk.authority.administration.views import (
    CardLine,
    Found,
    Person,
    ProposalLine,
    RegistrationLine,
    StoryLine,
    UnknownCard,
)
from screens.words.staff.events import story_words
from screens.words.staff.found import card_words, fault_words, found_words, near_lines
from screens.words.staff.proposals import proposal_words, why_not_words
from screens.words.staff.standing import headline_words, later_words, trouble_words

Said = dict[str, object]


def coded(fact: object) -> object:
    """Return a code with its facts: ``code`` is its name."""
    if isinstance(fact, msgspec.Struct):
        names: Iterable[str] = fact.__struct_fields__
    elif is_dataclass(fact):
        names = (each.name for each in fields(fact))
    elif isinstance(fact, Enum):
        return {"code": fact.name}
    elif isinstance(fact, tuple):
        return [coded(each) for each in fact]
    else:
        return fact
    return {"code": type(fact).__name__} | {name: coded(getattr(fact, name)) for name in names}


def person_said(person: Person) -> Said:
    headline, later = headline_words(person.headline, person.clock), person.registers_later
    # A zone cannot be copied, and is no part of what is printed.
    found = asdict(replace(person, clock=person.clock._replace(zone=UTC)))
    del found["clock"]
    return found | {
        "headline": headline.sentence,
        "advice": headline.advice,
        "may_fail": person.headline.may_fail,
        "registers_later": later_words(later, person.clock) if later is not None else "",
        "registration": _registration_said(person.registration),
        "cards": list(map(_card_said, person.cards)),
        "story": list(map(_story_said, person.story)),
        "proposals": proposals_said(person.proposals),
        "facts": {
            "headline": coded(person.headline.finding),
            "advice": coded(person.headline.advice),
            "registers_later": coded(later),
        },
    }


def _registration_said(line: RegistrationLine | None) -> Said | None:
    if line is None:
        return None
    return asdict(line) | {"enrolled": [coded(each) for each in line.enrolled]}


def proposals_said(lines: Iterable[ProposalLine]) -> list[Said]:
    return [
        _without(line, "what")
        | {"sentence": proposal_words(line.what), "why_not": why_not_words(line)}
        | {"facts": {"what": coded(line.what), "why_not": coded(line.why_not)}}
        for line in lines
    ]


def found_said(found: Found) -> Said:
    about = found.about
    return {
        "people": [asdict(line) for line in found.people],
        "more": found.more,
        "about": found_words(found),
        "card": cards_said((found.card,))[0] if found.card is not None else None,
        "facts": {"shown": coded(about and about.shown), "mail": coded(about and about.mail)},
    }


def cards_said(cards: Iterable[UnknownCard]) -> list[Said]:
    return [
        {
            "reference": card.reference,
            "at": card.at,
            "station": card.station,
            "family": card.family,
            "identifier": card.identifier,
            "near": near_lines(card),
            "sentence": card_words(card),
            "cause": fault_words(card).cause,
            "advice": fault_words(card).advice,
            "unread": card.fault is not None,
            "recorded": card.recorded,
            "facts": {"near": coded(card.near), "fault": card.fault},
        }
        for card in cards
    ]


def _card_said(line: CardLine) -> Said:
    words = "" if line.trouble is None else trouble_words(line.trouble)
    return asdict(line) | {"trouble": words, "facts": {"trouble": coded(line.trouble)}}


def _story_said(line: StoryLine) -> Said:
    return _without(line, "what") | {
        "sentence": story_words(line),
        "facts": {"kind": line.what.kind, "detail": line.what.detail},
    }


def _without(line: ProposalLine | StoryLine, name: str) -> Said:
    found = asdict(line)
    del found[name]
    return found
