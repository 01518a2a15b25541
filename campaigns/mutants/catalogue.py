"""The table of ``docs/security/attacks.md``, and for its rows the defences to take away."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
LIST: Final = "campaigns/mutants/mutants.toml"
TABLE: Final = "docs/security/attacks.md"


class Row(msgspec.Struct, frozen=True):
    """A row of the table: an attack, what stops it, and the file of its test."""

    attack: str
    defence: str
    test: str


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``old``, which ``file`` has once, becomes ``new``."""

    file: str
    old: str
    new: str


class Mutant(Edit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A defence that is taken away."""

    row: str
    """How the row's attack begins, as far as no other row begins so."""
    why: str
    """What is gone, in one line."""
    also: tuple[Edit, ...] = ()
    """What else has to go, where another defence would do alone what the row promises."""
    only: str = ""
    """Words by which ``pytest -k`` finds the test, where the file has tests of several defences."""
    error: str = ""
    """The name of an error that the test ends with in place of a failed assertion."""

    def texts(self, root: Path) -> dict[str, str]:
        """Return what each file becomes; a ValueError where an edit does not apply."""
        found: dict[str, str] = {}
        for edit in (self, *self.also):
            try:
                before = found.get(edit.file) or (root / edit.file).read_text()
            except OSError as error:
                raise ValueError(f"{edit.file}: {error.strerror}") from None
            if (count := before.count(edit.old)) != 1:
                raise ValueError(f"{edit.file} has the text {count} times: {edit.old}")
            found[edit.file] = before.replace(edit.old, edit.new)
        return found


class Catalogue:
    """The rows and the mutants of a checkout."""

    def __init__(self, root: Path = ROOT) -> None:
        """Read both."""
        self.root = root
        table = (root / TABLE).read_text()
        cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line[:2] == "| "]
        self.rows = [Row(each[0], each[1], each[-1].strip("`")) for each in cells[2:]]
        listed = tomllib.loads((root / LIST).read_text())
        self.mutants = msgspec.convert(listed["mutant"], list[Mutant])

    def row_of(self, mutant: Mutant) -> Row:
        """Return the row that a mutant is for; a ValueError where it is not one row."""
        rows = [each for each in self.rows if each.attack.startswith(mutant.row)]
        if len(rows) != 1:
            raise ValueError(f"{len(rows)} rows begin with: {mutant.row}")
        return rows[0]

    def about(self, words: Iterable[str]) -> list[Mutant]:
        """Return the mutants with one of these words in their row, test, file or reason; or all."""
        wanted = [word.lower() for word in words]
        return [
            each
            for each in self.mutants
            if not wanted or any(word in self._text_about(each) for word in wanted)
        ]

    def _text_about(self, mutant: Mutant) -> str:
        row = self.row_of(mutant)
        return " ".join((row.attack, row.test, mutant.file, mutant.why)).lower()
