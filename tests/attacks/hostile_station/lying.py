"""A station that lies about everything, and an account of the old factors that were put in.

The account is the test's own: which codes it read and entered, which answers it gave, which key
signed. What the authority recorded of that is not looked at. An old factor is a code that went
to an address which was known before, the answers of the registration, or the key that the card
uses only after its PIN.

In between, a holder registers or changes something at another station, with a card that is known
by its name. What they enter there is no factor of the thief's, who has a copy of the card.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any, Final

from msgspec import structs

from kiosk.authority.records import Card, new_id
from kiosk.authority.retention import purge_records
from kiosk.authority.service import LocalAuthority
from kiosk.authority.visit.registration import apply_due_changes
from kiosk.contract import messages
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    ChooseQuestions,
    CodeNotSent,
    EnterCode,
    Factor,
    FactorWrong,
    GiveEmail,
    Grant,
    Heartbeat,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    PinChallenge,
    PinProof,
    PinState,
    ProvePin,
    Purpose,
    Refusal,
    RouteId,
    SendCode,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockRefused,
    UnblockUnknown,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.policy import mask_email
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import ANSWERS
from tests.authority.world import EMAIL, KNOWN, World
from tests.support.routes import MADE_UP, routes_in
from tests.support.steps import offered

THIEFS: Final = ("mallory@trust.nhs.uk", "mallory@nhs.net")
BENS, CARAS = "ben@trust.nhs.uk", "cara@trust.nhs.uk"
OWN: Final = ReaderCard()
"""The thief's own card; its keys are recorded nowhere."""

OUTCOMES: Final = (
    UnblockDone(), UnblockNotSent(), UnblockUnknown(), UnblockRefused(2, "63C2"),
    UnblockRefused(None, "history"), UnblockRefused(0, "6983"),
)  # fmt: skip
WAITS: Final = ({"seconds": 1}, {"seconds": 61}, {"minutes": 16}, {"hours": 2}, {"hours": 25},
                {"days": 8})  # fmt: skip
STATIONS: Final = ("A", "B", "C")
HOLDERS_STATION: Final = "D"
BY_NAME: Final = (2, 3, 5)
"""Which of the cards have no card-authentication key: a copy is served as they are."""

HOLDERS: Final = {EMAIL: "asha@nhs.net", BENS: "ben@nhs.net", CARAS: "cara@nhs.net"}
"""Where holders move their mail to; from there they move it back."""

OWN_CHANGES: Final = (Purpose.REGISTER, Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL)
VISIT_LIFE: Final = timedelta(hours=1)


class Old(Enum):
    """An old factor that a thief may have."""

    MAILBOX = "mailbox"
    ANSWERS = "answers"
    PIN = "pin"


@dataclass
class People:
    """Three people: registered with keys, registered by name, and not registered."""

    cards: list[Card]

    @classmethod
    def made(cls, world: World) -> People:
        """Put them into the database."""
        asha = world.add_holder()
        ben = world.add_holder(id=new_id(), number="900123456780", name="Ben", email=BENS)
        cara = world.add_holder(id=new_id(), number="900123456781", name="Cara", email=CARAS)
        world.register(asha)
        world.register(ben, email=BENS, proven=False)
        with_keys = world.add_card(asha, secret_limit=10)
        world.known_reader_card(with_keys)
        others = [
            world.add_card(holder, driver=family, identifier=f"00061234567{number}")
            if family == "openpgp"
            else world.add_card(holder)
            for number, (holder, family) in enumerate(
                [(asha, "piv"), (asha, "openpgp"), (ben, "openpgp"), (cara, "piv"),
                 (cara, "openpgp")]
            )
        ]  # fmt: skip
        return cls([with_keys, *others])


@dataclass
class Code:
    """A code that was mailed, and on what the visit that asked for it rested."""

    to: str
    text: Sensitive
    asked_by: Visit
    is_old: bool


