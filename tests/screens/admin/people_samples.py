"""What the pictures of people, cards and codes show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from msgspec import structs

from kiosk.authority.administration.views import AddressChangeLine, Seen
from kiosk.authority.errors import NotFound, StoreError
from kiosk.authority.facts import CodesSaved
from kiosk.authority.roles import Action, Role
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.admin.persons import BLOCKED, SECRET, WHY
from tests.screens.admin.proposals import EMAIL, STAFF
from tests.screens.admin.samples import Arrange, Sample

NEW_CARD = "piv 00112233445566778899aabbccddeeff"


def people_samples() -> dict[str, Sample]:
    """Return all, by name."""
    return {**_search(), **_persons(), **_registration(), **_cards(), **_codes()}


def _on(
    name: str, *steps: str, arrange: Arrange | None = None, role: Role = Role.MANAGER
) -> Sample:
    """Begin on the page of the only person with this name."""
    every = ("f2", f"={name}", "enter", *steps)
    return Sample(every, role, arrange) if arrange else Sample(every, role)


def _search() -> dict[str, Sample]:
    return {
        "people": Sample(("f2",)),
        "people-auditor": Sample(("f2",), Role.AUDITOR),
        "people-found": Sample(("f2", "=smith", "down", "down")),
        "people-dark": Sample(("f2", "=a"), dark=True),
        "people-standings": Sample(("f2", "=100200300")),
        "people-reference": Sample(("f2", "=B4XT-2QLM")),
        "people-unknown-card": Sample(("f2", "=7Q2M-9KXA")),
        "people-nobody": Sample(("f2", "=Okafour")),
        "people-away": Sample(("f2", "=okafor"), arrange=_search_away),
        "people-list": Sample(("f1", "b", "7")),
        "people-list-blocked": Sample(("f1", "b")),
        "people-list-dark": Sample(("f1", "b", "7", "down"), dark=True),
        "cards": Sample(("f2", "ctrl+o")),
        "cards-whose": Sample(("f2", "ctrl+o", "a")),
        "cards-add": Sample(("f2", "ctrl+o", "a", "=gallagher", "enter")),
        "cards-unread": Sample(("f2", "ctrl+o", "down"), Role.AUDITOR),
        "cards-none": Sample(
            ("f2", "ctrl+o"), arrange=lambda desk: desk.estate.unknown_cards.clear()
        ),
        "add-person": Sample(("f2", "ctrl+n")),
        "add-person-not-taken": Sample(
            ("f2", "ctrl+n", "=100200300401", "tab", "=Hugh Iolo", "tab", "tab", f"={WHY}", "enter")
        ),
    }


def _persons() -> dict[str, Sample]:
    return {
        "person-blocked": _on("okafor"),
        "person-blocked-dark": Sample(("f2", "=okafor", "enter"), dark=True),
        "person-auditor": _on("okafor", role=Role.AUDITOR),
        "person-code-waits": _on("pryce"),
        "person-not-registered": _on("reid"),
        "person-card-trouble": _on("maddox"),
        "person-no-card": _on("gallagher"),
        "person-left": _on("farida"),
        "person-several": _on("tudor"),
        "person-older": _on("tudor", "o", "o", "end"),
        "person-gone": _on("pryce", "f3", "f2", "enter", arrange=_gone_after_one_look),
        "person-changed": _on(
            "okafor", "n", "end", "=-Lee", "tab", f"={WHY}", "enter", arrange=_second
        ),
    }


def _registration() -> dict[str, Sample]:
    grounds = (f"={WHY}", "enter")
    return {
        "lift-block": _on("okafor", "b", "down", "tab", f"={WHY}"),
        "lift-block-done": _on("okafor", "b", "down", "tab", *grounds),
        "revoke-registration": _on("tudor", "r"),
        "correct-name": _on("okafor", "n", "end", "=-Lee"),
        "correct-email": _on("tudor", "e"),
        "correct-email-not-taken": _on(
            "tudor", "e", "end", "=.com", "tab", "down", "tab", *grounds
        ),
        "add-address": _on("tudor", "m", "=gwen@tudor.nhs.uk"),
        "add-address-not-taken": _on(
            "tudor", "m", "=gwen@tudor.org", "tab", "down", "tab", *grounds
        ),
        "withdraw-address": _on("tudor", "u", arrange=_further),
        "not-the-holder": _on("okafor", "i"),
        "stop-change": _on("tudor", "h", arrange=_changing),
        "withdraw-saved-codes": _on("tudor", "v", arrange=_saving),
        "mark-leaver": _on("tudor", "l"),
        "take-back": _on("farida", "t"),
        "erase": _on("farida", "x"),
        "erase-wrong-number": _on("farida", "x", "=100200300407", "tab", *grounds),
        "erased": _on("farida", "x", "=100200300406", "tab", *grounds),
    }


def _cards() -> dict[str, Sample]:
    grounds = (f"={WHY}", "enter")
    return {
        "add-card": _on("gallagher", "a", f"={NEW_CARD}"),
        "add-card-date": _on(
            "gallagher",
            "a",
            f"={NEW_CARD}",
            *("tab", "tab", "=31/3/27"),
            *("tab", "tab", "tab", *grounds),
        ),
        "replace-card": _on("pryce", "p"),
        "replace-card-which": _on("tudor", "p", "down"),
        "revoke-card": _on("pryce", "k"),
        "revoke-card-which": _on("tudor", "k", "down"),
        "set-secret": _on("maddox", "s", f"={SECRET}", "tab", f"={SECRET[:3]}"),
        "set-secret-differs": _on(
            "maddox", "s", f"={SECRET}", "tab", f"={SECRET[:3]}", "tab", "down", "tab", *grounds
        ),
    }


def _codes() -> dict[str, Sample]:
    give = ("c", "down", "tab", f"={WHY}", "enter")
    return {
        "give-code": _on("pryce", "c"),
        "give-code-which": _on("tudor", "c", "down"),
        "give-code-first": _on("reid", "c"),
        "give-code-no-address": _on("reid", "c", arrange=_no_address),
        "code-shown": _on("pryce", *give),
        "code-shown-leaving": _on("pryce", *give, "escape"),
        "code-shown-at-once": _on("pryce", *give, arrange=_no_second),
        "code-over": _on("pryce", *give, arrange=_short),
        "codes": Sample(("f3",)),
        "waiting": Sample(("f3",), arrange=_proposed),
        "waiting-agree": Sample(("f3", "g"), arrange=_proposed),
        "waiting-today": Sample(arrange=_proposed),
        "waiting-person": _on("pryce", arrange=_proposed),
        "codes-own": Sample(("f3", "down"), Role.AGENT),
        "codes-auditor": Sample(("f3",), Role.AUDITOR),
        "codes-none": Sample(("f3",), arrange=lambda desk: desk.estate.codes.clear()),
        "agree": Sample(("f3", "g")),
        "withdraw": Sample(("f3", "d")),
        "withdraw-code": _on("pryce", "w"),
    }


def _changing(desk: FakeDesk) -> None:
    record = desk.estate.people["h7"]
    line = AddressChangeLine(
        "g.tudor@trust.example", "gw•••@new.example", NOW + timedelta(hours=70)
    )
    record.person = replace(record.person, waiting_change=line)


def _saving(desk: FakeDesk) -> None:
    record = desk.estate.people["h7"]
    line = record.person.registration
    assert line is not None
    open_to = record.person.open_to | {Action.WITHDRAW_CODE}
    registration = replace(line, enrolled=(*line.enrolled, CodesSaved(4)))
    record.person = replace(record.person, registration=registration, open_to=open_to)


def _further(desk: FakeDesk) -> None:
    now, later = ("gwen@tudor.nhs.uk",), ("g.tudor@wexbridge.nhs.uk",)
    desk.estate.people["h7"].keep_further(
        lambda codes: structs.replace(codes, further=now, later=later)
    )


def _no_address(desk: FakeDesk) -> None:
    record = desk.estate.people["h3"]
    record.person = replace(record.person, email="")


def _proposed(desk: FakeDesk) -> None:
    desk.estate.proposals = [EMAIL, STAFF]


def _search_away(desk: FakeDesk) -> None:
    desk.asked.raises("people.search", StoreError("away", "08006"))


def _gone_after_one_look(desk: FakeDesk) -> None:
    look = desk.people.person

    def once(holder_id: str) -> object:
        if desk.asked.of("people.person"):
            raise NotFound("This person is not recorded any more.")
        return look(holder_id)

    desk.people.person = once  # type: ignore[method-assign,assignment]


def _second(desk: FakeDesk) -> None:
    """Let another member act on the blocked person between the look and the act."""
    correct = desk.people.correct_name

    def late(seen: Seen, name: str, grounds: object) -> object:
        record = desk.estate.people[BLOCKED]
        if not record.deeds:
            record.change("Bo Banks", "corrected the email address")
        return correct(seen, name, grounds)  # type: ignore[arg-type]

    desk.people.correct_name = late  # type: ignore[method-assign,assignment]


def _no_second(desk: FakeDesk) -> None:
    desk.codes.second = False


def _short(desk: FakeDesk) -> None:
    desk.codes.minutes = 0
