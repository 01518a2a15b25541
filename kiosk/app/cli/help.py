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

SAMPLES = {
    "NUMBER": "900000000001",
    "CARD": "0a1b",
    "IDENTIFIER": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "CODE-ID": "4f1c0a9e",
    "NAME": "Jo Smith",
    "WHO": "Asha Okafor",
    "ADDRESS": "jo@nhs.net",
    "TEXT": "smi jo",
    "ROW": "4711",
    "TABLE": "registration",
    "ID": "7c2f91d0",
    "URL": "postgresql://kiosk@db.example/kiosk?sslmode=verify-full",
    "STATION": "Ward 7",
    "SETTING": "max_failures",
    "VALUE": "5",
    "QUESTION": "What was the name of your first teacher?",
    "FILE.pub": "asha.pub",
    "FILE.csv": "people.csv",
    "SHA256:...": "SHA256:uNiVztksCsDhcc0u9e8BrSGdXd1A0lj9Tvv1sr7nGkI",
}
"""Values of arguments in examples, by their name in the help."""

MEANINGS = {
    "NUMBER": "the whole holder number",
    "CARD": "the identifier of one of their cards, or how it begins or ends",
    "IDENTIFIER": "what the card says of itself, as `kiosk cards read` prints it",
    "NAME": "a first and a last name",
    "WHO": "a name or an id, as `kiosk staff list` prints them",
    "ADDRESS": "an email address",
    "TEXT": "what is known of them, such as how their names begin",
    "TABLE": "the table that `kiosk rows check` names",
    "ROW": "the row that it names",
    "STATION": "the name of a station",
    "SETTING": "its name, as `kiosk policy list` prints it",
    "VALUE": "within its limits; a list is words with commas",
    "QUESTION": "its text",
    "SHA256:...": "the key's fingerprint, as `kiosk staff list` prints it",
}
"""What an argument is that says nothing of itself, by its name in the help."""

BY_OPTION = {"--reason": "asked for by telephone", "--identified-by": "badge, in person"}


_LISTED = 7
"""Parts of a command that its usage names."""


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
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="settings (default: $KIOSK_SETTINGS, or those of the service in /etc)",
    )


def add_flag(part: argparse._ActionsContainer, name: str, text: str) -> None:
    part.add_argument(name, action="store_true", help=text)


def subparsers(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield name, help and parser of each command or part directly below ``parser``."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            if action.dest == "part":
                few = len(action.choices) <= _LISTED
                action.metavar = "|".join(action.choices) if few else "PART"
            texts = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
            for name, below in action.choices.items():
                yield name, texts.get(name, ""), below


def complete(parser: argparse.ArgumentParser) -> None:
    """Give each part below ``parser`` a sentence, an example and its arguments' meanings."""
    for _name, text, below in subparsers(parser):
        below.formatter_class = argparse.RawDescriptionHelpFormatter
        if not below.description:
            below.description = f"{text[:1].upper()}{text[1:]}."
        if not below.epilog:
            below.epilog = f"example:\n  {example(below)}"
        for action in below._actions:  # noqa: SLF001
            if not action.option_strings:
                action.help = action.help or MEANINGS.get(str(action.metavar))
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
    by_option = [BY_OPTION[name] for name in action.option_strings if name in BY_OPTION]
    return by_option[0] if by_option else SAMPLES[str(action.metavar)]
