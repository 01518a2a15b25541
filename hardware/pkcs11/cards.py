"""``Cards`` through a PKCS#11 module: each call has a process of the module to itself.

The token's serial number identifies it; it is read again in the same process before a PIN or a
secret is used. PKCS#11 cannot keep other programs from the card.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, TypeVar

from hardware.driver import NoAdminKey, new_digits, trial_challenge, typed
from hardware.public_keys import read_certificate
from kiosk.contract import errors
from kiosk.contract.messages import (
    CardChallenge,
    CardId,
    CardReport,
    OnPad,
    PinChallenge,
    PinEntry,
    PinFormat,
    PinProof,
    PinState,
)
from kiosk.contract.ports import CardAddress, CardCheck
from kiosk.contract.sensitive import Sensitive
from kiosk.system.module_process import (
    CANNOT_LOAD,
    Message,
    ModuleCrashed,
    ModuleHung,
    ModuleProcess,
)

T = TypeVar("T")

NAME: Final = "pkcs11"

WORKER = "hardware.pkcs11.tokens"

_LEAST, _MOST = 4, 64
_PIN_FORMAT: Final = PinFormat(_LEAST, _MOST, _LEAST, letters=True)
"""A token's own limits cannot be read with python-pkcs11; the module checks them."""

_DESCRIPTION: Final = 64


@dataclass(frozen=True, slots=True)
class Module:
    """A module's file, the label of its token where a reader has several, and the time-out."""

    path: str
    label: str = ""
    answer_s: float = 15.0


def _ask(process: ModuleProcess, request: Message, *, changes_card: bool = False) -> Message:
    """Return the answer; the first call also waits for the module to load.

    Raises ``CardHung`` after the time-out, or ``OutcomeUnknown`` when the request may have changed
    the card.
    """
    try:
        return process.ask(request)
    except ModuleHung:
        failed: errors.CardError = errors.CardHung("the card's module gave no answer")
    except ModuleCrashed:
        failed = errors.CardProtocolError("the card's module crashed")
    if changes_card:
        raise errors.OutcomeUnknown(f"{failed} when it was asked for a change")
    raise failed


# A module's answers, each turned into a ``CardError``. PKCS#11 has no count of tries, only flags,
# and a module may return "incorrect" for a PIN whose flag says locked. The flags therefore decide
# first, then the return value.


class Pin(Enum):
    """Whose PIN it is, with its flags for the last try and for locked (table 6)."""

    USER = (0x0002_0000, 0x0004_0000)
    SECURITY_OFFICER = (0x0020_0000, 0x0040_0000)

    def is_locked(self, flags: int) -> bool:
        return bool(flags & self.value[1])

    def is_last_try(self, flags: int) -> bool:
        """Return whether the next wrong one locks it."""
        return bool(flags & self.value[0])


_WRONG: Final = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange"})
_REFUSED: Final[dict[str, errors.PinRefusal]] = {
    "PinLenRange": "format",
    "PinInvalid": "format",
    "PinTooWeak": "complexity",
}
_FORBIDDEN: Final = frozenset(
    {"FunctionNotSupported", "TokenWriteProtected", "UserPinNotInitialized", "PinExpired"}
)
_NAME: Final = re.compile("[0-9a-z]+")
_BETWEEN: Final = re.compile(r"[\s:-]")


def identifier(answer: Message) -> str:
    """Return the token's serial number, in lower case and without spaces and dashes.

    Raises ``CardUnknown`` where the token has no usable one.
    """
    name = _BETWEEN.sub("", answer["serial"]).lower()
    if not _NAME.fullmatch(name) or not name.strip("0"):
        raise errors.CardUnknown("a token without a serial number", NAME)
    return name


def pin_state(flags: int) -> PinState:
    if Pin.USER.is_locked(flags):
        return PinState(blocked=True, tries_left=0)
    return PinState(blocked=False, tries_left=1 if Pin.USER.is_last_try(flags) else None)


def loaded(answer: Message) -> Message:
    """Return the answer of a module that was loaded; raise the reason where it was not."""
    if CANNOT_LOAD in answer:
        raise errors.CardProtocolError(f"the card's module cannot be loaded: {answer[CANNOT_LOAD]}")
    if "error" in answer and "serial" not in answer:
        raise errors.CardProtocolError(f"the card's module failed: {answer['error']}")
    return answer


def found(answer: Message) -> Message:
    """Return an answer about the token that was addressed; raise why there is none."""
    match loaded(answer).get("missing"):
        case None:
            pass
        case "other":
            raise errors.CardSwapped("another card is in the reader")
        case "several":
            raise errors.CardUnknown("the module shows several tokens in this reader: name one")
        case _:
            raise errors.CardUnknown("the module knows no card in this reader")
    if "serial" not in answer:
        raise errors.CardProtocolError("the card's module reports nothing of the card")
    return answer


def pin_proof(answer: Message) -> PinProof | None:
    """Return the token's signature after the login; None where it has no key for it."""
    if "signature" not in answer:
        return None
    certificate = answer["certificate"]
    return PinProof(
        bytes.fromhex(answer["signature"]),
        bytes.fromhex(answer["public_key"]),
        bytes.fromhex(certificate) if certificate else None,
    )


def checked(answer: Message, pin: Pin) -> None:
    """Raise the error for a PIN, or a new PIN, that was sent."""
    error = answer.get("error")
    if error is None:
        return
    flags = answer["flags"]
    if answer.get("of_new", False) and error in _REFUSED:
        raise errors.PinRefused(_REFUSED[error])
    if error == "PinLocked" or (error in _WRONG and pin.is_locked(flags)):
        raise errors.PinBlocked("no tries are left")
    if error in _WRONG:
        raise errors.PinWrong(1 if pin.is_last_try(flags) else None)  # PKCS#11 has no other number
    if error in _FORBIDDEN:
        raise errors.NotAllowed(f"the card's module does not allow this: {error}")
    raise errors.OutcomeUnknown(f"the card's module failed within the change: {error}")


