"""The requests to a module, in PKCS#11 calls (OASIS PKCS #11, 5.5 to 5.7).

Only the module's process imports this. Every session is read-write: an open read-only session would
prevent a login of the security officer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pkcs11
from pkcs11 import PKCS11Error, TokenFlag

from kiosk.system.module_process import Answer, Message

if TYPE_CHECKING:
    from hardware.pkcs11.signer import Signer

ABSENT, SEVERAL, OTHER = "absent", "several", "other"
"""Why no token was used: none in this reader, more than one, or not the one addressed."""


class TokenNotFound(Exception):
    """There is no token, or more than one; the text is one of the words above."""


class NewRefused(Exception):
    """The error's name, raised once the old PIN was accepted, or for another reason."""


def serve(module: Any, label: str) -> Answer:
    return Tokens(module, label).answer


class Tokens:
    """The tokens of a loaded module; ``label`` selects one where a reader has several."""

    def __init__(self, module: Any, label: str = "") -> None:
        self._module = module
        self._label = label

    @cached_property
    def _signer(self) -> Signer:
        """Imported with the cryptography that it needs, in a process that signs."""
        from hardware.pkcs11.signer import Signer

        return Signer()

    def answer(self, request: Message) -> Message:
        """Carry out the request, and return the token's serial number and flags.

        An answer without them means that nothing was done with a token.
        """
        try:
            if request["act"] == "slots":
                return {"slots": [_name(slot) for slot in self._module.get_slots()]}
            return self._with_token(self._find(request["reader"]), request)
        except TokenNotFound as missing:
            return {"missing": str(missing)}
        except PKCS11Error as error:
            return {"error": type(error).__name__}

    def _with_token(self, token: Any, request: Message) -> Message:
        serial = bytes(token.serial).decode("ascii", errors="replace").strip(" \0")
        if request.get("serial", serial) != serial:
            return {"missing": OTHER}
        try:
            result = self._act(token, request) or {}
        except NewRefused as refused:
            result = {"error": str(refused), "of_new": True}
        except PKCS11Error as error:
            result = {"error": type(error).__name__}
        flags = token.flags
        with suppress(TokenNotFound, PKCS11Error):  # it may be gone
            flags = self._find(request["reader"]).flags
        return {"serial": serial, "flags": int(flags), **result}

    def _act(self, token: Any, request: Mapping[str, str]) -> Message | None:
        """Return the fields of the answer besides serial and flags."""
        match request["act"]:
            case "look":
                pass
            case "login":
                with _session(token, user_pin=request["old"]):
                    pass
            case "login-to-sign":
                self._signer.login(token, request)
            case "sign":
                return self._signer.sign(token, request)
            case "change":  # with a login: some modules unblock when it is missing
                with _session(token, user_pin=request["old"]) as session, _new_pin():
                    session.set_pin(request["old"], request["new"])
            case "init-pin":
                with _session(token, so_pin=request["old"]) as session, _new_pin():
                    session.init_pin(request["new"])
            case "set-pin-with-puk":  # the PUK in place of the old PIN
                with _session(token) as session, _new_pin():
                    session.set_pin(request["old"], request["new"])
            case "change-so":
                with _session(token, so_pin=request["old"]) as session, _new_pin():
                    session.set_pin(request["old"], request["new"])
            case unknown:
                raise ValueError(unknown)
        return None

    def _find(self, reader: str) -> Any:
        slots = [
            slot for slot in self._module.get_slots(token_present=True) if _name(slot) == reader
        ]
        tokens = [token for token in map(_token, slots) if token is not None]
        fitting = [token for token in tokens if self._label in ("", token.label)]
        if len(fitting) != 1:
            raise TokenNotFound(SEVERAL if fitting else ABSENT)
        return fitting[0]


def _name(slot: Any) -> str:
    return str(slot.slot_description).strip(" \0")


def _token(slot: Any) -> Any | None:
    """Return the initialised token of a slot; None where there is none (any more)."""
    try:
        token = slot.get_token()
    except (pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised, pkcs11.DeviceRemoved):
        return None
    return token if token.flags & TokenFlag.TOKEN_INITIALIZED else None


@contextmanager
def _session(token: Any, **pins: str) -> Iterator[Any]:
    """Open a session; a failure to close it is ignored, as its work is done."""
    session = token.open(rw=True, **pins)
    try:
        yield session
    finally:
        with suppress(PKCS11Error):
            session.close()


@contextmanager
def _new_pin() -> Iterator[None]:
    """Raise ``NewRefused`` for an error with the new PIN after the old one was accepted."""
    try:
        yield
    except PKCS11Error as error:
        raise NewRefused(type(error).__name__) from None
