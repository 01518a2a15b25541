"""What the commands on the desk share: parts with a reason, and telling what was done."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from kiosk.commands.tools import add_config, complain, say
from kiosk.errors import ChangedMeanwhile

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from kiosk.administration.views.acting import Done, Grounds


def reading(
    parts: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    """Add a part that shows something, for people or with ``--json`` for a script."""
    part = parts.add_parser(name, help=text)
    part.add_argument("--json", action="store_true", help="for a script")
    add_config(part)
    return part


def acting(
    parts: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    *,
    identifies: bool = False,
) -> argparse.ArgumentParser:
    """Add a part that changes something: it wants a reason, for the audit."""
    part = parts.add_parser(name, help=text)
    part.add_argument("--reason", required=True, help="why; it is kept with the audit")
    if identifies:
        part.add_argument(
            "--identified-by", required=True, metavar="HOW", help="how the person was identified"
        )
    add_config(part)
    return part


def grounds_of(args: argparse.Namespace) -> Grounds:
    """Return the grounds that were given."""
    from kiosk.administration.views.acting import Grounds

    return Grounds(args.reason, getattr(args, "identified_by", "") or "")


def tell(done: Done) -> int:
    """Say what was done; return 0."""
    say(f"{done.told} (reference {done.reference})")
    return 0


def tell_changes(error: ChangedMeanwhile) -> int:
    """Say that somebody else was first, and what they did; return 1."""
    complain(f"kiosk: {error}")
    for change in error.changes:
        complain(f"  {change}")
    return 1


def say_json(lines: Iterable[DataclassInstance] | DataclassInstance) -> None:
    """Write what was found as JSON; times are ISO 8601, UTC."""
    found = asdict(lines) if is_dataclass(lines) else [asdict(line) for line in lines]
    say(json.dumps(found, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset | set):
        return sorted(_plain(one) for one in value)
    raise TypeError(f"{type(value).__name__} is not for a script")