class Style(StrEnum):
    """How the module resets a PIN; never guessed, as a wrong guess spends tries."""

    INIT_PIN = "init-pin"
    SET_PIN_WITH_PUK = "set-pin-with-puk"


class Pkcs11Cards:
    """Implements ``kiosk.contract.ports.Cards``; calls may come from several threads."""

    def __init__(self, module: Module, style: Style, environ: Mapping[str, str]) -> None:
        self._module = module
        self._style = style
        self._environ = environ

    def read(self, reader: str) -> CardReport:
        """Return the token's report; raise ``CardUnknown`` where the module shows none."""
        with self._process() as process:
            answer = found(_ask(process, {"act": "look", "reader": slot_name(reader)}))
        card = CardId(NAME, identifier(answer))
        state, kind = pin_state(answer["flags"]), self._style.value
        return CardReport(card, state, pin_format=_PIN_FORMAT, secret_kind=kind)

    def slots(self) -> tuple[str, ...]:
        """Return the readers by the module's names for them, with or without a card."""
        with self._process() as process:
            return tuple(loaded(_ask(process, {"act": "slots"}))["slots"])

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        """C_Login as the user, then C_Sign of ``challenge`` with a key that needs the login."""
        return self.hold(at, lambda token: token.verify_pin(pin, challenge))

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        """C_Login as the user, then C_SetPIN."""
        self.hold(at, lambda token: token.change_pin(current, new))

    def hold(self, at: CardAddress, use: Callable[[HeldToken], T]) -> T:
        """Keep the module's process while ``use`` works with the token."""
        with self._process() as process:
            return use(HeldToken(process, at, self._style))

    @contextmanager
    def _process(self) -> Iterator[ModuleProcess]:
        """Start the module's process; at the end the module has time to finalise."""
        arguments = (self._module.path, self._module.label)
        process = ModuleProcess(WORKER, arguments, self._environ, self._module.answer_s)
        try:
            yield process
        finally:
            process.end()


class HeldToken(NoAdminKey):
    """The token that was addressed, in a module's process that stays between the calls."""

    def __init__(self, process: ModuleProcess, at: CardAddress, style: Style) -> None:
        self._process = process
        self._at = at
        self._slot = slot_name(at.reader)
        self._style = style
        self._seen = self._look()
        self._serial = self._seen["serial"]

    def prove(self, challenge: CardChallenge) -> None:
        """Return None: no key of the token signs without a login."""

    def verify_pin(self, pin: PinEntry, challenge: PinChallenge | None = None) -> PinProof | None:
        """C_Login as the user, then C_Sign.

        These are two requests: a module that fails in the signature has verified the PIN.
        """
        if challenge is None:
            self._ask("login", Pin.USER, typed(pin))
            return None
        self._ask("login-to-sign", Pin.USER, typed(pin))
        request = {
            "act": "sign",
            "reader": self._slot,
            "serial": self._serial,
            "message": challenge.message.hex(),
        }
        try:
            return pin_proof(found(_ask(self._process, request)))
        except errors.CardError:
            return None

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """C_Login as the user, then C_SetPIN."""
        self._ask("change", Pin.USER, typed(current), typed(new))

    def prepare_unblock(self) -> None:
        """Read the token's flags."""
        self._seen = self._look()

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """Set the PIN in the module's style; raise ``PinBlocked`` in place of the last try."""
        self._spare_the_last(self._seen)
        self._ask(self._style, Pin.SECURITY_OFFICER, secret, typed(new))

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """C_Login as the security officer, then C_SetPIN; no call changes a PUK."""
        if self._style is not Style.INIT_PIN:
            raise errors.NotAllowed("PKCS#11 has no call that changes a PUK")
        self._spare_the_last(self._look())
        self._ask("change-so", Pin.SECURITY_OFFICER, current, new)

    def try_out(self, pin: PinEntry) -> CardCheck:
        """C_Login as the user, then C_Sign with a key that needs the login."""
        if isinstance(pin, OnPad):
            return CardCheck()
        try:
            proof = self.verify_pin(pin, trial_challenge())
        except (errors.PinWrong, errors.PinBlocked):
            return CardCheck(signs=False)
        if proof is None:  # it has no such key, or its module did not sign
            return CardCheck()
        read = read_certificate(proof.certificate) if proof.certificate is not None else None
        return CardCheck(signs=True, expires_at=read.not_after if read is not None else None)

    def _look(self) -> Message:
        answer = found(_ask(self._process, {"act": "look", "reader": self._slot}))
        if identifier(answer) != self._at.card.identifier:
            raise errors.CardSwapped("another card is in the reader")
        return answer

    def _spare_the_last(self, token: Message) -> None:
        flags, officer = token["flags"], Pin.SECURITY_OFFICER
        if officer.is_locked(flags) or officer.is_last_try(flags):
            raise errors.PinBlocked("no try is left that may be spent")

    def _ask(self, act: str, pin: Pin, old: Sensitive, new: Sensitive | None = None) -> None:
        request = {
            "act": act,
            "reader": self._slot,
            "serial": self._serial,
            "old": old.reveal(),
            "new": "" if new is None else new_digits(new, _LEAST, _MOST).decode(),
        }
        self._seen = found(_ask(self._process, request, changes_card=True))
        checked(self._seen, pin)


def slot_name(reader: str) -> str:
    """Return a PC/SC reader's name as modules report it: PKCS#11 cuts it after 64 bytes."""
    return reader.encode()[:_DESCRIPTION].decode(errors="ignore").strip()
