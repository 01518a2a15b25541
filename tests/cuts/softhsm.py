"""A token of SoftHSM, which tells nothing of itself but to its module."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from hardware.pkcs11.cards import WORKER
from kiosk.system.module_process import Message, ModuleProcess
from tests.hardware.pkcs11.tokens import SOFTHSM, new_token

_PATIENCE_S = 60.0


class TokenReaderCard:
    """Its PIN is never locked, however often it is wrong, and it counts nothing.

    So it is asked on a copy what its PIN and its secret are: of the module itself, in a
    process that lives until the token is another one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = new_token(folder)
        self.reader, self.identifier = self.token.reader, self.token.serial
        self.is_blocked, self.is_full = False, True
        self.wrong = self.in_a_row = 0
        self._copy = Copy(folder.with_name("copy"))
        self._row = 0

    def block(self) -> None:
        """Raise: nothing does."""
        raise AssertionError("SoftHSM locks no PIN")

    def heard(self, process: ModuleProcess, answer: Message | None) -> None:
        """Count the wrong secrets that the token itself was given."""
        if process is self._copy.process:
            return
        wrong = answer is not None and answer.get("error") == "PinIncorrect"
        self.wrong += wrong
        self._row = self._row + 1 if wrong else 0
        self.in_a_row = max(self.in_a_row, self._row)

    def has_pin(self, pin: str) -> bool:
        """Log in as the user."""
        return self._asked("login", pin)

    def opens_with(self, secret: str) -> bool:
        """Change the officer's PIN to what it is, if it is that."""
        return self._asked("change-so", secret)

    def save(self) -> Mapping[str, bytes]:
        """Return its files."""
        files = self._tokens.rglob("*")
        return {str(each): each.read_bytes() for each in files if each.is_file()}

    def restore(self, saved: Mapping[str, bytes]) -> None:
        """Write them as they were."""
        for name, content in saved.items():
            Path(name).write_bytes(content)
        self.wrong = self.in_a_row = self._row = 0

    def close(self) -> None:
        """End the process that was asked last."""
        self._copy.end()

    def _asked(self, act: str, old: str) -> bool:
        request = {
            "act": act, "reader": self.reader, "serial": self.identifier, "old": old, "new": old,
        }  # fmt: skip
        return "error" not in self._copy.of(self._tokens, self.save()).ask(request)

    @property
    def _tokens(self) -> Path:
        return self.folder / "tokens"


class Copy:
    """A copy of a token, and the module's process on it, until the original is another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copied: Mapping[str, bytes] = {}
        self.process: ModuleProcess | None = None

    def of(self, tokens: Path, files: Mapping[str, bytes]) -> ModuleProcess:
        """Return the process, started anew where the token has changed."""
        if self.process is None or files != self._copied:
            self.end()
            shutil.copytree(tokens, self._folder / "tokens")
            self._copied, self.process = dict(files), self._started()
        return self.process

    def end(self) -> None:
        """Forget the copy."""
        if self.process is not None:
            self.process.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self) -> ModuleProcess:
        conf = self._folder / "softhsm2.conf"
        tokens = self._folder / "tokens"
        conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
        return ModuleProcess(WORKER, (str(SOFTHSM), ""), {"SOFTHSM2_CONF": str(conf)}, _PATIENCE_S)
