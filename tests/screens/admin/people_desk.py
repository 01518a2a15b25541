"""The fake desk's people."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from msgspec import structs

from kiosk.authority.administration.deeds import (
    AddressCorrected,
    BlockLifted,
    Deed,
    LeaverMarked,
    LeaverTakenBack,
    NameCorrected,
    PersonAdded,
    PlainDeed,
    RegistrationRevoked,
)
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import (
    About,
    Done,
    Found,
    Grounds,
    ListedPeople,
    Person,
    PersonLine,
    Seen,
    Standing,
    StoryLine,
)
from kiosk.authority.errors import AddressShared, ConcurrentChange, NotFound, NotTaken
from kiosk.authority.facts import CodesGoTo, CodesSaved, Do, ReadAt, RegisterOrHelp, ShownAt
from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.roles import Action, may
from tests.screens.admin.estate import Estate
from tests.screens.admin.fake_calls import Asked
from tests.screens.admin.people import NOW, Record, open_to, told
from tests.screens.admin.proposals import waiting_of

_REVOKED = RegistrationRevoked(RegisterOrHelp(Do.GIVE_CODE_TO_REGISTER), ReadAt(NOW, UTC))

NEWEST = 20
"""The lines of a story that come with a person."""


class Files:
    """What the three desks share: finding a person, and holding them as they were seen."""

    def __init__(self, estate: Estate, asked: Asked) -> None:
        self._estate = estate
        self._asked = asked

    def record(self, holder_id: str) -> Record:
        """Return somebody; raises ``NotFound``."""
        if holder_id not in self._estate.people:
            raise NotFound("This person is not recorded any more.")
        return self._estate.people[holder_id]

    def held(self, seen: Seen) -> Record:
        """Return somebody as they were seen; raises ``ConcurrentChange``."""
        record = self.record(seen.holder_id)
        if record.person.seen.revision != seen.revision:
            changes = tuple(told for revision, told in record.deeds if revision > seen.revision)
            raise ConcurrentChange("This person was changed since you looked. Look again.", changes)
        return record


class FakePeopleDesk(Files, PeopleDesk):
    """Finds by the beginnings of words, and acts as the service would."""

    def search(self, text: str, limit: int = 50) -> Found:
        self._asked.hear(Action.SEE_PEOPLE, "people.search", text)
        if text.upper().startswith("B4XT"):
            people = (self._estate.people["h1"].line,)
            at = NOW - timedelta(minutes=11)
            return Found(people, about=_about(text, "West Wing 1", at, "Turned away: blocked."))
        if text.upper().startswith("7Q2M"):
            (card,) = [one for one in self._estate.unknown_cards if one.reference == text.upper()]
            said = "Turned away: the card is not recorded."
            return Found((), about=_about(text, card.station, card.at, said), card=card)
        hits = [record.line for record in self._estate.people.values() if _fits(record, text)]
        hits.sort(key=operator.attrgetter("name", "number"))
        return Found(tuple(hits[:limit]), more=len(hits) > limit)

    def listed(
        self,
        group: PeopleGroup,
        order: PeopleOrder = PeopleOrder.NAME,
        *,
        descending: bool = False,
        after: PagePosition | None = None,
        limit: int = 100,
    ) -> ListedPeople:
        self._asked.hear(Action.SEE_PEOPLE, "people.listed", group, order, descending, after)
        lines = [line for line in self._lines() if _is_in(line, group)]
        number = order is PeopleOrder.NUMBER
        lines.sort(key=lambda line: line.number if number else line.name, reverse=descending)
        at = int(str(after.key)) if after else 0
        more = PagePosition(str(at + limit), "") if at + limit < len(lines) else None
        return ListedPeople(tuple(lines[at : at + limit]), more)

    def counts(self) -> Mapping[PeopleGroup, int]:
        self._asked.hear(Action.SEE_PEOPLE, "people.counts")
        lines = self._lines()
        return {group: sum(_is_in(line, group) for line in lines) for group in PeopleGroup}

    def _lines(self) -> list[PersonLine]:
        return [record.line for record in self._estate.people.values()] + self._estate.crowd

    def person(self, holder_id: str) -> Person:
        self._asked.hear(Action.SEE_PEOPLE, "people.person", holder_id)
        return self._shown(self.record(holder_id))

    def find_one(self, number: str) -> Person:
        self._asked.hear(Action.SEE_PEOPLE, "people.find_one", number)
        for record in self._estate.people.values():
            if record.person.number == number:
                return self._shown(record)
        raise NotFound(f"Nobody has the number {number}.")

    def story(self, holder_id: str, before: int) -> tuple[StoryLine, ...]:
        self._asked.hear(Action.SEE_PEOPLE, "people.story", holder_id, before)
        story = self.record(holder_id).person.story
        return tuple(line for line in story if line.seq < before)[:100]

    def add(
        self, number: str, name: str, email: str, grounds: Grounds, *, knowingly: bool = False
    ) -> Done:
        self._asked.hear(Action.ADD_PERSON, "people.add", number, name, email, grounds)
        for record in self._estate.people.values():
            if email and record.person.email == email and not knowingly:
                who = f"{record.person.name}, {record.person.number}"
                raise AddressShared("email", f"There is already {who}, with this address.")
        if not number.isdigit():
            raise NotTaken("number", "A holder number has 12 digits.")
        if any(record.person.number == number for record in self._estate.people.values()):
            raise NotTaken("number", "Somebody has this number already.")
        like = self._estate.people["h5"].person
        holder_id = f"n{len(self._estate.people)}"
        self._estate.people[holder_id] = Record(
            replace(like, seen=Seen(holder_id, 1), number=number, name=name, email=email)
        )
        return self._asked.done(PersonAdded(name))

    def lift_block(self, seen: Seen, grounds: Grounds) -> Done:
        return self._act(
            Action.LIFT_BLOCK, "people.lift_block", seen, grounds, "lifted the block",
            BlockLifted(change_stopped=False),
            lambda record: record.unblock(),
        )  # fmt: skip

    def revoke_registration(self, seen: Seen, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            record.person = replace(record.person, registration=None)
            record.stands(Standing.NOT_REGISTERED)

        return self._act(
            Action.REVOKE_REGISTRATION, "people.revoke_registration", seen, grounds,
            "revoked the registration", _REVOKED, change,
        )  # fmt: skip

    def correct_name(self, seen: Seen, name: str, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            record.person = replace(record.person, name=name)

        return self._act(
            Action.CORRECT_NAME, "people.correct_name", seen, grounds, "corrected the name",
            NameCorrected(name, spoiled=False), change,
        )  # fmt: skip

    def correct_email(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            record.person = replace(record.person, email=email)

        if not email.endswith("nhs.uk"):
            raise NotTaken("email", "Only addresses of approved domains: nhs.uk, nhs.net.")
        return self._act(
            Action.CORRECT_EMAIL, "people.correct_email", seen, grounds,
            "corrected the email address",
            AddressCorrected(registered=True, code_ended=False, change_stopped=False), change,
        )  # fmt: skip

    def add_address(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        if not email.endswith("nhs.uk"):
            raise NotTaken("email", "Only addresses of approved domains: nhs.uk, nhs.net.")
        return self._act(
            Action.CORRECT_EMAIL, "people.add_address", seen, grounds, "added another address",
            PlainDeed.ADDRESS_ADDED,
            lambda record: record.keep_further(lambda codes: structs.replace(
                codes, later=(*codes.later, email)
            )),
            email,
        )  # fmt: skip

    def withdraw_address(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        def without(codes: CodesGoTo) -> CodesGoTo:
            if email not in (*codes.further, *codes.later):
                raise NotTaken("email", "They have no further address with this value.")
            return structs.replace(
                codes,
                further=tuple(one for one in codes.further if one != email),
                later=tuple(one for one in codes.later if one != email),
            )

        return self._act(
            Action.CORRECT_EMAIL, "people.withdraw_address", seen, grounds,
            "withdrew one of the further addresses", PlainDeed.ADDRESS_WITHDRAWN,
            lambda record: record.keep_further(without), email,
        )  # fmt: skip

    def mark_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        return self._act(
            Action.MARK_LEAVER, "people.mark_leaver", seen, grounds, "marked them as a leaver",
            LeaverMarked(self._name(seen)),
            lambda record: record.leaves(NOW),
        )  # fmt: skip

    def take_back_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        return self._act(
            Action.TAKE_BACK_LEAVER, "people.take_back_leaver", seen, grounds, "took them back",
            LeaverTakenBack(self._name(seen)),
            lambda record: record.leaves(None),
        )  # fmt: skip

    def report_misuse(self, seen: Seen, grounds: Grounds) -> Done:
        return self._act(
            Action.REPORT_MISUSE, "people.report_misuse", seen, grounds, "stopped self-service",
            PlainDeed.MISUSE_STOPPED,
            lambda record: record.stands(Standing.BLOCKED),
        )  # fmt: skip

    def stop_change(self, seen: Seen, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            record.person = replace(record.person, waiting_change=None)

        return self._act(
            Action.REPORT_MISUSE, "people.stop_change", seen, grounds,
            "stopped a change of address", PlainDeed.CHANGE_STOPPED, change,
        )  # fmt: skip

    def withdraw_saved_codes(self, seen: Seen, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            line = record.person.registration
            if line is not None:
                left = tuple(one for one in line.enrolled if not isinstance(one, CodesSaved))
                record.person = replace(record.person, registration=replace(line, enrolled=left))

        return self._act(
            Action.WITHDRAW_CODE, "people.withdraw_saved_codes", seen, grounds,
            "withdrew the saved codes", PlainDeed.SAVED_CODES_WITHDRAWN, change,
        )  # fmt: skip

    def erase(self, seen: Seen, grounds: Grounds) -> Done:
        self._asked.hear(Action.ERASE_PERSON, "people.erase", seen, grounds)
        self.held(seen)
        del self._estate.people[seen.holder_id]
        return self._asked.done(PlainDeed.PERSON_ERASED)

    def _name(self, seen: Seen) -> str:
        found = self._estate.people.get(seen.holder_id)
        return found.person.name if found else ""

    def _act(
        self,
        action: Action,
        name: str,
        seen: Seen,
        grounds: Grounds,
        said: str,
        deed: Deed,
        change: Callable[[Record], None],
        *values: str,
    ) -> Done:
        self._asked.hear(action, name, seen, *values, grounds)
        record = self.held(seen)
        change(record)
        record.change(self._asked.me.name, said)
        return self._asked.done(deed)

    def _shown(self, record: Record) -> Person:
        person = record.person
        me = self._asked.me
        codes = tuple(c for c in self._estate.codes if c.holder_id == person.seen.holder_id)
        actions = open_to(person.standing, me.role)
        if may(me.role, Action.AGREE_CODE) and any(c.waits_for_second for c in codes):
            actions |= {Action.AGREE_CODE}
        if may(me.role, Action.WITHDRAW_CODE) and not all(c.by_mail for c in codes):
            actions |= {Action.WITHDRAW_CODE}
        return replace(
            person,
            codes=codes,
            open_to=actions,
            story=person.story[:NEWEST],
            proposals=waiting_of(self._estate, me, person.seen.holder_id),
        )


def _about(text: str, station: str, at: datetime, said: str) -> About:
    shown = ShownAt(text.upper(), station, "", at, told(said), erased=False)
    return About(shown, None, ReadAt(NOW, UTC))


_GROUPS = {
    PeopleGroup.BLOCKED: Standing.BLOCKED,
    PeopleGroup.NOT_REGISTERED: Standing.NOT_REGISTERED,
    PeopleGroup.NO_CARD: Standing.NO_CARD,
    PeopleGroup.EXPIRING: Standing.READY,
    PeopleGroup.CARD_IN_DOUBT: Standing.CARD_TROUBLE,
    PeopleGroup.MAIL_FAILS: Standing.BLOCKED,
    PeopleGroup.LEFT: Standing.LEFT,
}


def _is_in(line: PersonLine, group: PeopleGroup) -> bool:
    return group is PeopleGroup.EVERYBODY or line.standing is _GROUPS[group]


def _fits(record: Record, text: str) -> bool:
    person = record.person
    words = [*person.name.lower().split(), person.number, person.email.lower()]
    words += [card.identifier for card in person.cards]
    return all(any(word.startswith(part) for word in words) for part in text.lower().split())
