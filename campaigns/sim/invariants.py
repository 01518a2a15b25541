"""What has to be true after every step, whatever went wrong."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.records import EmailCode, JointHash, SavedCode
from kiosk.authority.store.repositories.people import unproven_subject
from kiosk.authority.visit.rules import BY_STAFF
from kiosk.contract.messages import Factor, Way
from kiosk.contract.sensitive import Sensitive
from tests.cuts.inspected_card import ChipReaderCard

MOST_ATTEMPTS = 3
OWN_ADDRESS = "an address is of its holder's or staff's making"


class Violation(AssertionError):
    """Something that must never be was seen; it ends the simulation."""


@dataclass
class Person:
    """A holder with a card, as the test knows them: what nobody else should be able to change."""

    holder_id: str
    addresses: tuple[str, ...]
    """Whose mail they read."""

    card: ChipReaderCard
    card_id: str
    proves: bool
    """Its card proves itself before a question is asked, so a block holds for it."""

    registered: bool
    emails: set[str]
    """What may be recorded as their address: of more than one where they cannot know."""

    answers: list[dict[int, str]]
    """The sets of answers that may be recorded; the first is the one they try first."""

    texts: set[str]
    """Each answer that they ever wrote to be recorded."""

    left: bool = False
    code_of_staff: str = ""
    by_staff: int = 0
    """How many times staff revoked their registration or corrected its address."""

    saved: set[str] = field(default_factory=set)
    """Each saved code that a page ever showed them."""

    wrong_sets: set[str] = field(default_factory=set)
    """Wrong sets of answers since the last right one, or since staff lifted the block."""


@dataclass
class Invariants:
    """Watches the cards, the looks at answers and codes, the releases and the database."""

    database: Path
    ways: tuple[Way, ...]
    """By the policy."""

    people: list[Person] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    wrong_of_visit: Counter[str] = field(default_factory=Counter)
    asked: dict[tuple[str, str], str] = field(default_factory=dict)
    """By which route a code was asked for, by visit and attempt."""

    def need(self, what: str, true: object) -> None:
        """Count the check, and note where it does not hold: a job must not end by it alone."""
        self.checks[what] += 1
        if not true:
            self.broken.append(what)

    def raise_broken(self) -> None:
        """Raise for what was noted."""
        if self.broken:
            raise Violation("; ".join(sorted(set(self.broken))))

    # --- at the card ---

    def after_command(self, card: ChipReaderCard, wrong_before: int, visit: str) -> None:
        """Look at the account of wrong unblock secrets that the card itself keeps."""
        if card.wrong > wrong_before:
            self.wrong_of_visit[visit] += 1
        self.need("one wrong secret a visit", self.wrong_of_visit[visit] <= 1)
        self.need("never the last try of a secret", card.in_a_row < MOST_ATTEMPTS)

    def on_success(self, card: ChipReaderCard, pin: str) -> None:
        """The page says that the PIN was set: so has the card."""
        self.need("success only after the card's own answer", card.has_pin(pin))

    # --- at the authority ---

    def rows(self, sql: str, *of: object) -> list[Any]:
        """Read what is committed, past the product."""
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(sql, of).fetchall()
        finally:
            connection.close()

    def before_look(self, subject: str) -> None:
        """Somebody is about to look: a charge without a verdict has to be committed."""
        subjects = subject, unproven_subject(subject)
        sql = "SELECT count(*) FROM attempt_charge WHERE subject IN (?, ?) AND verdict IS NULL"
        self.need("charged before it is looked at", self.rows(sql, *subjects)[0][0] > 0)

    def after_look(self, holder_id: str, given: str, *, right: bool) -> None:
        """Count wrong sets of answers; the one of a repeated call may be looked at again."""
        person = next(one for one in self.people if one.holder_id == holder_id)
        if right:
            own = person.texts.issuperset(given.split("/"))
            self.need("only the holder's own answers are right", own)
        if right or not person.proves:
            person.wrong_sets.clear()
        else:
            person.wrong_sets.add(given)
        self.need("three wrong sets are never four", len(person.wrong_sets) <= MOST_ATTEMPTS)

    def on_release(self, visit: str) -> None:
        """A secret leaves the authority: its intent is committed, its proofs are spent."""
        journal = "SELECT count(*) FROM unblock_journal WHERE visit_id = ?"
        # Two where the card may have one of two secrets, and did not have the first.
        self.need("a release is journaled first", self.rows(journal, visit)[0][0] in (1, 2))
        of_visit = (
            "SELECT p.factor FROM proof p JOIN unblock_journal j ON j.id = p.spent_by "
            "WHERE p.visit_id = ? AND j.visit_id = p.visit_id"
        )
        spent = {Factor(factor) for (factor,) in self.rows(of_visit, visit)}
        whole = any(spent.issuperset(way) for way in (*BY_STAFF, *self.ways))
        self.need("a release spends every proof of one way", whole)
        code = (
            "SELECT c.consumed_at FROM email_code c JOIN proof p ON p.subject = c.id "
            "WHERE p.visit_id = ?"
        )
        used = self.rows(code, visit)
        self.need("a release uses its code up", used and used[0][0] is not None)

    def at_rest(self) -> None:
        """Look at what all rows together say; no transaction is open."""
        twice = (
            "SELECT count(*) FROM (SELECT subject FROM proof "
            "WHERE spent_by IS NOT NULL AND subject <> '' "
            "GROUP BY subject HAVING count(DISTINCT visit_id) > 1)"
        )
        self.need("a code opens once", self.rows(twice)[0][0] == 0)
        open_ = (
            "SELECT count(*) FROM (SELECT card_id FROM unblock_journal "
            "WHERE state IN ('intent', 'unknown') GROUP BY card_id HAVING count(*) > 1)"
        )
        self.need("one open unblock a card", self.rows(open_)[0][0] == 0)
        mailed = "SELECT visit_id, attempt, route FROM email_code WHERE issued_by IS NULL"
        for visit, attempt, route in self.rows(mailed):
            shown = self.asked.get((visit, attempt), route)
            self.need("a code goes where its page said", route == shown)
        for person in self.people:
            found = self.rows(
                "SELECT value FROM registration r JOIN address a ON a.id = r.address_id "
                "WHERE r.holder_id = ?",
                person.holder_id,
            )
            own = bool(found) and found[0][0] in person.emails
            missing = not found and not person.registered
            self.need(OWN_ADDRESS, own or missing)


class WatchedHasher(AnswerHasher):
    """Reports each look at a set of answers."""

    invariants: Invariants

    def check(self, owner: str, answers: Mapping[int, Sensitive], kept: JointHash) -> bool:
        self.invariants.before_look(owner)
        right = super().check(owner, answers, kept)
        given = "/".join(text.reveal() for _, text in sorted(answers.items()))
        self.invariants.after_look(owner, given, right=right)
        return right

    def check_code(self, owner: str, entered: Sensitive, kept: SavedCode | None) -> bool:
        self.invariants.before_look(owner)
        right = super().check_code(owner, entered, kept)
        person = next(one for one in self.invariants.people if one.holder_id == owner)
        if right:
            own = entered.reveal() in person.saved
            self.invariants.need("only a code that its holder was shown is right", own)
        return right


class WatchedCodes(CodeMac):
    """Reports each look at an entered code."""

    invariants: Invariants

    def matches(self, code: Sensitive, kept: EmailCode) -> bool:
        self.invariants.before_look(kept.id)
        return super().matches(code, kept)
