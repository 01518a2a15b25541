"""The trial: what a holder's life does to a card, step by step, each with its counters.

It stops at the first surprise. The last try of an unblock secret is never spent, and the tries of a
PIN only where that secret has just been proven on the card.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final, Protocol, TypeVar, cast

from kiosk.app.trial.authority import (
    AFTER_PIN,
    BEFORE_SECRET,
    CHALLENGE_BYTES,
    TrialAuthority,
)
from kiosk.app.trial.journal import PIN, SECRET, Journal, digest_of
from kiosk.app.trial.recording import Names, RecordedCall, RecordedCards, Recorder, report_result
from kiosk.authority.crypto.card_keys import key_from, kind_of, proves, verify_pin_proof
from kiosk.contract import errors
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    CardReport,
    PinChallenge,
    UnblockDone,
    UnblockUnknown,
    VisitId,
)
from kiosk.contract.ports import Authority, CardAddress, CardHold, Cards
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import ChangePin, UnblockPin
from kiosk.station.events import PinNotTaken, Replied
from kiosk.station.unblock import PinWork

T = TypeVar("T")

FIRST_PIN, SECOND_PIN, TEMPORARY_SECRET = "temporary pin", "temporary pin 2", "temporary secret"
WRONG_PIN: Final = "wrong pin"
PUBLIC: Final = {
    FIRST_PIN: Sensitive("73518264"),
    SECOND_PIN: Sensitive("26483917"),
    TEMPORARY_SECRET: Sensitive("58203714"),
    WRONG_PIN: Sensitive("50241739"),
}
"""What a test card is given in between. The values are in the documents, and no secrets."""

MOST_TRIES: Final = 15
"""A PIN with more tries is not blocked: it would take as many wrong entries."""

MESSAGES: Final = (32, 64, 124)
"""Bytes that a key is asked to sign, besides what a station asks for (32)."""

_VISIT: Final = VisitId("trial")
_LAST: Final = 1
_SECRET_DIGITS: Final = 8
"""Of a secret that is changed: a driver gives a card one of eight digits alone."""


class Outcome(StrEnum):
    DONE = "done"
    LIMIT = "limit"
    NOT_TRIED = "not tried"
    SURPRISE = "surprise"


class Surprise(errors.KioskError):
    """Something else happened than on a card of the standard: the trial stops."""


class NewPinRefused(Surprise):
    """The card does not take the new PIN; no try was spent."""


class Limit(errors.KioskError):
    """The card cannot do this, or it was not safe to try; the trial goes on."""


class NotTried(Limit):
    """Nothing was sent."""


class Stopped(errors.KioskError):
    """The trial ended early; the report says why."""


class Bench(Protocol):
    """What surrounds the card: a person who takes it out and puts it in, and another program."""

    def say(self, text: str) -> None:
        """Tell the person what is done now."""

    def take_out(self, moment: str) -> bool:
        """Have the card taken out; return whether it is out."""

    def put_in(self) -> bool:
        """Have it put in again; return whether it is in."""

    def beside_another(self, reader: str, work: Callable[[], object]) -> None:
        """Do ``work`` while another program holds the card."""

    def another_gets_in(self, reader: str) -> bool:
        """Return whether another program can connect to the card now."""


@dataclass
class Done:
    """One step that was made."""

    name: str
    outcome: Outcome = Outcome.DONE
    words: str = ""
    before: str = ""
    after: str = ""
    seconds: float = 0.0
    calls: list[RecordedCall] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Card:
    """What is tried: ``pin`` and ``secret`` as the person gave them, None with ``--read-only``."""

    reader: str
    pin: Sensitive | None = None
    secret: Sensitive | None = None


class Trial:
    """One trial of one card; ``steps`` grow, whatever happens."""

    def __init__(
        self, cards: Cards, recorder: Recorder, bench: Bench, card: Card, names: Names
    ) -> None:
        self.steps: list[Done] = []
        self.report: CardReport | None = None
        self.journal: Journal | None = None
        self._cards = RecordedCards(cards, recorder, names)
        self._recorder = recorder
        self._bench = bench
        self._card = card
        self._names = names
        self._values = dict(PUBLIC)
        for name, value in PUBLIC.items():
            names.add(name, value)

    # What spends nothing.

    def look(self) -> CardReport:
        """Make the steps that change and spend nothing; raises ``Stopped``."""
        report = self._step("read the card as a station does", self._read_twice)
        self._step("the card proves itself", self._prove)
        self._step("messages of other lengths", self._messages)
        self._step("beside another program", self._beside)
        self._step("taken out before anything is sent", self._pulled_idle)
        return report

    # What changes the card.

    def live(self, journal: Journal) -> None:
        """Make the steps of a holder's life; raises ``Stopped``."""
        self.journal = journal
        with self._kept_where_needed():
            report = self._known
            secret = self._name_entered()
            self._step("check what was entered", lambda: self._check_entered(report))
            self._step("verify the PIN, with proof", lambda: self._verify(PIN))
            other = TEMPORARY_SECRET if self._rotates(secret) else None
            if other is None:
                self._step("change the unblock secret", self._not_rotated)
            self._step(
                "unblock while the PIN is not blocked, by the station's code",
                lambda: self._unblock(FIRST_PIN, [SECRET], other),
            )
            self._step("the new PIN works", lambda: self._verify(FIRST_PIN))
            self._step("block the PIN", lambda: self._block(FIRST_PIN))
            has = journal.entry.secret
            back = SECRET if has == (TEMPORARY_SECRET,) else None
            self._step("unblock, by the station's code", lambda: self._unblock_to_own(has, back))
            self._step("its PIN works", lambda: self._verify(journal.entry.pin[0]))
            self._step("change the PIN", lambda: self._change(journal.entry.pin[0], SECOND_PIN))
            self._step("change the PIN back", self._change_back)
            for moment in (BEFORE_SECRET, AFTER_PIN):
                self._step(f"taken out {moment}", partial(self._pulled_within, moment))
            self._step("at the end", lambda: self._compare(report))
        journal.end()

    def put_back(self, journal: Journal) -> None:
        """Give the card its own PIN and secret after a trial that did not end."""
        self.journal = journal
        with self._kept_where_needed():
            report = self._step("read the card as a station does", self._read_twice)
            if digest_of(report.card) != journal.entry.card:
                raise Stopped("this is another card than the one whose trial did not end")
            self._name_entered()
            self._step("put the card back", self._put_back)
            self._step("its PIN works", lambda: self._verify(journal.entry.pin[0]))
        journal.end()

    @contextmanager
    def _kept_where_needed(self) -> Iterator[None]:
        """Remove the journal of a trial that stopped, where it has nothing to say."""
        try:
            yield
        except Stopped:
            entry = self._noted.entry
            if entry.is_as_before and not entry.wrong_secrets:
                self._noted.end()
            raise

    # The steps.

    def _read_twice(self) -> tuple[CardReport, str]:
        first = self._cards.read(self._card.reader)
        second = self._cards.read(self._card.reader)
        if first.card != second.card:
            raise Surprise("read a second time, the card has another identifier")
        if report_result(first) != report_result(second):
            raise Surprise("read a second time, the card reports other counters")
        self.report = second
        return second, f"{report_result(second)}; a second time the same"

    def _prove(self) -> str:
        report = self._known
        key = key_from(report.certificate)
        if report.certificate is not None and key is None:
            raise Limit("its key is of a kind that cannot be checked")
        if key is None:
            if report.card.driver in ("openpgp", "gids", "pkcs11"):
                return "it has no key for that, as no card of its family"
            raise Limit("it has no key to prove itself with: it is known by name alone")
        challenge = CardChallenge(secrets.token_bytes(CHALLENGE_BYTES), kind_of(key))
        proof = self._hold(lambda held: held.prove(challenge))
        if proof is None:
            raise Surprise("it shows a certificate and signs nothing")
        if not proves(key, challenge, proof):
            raise Surprise("its signature does not fit its certificate: no station serves it")
        return f"proven, {challenge.key.value}"

    def _messages(self) -> str:
        key = key_from(self._known.certificate)
        if key is None:
            raise NotTried("it has no key that signs without a PIN")
        rightly = []
        for size in MESSAGES:
            challenge = CardChallenge(secrets.token_bytes(size), kind_of(key))
            proof = self._hold(partial(_proof, challenge))
            if proof is not None and proves(key, challenge, proof):
                rightly.append(size)
        words = ", ".join(str(size) for size in rightly) or "no"
        if CHALLENGE_BYTES not in rightly:
            raise Surprise("it does not sign a message of 32 bytes rightly")
        if len(rightly) < len(MESSAGES):
            others = ", ".join(str(size) for size in MESSAGES if size not in rightly)
            raise Limit(
                f"it signs messages of {words} bytes rightly and of {others} wrongly: a station "
                "asks for 32 bytes alone"
            )
        return f"it signs messages of {words} bytes rightly"

    def _beside(self) -> str:
        if self._known.card.driver == "pkcs11":
            raise NotTried("PKCS#11 cannot keep other programs from a card: run none at a station")
        reader = self._card.reader
        gets_in = self._hold(lambda _: self._bench.another_gets_in(reader))
        if gets_in:
            raise Surprise("another program gets at the card while it is held")
        refused: list[str] = []

        def read() -> None:
            try:
                self._cards.read(reader)
            except errors.CardBusy:
                refused.append("busy")

        self._bench.beside_another(reader, read)
        if not refused:
            raise Surprise("the card is read while another program holds it")
        self._cards.read(reader)
        return "another program is kept out; while one holds the card, a station says so"

    def _pulled_idle(self) -> str:
        before = report_result(self._cards.read(self._card.reader))
        self._pull("now")
        with suppress(errors.CardError):
            self._cards.read(self._card.reader)
            raise Surprise("the card is read after it was taken out")
        self._insert()
        if report_result(self._reread()) != before:
            raise Surprise("after it was taken out the card reports other counters")
        return "it comes back as it was"

    def _check_entered(self, report: CardReport) -> str:
        """Send nothing that could not be taken back, and no last try."""
        own, secret = self._value(PIN), self._value(SECRET)
        digits = report.pin_format
        fits = digits.least_new <= len(own) <= digits.most and own.reveal().isdigit()
        if any(own == value for value in PUBLIC.values()):
            raise Surprise("the PIN is one that this command gives a card: give it another first")
        if secret == PUBLIC[TEMPORARY_SECRET]:
            raise Surprise("the unblock secret is one of this command: give the card another")
        if not fits:
            raise Surprise(
                f"the PIN cannot be set again: that takes {digits.least_new} to {digits.most} "
                "digits; give the card such a PIN first"
            )
        if report.pin.blocked:
            raise Surprise("its PIN is blocked: unblock it first, so that it can be as before")
        if report.pin.tries_left == _LAST:
            raise Surprise("its PIN has one try left, which is not spent: enter it elsewhere first")
        self._spare_the_last(report)
        return "it can be set again, and no last try is at stake"

    def _verify(self, name: str) -> str:
        report = self._reread()
        if report.pin.tries_left == _LAST:
            raise Surprise("its PIN has one try left, which is not spent")
        challenge = PinChallenge(secrets.token_bytes(CHALLENGE_BYTES))
        try:
            proof = self._cards.verify_pin(self._at, self._value(name), challenge)
        except errors.PinWrong as wrong:
            left = "unknown" if wrong.tries_left is None else wrong.tries_left
            raise Surprise(f"the card calls the PIN wrong; tries left: {left}") from None
        after = self._reread().pin
        if after.blocked or (
            after.tries_left is not None and after.tries_left < (report.pin.tries_left or 0)
        ):
            raise Surprise("a right PIN took a try")
        if proof is None:
            raise Limit("verified; no key of the card proves it: the PIN is claimed")
        if not verify_pin_proof(proof.public_key, challenge.message, proof.signature):
            raise Surprise("verified, and the signature after it is wrong")
        return "verified and proven"

    def _not_rotated(self) -> str:
        raise NotTried(
            f"no station changes it: its family changes none, or it does not have {_SECRET_DIGITS} "
            "digits"
        )

    def _unblock(self, new: str, candidates: Sequence[str], rotate_to: str | None) -> str:
        report = self._reread()
        self._spare_the_last(report)
        authority = self._authority(report, candidates, new, rotate_to)
        before = self._limits(report)
        reply = self._pin_work(authority).unblock(
            UnblockPin(_VISIT, self._at, self._value(new), "trial")
        )
        if isinstance(reply, PinNotTaken):
            raise NewPinRefused(f"it refuses the new PIN: {reply.fault.value}")
        if not isinstance(authority.outcome, UnblockDone):
            raise Surprise(self._why_not(authority))
        after = self._reread()
        if after.pin.blocked:
            raise Surprise("the card answered that its PIN was set, and it is blocked")
        if after.secret_tries is not None and after.secret_tries < before:
            raise Surprise("a right unblock secret took a try")
        if isinstance(reply, Replied) and reply.check is not None and reply.check.signs is False:
            raise Surprise("the new PIN does not work, or its key signs nothing")
        if rotate_to is None:
            return "its PIN was set"
        if isinstance(authority.rotation, UnblockDone):
            return f"its PIN was set, and its unblock secret changed to {self._say(rotate_to)}"
        raise Surprise("its PIN was set; its unblock secret could not be changed")

    def _unblock_to_own(self, candidates: Sequence[str], rotate_to: str | None) -> str:
        try:
            return self._unblock(PIN, candidates, rotate_to)
        except NewPinRefused as refused:
            words = self._unblock(SECOND_PIN, candidates, rotate_to)
            raise Limit(
                f"{words}. It does not take the PIN of the beginning again ({refused}): it "
                f"has {self._say(SECOND_PIN)} now"
            ) from None

    def _block(self, present: str) -> str:
        report = self._reread()
        left = report.pin.tries_left
        if left is None:
            raise NotTried("the tries left of its PIN cannot be read, so it is not blocked")
        if left > MOST_TRIES:
            raise NotTried(f"its PIN has {left} tries: it is not blocked")
        self._spare_the_last(report)
        self._noted.note(blocked=True)
        while left:
            try:
                self._cards.verify_pin(self._at, self._value(WRONG_PIN))
            except (errors.PinWrong, errors.PinBlocked):
                pass
            else:
                raise Surprise(f"it takes {self._say(WRONG_PIN)}, and has {self._say(present)}")
            state = self._reread().pin
            if state.tries_left is None or state.tries_left != left - 1:
                raise Surprise(
                    f"a wrong PIN changed the tries left from {left} to {state.tries_left}"
                )
            left = state.tries_left
        if not self._known.pin.blocked:
            raise Surprise("no try is left, and it does not say that its PIN is blocked")
        return "blocked, a try for each wrong PIN"

    def _change(self, old: str, new: str) -> str:
        if self._reread().pin.tries_left == _LAST:
            raise Surprise("its PIN has one try left, which is not spent")
        authority = self._authority(self._known, [SECRET], new, None)
        try:
            self._pin_work(authority).change(
                ChangePin(_VISIT, self._at, self._value(old), self._value(new))
            )
        except errors.PinRefused as refused:
            raise Limit(f"it refuses the new PIN: {refused.reason}") from None
        return f"changed, to {self._say(new)}"

    def _change_back(self) -> str:
        if self._noted.entry.pin != (SECOND_PIN,):
            raise NotTried("its PIN is not the temporary one")
        return self._change(SECOND_PIN, PIN)

    def _pulled_within(self, moment: str) -> str:
        """Have the card taken out within the station's unblock, where nothing is under way."""
        present, secret = self._noted.entry.pin[0], self._noted.entry.secret
        report = self._reread()
        gone: list[str] = []
        self._spare_the_last(report)

        def pull(reached: str) -> None:
            if reached == moment and not gone:
                self._pull("now")
                gone.append(reached)

        authority = self._authority(report, secret, present, None, pull)
        with suppress(errors.CardError):
            self._pin_work(authority).unblock(
                UnblockPin(_VISIT, self._at, self._value(present), "trial")
            )
        if not gone:
            raise NotTried(f"it was not reached: {self._why_not(authority)}")
        self._insert()
        after = self._reread()
        if report_result(after) != report_result(report):
            raise Surprise("after it was taken out the card reports other counters")
        # Nothing had been sent, or its new PIN is the one that it had.
        self._noted.note(pin=(present,))
        if not isinstance(authority.outcome, UnblockDone | UnblockUnknown):
            return "nothing was sent to it; it is as it was"
        return "it is as it was"

    def _put_back(self) -> str:
        entry = self._noted.entry
        self._spare_the_last(self._known)
        if entry.is_as_before:
            self._noted.note(wrong_secrets=0)
            return "nothing had been changed"
        # The new one first: a wrong probe leaves the other one known, which fills the counter.
        order = [name for name in (TEMPORARY_SECRET, SECRET) if name in entry.secret]
        report = self._known
        if len(order) > 1:
            left = report.secret_tries
            if (left is not None and left <= 2) or entry.wrong_secrets:
                raise Surprise(
                    "the card has its own unblock secret or "
                    f"{self._say(TEMPORARY_SECRET)}, and to find out could spend its last try"
                )
        rotate = SECRET if TEMPORARY_SECRET in order else None
        return self._unblock_to_own(order, rotate)

    def _compare(self, before: CardReport) -> str:
        after = self._reread()
        entry = self._noted.entry
        if after.card != before.card:
            raise Surprise("it has another identifier than at the beginning")
        if not entry.is_as_before:
            raise Limit(self.how_it_is())
        if report_result(after) != report_result(before):
            raise Limit(f"its counters were {report_result(before)}, and are as shown")
        return "the card is as it was"

    def how_it_is(self) -> str:
        """Return what the card may have now, and how to put it right; empty: as it was."""
        if self.journal is None or self.journal.entry.is_as_before:
            return ""
        entry = self.journal.entry
        pins = " or ".join(self._say(name) for name in entry.pin)
        held = " or ".join(self._say(name) for name in entry.secret)
        blocked = "; it may be blocked" if entry.blocked else ""
        return f"The PIN of the card is {pins}{blocked}. Its unblock secret is {held}."

    # Parts of the steps.

    def _step(self, name: str, work: Callable[[], object]) -> CardReport:
        """Make one step; return the card's report before it. Raises ``Stopped`` at a surprise."""
        done = Done(name, before=self._counters())
        self.steps.append(done)
        self._bench.say(name)
        if self.journal is not None:
            self.journal.note(step=name)
        began = time.monotonic()
        try:
            said = work()
        except NotTried as limit:
            done.outcome, done.words = Outcome.NOT_TRIED, str(limit)
        except Limit as limit:
            done.outcome, done.words = Outcome.LIMIT, str(limit)
        except (Surprise, errors.CardError) as error:
            done.outcome = Outcome.SURPRISE
            done.words = str(error) if isinstance(error, Surprise) else _words_of(error)
        else:
            done.words = said[1] if isinstance(said, tuple) else str(said)
        finally:
            done.seconds = time.monotonic() - began
            if done.outcome is not Outcome.NOT_TRIED:
                with suppress(errors.CardError):
                    if self.report is not None:
                        self._reread()
            done.after = self._counters()
            done.calls = self._recorder.take()
        if done.outcome is Outcome.SURPRISE:
            raise Stopped(f"{name}: {done.words}")
        return self._known

    @property
    def _known(self) -> CardReport:
        if self.report is None:
            raise Stopped("no card was read")
        return self.report

    @property
    def _noted(self) -> Journal:
        if self.journal is None:
            raise Stopped("no journal was begun")
        return self.journal

    @property
    def _at(self) -> CardAddress:
        return CardAddress(self._card.reader, self._known.card)

    def _name_entered(self) -> Sensitive:
        """Name what the person entered; return the unblock secret."""
        own, secret = self._card.pin, self._card.secret
        if own is None or secret is None:
            raise Stopped("the PIN and the unblock secret are needed")
        is_admin_key = FAMILIES[self._known.card.driver].mutual_authentication
        self._values[PIN] = self._names.add(PIN, own)
        self._values[SECRET] = self._names.add("admin key" if is_admin_key else SECRET, secret)
        return secret

    def _value(self, name: str) -> Sensitive:
        return self._values[name]

    def _say(self, name: str) -> str:
        if name in PUBLIC:
            return f"{PUBLIC[name].reveal()} (of this command)"
        return "the one of the beginning"

    def _reread(self) -> CardReport:
        known = self._known
        report = self._cards.read(self._card.reader)
        if report.card != known.card:
            raise errors.CardSwapped("another card is in the reader")
        self.report = report
        return report

    def _counters(self) -> str:
        if self.report is None:
            return ""
        pin, secret = self.report.pin, self.report.secret_tries
        state = "blocked" if pin.blocked else f"{_count(pin.tries_left)} tries"
        return f"PIN {state}, secret {_count(secret)} tries"

    def _limits(self, report: CardReport) -> int:
        return report.secret_tries or 0

    def _spare_the_last(self, report: CardReport) -> None:
        if report.secret_tries is not None and report.secret_tries <= _LAST:
            left = "is blocked" if not report.secret_tries else "has one try left"
            raise Surprise(f"its unblock secret {left}: it is not sent")
        if report.secret_tries is None and self.journal and self.journal.entry.wrong_secrets:
            raise Surprise(
                "a wrong unblock secret was sent before, and how many tries are left cannot be "
                "read: none is sent. Use the right one with another program, then remove the "
                "journal"
            )

    def _rotates(self, secret: Sensitive) -> bool:
        """Return whether the secret can be changed, and changed back."""
        report = self._known
        family = FAMILIES[report.card.driver]
        rotates = any(
            kind.rotates for kind in family.secret_kinds if kind.name == report.secret_kind
        )
        return rotates and secret.reveal().isdigit() and len(secret) == _SECRET_DIGITS

    def _authority(
        self,
        report: CardReport,
        candidates: Sequence[str],
        new: str,
        rotate_to: str | None,
        at_moment: Callable[[str], None] = lambda _: None,
    ) -> TrialAuthority:
        return TrialAuthority(
            self._noted,
            self._value,
            candidates,
            new_pin=new,
            key=key_from(report.certificate),
            has_admin_key=FAMILIES[report.card.driver].mutual_authentication,
            rotate_to=rotate_to,
            at_moment=at_moment,
        )

    def _pin_work(self, authority: TrialAuthority) -> PinWork:
        # It makes no other calls than those that are there.
        return PinWork(cast(Authority, authority), self._cards, time.sleep)

    def _hold(self, use: Callable[[CardHold], T]) -> T:
        return self._cards.hold(self._at, use)

    def _pull(self, moment: str) -> None:
        if not self._bench.take_out(moment):
            raise Surprise("the card was not taken out")

    def _insert(self) -> None:
        if not self._bench.put_in():
            raise Surprise("the card was not put in again")

    def _why_not(self, authority: TrialAuthority) -> str:
        outcome = authority.outcome
        if outcome is None:
            return "no unblock secret was sent"
        left = getattr(outcome, "tries_left", None)
        match type(outcome).__name__:
            case "UnblockRefused" if left is not None:
                return f"the card calls the unblock secret wrong; tries left: {left}"
            case "UnblockWrong":
                return "the card calls the unblock secret wrong; tries left: unknown"
            case "UnblockUnknown":
                return "it is unknown whether the card set its PIN: its answer was lost"
            case _:
                return "the card does not set its PIN"


def _proof(challenge: CardChallenge, held: CardHold) -> CardProof | None:
    return held.prove(challenge)


def _count(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _words_of(error: errors.CardError) -> str:
    """Return the kind of an error and what it says; no error of a card holds a secret."""
    return f"{type(error).__name__}: {error}"
