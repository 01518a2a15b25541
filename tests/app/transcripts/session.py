"""A transcript: what is typed at the command line, what it prints, and what it returns.

A file has paragraphs of prose, and between them sessions, which are indented by two spaces::

      $ kiosk keys list
      purpose     key                             secrets or rows
      2> what goes to standard error, below all of standard output
      [1]

``[1]`` is the exit code where it is not 0. Before ``kiosk`` may stand settings for this one command
(``KIOSK_MAIL__HOST=relay.example kiosk ...``); ``< FILE`` after it is its standard input. The files
that it needs stand at the end, each below ``-- NAME --``.

A session whose first command is ``kiosk setup authority`` begins with nothing; every other one
begins where that command has been run.

What differs from run to run is replaced by the rules in ``RULES``, and the folder of the test by
``<place>``. A numbered word stands for one and the same text in the whole file, also in a command
further down. A text that the file has in its own commands or files stays. Usage stands on one line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

PROMPT: Final = "  $ "
_FILE: Final = re.compile(r"^-- (\S+) --\n", re.MULTILINE)
_EMPTY_IN_OUTPUT: Final = re.compile(r"^\n+(?=  (?!\$ ))", re.MULTILINE)
_USAGE: Final = re.compile(r"^usage: .*(?:\n +.*)*", re.MULTILINE)
_CHOICES: Final = re.compile(r"\(choose from .*\)")
_SETTING: Final = re.compile(r"[A-Z_]+=")

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
RULES: Final = (
    # When it ran, and on which machine.
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? (?:[A-Za-z]+|[+-]\d+)(?=\s)"), "<time>"),
    (re.compile(r"\b\d{8}-\d{6}\b"), "<time>"),
    (re.compile(rf"\b\d\d? (?:{_MONTHS}) \d{{4}}\b"), "<day>"),
    (re.compile(r"\b\d\d:\d\d\b"), "<hour>"),
    (re.compile(r"\b\d+ KiB\b"), "<size>"),
    (re.compile(r"(?<=command line: )[\w.-]+"), "<account>"),
    # Identifiers of rows and keys, digests: they are told apart.
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32}|(?<=-)[0-9a-f]{8})\b"), "<id {}>"),
    # Reference numbers, and the two parts of an enrolment line that look alike.
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4})+\b"), "<reference {}>"),
    (re.compile(r"^\d{8}$", re.MULTILINE), "<code {}>"),
)
"""What is found, and the word that stands for it: with a number where several are told apart."""


@dataclass(frozen=True)
class Call:
    """What is typed on one line."""

    settings: dict[str, str]
    words: list[str]
    stdin: str | None

    @classmethod
    def read(cls, line: str) -> Call:
        words = shlex.split(line)
        settings = {}
        while _SETTING.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            settings[name] = value
        assert words.pop(0) == "kiosk", line
        stdin = words[-1] if words[-2:-1] == ["<"] else None
        return cls(settings, words[:-2] if stdin else words, stdin)


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: object

    def lines(self, names: Names) -> list[str]:
        """Return the lines below the command."""
        out, err = (names.in_place_of(each).rstrip("\n") for each in (self.out, self.err))
        errors = [f"2> {line}" for line in err.splitlines()]
        code = [f"[{self.code}]"] if self.code else []
        return [f"  {line}".rstrip() for line in (*out.splitlines(), *errors, *code)]


@dataclass
class Names:
    """What stands in the transcript for what was printed."""

    place: str
    typed: str
    """What the transcript has in its commands and files."""
    given: dict[str, str] = field(default_factory=dict)

    def in_place_of(self, text: str) -> str:
        """Return a text as the transcript has it."""
        text = text.replace(self.place, "<place>")
        for pattern, name in RULES:
            text = pattern.sub(partial(self._name, name), text)
        # Each version of Python folds the usage in its own way, and quotes what there is to choose.
        text = _USAGE.sub(lambda found: " ".join(found[0].split()), text)
        return _CHOICES.sub(lambda found: found[0].replace("'", ""), text)

    def meant_by(self, line: str) -> str:
        """Return a command with what its numbered words stand for."""
        for text, name in self.given.items():
            line = line.replace(name, text)
        return line.replace("<place>", self.place)

    def _name(self, name: str, found: re.Match[str]) -> str:
        if found[0] in self.typed:
            return found[0]
        kind, is_numbered, _ = name.partition("{}")
        if not is_numbered:
            return name
        number = 1 + sum(each.startswith(kind) for each in self.given.values())
        return self.given.setdefault(found[0], name.format(number))


@dataclass(frozen=True)
class Transcript:
    """A file, without what its commands printed."""

    prose_and_commands: tuple[str, ...]
    """The lines in their order; a command begins with ``PROMPT``, an empty one ends a paragraph."""
    files: dict[str, str]

    @classmethod
    def read(cls, text: str) -> Transcript:
        sessions, *files = _FILE.split(text)
        lines = _EMPTY_IN_OUTPUT.sub("", sessions).splitlines()
        kept = [line for line in lines if line.startswith(PROMPT) or not line.startswith("  ")]
        return cls(tuple(kept), dict(zip(files[::2], files[1::2], strict=True)))

    def begins_with_nothing(self) -> bool:
        """Tell whether no authority is set up before its first command."""
        first = next(line for line in self.prose_and_commands if line.startswith(PROMPT))
        return Call.read(first.removeprefix(PROMPT)).words == ["setup", "authority"]

    def run_anew(self, place: str, run: Callable[[Call], Printed]) -> str:
        """Run the commands; return the text of the file with what they print now."""
        commands = [line for line in self.prose_and_commands if line.startswith(PROMPT)]
        names = Names(place, "\n".join((*commands, *self.files.values())))
        text: list[str] = []
        for line in self.prose_and_commands:
            text.append(line)
            if line.startswith(PROMPT):
                printed = run(Call.read(names.meant_by(line.removeprefix(PROMPT))))
                text += printed.lines(names)
        files = (f"-- {name} --\n{content}" for name, content in self.files.items())
        return "".join(("\n".join(text), "\n", *files))
