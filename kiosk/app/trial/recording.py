"""Records the calls on a test card's driver, and what each exchanges with the card.

What is recorded holds the card's secrets, and stays in memory: ``redaction`` makes of it what may
be written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from hardware.connection import Interface, RawExchange
from kiosk.authority.crypto.card_keys import key_from, kind_of, proves, verify_pin_proof
from kiosk.contract import errors
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    CardReport,
    KeyAnswer,
    KeyChallenge,
    KeyNonce,
    PinChallenge,
    PinEntry,
    PinProof,
)
from kiosk.contract.ports import CardAddress, CardCheck, CardHold, Cards
from kiosk.contract.sensitive import Sensitive

T = TypeVar("T")


@dataclass
class RecordedCall:
    """One call; its result and its exchanges are added while it is made."""

    name: str
    values: tuple[str, ...] = ()
    message: bytes = b""
    key: str = ""
    result: str = "no answer"
    exchanges: list[RawExchange] = field(default_factory=list, repr=False)
    inner: list[RecordedCall] = field(default_factory=list)


class Names:
    """The secrets of a trial by their names; a name may stand for another value later on."""

    def __init__(self) -> None:
        self._known: dict[str, Sensitive] = {}

    def add(self, name: str, value: Sensitive) -> Sensitive:
        """Name a value; return it."""
        self._known[name] = value
        return value

    def of(self, entry: PinEntry) -> str:
        """Return the name; ``KeyError`` for a value that was not named."""
        if not isinstance(entry, Sensitive):
            return "keys"
        for name, value in self._known.items():
            if value == entry:
                return name
        raise KeyError("a value that was not named goes to the card")

    def items(self) -> Iterator[tuple[str, Sensitive]]:
        yield from self._known.items()


class Recorder:
    """Implements ``hardware.connection.Record``; an exchange belongs to the innermost open call."""

    def __init__(self) -> None:
        self.calls: list[RecordedCall] = []
        self.interface: Interface | None = None
        self._open: list[RecordedCall] = []

    def connected(self, interface: Interface) -> None:
        if interface.atr:
            self.interface = interface

    def exchanged(self, exchange: RawExchange) -> None:
        if self._open:
            self._open[-1].exchanges.append(exchange)

    def take(self) -> list[RecordedCall]:
        """Return the calls since the last time."""
        calls, self.calls = self.calls, []
        return calls

    @contextmanager
    def call(
        self, name: str, values: tuple[str, ...] = (), message: bytes = b"", key: str = ""
    ) -> Iterator[RecordedCall]:
        """Record what is exchanged within; an error of the card becomes the result."""
        made = RecordedCall(name, values, message, key)
        (self._open[-1].inner if self._open else self.calls).append(made)
        self._open.append(made)
        try:
            yield made
        except errors.CardError as error:
            made.result = result_of(error)
            raise
        except errors.AuthorityError:
            made.result = "ended"
            raise
        finally:
            if made in self._open:  # what is abandoned ends later than its caller
                del self._open[self._open.index(made) :]


def result_of(error: errors.CardError) -> str:
    """Return the name of an error, with the tries left or the rule."""
    match error:
        case errors.PinWrong():
            return f"PinWrong {error.tries_left}"
        case errors.PinRefused():
            return f"PinRefused {error.reason}"
        case _:
            return type(error).__name__


def report_result(report: CardReport) -> str:
    """Return what a replay compares: nothing that names the card."""
    key = key_from(report.certificate)
    kind = "none" if key is None else kind_of(key).value
    pin = f"blocked {report.pin.blocked}, {report.pin.tries_left} tries"
    digits = report.pin_format
    lengths = f"{digits.least}-{digits.most}, new from {digits.least_new}"
    return f"{pin}, secret {report.secret_tries} tries, key {kind}, digits {lengths}"


def pin_proof_result(proof: PinProof | None, challenge: PinChallenge | None) -> str:
    if challenge is None:
        return "verified"
    if proof is None:
        return "verified, no proof"
    is_valid = verify_pin_proof(proof.public_key, challenge.message, proof.signature)
    return "verified, proven" if is_valid else "verified, wrong signature"


def card_proof_result(proof: CardProof | None, challenge: CardChallenge, key: bytes | None) -> str:
    if proof is None:
        return "no proof"
    return "proven" if key is not None and proves(key, challenge, proof) else "wrong signature"


class RecordedCards:
    """Implements ``Cards``: each call and its result is recorded."""

    def __init__(self, cards: Cards, recorder: Recorder, names: Names) -> None:
        self._cards = cards
        self._recorder = recorder
        self._names = names
        self._key: bytes | None = None

    def read(self, reader: str) -> CardReport:
        with self._recorder.call("read") as call:
            report = self._cards.read(reader)
            self._key = key_from(report.certificate)
            call.result = report_result(report)
        return report

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        message = b"" if challenge is None else challenge.message
        with self._recorder.call("verify_pin", (self._names.of(pin),), message) as call:
            proof = self._cards.verify_pin(at, pin, challenge)
            call.result = pin_proof_result(proof, challenge)
        return proof

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        values = (self._names.of(current), self._names.of(new))
        with self._recorder.call("change_pin", values) as call:
            self._cards.change_pin(at, current, new)
            call.result = "done"

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        with self._recorder.call("hold") as call:
            done = self._cards.hold(
                at, lambda held: use(_RecordedHold(held, self._recorder, self._names, self._key))
            )
            call.result = "done"
        return done


class _RecordedHold:
    """Implements ``CardHold``; ``key`` is the public key of the card's own proof."""

    def __init__(self, held: CardHold, recorder: Recorder, names: Names, key: bytes | None) -> None:
        self._held = held
        self._recorder = recorder
        self._names = names
        self._key = key

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        kind = challenge.key.value
        with self._recorder.call("prove", message=challenge.message, key=kind) as call:
            proof = self._held.prove(challenge)
            call.result = card_proof_result(proof, challenge, self._key)
        return proof

    def prepare_unblock(self) -> None:
        with self._recorder.call("prepare_unblock") as call:
            self._held.prepare_unblock()
            call.result = "done"

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        values = (self._names.of(secret), self._names.of(new))
        with self._recorder.call("unblock", values) as call:
            self._held.unblock(secret, new)
            call.result = "done"

    def begin_mutual_authentication(self, challenge: KeyChallenge) -> KeyNonce:
        name = "begin_mutual_authentication"
        with self._recorder.call(name, message=challenge.nonce) as call:
            nonce = self._held.begin_mutual_authentication(challenge)
            call.result = "done"
        return nonce

    def complete_mutual_authentication(self, cryptogram: bytes) -> KeyAnswer:
        with self._recorder.call("complete_mutual_authentication") as call:
            answer = self._held.complete_mutual_authentication(cryptogram)
            call.result = "answered"
        return answer

    def reset_pin(self, new: PinEntry) -> None:
        with self._recorder.call("reset_pin", (self._names.of(new),)) as call:
            self._held.reset_pin(new)
            call.result = "done"

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        values = (self._names.of(current), self._names.of(new))
        with self._recorder.call("change_secret", values) as call:
            self._held.change_secret(current, new)
            call.result = "done"

    def try_out(self, pin: PinEntry) -> CardCheck:
        with self._recorder.call("try_out", (self._names.of(pin),)) as call:
            check = self._held.try_out(pin)
            call.result = f"signs {check.signs}"
        return check
