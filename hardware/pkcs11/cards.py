"""``Cards`` through a PKCS#11 module: each call has the module's process for itself.

The token is known by its serial number, which is read again in the same process before a
PIN or a secret is used. PKCS#11 has no way to keep other programs from the card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from hardware.driver import NoAdminKey
from hardware.entry import typed
from hardware.pkcs11 import verdicts
from hardware.pkcs11.process import Module, ModuleProcess
from hardware.pkcs11.verdicts import Pin
from kiosk.dialogue import (
    CardChallenge,
    CardId,
    CardReport,
    PinChallenge,
    PinEntry,
    PinProof,
)
from kiosk.errors import CardError, CardSwapped, NotAllowed, PinBlocked, PinRefused
from kiosk.modules.wire import Message
from kiosk.ports import CardAddress, CardHold
from kiosk.sensitive import Sensitive

T = TypeVar("T")

NAME: Final = "pkcs11"
"""The family's name in ``CardId``."""

_LEAST, _MOST = 4, 64
_DESCRIPTION: Final = 64


class Style(StrEnum):
    """How the module sets a PIN again; never guessed, for a wrong guess costs tries."""

    INIT_PIN = "init-pin"
    SET_PIN_WITH_PUK = "set-pin-with-puk"


class Pkcs11Cards:
    """Implements ``kiosk.ports.Cards``; calls may come from several threads."""

    def __init__(self, module: Module, style: Style, environ: Mapping[str, str]) -> None:
        self._module = module
        self._style = style
        self._environ = environ

    def read(self, reader: str) -> CardReport:
        """Return what the token tells; raise ``CardUnknown`` where the module shows none."""
        with ModuleProcess(self._module, self._environ) as process:
            answer = verdicts.found(process.ask({"act": "look", "reader": slot_name(reader)}))
        card = CardId(NAME, verdicts.identifier(answer))
        return CardReport(card, verdicts.pin_state(answer["flags"]))

    def slots(self) -> tuple[str, ...]:
        """Return the readers by the names that the module has for them, with a card or without."""
        with ModuleProcess(self._module, self._environ) as process:
            return tuple(verdicts.loaded(process.ask({"act": "slots"}))["slots"])

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        """C_Login as the user, then C_Sign of ``challenge`` with a key that needs the login."""
        return self._with_token(at, lambda token: token.verify_pin(pin, challenge))

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        """C_Login as the user, then C_SetPIN."""
        self._with_token(at, lambda token: token.change_pin(current, new))

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Keep the module's process while ``use`` works with the token."""
        return self._with_token(at, use)

    def _with_token(self, at: CardAddress, use: Callable[[HeldToken], T]) -> T:
        with ModuleProcess(self._module, self._environ) as process:
            return use(HeldToken(process, at, self._style))


class HeldToken(NoAdminKey):
    """The token that was addressed, in a module's process that lives on between the calls."""

    def __init__(self, process: ModuleProcess, at: CardAddress, style: Style) -> None:
        self._process = process
        self._at = at
        self._slot = slot_name(at.reader)
        self._style = style
        self._seen = self._look()
        self._serial = self._seen["serial"]

    def prove(self, challenge: CardChallenge) -> None:
        """Return None: without a login no key of the token signs."""

    def verify_pin(self, pin: PinEntry, challenge: PinChallenge | None = None) -> PinProof | None:
        """C_Login as the user, then C_Sign.

        They are asked for one after the other: a module that fails over the signature has
        verified the PIN.
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
            return verdicts.pin_proof(verdicts.found(self._process.ask(request)))
        except CardError:
            return None

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """C_Login as the user, then C_SetPIN."""
        self._ask("change", Pin.USER, typed(current), typed(new))

    def prepare_unblock(self) -> None:
        """Read the token's flags."""
        self._seen = self._look()

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """Set the PIN in the module's style.

        The last try is never spent: ``PinBlocked`` is raised in its place.
        """
        self._spare_the_last(self._seen)
        self._ask(self._style, Pin.SECURITY_OFFICER, secret, typed(new))

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """C_Login as the security officer, then C_SetPIN; a PUK cannot be changed so."""
        if self._style is not Style.INIT_PIN:
            raise NotAllowed("PKCS#11 has no call that changes a PUK")
        self._spare_the_last(self._look())
        self._ask("change-so", Pin.SECURITY_OFFICER, current, new)

    def _look(self) -> Message:
        answer = verdicts.found(self._process.ask({"act": "look", "reader": self._slot}))
        if verdicts.identifier(answer) != self._at.card.identifier:
            raise CardSwapped("another card is in the reader")
        return answer

    def _spare_the_last(self, token: Message) -> None:
        flags, officer = token["flags"], Pin.SECURITY_OFFICER
        if officer.is_locked(flags) or officer.is_last_try(flags):
            raise PinBlocked("no try is left that may be spent")

    def _ask(self, act: str, pin: Pin, old: Sensitive, new: Sensitive | None = None) -> None:
        request = {
            "act": act,
            "reader": self._slot,
            "serial": self._serial,
            "old": old.reveal(),
            "new": "" if new is None else _chosen(new),
        }
        self._seen = verdicts.found(self._process.ask(request, changes_card=True))
        verdicts.checked(self._seen, pin)


def slot_name(reader: str) -> str:
    """Return the name of a PC/SC reader as modules have it: PKCS#11 cuts it after 64 bytes."""
    return reader.encode()[:_DESCRIPTION].decode(errors="ignore").strip()


def _chosen(new: Sensitive) -> str:
    """Check a new PIN: digits only; how many, the module knows."""
    text = new.reveal()
    if not (text.isascii() and text.isdigit() and _LEAST <= len(text) <= _MOST):
        raise PinRefused("format")
    return text
