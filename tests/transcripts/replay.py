"""Replays a transcript: its card answers as it did, and refuses what it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from smartcard import scard

from hardware import pcsc
from hardware.card_access import PcscCards
from hardware.driver import load_driver
from hardware.pcsc import WAS_RESET, Context, Handle, PcscError
from kiosk.app.trial.recording import (
    card_proof_result,
    pin_proof_result,
    report_result,
    result_of,
)
from kiosk.app.trial.transcript import ANY, Call, Exchange, Transcript
from kiosk.authority.crypto.card_keys import awaited, is_right, key_from
from kiosk.contract import errors
from kiosk.contract.messages import CardChallenge, CardId, KeyChallenge, KeyKind, PinChallenge
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive

READER = "Reader of the transcript"
CRYPTOGRAM = bytes(40)


class Differs(AssertionError):
    """What the driver did is not what the transcript has."""


class Player:
    """Stands in the place of ``hardware.pcsc``'s calls, and answers from a list of exchanges."""

    def __init__(self, transcript: Transcript) -> None:
        self._atr = bytes.fromhex(transcript.atr)
        is_t0 = transcript.protocol == "T=0"
        self._protocol = int(scard.SCARD_PROTOCOL_T0 if is_t0 else scard.SCARD_PROTOCOL_T1)
        self._left: list[Exchange] = []
        self._is_out = False
        self.wrong: list[str] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(pcsc, "establish", lambda: Context(1))
        patch.setattr(pcsc, "release", lambda _: None)
        for name in ("connect", "reconnect", "transmit", "control", "disconnect"):
            patch.setattr(pcsc, name, getattr(self, name))
        patch.setattr(pcsc, "answer_to_reset", lambda _: self._atr)

    @contextmanager
    def playing(self, exchanges: Sequence[Exchange], *, is_out: bool) -> Iterator[None]:
        """Answer these within the block, each once; all of them have to be asked for."""
        self._left, self._is_out = list(exchanges), is_out
        yield
        if self.wrong:
            raise Differs("; ".join(self.wrong))
        if self._left:
            raise Differs(f"the driver did not send {self._left[0].command}")

    def connect(self, _: Context, _reader: str) -> tuple[Handle, int]:
        if self._is_out:
            raise PcscError("SCardConnect", scard.SCARD_E_NO_SMARTCARD)
        return Handle(1), self._protocol

    def reconnect(self, _: Handle, *, reset: bool) -> int:
        del reset
        if self._is_out:
            raise PcscError("SCardReconnect", scard.SCARD_W_REMOVED_CARD)
        return self._protocol

    def transmit(self, _: Handle, protocol: int, apdu: bytes) -> bytes:
        assert protocol == self._protocol
        if not self._left or not fits(self._left[0].command, apdu):
            expected = self._left[0].command if self._left else "nothing more"
            self.wrong.append(f"the driver sent {apdu.hex()}, and the transcript has {expected}")
            raise PcscError("SCardTransmit", scard.SCARD_E_NOT_TRANSACTED)
        played = self._left.pop(0)
        if played.error:
            was_reset = played.error == "CardWasReset"
            self._is_out = not was_reset
            raise PcscError("SCardTransmit", WAS_RESET if was_reset else scard.SCARD_W_REMOVED_CARD)
        return bytes.fromhex(played.answer)

    def control(self, _: Handle, code: int, body: bytes) -> bytes:
        raise PcscError("SCardControl", scard.SCARD_E_UNSUPPORTED_FEATURE)

    def disconnect(self, _: Handle, *, reset: bool) -> None:
        """Let go."""


def fits(pattern: str, apdu: bytes) -> bool:
    """Return whether a command is the one of the transcript."""
    pairs = [pattern[at : at + 2] for at in range(0, len(pattern), 2)]
    return len(pairs) == len(apdu) and all(
        pair in (ANY, f"{byte:02x}") for pair, byte in zip(pairs, apdu, strict=True)
    )


