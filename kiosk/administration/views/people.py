"""A person as the clerk sees them: how they stand, their cards, their story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.administration.views.acting import Seen
from kiosk.administration.views.proposals import ProposalLine
from kiosk.people_groups import Place
from kiosk.roles import Action
from kiosk.sensitive import Sensitive


class Standing(StrEnum):
    """How a person stands with self-service, the gravest first."""

    LEFT = "left"
    BLOCKED = "blocked"
    NO_CARD = "no-card"
    NOT_REGISTERED = "not-registered"
    CARD_TROUBLE = "card-trouble"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person in a list."""

    holder_id: str
    number: str
    name: str
    email: str
    standing: Standing
    cards: int
    date: datetime | None = None
    """In a list: since when blocked or gone, or when the card ends."""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A page of a list; ``more`` is what to ask with for the next one, None: no more."""

    people: tuple[PersonLine, ...]
    more: Place | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave, by name; ``more`` says that there are others beyond the limit.

    ``about`` explains a hit by a reference number: when and where it was shown, and why.
    """

    people: tuple[PersonLine, ...]
    more: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class CardLine:
    """One card of a person; ``trouble`` says why it cannot be unlocked, empty: it can.

    ``has_key`` says that a key is recorded: only a card that proves it is served.
    ``has_pin_key`` says that the key is recorded with which it proves its PIN.
    """

    card_id: str
    driver: str
    identifier: str
    revoked: bool
    expires_at: datetime | None
    has_secret: bool
    trouble: str
    has_key: bool = False
    has_pin_key: bool = False
    last_pin_proven: bool | None = None
    """Whether the PIN that was entered last was proven; None: no station saw one lately."""


@dataclass(frozen=True, slots=True)
class RegistrationLine:
    """A person's registration; the questions' texts, never an answer."""

    email: str
    confirmed: bool
    registered_at: datetime
    questions: tuple[str, ...]
    failures: int
    failures_allowed: int
    blocked_at: datetime | None
    paused_until: datetime | None = None
    """No answers are taken until then with cards that cannot prove themselves."""


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A code that is waited for, or was given by staff and waits for a second member.

    ``waits_for_second`` is True until somebody else agreed; ``expires_at`` bounds that, too.
    """

    code_id: str
    card_id: str
    holder_id: str
    holder_name: str
    by_mail: bool
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    waits_for_second: bool


@dataclass(frozen=True, slots=True)
class AddressChangeLine:
    """A change of address that does not count yet; the new one is masked."""

    old: str
    masked: str
    asked_at: datetime
    counts_from: datetime


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened, in plain words; ``grave`` marks a refusal or a failure."""

    seq: int
    at: datetime
    told: str
    who: str
    station: str
    reference: str
    grave: bool


@dataclass(frozen=True, slots=True)
class Person:
    """All of a person's page.

    ``proposals`` is what staff proposed about them and waits for a second member.
    ``headline`` says why they can or cannot unlock, ``advice`` what to do next, both in a
    sentence that can be read out. ``open_to`` are the actions that make sense now and that
    the reader's role permits.
    """

    seen: Seen
    number: str
    name: str
    email: str
    left_at: datetime | None
    standing: Standing
    can_unlock: bool
    headline: str
    advice: str
    registration: RegistrationLine | None
    cards: tuple[CardLine, ...]
    codes: tuple[CodeLine, ...]
    story: tuple[StoryLine, ...]
    open_to: frozenset[Action]
    proposals: tuple[ProposalLine, ...] = ()
    waiting_change: AddressChangeLine | None = None


@dataclass(frozen=True, slots=True)
class IssuedFrom:
    """Stands for the unblock secret that a card was issued with, which derives from a master key.

    ``master`` is that key's id, as ``kiosk keys list`` shows it.
    """

    master: str


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to be added; ``secret`` is its unblock secret, None where it is not known yet."""

    identifier: str
    driver: str = "piv"
    expires_at: datetime | None = None
    secret: Sensitive | IssuedFrom | None = None
    secret_limit: int | None = None


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code given by staff, to be read out once: it is shown nowhere else, ever."""

    code_id: str
    code: Sensitive
    expires_at: datetime
    waits_for_second: bool
    reference: str
    for_first_unlock: bool = False


@dataclass(frozen=True, slots=True)
class UnknownCard:
    """A card that no station serves: it is not recorded, or could not be read (``unread``).

    ``said`` is a sentence of how it calls itself, ``near`` says which recorded cards it
    resembles, ``cause`` what was wrong in a few words, and ``advice`` what to do. Family and
    identifier are empty where the station did not get so far.
    """

    reference: str
    at: datetime
    station: str
    family: str
    identifier: str
    near: tuple[str, ...]
    said: str
    cause: str
    advice: str
    unread: bool
