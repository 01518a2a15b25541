"""Common parts of all commands: help with an example that works, and the settings."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
"""Commands, or the parts of one, to which another is added."""

Run = Callable[[argparse.Namespace], int | None]
"""Runs a command or a part of one; returns the exit code, None for 0."""

ARGUMENTS = {
    "--reason": ("asked for by telephone", ""),
    "--identified-by": ("badge, in person", ""),
    "NUMBER": ("900000000001", "the whole holder number"),
    "CARD": ("0a1b", "the identifier of one of their cards, or how it begins or ends"),
    "IDENTIFIER": (
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "what the card says of itself, as `kiosk cards read` prints it",
    ),
    "NAME": ("Jo Smith", "a first and a last name"),
    "WHO": ("Asha Okafor", "a name or an id, as `kiosk staff list` prints them"),
    "ADDRESS": ("jo@nhs.net", "an email address"),
    "TEXT": ("smi jo", "what is known of them, such as how their names begin"),
    "ROW": ("4711", "the row that it names"),
    "TABLE": ("registration", "the table that `kiosk rows check` names"),
    "ID": ("7c2f91d0", ""),
    "URL": ("postgresql://kiosk@db.example/kiosk?sslmode=verify-full", ""),
    "STATION": ("Ward 7", "the name of a station"),
    "SETTING": ("max_failures", "its name, as `kiosk policy list` prints it"),
    "VALUE": ("5", "within its limits; a list is words with commas"),
    "QUESTION": ("What was the name of your first teacher?", "its text"),
    "LANGUAGE": ("cy", "the tag of a language, such as cy or pt-BR"),
    "FILE.pub": ("asha.pub", ""),
    "FILE.csv": ("people.csv", ""),
    "SHA256:...": (
        "SHA256:uNiVztksCsDhcc0u9e8BrSGdXd1A0lj9Tvv1sr7nGkI",
        "the key's fingerprint, as `kiosk staff list` prints it",
    ),
}
"""By the name of an argument in the help: a sample, and its meaning if it has no help itself."""

_LISTED = 7
"""Parts of a command that its usage names, at most."""


class Version(argparse.Action):
    """Prints the version and ends; it is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"kiosk {version('unlock-kiosk')}\n")
        parser.exit()


def add_command(
    commands: Commands, name: str, help_line: str, description: str, example: str, run: Run | None
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=help_line, description=description, epilog=f"example:\n{example}"
    )
    parser.set_defaults(run=run)
    add_config(parser)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option for the settings file; it may stand before or after a part."""
    text = "settings (default: $KIOSK_SETTINGS, or those of the service in /etc)"
    parser.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help=text)


def add_flag(part: argparse._ActionsContainer, name: str, text: str) -> None:
    part.add_argument(name, action="store_true", help=text)


def subparsers(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield name, help and parser of each command or part directly below ``parser``."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            texts = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
            for name, below in action.choices.items():
                yield name, texts.get(name, ""), below


def complete(parser: argparse.ArgumentParser) -> None:
    """Give each part below ``parser`` a sentence, an example and its arguments' meanings.

    The usage of a command names its parts, unless they are many.
    """
    for _name, text, below in subparsers(parser):
        below.formatter_class = argparse.RawDescriptionHelpFormatter
        if not below.description:
            below.description = f"{text[:1].upper()}{text[1:]}."
        if not below.epilog:
            below.epilog = f"example:\n  {example(below)}"
        for action in below._actions:  # noqa: SLF001
            if action.dest == "part":
                names = [name for name, _text, _parser in subparsers(below)]
                action.metavar = "|".join(names) if len(names) <= _LISTED else "PART"
            if not action.option_strings:
                action.help = action.help or ARGUMENTS.get(str(action.metavar), ("", ""))[1]
        complete(below)


def example(parser: argparse.ArgumentParser) -> str:
    """Return a line that calls this part with all required arguments."""
    words = [parser.prog]
    for action in parser._actions:  # noqa: SLF001
        if action.required or (not action.option_strings and action.nargs != "?"):
            words += [*action.option_strings[-1:], shlex.quote(_sample(action))]
    return " ".join(words)


def _sample(action: argparse.Action) -> str:
    if action.choices:
        return str(next(iter(action.choices)))
    if action.type is int:
        return "7"
    names = (*action.option_strings, str(action.metavar))
    return next(ARGUMENTS[name][0] for name in names if name in ARGUMENTS)