def replay(transcript: Transcript, patch: pytest.MonkeyPatch) -> int:
    """Make each call of the transcript on the driver; return how many; raise ``Differs``."""
    if transcript.family == "pkcs11":
        return 0
    player = Player(transcript)
    player.install(patch)
    cards = PcscCards([load_driver(transcript.family, transcript.secret_kind)])
    replayed = _Replay(transcript, player, cards)
    return sum(replayed.call(call) for step in transcript.steps for call in step.calls)


class _Replay:
    def __init__(self, transcript: Transcript, player: Player, cards: PcscCards) -> None:
        self._values = {name: Sensitive(text) for name, text in transcript.values.items()}
        self._player = player
        self._cards = cards
        self._at = CardAddress(READER, CardId(transcript.family, transcript.identifier))
        self._certified: bytes | None = None
        self._awaited = b""

    def call(self, call: Call) -> int:
        """Make one call and compare its result."""
        if call.result in ("CardBusy", "CardHung", "no answer"):
            return 0  # it was about another program, or never ended
        exchanges = [*call.exchanges, *(e for inner in call.inner for e in inner.exchanges)]
        is_out = call.result == "CardGone" and not exchanges
        with self._player.playing(exchanges, is_out=is_out):
            try:
                result = self._made(call)
            except errors.CardError as error:
                result = result_of(error)
            except _EndedError:
                result = "ended"
        if result != call.result:
            raise Differs(f"{call.name}: {result!r}, and the transcript has {call.result!r}")
        return 1

    def _made(self, call: Call) -> str:
        values = [self._values[name] for name in call.values]
        match call.name:
            case "read":
                report = self._cards.read(READER)
                if report.card != self._at.card:
                    raise Differs(f"{report.card}, and the transcript has {self._at.card}")
                self._certified = key_from(report.certificate)
                return report_result(report)
            case "verify_pin":
                challenge = PinChallenge(bytes.fromhex(call.message)) if call.message else None
                proof = self._cards.verify_pin(self._at, values[0], challenge)
                return pin_proof_result(proof, challenge)
            case "change_pin":
                self._cards.change_pin(self._at, values[0], values[1])
                return "done"
            case "hold":
                self._cards.hold(self._at, lambda held: self._held(held, call))
                return "done"
        raise Differs(f"no such call: {call.name}")

    def _held(self, held: CardHold, call: Call) -> None:
        for inner in call.inner:
            try:
                result = self._made_within(held, inner)
            except errors.CardError as error:
                result = result_of(error)
                if result == inner.result == call.result:
                    raise
            if result != inner.result:
                raise Differs(f"{inner.name}: {result!r}, transcript {inner.result!r}")
        if call.result == "ended":
            raise _EndedError

    def _made_within(self, held: CardHold, call: Call) -> str:
        values = [self._values[name] for name in call.values]
        message = bytes.fromhex(call.message)
        match call.name:
            case "prove":
                challenge = CardChallenge(message, KeyKind(call.key))
                return card_proof_result(held.prove(challenge), challenge, self._certified)
            case "prepare_unblock":
                held.prepare_unblock()
            case "unblock":
                held.unblock(values[0], values[1])
            case "begin_mutual_authentication":
                nonce = held.begin_mutual_authentication(KeyChallenge(message)).nonce
                self._awaited = awaited(self._values["admin key"], message, nonce)
            case "complete_mutual_authentication":
                answer = held.complete_mutual_authentication(CRYPTOGRAM)
                if not is_right(answer.cryptogram, self._awaited):
                    return "answered wrongly"
                return "answered"
            case "reset_pin":
                held.reset_pin(values[0])
            case "change_secret":
                held.change_secret(values[0], values[1])
            case "try_out":
                return f"signs {held.try_out(values[0]).signs}"
            case _:
                raise Differs(f"no such call: {call.name}")
        return "done"


class _EndedError(Exception):
    """The hold was ended by who held the card."""
