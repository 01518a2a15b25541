"""The program with a saboteur in it, forked as ``tests.e2e.quick_pages`` is.

The file ``orders`` beside the folder of its state names, a line each, the calls that fail from now
on: ``cards.read`` with an error that nobody expects, ``cards.read=CardMute`` with one of the
product's own. Every error carries the secrets that the call was given, and a canary besides, in its
text, its arguments, its cause and the locals of its frames.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

from msgspec import Struct

from hardware.card_access import PcscCards
from hardware.drivers.piv import PivSession
from kiosk.authority.mail.smtp import SmtpMailer
from kiosk.authority.service import LocalAuthority
from kiosk.contract import errors
from kiosk.contract.sensitive import Sensitive
from screens.kiosk.app import KioskApp
from screens.kiosk.codes import CodeEntryPage
from screens.widgets.fields import Cells
from tests.e2e import quick_pages
from tests.e2e.quick_pages import load

__all__ = ["load", "main"]

CANARY = "Saboteur 90817263"

AUTHORITY = (
    "begin prove choose pin_challenge pin_verified save_questions give_email choose_way prepare "
    "submit challenge release record_outcome pin_changing pin_changed end refuse heartbeat"
).split()
CARDS = "read verify_pin change_pin hold".split()
HELD = "prove unblock".split()
SCREENS: dict[str, tuple[type, str]] = {
    "screen.drawing-dots": (Cells, "render_line"),
    "screen.a-timer": (CodeEntryPage, "_count_down"),
    "screen.showing-a-state": (KioskApp, "show"),
}


class SabotageError(Exception):
    """Expected by nobody."""


def spoil(orders: Path) -> None:
    """Put the saboteur between each call and whoever makes it."""
    ports: tuple[tuple[type, str, list[str]], ...] = (
        (LocalAuthority, "authority", AUTHORITY),
        (PcscCards, "cards", CARDS),
        (PivSession, "held", HELD),
        (SmtpMailer, "mailer", ["send"]),
    )
    for kind, prefix, names in ports:
        for name in names:
            _spoil_one(orders, f"{prefix}.{name}", kind, name)
    for called, (kind, name) in SCREENS.items():
        _spoil_one(orders, called, kind, name)


def _spoil_one(orders: Path, called: str, kind: type, name: str) -> None:
    real: Callable[..., Any] = getattr(kind, name)

    @wraps(real)
    def spoiled(self: Any, *args: Any, **options: Any) -> Any:
        for order in orders.read_text().splitlines():
            wanted, _, error = order.partition("=")
            if wanted == called:
                _fail(error, self, args)
        return real(self, *args, **options)

    setattr(kind, name, spoiled)


def _fail(kind: str, owner: Any, args: tuple[Any, ...]) -> None:
    typed = str(getattr(owner, "_digits", ""))
    secrets = [CANARY, typed, *_secrets_in(args), *(arg for arg in args if isinstance(arg, str))]
    text = " / ".join(secrets)
    raise _error(kind, text) from ValueError(text, secrets)


def _error(kind: str, text: str) -> Exception:
    if not kind:
        return SabotageError(text, [text])
    made: Exception = getattr(errors, kind)(text)
    return made


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, Sensitive):
        yield value.reveal()
    elif isinstance(value, tuple):
        for one in value:
            yield from _secrets_in(one)
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _secrets_in(getattr(value, name))


def main() -> int:
    """Run it, with the arguments of this process."""
    spoil(Path(os.environ["STATE_DIRECTORY"]).with_name("orders"))
    return quick_pages.main()
