"""What the commands on the desk share: parts with a reason, and telling what was done."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from kiosk.commands.printing import as_json
from kiosk.commands.tools import Run, add_config, say

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from kiosk.administration.views.acting import Done, Grounds

_MANY = 99_999
_LONGEST_ROW = 18


def add_part(
    parts: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Run, text: str
) -> argparse.ArgumentParser:
    """Add a part with the function that runs it."""
    part = parts.add_parser(name, help=text)
    part.set_defaults(run=run)
    return part


def reading(
    parts: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Run, text: str
) -> argparse.ArgumentParser:
    """Add a part that shows something, for people or with ``--json`` for a script."""
    part = add_part(parts, name, run, text)
    part.add_argument("--json", action="store_true", help="for a script")
    add_config(part)
    return part


def acting(
    parts: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Run,
    text: str,
    *,
    identifies: bool = False,
) -> argparse.ArgumentParser:
    """Add a part that changes something: it wants a reason, for the audit."""
    part = add_part(parts, name, run, text)
    part.add_argument("--reason", required=True, help="why; it is kept with the audit")
    if identifies:
        part.add_argument(
            "--identified-by", required=True, metavar="HOW", help="how the person was identified"
        )
    add_config(part)
    return part


def about_person(
    parts: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Run,
    text: str,
    *,
    identifies: bool = False,
) -> argparse.ArgumentParser:
    """Add a part that changes something of one person, named by their holder number."""
    part = acting(parts, name, run, text, identifies=identifies)
    part.add_argument("number", metavar="NUMBER")
    return part


def how_many(text: str) -> int:
    """Read how many of something are wanted; an ``argparse`` type."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(_MANY)) and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MANY}")


def row_number(text: str) -> int:
    """Read the number of a row of the audit; an ``argparse`` type."""
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ROW and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of a row")


def day(text: str) -> date:
    """Read a day; an ``argparse`` type."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-11-01") from None


def moment(text: str) -> datetime:
    """Read a day or a moment, this machine's where it names no zone; an ``argparse`` type."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        like = "2026-11-01 or 2026-11-01T09:30"
        raise argparse.ArgumentTypeError(f"{text!r} is no day or moment like {like}") from None
    return read if read.tzinfo else read.astimezone()


def grounds_of(args: argparse.Namespace) -> Grounds:
    """Return the grounds that were given."""
    from kiosk.administration.views.acting import Grounds

    return Grounds(args.reason, getattr(args, "identified_by", "") or "")


def tell(done: Done) -> int:
    """Say what was done; return 0."""
    say(f"{done.told} (reference {done.reference})")
    return 0


def say_json(lines: Iterable[DataclassInstance] | DataclassInstance) -> None:
    """Write what was found as JSON; times are ISO 8601, UTC."""
    found = asdict(lines) if is_dataclass(lines) else [asdict(line) for line in lines]
    say(as_json(found))
