"""A token of SoftHSM with master keys, as another program sees it: its administrator's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from kiosk.authority.crypto.token import WORKER, Token, TokenMasters
from kiosk.contract.sensitive import Sensitive
from tests.hardware.pkcs11.tokens import PIN, SOFTHSM, new_token, running

OPEN = """
import sys
import pkcs11
from pkcs11 import Attribute, KeyType, ObjectClass
token = pkcs11.lib(sys.argv[1]).get_token(token_label="kiosk")
session = token.open(rw=True, user_pin=sys.argv[2])
keys = list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))
"""
BRING = """
session.create_object({
    Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES,
    Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False, Attribute.SIGN: True,
    Attribute.LABEL: sys.argv[3], Attribute.VALUE: bytes.fromhex(sys.argv[4]),
})
"""
DESTROY = "[key.destroy() for key in keys if key.label == sys.argv[3]]"
WHAT_IT_MAY = """
names = ("SENSITIVE", "EXTRACTABLE", "NEVER_EXTRACTABLE", "PRIVATE", "SIGN", "VERIFY",
         "ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "DERIVE", "VALUE_LEN")
for key in keys:
    print(key.label, [name for name in names if key[Attribute[name]] is True], key.key_length)
    try:
        print(key[Attribute.VALUE])
    except pkcs11.PKCS11Error as error:
        print(type(error).__name__)
"""


def workers() -> list[psutil.Process]:
    """Return the processes of tokens' modules that were started from here, and live."""
    return running(WORKER)


@dataclass
class Hsm:
    """The token, and those that were opened on it; ``time`` is theirs."""

    directory: Path
    time: float = 0.0
    pin: Sensitive = PIN
    opened: list[TokenMasters] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.environ = new_token(self.directory).environ

    def masters(
        self,
        module: Path = SOFTHSM,
        *,
        label: str = "kiosk",
        answer_s: float = 20.0,
        pin: Callable[[], Sensitive] | None = None,
    ) -> TokenMasters:
        token = Token(str(module), label, answer_s, start_s=0.5)
        made = TokenMasters(token, pin or (lambda: self.pin), self.environ, lambda: self.time)
        self.opened.append(made)
        return made

    def bring(self, label: str, key: bytes) -> None:
        """Bring a key that another system made."""
        self._run(BRING, label, key.hex())

    def destroy(self, label: str) -> None:
        self._run(DESTROY, label)

    def told(self) -> str:
        """Return what the token says that its keys may be used for."""
        return self._run(WHAT_IT_MAY)

    def close(self) -> None:
        for each in self.opened:
            each.close()

    def _run(self, program: str, *words: str) -> str:
        command = [sys.executable, "-c", OPEN + program, str(SOFTHSM), PIN.reveal(), *words]
        done = subprocess.run(
            command, env=dict(self.environ), capture_output=True, text=True, check=True
        )
        return done.stdout
