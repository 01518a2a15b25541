"""What a test card may have at the moment: written down before each command that changes it.

The file survives a trial that is killed. It has no PIN, no secret and no identifier in it: only
which of the values, by their names, the card may have, and a hash by which the card is known again.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from kiosk.contract.errors import KioskError
from kiosk.contract.messages import CardId
from kiosk.system.files import replace_text

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
        replace_text(self._path, msgspec.json.encode(self.entry).decode() + "\n", 0o600)

    def end(self) -> None:
        self._path.unlink(missing_ok=True)
