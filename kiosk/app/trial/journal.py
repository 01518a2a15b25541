"""What a test card may have at the moment: written down before each command that changes it.

The file survives a trial that is killed. It has no PIN, no secret and no identifier in it: only
which of the values, by their names, the card may have, and a hash by which the card is known again.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from kiosk.contract.errors import KioskError
from kiosk.contract.messages import CardId

NAME: Final = "card-trial.journal"

PIN, SECRET = "pin", "secret"
"""The names of the holder's own PIN and of the card's own unblock secret."""


class Entry(msgspec.Struct, frozen=True):
    """``pin`` and ``secret`` are the names of what the card may have; ``blocked``: its PIN may be.

    ``wrong_secrets`` were sent since the last right one.
    """

    card: str
    family: str
    step: str = "nothing was sent yet"
    pin: tuple[str, ...] = (PIN,)
    secret: tuple[str, ...] = (SECRET,)
    blocked: bool = False
    wrong_secrets: int = 0

    @property
    def is_as_before(self) -> bool:
        return self.pin == (PIN,) and self.secret == (SECRET,) and not self.blocked


def digest_of(card: CardId) -> str:
    return sha256(f"{card.driver} {card.identifier}".encode()).hexdigest()


class Journal:
    """One trial's file; it is removed once the card is known to be as it was."""

    def __init__(self, path: Path, entry: Entry) -> None:
        self._path = path
        self.entry = entry

    @classmethod
    def found(cls, folder: Path) -> Journal | None:
        """Return the journal of a trial that did not end; raise ``KioskError`` for a broken one."""
        path = folder / NAME
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=Entry))
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            raise KioskError(
                f"{path} cannot be read: look with `kiosk cards read` how the card is, and remove "
                "the file"
            ) from None

    @classmethod
    def begin(cls, folder: Path, card: CardId) -> Journal:
        journal = cls(folder / NAME, Entry(digest_of(card), card.driver))
        journal.note()
        return journal

    def note(
        self,
        *,
        step: str | None = None,
        pin: tuple[str, ...] | None = None,
        secret: tuple[str, ...] | None = None,
        blocked: bool | None = None,
        wrong_secrets: int | None = None,
    ) -> None:
        """Change the entry; return once it is on the disk."""
        changes = {
            "step": step,
            "pin": pin,
            "secret": secret,
            "blocked": blocked,
            "wrong_secrets": wrong_secrets,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        self.entry = replace(self.entry, **given)
        beside = self._path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(msgspec.json.encode(self.entry) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def end(self) -> None:
        self._path.unlink(missing_ok=True)
