"""People of the fake desk: one in every standing, and a crowd to search in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from kiosk.authority.administration.views import (
    CardLine,
    CodeLine,
    Person,
    PersonLine,
    RegistrationLine,
    Seen,
    Standing,
    StoryLine,
)
from kiosk.authority.facts import (
    AnswersRegistered,
    Blocked,
    CodesGoTo,
    Do,
    Happened,
    Headline,
    Left,
    NoCard,
    NotRegistered,
    OnlyCardTroubled,
    ReadAt,
    Ready,
    RegisterOrHelp,
    SecretNotRecorded,
)
from kiosk.authority.roles import Action, Role, may

NOW = datetime(2026, 3, 4, 10, 32, tzinfo=UTC)
QUESTIONS = (
    "What was the name of your first school?",
    "Which street did you grow up in?",
    "What was your first pet called?",
    "Which town did your parents meet in?",
)
_HEADLINES: dict[Standing, Headline] = {
    Standing.LEFT: Headline(Left(NOW - timedelta(days=12)), Do.TAKE_BACK_LEAVER),
    Standing.BLOCKED: Headline(
        Blocked(NOW - timedelta(minutes=11), 3, "West Wing 1"), Do.LIFT_BLOCK
    ),
    Standing.NO_CARD: Headline(NoCard(), Do.ADD_CARD),
    Standing.NOT_REGISTERED: Headline(NotRegistered(), RegisterOrHelp(Do.GIVE_CODE_TO_REGISTER)),
    Standing.CARD_TROUBLE: Headline(OnlyCardTroubled(SecretNotRecorded()), Do.SET_OR_REPLACE),
    Standing.READY: Headline(Ready(), Do.NOTHING),
}


@dataclass
class Record:
    """One person as the fake store has them, and what was done to them, by revision."""

    person: Person
    deeds: list[tuple[int, str]] = field(default_factory=list)

    @property
    def line(self) -> PersonLine:
        """Return them as a row of a list."""
        one = self.person
        return PersonLine(
            one.seen.holder_id, one.number, one.name, one.email, one.standing, len(one.cards)
        )

    def change(self, who: str, deed: str, **fields: object) -> None:
        """Change them as ``who`` would: the revision moves on."""
        seen = replace(self.person.seen, revision=self.person.seen.revision + 1)
        line = StoryLine(1000 + seen.revision, NOW, told(f"{deed}."), who, "", "K7QH-2M9T", False)
        self.person = replace(
            self.person,
            seen=seen,
            story=(line, *self.person.story),
            **fields,  # type: ignore[arg-type]
        )
        self.deeds.append((seen.revision, f"{who} {deed} (reference K7QH-2M9T)."))

    def stands(self, standing: Standing) -> None:
        """Let them stand otherwise."""
        self.person = replace(
            self.person,
            standing=standing,
            headline=_HEADLINES[standing],
            can_unlock=standing is Standing.READY,
        )

    def keep_further(self, change: Callable[[CodesGoTo], CodesGoTo]) -> None:
        """Change the further addresses; nothing where they are not registered."""
        if (line := self.person.registration) is not None:
            kept = (change(one) if isinstance(one, CodesGoTo) else one for one in line.enrolled)
            registered = replace(line, enrolled=tuple(kept))
            self.person = replace(self.person, registration=registered)

    def unblock(self) -> None:
        """Let them try again, with all attempts."""
        if self.person.registration is not None:
            free = replace(self.person.registration, failures=0, blocked_at=None)
            self.person = replace(self.person, registration=free)
        self.stands(Standing.READY)

    def leaves(self, at: datetime | None) -> None:
        """Let them leave, or with None come back."""
        self.person = replace(self.person, left_at=at)
        self.stands(Standing.LEFT if at else Standing.READY)


def people() -> dict[str, Record]:
    """Return all, by id."""
    named = [
        ("h1", "100200300401", "Amara Okafor", Standing.BLOCKED),
        ("h2", "100200300402", "Bronwen Pryce", Standing.READY),
        ("h3", "100200300403", "Callum Reid", Standing.NOT_REGISTERED),
        ("h4", "100200300404", "Dilys Maddox-Featherstonehaugh", Standing.CARD_TROUBLE),
        ("h5", "100200300405", "Eoin Gallagher", Standing.NO_CARD),
        ("h6", "100200300406", "Farida Khan [bold]", Standing.LEFT),
        ("h7", "100200300407", "Gwen Tudor", Standing.READY),
    ]
    crowd = [
        (f"c{i}", f"2003004{i:05}", f"{first} Smith", Standing.READY)
        for i, first in enumerate(("Ada", "Ben", "Cai", "Dee", "Eve", "Fay", "Gus", "Hal") * 8)
    ]
    every = {one[0]: Record(_person(*one)) for one in (*named, *crowd)}
    every["h7"].person = _long_served(every["h7"].person)
    return every


def _long_served(person: Person) -> Person:
    """Give somebody a second card, a third that is revoked, and a story of years."""
    (card,) = person.cards
    second = replace(card, card_id="card-h7-2", identifier="0123456789abcdef0123456789abcdef")
    old = replace(card, card_id="card-h7-0", identifier="ff" * 16, revoked=True)
    years = tuple(
        StoryLine(i, NOW - timedelta(days=1500 - i), told(f"Unlocked their card, time {i}."),
                  "", "Library", f"Y{i:03}-0LD0", False)
        for i in reversed(range(1, 61))
    )  # fmt: skip
    return replace(person, cards=(card, second, old), story=(*person.story, *years))


def open_to(standing: Standing, role: Role) -> frozenset[Action]:
    """Return the actions that make sense for somebody in ``standing``."""
    if standing is Standing.LEFT:
        return frozenset(a for a in (Action.TAKE_BACK_LEAVER, Action.ERASE_PERSON) if may(role, a))
    sensible = {Action.CORRECT_NAME, Action.CORRECT_EMAIL, Action.MARK_LEAVER, Action.ADD_CARD}
    sensible |= {Action.ERASE_PERSON, Action.REPORT_MISUSE}
    if standing is not Standing.NO_CARD:
        sensible |= {Action.REPLACE_CARD, Action.REVOKE_CARD, Action.SET_SECRET}
    if standing in (Standing.READY, Standing.BLOCKED):
        sensible.add(Action.REVOKE_REGISTRATION)
    if standing is Standing.BLOCKED:
        sensible.add(Action.LIFT_BLOCK)
    if standing in (Standing.READY, Standing.NOT_REGISTERED):
        sensible.add(Action.ISSUE_CODE)
    return frozenset(action for action in sensible if may(role, action))


def _person(holder_id: str, number: str, name: str, standing: Standing) -> Person:
    email = f"{name.split()[0].lower()}.{name.split()[1].lower()}@wexbridge.nhs.uk"
    return Person(
        seen=Seen(holder_id, 1),
        number=number,
        name=name,
        email=email,
        left_at=NOW - timedelta(days=12) if standing is Standing.LEFT else None,
        standing=standing,
        can_unlock=standing is Standing.READY,
        headline=_HEADLINES[standing],
        clock=ReadAt(NOW, UTC),
        registration=_registration(email, standing),
        cards=() if standing is Standing.NO_CARD else (_card(holder_id, standing),),
        codes=(),
        story=_story(standing),
        open_to=frozenset(),
    )


def _registration(email: str, standing: Standing) -> RegistrationLine | None:
    if standing in (Standing.NOT_REGISTERED, Standing.NO_CARD):
        return None
    blocked = standing is Standing.BLOCKED
    return RegistrationLine(
        registered_at=NOW - timedelta(days=210),
        enrolled=(AnswersRegistered(QUESTIONS), CodesGoTo(email, confirmed=True)),
        failures=3 if blocked else 0,
        failures_allowed=3,
        blocked_at=NOW - timedelta(minutes=11) if blocked else None,
    )


def _card(holder_id: str, standing: Standing) -> CardLine:
    trouble = SecretNotRecorded() if standing is Standing.CARD_TROUBLE else None
    return CardLine(
        card_id=f"card-{holder_id}",
        driver="piv",
        identifier=f"9f2c41d0a8b34e66b1f07c5d2e9a{len(holder_id):02}{ord(holder_id[-1]):02x}",
        revoked=False,
        expires_at=NOW + timedelta(days=640),
        has_secret=not trouble,
        trouble=trouble,
    )


def _story(standing: Standing) -> tuple[StoryLine, ...]:
    lines = [
        ("Registered.", timedelta(days=210), "Library", False),
        ("Unlocked their card.", timedelta(days=60), "Main Entrance", False),
    ]
    if standing is Standing.BLOCKED:
        lines += [
            ("Answers were wrong, 1 of 3.", timedelta(minutes=19), "West Wing 1", True),
            ("Answers were wrong, 2 of 3.", timedelta(minutes=15), "West Wing 1", True),
            ("Answers were wrong, 3 of 3: blocked.", timedelta(minutes=11), "West Wing 1", True),
        ]
    if standing in (Standing.NOT_REGISTERED, Standing.NO_CARD):
        lines = []
    return tuple(
        StoryLine(100 + i, NOW - ago, told(words), "", station, f"B4XT-{i}QLM", grave)
        for i, (words, ago, station, grave) in reversed(list(enumerate(lines)))
    )


def told(words: str) -> Happened:
    """Return an event of a kind that no release knows: it is shown by its name."""
    return Happened(words, {})


def code(record: Record, issued_by: str, minutes: int = 15) -> CodeLine:
    """Return a code of a person's first card that waits for a second member of staff."""
    return CodeLine(
        code_id=f"code-{record.person.seen.holder_id}",
        card_id=record.person.cards[0].card_id,
        holder_id=record.person.seen.holder_id,
        holder_name=record.person.name,
        by_mail=False,
        issued_by=issued_by,
        issued_at=NOW - timedelta(minutes=15 - minutes),
        expires_at=NOW + timedelta(minutes=minutes),
        waits_for_second=True,
    )