@dataclass
class Visit:
    """A visit as the station knows it, and the old factors that were put into it."""

    id: VisitId
    card: Card
    station: str
    task: object = None
    challenge: CardChallenge | KeyChallenge | None = None
    pin_challenge: PinChallenge | None = None
    grant: Grant | KeyGrant | None = None
    is_owners: bool = False
    answered_at: datetime | None = None
    asked: AnswerQuestions | None = None
    code_read: bool = False


@dataclass(frozen=True)
class Kept:
    """What no call may alter: addresses, those that wait, answers, keys, secrets."""

    registrations: tuple[tuple[str, str, str], ...]
    waiting: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, bytes | None, bytes | None], ...]
    secrets: tuple[tuple[str, bytes | None], ...]


@dataclass
class Liar:
    """One walk; ``has`` are the old factors that the thief has."""

    world: World
    people: People
    has: frozenset[Old]
    visits: list[Visit] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    proofs: list[CardProof] = field(default_factory=list)
    pin_proofs: list[PinProof] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    holders_visit: Visit | None = None
    attempts: int = 0
    mails: int = 0
    shown: defaultdict[VisitId, dict[RouteId, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """Where the pages of each visit said that a code can go, masked."""

    def __post_init__(self) -> None:
        self._rows = sqlite3.connect(self.world.folder / "kiosk.db")
        self.kept = self._read()
        self.emails = {card.holder_id: email for card, email in self._known()}
        self.begin(0, 1)

    def close(self) -> None:
        """Let the database go."""
        self._rows.close()

    # --- what is done, and judged --------------------------------------------------------

    def act(self, action: str, which: int, how: int) -> None:
        """Do one thing; what does not fit is refused."""
        acts: dict[str, Callable[[int, int], None]] = {
            "begin": self.begin, "go-on": self.go_on, "choose": self.choose, "pin": self.pin,
            "questions": self.questions, "email": self.email, "answer": self.answer,
            "send": self.send, "code": self.code, "release": self.release, "admit": self.admit,
            "record_outcome": self.record_outcome, "rotate_secret": self.rotate_secret,
            "end": self.end, "wait": self.wait,
            "other": self.other, "prove": self.prove, "holder": self.holder, "copy": self.copy,
        }  # fmt: skip
        acts[action](which, how)

    def call(self, name: str, visit: Visit, make: Callable[[], object], code: Code | None = None
             ) -> object:  # fmt: skip
        """Make one call of the port, and judge what it changed and what it told."""
        self.calls[name] += 1
        try:
            reply = make()
        except (StepRefused, AuthorityUnavailable):
            reply = None
        sent, self.mails = self.world.relay.sent[self.mails :], len(self.world.relay.sent)
        for mail in sent:
            known = self.emails[visit.card.holder_id]
            self.codes.append(Code(mail.to, Sensitive(mail.text), visit, mail.to == known))
        if isinstance(reply, Grant | KeyGrant) or (name == "rotate_secret" and reply is not None):
            self._judge_secret(visit)
        self._judge_shown(visit, reply)
        self._judge_kept(visit, code)
        self.shown[visit.id] |= {each.id: each.masked for each in routes_in(reply)}
        return reply

    def _judge_secret(self, visit: Visit) -> None:
        self.changed["secret released"] += 1
        given_at = visit.answered_at
        assert given_at is not None, "a secret without the right answers"
        assert visit.code_read, "a secret without a code from the known address"

    def _judge_shown(self, visit: Visit, reply: object) -> None:
        known = self.emails[visit.card.holder_id]
        if known not in THIEFS and known in repr(reply):
            assert visit.is_owners, f"a known address was shown: {reply}"

    def _judge_kept(self, visit: Visit | None, code: Code | None) -> None:
        now = self._read()
        before, self.kept = self.kept, now
        if now == before:
            return
        rests = visit is not None and (
            visit.is_owners or (code is not None and code.asked_by.is_owners)
        )
        is_holders = visit is not None and visit.station == HOLDERS_STATION
        if now.registrations != before.registrations:
            self._judge_registrations(before, now, rests=rests, is_holders=is_holders, code=code)
        if now.waiting != before.waiting and len(now.waiting) >= len(before.waiting):
            self.changed["address waits"] += not is_holders
            assert rests, "an address waits"
        unlocked = visit is not None and visit.grant is not None
        if now.keys != before.keys:
            self.changed["key saved"] += not is_holders
            assert rests or unlocked, "a key was saved"
        assert now.secrets == before.secrets or unlocked, "a secret was replaced"
        self.emails = {card.holder_id: email for card, email in self._known()}

    def _judge_registrations(
        self, before: Kept, now: Kept, *, rests: bool, is_holders: bool, code: Code | None
    ) -> None:
        addresses = {(row[0], row[1]) for row in now.registrations}
        fresh = addresses - {(row[0], row[1]) for row in before.registrations}
        due = {(holder, email) for holder, email in before.waiting} - set(now.waiting)
        if {row[::2] for row in now.registrations} != {row[::2] for row in before.registrations}:
            self.changed["answers replaced"] += not is_holders
            assert rests, "answers were replaced"
        for holder, email in fresh:
            assert rests or (holder, email) in due, "an address was replaced"
            if is_holders:
                assert email not in THIEFS or (holder, email) in due, "the holder put it in place"
                continue
            self.changed["address replaced"] += email in THIEFS
            read = code is not None and code.to == email
            assert read or (holder, email) in due or email == self.emails[holder]

    def _read(self) -> Kept:
        def rows(statement: str) -> tuple[tuple[object, ...], ...]:
            return tuple(self._rows.execute(statement).fetchall())

        return Kept(
            rows(
                "SELECT r.holder_id, value, hashes FROM registration r "
                "JOIN address a ON a.id = r.address_id ORDER BY 1"
            ),  # type: ignore[arg-type]
            rows("SELECT holder_id, value FROM address WHERE replaces <> '' ORDER BY 1"),  # type: ignore[arg-type]
            rows("SELECT id, auth_key, pin_key FROM card ORDER BY 1"),  # type: ignore[arg-type]
            rows("SELECT id, sealed_secret FROM card ORDER BY 1"),  # type: ignore[arg-type]
        )

    def _known(self) -> list[tuple[Card, str]]:
        registered = {holder: email for holder, email, _ in self.kept.registrations}
        recorded = dict(zip([0, 3, 4], [EMAIL, BENS, CARAS], strict=True))
        by_holder = {self.people.cards[n].holder_id: email for n, email in recorded.items()}
        return [
            (card, registered.get(card.holder_id) or by_holder[card.holder_id])
            for card in self.people.cards
        ]

    # --- calls -----------------------------------------------------------------------------

    def _at(self, visit: Visit) -> LocalAuthority:
        return self.world.at(visit.station)

    def _visit(self, which: int) -> Visit:
        return self.visits[-1 - which % min(len(self.visits), 4)]

    # --- the holder, and a copy of their card ------------------------------------------------

    def holder(self, which: int, how: int) -> None:
        """Let a holder do the next step of their own change; or come, where none is there."""
        visit, attempt = self.holders_visit, self._attempt(0)
        if visit is None:
            self._holder_comes(which, how)
            return
        known = self.emails[visit.card.holder_id]
        match visit.task:
            case SendCode() | CodeNotSent():
                self._prepare(visit, attempt, self._route(visit, 0))
            case EnterCode() | FactorWrong():
                self._holder_enters(visit, attempt)
            case ChooseQuestions():
                given = tuple(Answer(1 + n, Sensitive(f"own answer {how} {n}")) for n in range(4))
                make = self._at(visit).save_questions
                self._see(visit, self.call("save_questions", visit, lambda: make(visit.id, given)))
            case GiveEmail():
                back = {new: old for old, new in HOLDERS.items()}
                address = (HOLDERS | back).get(known, known) if how % 2 else known
                give = self._at(visit).give_email
                self._see(
                    visit,
                    self.call("give_email", visit, lambda: give(visit.id, address, attempt)),
                )
            case _:
                self.call(
                    "end", visit, lambda: self._at(visit).end(visit.id, VisitEnd.CARD_REMOVED)
                )
                self.holders_visit = None

    def _holder_comes(self, which: int, how: int) -> None:
        """Come with a card that is known by its name, say the PIN, and have a code sent."""
        card = self.people.cards[BY_NAME[which % len(BY_NAME)]]
        visit = Visit(VisitId(new_id()), card, HOLDERS_STATION, is_owners=True)
        report = CardReport(CardId(card.driver, card.identifier), PinState(blocked=False))
        opened = self.call("begin", visit, lambda: self._at(visit).begin(visit.id, report))
        if not isinstance(opened, VisitOpened):
            return
        self.holders_visit, visit.task = visit, opened
        if opened.resumed:
            visit.task = opened.resumed[1]
            return
        wanted = [one for one in offered(opened) if one in OWN_CHANGES]
        if not wanted:
            return
        purpose = wanted[how % len(wanted)]
        self._see(
            visit, self.call("choose", visit, lambda: self._at(visit).choose(visit.id, purpose))
        )
        verified = self._at(visit).pin_verified
        self._see(visit, self.call("pin_verified", visit, lambda: verified(visit.id, None)))
        self.holder(which, how)

    def _holder_enters(self, visit: Visit, attempt: str) -> None:
        """Enter the newest code in the holder's mailbox, as they would: of any visit."""
        theirs = [
            code
            for code in self.codes
            if code.to not in THIEFS and code.asked_by.card.holder_id == visit.card.holder_id
        ]
        if not theirs:
            visit.task = None
            return
        text = theirs[-1].text
        self._see(
            visit,
            self.call(
                "submit",
                visit,
                lambda: self._at(visit).submit(visit.id, attempt, messages.Code(text)),
            ),
        )

    def copy(self, which: int, how: int) -> None:
        """Put a copy of the holder's card in, and say that its PIN was verified."""
        theirs = self.holders_visit
        card = theirs.card if theirs else self.people.cards[BY_NAME[which % len(BY_NAME)]]
        visit = Visit(VisitId(new_id()), card, STATIONS[how % 3])
        report = CardReport(CardId(card.driver, card.identifier), PinState(how % 4 == 3))
        opened = self.call("begin", visit, lambda: self._at(visit).begin(visit.id, report))
        if not isinstance(opened, VisitOpened):
            return
        self.visits.append(visit)
        self._see_opened(visit, opened)
        if opened.resumed is None:
            wanted = [one for one in offered(opened) if one in OWN_CHANGES]
            if wanted:
                self.choose(0, tuple(Purpose).index(wanted[how % len(wanted)]))
        self.pin(0, 0)

    def _attempt(self, how: int) -> str:
        if how % 5 != 4:
            self.attempts += 1
        return f"attempt {self.attempts}"

    def _see(self, visit: Visit, reply: object) -> None:
        if reply is None:
            return
        visit.task = reply
        if isinstance(reply, AnswerQuestions):
            visit.asked = reply
        if isinstance(reply, FactorWrong) and isinstance(reply.again, AnswerQuestions):
            visit.asked = reply.again

    def begin(self, which: int, how: int) -> None:
        """Put a card in, or say so: with its own certificate, the thief's, or none."""
        card = self.people.cards[which % len(self.people.cards)]
        old = self.visits and how % 7 == 6
        visit = Visit(self._visit(how).id if old else VisitId(new_id()), card, STATIONS[how % 3])
        shows = (KNOWN.shows, KNOWN.shows, OWN.shows, None)[how // 2 % 4]
        if card.driver != "piv":
            shows = None
        report = CardReport(
            CardId(card.driver, card.identifier), PinState(how % 4 == 0), certificate=shows,
            secret_tries=(None, 0, 3, 255)[how % 4],
        )  # fmt: skip
        reply = self.call("begin", visit, lambda: self._at(visit).begin(visit.id, report))
        if reply is None:
            return
        if old:
            self.visits = [one for one in self.visits if one.id != visit.id]
        self.visits.append(visit)
        if isinstance(reply, CardChallenge):
            visit.challenge = reply
            self.prove(0, 0)
        else:
            self._see_opened(visit, reply)

    def _see_opened(self, visit: Visit, reply: object) -> None:
        self._see(visit, reply)
        if isinstance(reply, VisitOpened) and reply.resumed:
            # It goes on where a code waits: with what that was sent on.
            mine = [code for code in self.codes if code.asked_by.card.id == visit.card.id]
            given_at = mine[-1].asked_by.answered_at if mine else None
            fresh = given_at is not None and self.world.now - given_at < VISIT_LIFE
            visit.answered_at = given_at if fresh else None

    def _proof(self, challenge: CardChallenge | KeyChallenge | None, how: int) -> Any:
        if isinstance(challenge, KeyChallenge):
            return KeyNonce(bytes(16))
        if how % 6 < 3 and challenge is not None:
            proof = KNOWN.answer(challenge)
            assert proof is not None
            self.proofs.append(proof)
            return proof
        if how % 6 == 3 and challenge is not None:
            return OWN.answer(challenge)
        if how % 6 == 4 and self.proofs:
            return self.proofs[how % len(self.proofs)]
        return None if how % 6 == 5 else CardProof(b"0E\x02\x01\x01\x02\x01\x01")

    def prove(self, which: int, how: int) -> None:
        """Answer a challenge: rightly, for the stolen card signs; by another key; again."""
        visit = self._visit(which)
        proof = self._proof(visit.challenge, how)
        reply = self.call("prove", visit, lambda: self._at(visit).prove(visit.id, proof))
        self._see_opened(visit, reply)

    def choose(self, which: int, how: int) -> None:
        """Choose anything."""
        visit, purposes = self._visit(which), tuple(Purpose)
        purpose = purposes[how % len(purposes)]
        reply = self.call("choose", visit, lambda: self._at(visit).choose(visit.id, purpose))
        if purpose is not Purpose.UNLOCK and not isinstance(reply, Refusal | None):
            visit.answered_at = None  # what was answered for an unlock counts for nothing else
        self._see(visit, reply)

    def pin(self, which: int, how: int) -> None:
        """Say that the PIN was verified: with no signature, or with any that one can have."""
        visit = self._visit(which)
        asked = self.call("pin_challenge", visit, lambda: self._at(visit).pin_challenge(visit.id))
        if isinstance(asked, PinChallenge):
            visit.pin_challenge = asked
        signer: ReaderCard | None = (
            None, OWN, replace(KNOWN, pin_key=KNOWN.key), replace(KNOWN, pin_key=OWN.pin_key)
        )[how % 4]  # fmt: skip
        real = Old.PIN in self.has and how % 4 != 0 and visit.card == self.people.cards[0]
        if real:
            signer = KNOWN
        proof = signer.sign_pin(visit.pin_challenge) if signer and visit.pin_challenge else None
        if how % 8 == 7 and not real and self.pin_proofs:
            proof = self.pin_proofs[which % len(self.pin_proofs)]
        if how % 8 == 6 and not real and proof is not None:
            proof = structs.replace(proof, public_key=KNOWN.pin_public)
        if real and isinstance(asked, PinChallenge):
            visit.is_owners = True
            assert proof is not None
            self.pin_proofs.append(proof)
        self._see(
            visit,
            self.call("pin_verified", visit, lambda: self._at(visit).pin_verified(visit.id, proof)),
        )

    def questions(self, which: int, how: int) -> None:
        """Put answers of the thief's in place."""
        visit = self._visit(which)
        given = tuple(Answer(5 + n, Sensitive(f"mallory {how} {n}")) for n in range(4))
        reply = self.call(
            "save_questions", visit, lambda: self._at(visit).save_questions(visit.id, given)
        )
        self._see(visit, reply)

    def email(self, which: int, how: int) -> None:
        """Put an address in place: mostly the thief's own."""
        visit, attempt = self._visit(which), self._attempt(how)
        address = (*THIEFS, *THIEFS, EMAIL, BENS, CARAS, "mallory@example.org")[how % 8]
        reply = self.call(
            "give_email", visit, lambda: self._at(visit).give_email(visit.id, address, attempt)
        )
        self._see(visit, reply)

    def answer(self, which: int, how: int) -> None:
        """Answer; rightly where the thief has the answers."""
        visit, attempt = self._visit(which), self._attempt(how)
        asked = visit.asked.questions if visit.asked else ()
        right = Old.ANSWERS in self.has and how % 4 != 0
        texts = [ANSWERS.get(one.id, "") if right else f"guess {how}" for one in asked]
        given = tuple(
            Answer(one.id, Sensitive(text)) for one, text in zip(asked, texts, strict=True)
        )
        if how % 6 == 5:
            given = given[1:]
        reply = self.call(
            "submit", visit, lambda: self._at(visit).submit(visit.id, attempt, Answers(given))
        )
        if right and given and isinstance(reply, SendCode | EnterCode | SetPin):
            visit.answered_at = self.world.now
        assert right or not isinstance(reply, SendCode | SetPin), "wrong answers were taken"
        self._see(visit, reply)

    def send(self, which: int, how: int) -> None:
        """Have a code sent: where the page says, or where any other page did, or to nowhere."""
        visit, attempt = self._visit(which), self._attempt(how)
        self._prepare(visit, attempt, self._route(visit, how))

    def _prepare(self, visit: Visit, attempt: str, route: RouteId) -> None:
        said, before = self.shown[visit.id].get(route), len(self.world.relay.sent)
        send = partial(self._at(visit).prepare, visit.id, attempt, Factor.EMAIL_CODE, route)
        reply = self.call("prepare", visit, send)
        for mail in self.world.relay.sent[before:]:
            assert mask_email(mail.to) == said, "a code went where no page of the visit said"
        self._see(visit, reply)

    def _route(self, visit: Visit, how: int) -> RouteId:
        elsewhere = [route for known in self.shown.values() for route in known]
        match how % 8:
            case 6 if elsewhere:
                return elsewhere[how // 8 % len(elsewhere)]
            case 7:
                return MADE_UP
            case _:
                return next((each.id for each in routes_in(visit.task)), MADE_UP)

    def _readable(self, code: Code) -> bool:
        return code.to in THIEFS or Old.MAILBOX in self.has

    def code(self, which: int, how: int) -> None:
        """Enter a code that the thief can read, of any visit; or a guess."""
        visit, attempt = self._visit(which), self._attempt(how)
        readable = [code for code in self.codes if self._readable(code)]
        chosen = readable[-1 - (how // 4) % len(readable)] if readable and how % 4 != 3 else None
        entered = chosen.text if chosen else Sensitive(f"{how:08d}")
        is_old = chosen is not None and chosen.is_old
        if chosen is not None and is_old and chosen.asked_by.card.id == visit.card.id:
            visit.is_owners = visit.code_read = True
        reply = self.call(
            "submit",
            visit,
            lambda: self._at(visit).submit(visit.id, attempt, messages.Code(entered)),
            chosen,
        )
        assert chosen is not None or not isinstance(reply, SetPin), "a guess was taken"
        self._see(visit, reply)

    def release(self, which: int, how: int) -> None:
        """Ask for the secret."""
        visit, attempt = self._visit(which), self._attempt(how)
        drawn = self.call("challenge", visit, lambda: self._at(visit).challenge(visit.id))
        if isinstance(drawn, CardChallenge | KeyChallenge):
            visit.challenge = drawn
        proof = self._proof(visit.challenge, how)
        reply = self.call(
            "release", visit, lambda: self._at(visit).release(visit.id, attempt, proof)
        )
        if isinstance(reply, Grant | KeyGrant):
            visit.grant = reply
        self._see(visit, reply)

    def _journal(self, visit: Visit, how: int) -> JournalId:
        granted = [one.grant.journal for one in self.visits if one.grant is not None]
        if visit.grant is not None and how % 3:
            return visit.grant.journal
        return granted[how % len(granted)] if granted and how % 2 else JournalId(new_id())

    def admit(self, which: int, how: int) -> None:
        """Answer for an admin key that nobody has."""
        visit, journal = self._visit(which), self._journal(self._visit(which), how)
        answer = KeyAnswer(bytes(40))
        self.call("admit", visit, lambda: self._at(visit).admit(visit.id, journal, answer))

    def record_outcome(self, which: int, how: int) -> None:
        """Make an outcome up."""
        visit, journal = self._visit(which), self._journal(self._visit(which), how)
        outcome = OUTCOMES[how % len(OUTCOMES)]
        reply = self.call(
            "record_outcome",
            visit,
            lambda: self._at(visit).record_outcome(visit.id, journal, outcome),
        )
        self._see(visit, reply)

    def rotate_secret(self, which: int, how: int) -> None:
        """Ask for the card's next secret, and say that it was taken."""
        visit, journal = self._visit(which), self._journal(self._visit(which), how)
        outcome = OUTCOMES[how % len(OUTCOMES)]
        self.call("rotate_secret", visit, lambda: self._at(visit).rotate_secret(visit.id, journal))
        self.call(
            "confirm_rotation",
            visit,
            lambda: self._at(visit).confirm_rotation(visit.id, journal, outcome),
        )

    def end(self, which: int, how: int) -> None:
        """End a visit."""
        visit, ends = self._visit(which), tuple(VisitEnd)
        self.call("end", visit, lambda: self._at(visit).end(visit.id, ends[how % len(ends)]))

    def other(self, which: int, how: int) -> None:
        """Make a call that has nothing to do with it, or one with nonsense in it."""
        visit = self._visit(which)
        calls: tuple[tuple[str, Callable[[], object]], ...] = (
            ("pin_changing", lambda: self._at(visit).pin_changing(visit.id)),
            ("pin_kept", lambda: self._at(visit).pin_kept(visit.id)),
            ("pin_changed", lambda: self._at(visit).pin_changed(visit.id)),
            ("refuse", lambda: self._at(visit).refuse(visit.id, "nonsense")),
            ("heartbeat", lambda: self._at(visit).heartbeat(Heartbeat())),
            ("choose", lambda: self._at(visit).choose(VisitId("f" * 32), Purpose.UNLOCK)),
            ("submit", lambda: self._at(visit).submit(visit.id, "x" * 64, Answers(()))),
        )
        name, make = calls[how % len(calls)]
        self._see(visit, self.call(name, visit, make) if name == "pin_changed" else None)
        if name != "pin_changed":
            self.call(name, visit, make)

    def wait(self, which: int, how: int) -> None:
        """Let time pass, and the authority tidy up; what was allowed to wait may come due."""
        self.world.clock.forward(**WAITS[how % len(WAITS)])
        if which % 3 == 0:
            apply_due_changes(self.world.store)
            purge_records(self.world.store)
        self._judge_kept(None, None)

    def go_on(self, which: int, how: int) -> None:
        """Do what the station was told to do next, as well as the thief can."""
        visit = self._visit(which)
        match visit.task:
            case VisitOpened(resumed=None, offers=offers):
                purposes = tuple(Purpose)
                self.choose(
                    which, purposes.index(offers[how % len(offers)].purpose) if offers else how
                )
            case VisitOpened() | EnterCode() | FactorWrong():
                self.code(which, how % 3)
            case ProvePin():
                self.pin(which, how)
            case SendCode():
                self.send(which, how % 4)
            case CodeNotSent():
                self.wait(1, 1)
                self.send(which, how % 4)
            case ChooseQuestions():
                self.questions(which, how)
            case GiveEmail():
                self.email(which, how)
            case AnswerQuestions() | FactorWrong():
                self.answer(which, how)
            case SetPin():
                self.release(which, how % 3)
            case Grant() | KeyGrant():
                self.record_outcome(which, 1 if how % 3 == 0 else 0)
            case _ if how % 3:
                others = self.pin, self.questions, self.email, self.code, self.choose
                others[how % len(others)](which, how)
            case _:
                self.begin(how, which)
