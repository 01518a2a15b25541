"""The fake desk's people, cards and codes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace

from kiosk.administration.views.acting import Done, Grounds, Seen
from kiosk.administration.views.people import (
    CardLine,
    CodeLine,
    Found,
    IssuedCode,
    NewCard,
    Person,
    Standing,
    StoryLine,
)
from kiosk.errors import ChangedMeanwhile, NothingThere, NotTaken
from kiosk.roles import Action, may
from kiosk.sensitive import Sensitive
from tests.screens.admin.asked import REFERENCE, Asked
from tests.screens.admin.estate import Estate
from tests.screens.admin.people import NOW, Record, open_to

CODE = "40718263"
NEWEST = 20
"""The lines of a story that come with a person."""


class Files:
    """What the three desks share: finding a person, and holding them as they were seen."""

    def __init__(self, estate: Estate, asked: Asked) -> None:
        self._estate = estate
        self._asked = asked

    def record(self, holder_id: str) -> Record:
        """Return somebody; raises ``NothingThere``."""
        if holder_id not in self._estate.people:
            raise NothingThere("This person is not recorded any more.")
        return self._estate.people[holder_id]

    def held(self, seen: Seen) -> Record:
        """Return somebody as they were seen; raises ``ChangedMeanwhile``."""
        record = self.record(seen.holder_id)
        if record.person.seen.revision != seen.revision:
            changes = tuple(told for revision, told in record.deeds if revision > seen.revision)
            raise ChangedMeanwhile("This person was changed since you looked. Look again.", changes)
        return record


class FakePeopleDesk(Files):
    """Finds by the beginnings of words, and acts as the service would."""

    def search(self, text: str, limit: int = 50) -> Found:
        self._asked.hear(Action.SEE_PEOPLE, "people.search", text)
        if text.upper().startswith("B4XT"):
            people = (self._estate.people["h1"].line,)
            return Found(
                people, about=f"{text.upper()}: refused at West Wing 1, today 10:21: blocked."
            )
        hits = [record.line for record in self._estate.people.values() if _fits(record, text)]
        hits.sort(key=operator.attrgetter("name", "number"))
        return Found(tuple(hits[:limit]), more=len(hits) > limit)

    def person(self, holder_id: str) -> Person:
        self._asked.hear(Action.SEE_PEOPLE, "people.person", holder_id)
        return self._shown(self.record(holder_id))

    def find_one(self, number: str) -> Person:
        self._asked.hear(Action.SEE_PEOPLE, "people.find_one", number)
        for record in self._estate.people.values():
            if record.person.number == number:
                return self._shown(record)
        raise NothingThere(f"Nobody has the number {number}.")

    def story(self, holder_id: str, before: int, limit: int = 100) -> tuple[StoryLine, ...]:
        self._asked.hear(Action.SEE_PEOPLE, "people.story", holder_id, before)
        story = self.record(holder_id).person.story
        return tuple(line for line in story if line.seq < before)[:limit]

    def add(self, number: str, name: str, email: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.ADD_PERSON, "people.add", number, name, email, grounds)
        if not number.isdigit():
            raise NotTaken("number", "A holder number has 12 digits.")
        if any(record.person.number == number for record in self._estate.people.values()):
            raise NotTaken("number", "Somebody has this number already.")
        like = self._estate.people["h5"].person
        holder_id = f"n{len(self._estate.people)}"
        self._estate.people[holder_id] = Record(
            replace(like, seen=Seen(holder_id, 1), number=number, name=name, email=email)
        )
        return self._asked.done(f"{name} is added.")

    def lift_block(self, seen: Seen, grounds: Grounds) -> Done:
        return self._act(
            Action.LIFT_BLOCK, "people.lift_block", seen, grounds, "lifted the block",
            lambda record: record.unblock(),
        )  # fmt: skip

    def revoke_registration(self, seen: Seen, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            record.person = replace(record.person, registration=None)
            record.stands(Standing.NOT_REGISTERED)

        return self._act(
            Action.REVOKE_REGISTRATION, "people.revoke_registration", seen, grounds,
            "revoked the registration", change,
        )  # fmt: skip

    def correct_name(self, seen: Seen, name: str, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            record.person = replace(record.person, name=name)

        return self._act(
            Action.CORRECT_NAME, "people.correct_name", seen, grounds, "corrected the name", change
        )

    def correct_email(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        def change(record: Record) -> None:
            record.person = replace(record.person, email=email)

        if not email.endswith("nhs.uk"):
            raise NotTaken("email", "Only addresses of approved domains: nhs.uk, nhs.net.")
        return self._act(
            Action.CORRECT_EMAIL, "people.correct_email", seen, grounds,
            "corrected the email address", change,
        )  # fmt: skip

    def mark_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        return self._act(
            Action.MARK_LEAVER, "people.mark_leaver", seen, grounds, "marked them as a leaver",
            lambda record: record.leaves(NOW),
        )  # fmt: skip

    def take_back_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        return self._act(
            Action.MARK_LEAVER, "people.take_back_leaver", seen, grounds, "took them back",
            lambda record: record.leaves(None),
        )  # fmt: skip

    def erase(self, seen: Seen, grounds: Grounds) -> Done:
        self._asked.hear(Action.ERASE_PERSON, "people.erase", seen, grounds)
        self.held(seen)
        del self._estate.people[seen.holder_id]
        return self._asked.done("The person is erased.")

    def _act(
        self,
        action: Action,
        name: str,
        seen: Seen,
        grounds: Grounds,
        deed: str,
        change: Callable[[Record], None],
    ) -> Done:
        self._asked.hear(action, name, seen, grounds)
        record = self.held(seen)
        change(record)
        record.change(self._asked.me.name, deed)
        return self._asked.done(f"Done: {deed}.")

    def _shown(self, record: Record) -> Person:
        person = record.person
        me = self._asked.me
        codes = tuple(c for c in self._estate.codes if c.holder_id == person.seen.holder_id)
        actions = open_to(person.standing, me.role)
        if may(me.role, Action.AGREE_CODE) and any(c.waits_for_second for c in codes):
            actions |= {Action.AGREE_CODE}
        if may(me.role, Action.WITHDRAW_CODE) and not all(c.by_mail for c in codes):
            actions |= {Action.WITHDRAW_CODE}
        return replace(person, codes=codes, open_to=actions, story=person.story[:NEWEST])


class FakeCardsDesk(Files):
    """Cards; no secret is kept."""

    def add(self, seen: Seen, card: NewCard, grounds: Grounds) -> Done:
        self._asked.hear(Action.ADD_CARD, "cards.add", seen, card, grounds)
        record = self.held(seen)
        self._check(card)
        record.stands(Standing.NOT_REGISTERED)
        record.change(
            self._asked.me.name, "added a card", cards=(*record.person.cards, _line(card))
        )
        return self._asked.done("The card is added.")

    def replace(self, seen: Seen, card_id: str, card: NewCard, grounds: Grounds) -> Done:
        self._asked.hear(Action.REPLACE_CARD, "cards.replace", seen, card_id, card, grounds)
        record = self.held(seen)
        self._check(card)
        cards = (*_revoked(record, card_id), _line(card))
        record.change(self._asked.me.name, "replaced a card", cards=cards)
        return self._asked.done("The card is replaced; the old one works nowhere any more.")

    def revoke(self, seen: Seen, card_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.REVOKE_CARD, "cards.revoke", seen, card_id, grounds)
        record = self.held(seen)
        record.change(self._asked.me.name, "revoked a card", cards=_revoked(record, card_id))
        return self._asked.done("The card is revoked.")

    def set_secret(
        self,
        seen: Seen,
        card_id: str,
        secret: Sensitive,
        grounds: Grounds,
        *,
        tries_full: bool = False,
    ) -> Done:
        asked = (seen, card_id, secret, grounds, tries_full)
        self._asked.hear(Action.SET_SECRET, "cards.set_secret", *asked)
        record = self.held(seen)
        cards = tuple(
            replace(card, has_secret=True, trouble="") if card.card_id == card_id else card
            for card in record.person.cards
        )
        record.stands(Standing.READY)
        record.change(self._asked.me.name, "set an unblock secret", cards=cards)
        return self._asked.done("The unblock secret is set.")

    def _check(self, card: NewCard) -> None:
        every = (line for record in self._estate.people.values() for line in record.person.cards)
        if any(line.identifier == card.identifier for line in every):
            raise NotTaken("identifier", "This card is recorded already.")


class FakeCodesDesk(Files):
    """Codes by word of mouth; ``second`` is whether the policy asks for a second member.

    ``minutes`` is how long a code works.
    """

    second = True
    minutes = 15

    def issue(self, seen: Seen, card_id: str, grounds: Grounds) -> IssuedCode:
        self._asked.hear(Action.ISSUE_CODE, "codes.issue", seen, card_id, grounds)
        line = self._estate.wait(
            self.held(seen), self._asked.me.name, self.minutes, second=self.second
        )
        return IssuedCode(
            line.code_id, Sensitive(CODE), line.expires_at, line.waits_for_second, REFERENCE
        )

    def waiting(self) -> tuple[CodeLine, ...]:
        self._asked.hear(Action.SEE_PEOPLE, "codes.waiting")
        return tuple(code for code in self._estate.codes if code.waits_for_second)

    def agree(self, code_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.AGREE_CODE, "codes.agree", code_id, grounds)
        code = self._code(code_id)
        if code.issued_by == self._asked.me.name:
            raise NotTaken("code", "Somebody else has to agree to a code that you issued.")
        self._estate.codes.remove(code)
        self._estate.codes.append(replace(code, waits_for_second=False))
        return self._asked.done("The code works now.")

    def withdraw(self, code_id: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.WITHDRAW_CODE, "codes.withdraw", code_id, grounds)
        self._estate.codes.remove(self._code(code_id))
        return self._asked.done("The code is worthless now.")

    def _code(self, code_id: str) -> CodeLine:
        for code in self._estate.codes:
            if code.code_id == code_id:
                return code
        raise NothingThere("This code is over, used or withdrawn.")


def _fits(record: Record, text: str) -> bool:
    person = record.person
    words = [*person.name.lower().split(), person.number, person.email.lower()]
    words += [card.identifier for card in person.cards]
    return all(any(word.startswith(part) for word in words) for part in text.lower().split())


def _line(card: NewCard) -> CardLine:
    known = card.secret is not None
    trouble = "" if known else "Its unblock secret is not known."
    return CardLine(
        f"card-{card.identifier}",
        card.driver,
        card.identifier,
        False,
        card.expires_at,
        known,
        trouble,
    )


def _revoked(record: Record, card_id: str) -> tuple[CardLine, ...]:
    return tuple(
        replace(card, revoked=True, trouble="It is revoked.") if card.card_id == card_id else card
        for card in record.person.cards
    )
