"""Master keys in a PKCS#11 token: they are made there, used there, and never leave it.

This is the program's side; ``token_keys`` is the module's side, in a separate process.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from kiosk.authority.errors import KeyMissing, KeysUnavailable
from kiosk.contract.errors import ConfigError
from kiosk.contract.sensitive import Sensitive
from kiosk.system.module_process import (
    CANNOT_LOAD,
    Message,
    ModuleCrashed,
    ModuleHung,
    ModuleProcess,
)

# The token's master keys on this program's side: calls with a deadline, and their repetition.
#
# One process of the module stays between the calls. A token that hangs, fails or is pulled out is
# an error within the deadline (``KeysUnavailable``). It is then not called for a while, so that
# nobody else waits for it; the next call after that starts a new process.

WORKER: Final = "kiosk.authority.crypto.token_keys"

PREFIX: Final = "unlock-kiosk-"
"""Begins the label of a master key; the key's id follows."""

AWAY_S: Final = 10.0
"""How long a token that failed is not called."""

_KIND: Final = "derive-"
_OF_PIN: Final = ("LastTry", "PinIncorrect", "PinInvalid", "PinLenRange", "PinLocked", "PinExpired")
_IN_WORDS: Final = {
    "NoSuchToken": "its module shows no token of that label",
    "": "its module crashed",
}
"""What is said in place of the module's name for a failure."""
_PIN_REFUSED: Final = "it refuses its PIN, which is not tried again: see pin_file in [secrets]"


@dataclass(frozen=True, slots=True)
class Token:
    """The module's file, the token's label, and seconds that an answer may take.

    The first answer may take ``start_s`` more, as the module is loaded for it.
    """

    module: str
    label: str
    answer_s: float = 3.0
    start_s: float = 5.0


class TokenMasters:
    """The token's master keys; calls may come from several threads.

    Each raises ``KeysUnavailable`` where the token does not answer.

    ``pin`` is read when a process is started; a PIN that the token refused is never tried again, as
    that would lock the token. It may raise ``ConfigError``.
    """

    def __init__(
        self,
        token: Token,
        pin: Callable[[], Sensitive],
        environ: Mapping[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._pin = pin
        self._environ = environ
        self._now = now
        self._lock = Lock()
        self._process: ModuleProcess | None = None
        self._refused: Sensitive | None = None
        self._away_until = float("-inf")
        self._because = ""

    def ids(self) -> tuple[str, ...]:
        """Return the ids of the token's master keys, in the order of their numbers."""
        labels = [str(label) for label in self._ask({"act": "labels"})["labels"]]
        ids = [label.removeprefix(PREFIX) for label in labels if label.startswith(PREFIX + _KIND)]
        return tuple(sorted(ids, key=lambda key_id: (_number(key_id), key_id)))

    def cmac(self, key_id: str, message: bytes) -> bytes:
        """Return the AES-CMAC of ``message``; raises ``KeyMissing``, too."""
        request = {"act": "cmac", "label": PREFIX + key_id, "message": message.hex()}
        answer = self._ask(request)
        if "mac" not in answer:
            raise KeyMissing(f"neither key file nor token holds the master key {key_id!r}")
        return bytes.fromhex(answer["mac"])

    def add(self) -> str:
        """Make a master key in the token and return its id; it is then the current one."""
        last = max(map(_number, self.ids()), default=0)
        added = f"{_KIND}{last + 1:04d}-{secrets.token_hex(4)}"
        self._ask({"act": "make", "label": PREFIX + added}, repeat=False)
        return added

    def close(self) -> None:
        """End the process; the next call starts another."""
        with self._lock:
            self._drop()

    # --- the process ---

    def _ask(self, request: Message, *, repeat: bool = True) -> Message:
        if not self._lock.acquire(timeout=self._token.answer_s):
            raise self._error("it is busy")
        try:
            if self._now() < self._away_until:
                raise self._error(self._because)
            return self._answer(request, repeat)
        finally:
            self._lock.release()

    def _answer(self, request: Message, repeat: bool) -> Message:
        """Call the process; one that has died since the last call is replaced once."""
        was_kept = self._process is not None
        try:
            if self._process is None:
                self._process = self._opened()
            return _checked(self._process.ask(request))
        except ModuleHung:
            raise self._away("it gave no answer in time") from None
        except (ModuleCrashed, _Failed) as failure:
            self._drop()
            if not (was_kept and repeat):
                raise self._away(_IN_WORDS.get(str(failure), str(failure))) from None
        return self._answer(request, repeat=False)

    def _opened(self) -> ModuleProcess:
        try:
            pin = self._pin()
        except ConfigError as error:
            raise self._error(str(error)) from None
        if pin == self._refused:
            raise self._error(_PIN_REFUSED)
        process = ModuleProcess(
            WORKER, (self._token.module, self._token.label), self._environ, self._token.answer_s
        )
        try:
            _checked(process.ask({"act": "open", "pin": pin.reveal()}, self._token.start_s))
        except _Failed as failure:
            process.end()
            if str(failure) in _OF_PIN:
                self._refused = pin
                raise self._error(_PIN_REFUSED) from None
            raise
        return process

    def _away(self, because: str) -> KeysUnavailable:
        self._drop()
        self._because, self._away_until = because, self._now() + AWAY_S
        return self._error(because)

    def _error(self, because: str) -> KeysUnavailable:
        return KeysUnavailable(f"the token {self._token.label!r}: {because}")

    def _drop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


def _number(key_id: str) -> int:
    """Return the number in an id; a key of another system without a number is the oldest."""
    number = key_id.removeprefix(_KIND).partition("-")[0]
    return int(number) if number.isdecimal() else 0


class _Failed(Exception):
    """The module answered with an error; the text names it."""


def _checked(answer: Message) -> Message:
    if CANNOT_LOAD in answer:
        raise _Failed(f"its module cannot be loaded: {answer[CANNOT_LOAD]}")
    if "error" in answer:
        raise _Failed(str(answer["error"]))
    return answer
