"""Files of people that the commands are given."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kiosk.app.composition.opening import open_store
from kiosk.authority.store.database import Store
from kiosk.config.loading import load_settings
from kiosk.contract.ports import SystemClock
from tests.authority.administration.desk.keys import new_key

GOOD = "\n".join(
    [
        "holder_number,name,email,card_id,unblock_secret",
        f"900000000001,Jo Smith,jo@nhs.net,{1:032x},48271593",
        f"900000000002,Al Khan,al@nhs.net,{2:032x},59382604",
    ]
)
BAD = "\n".join([GOOD, "9.00E+11,Eve,,,", f"900000000004,Bo,,{4:032x},canary-puk"])

Kiosk = Callable[..., int]
"""Runs the command line with some words and returns its exit code."""


def store_of_settings() -> Store:
    """Open the store that ``kiosk setup`` made."""
    settings = load_settings(Path(os.environ["KIOSK_SETTINGS"]), os.environ)
    return open_store(settings, SystemClock(), os.environ)


def people(place: Path, text: str) -> str:
    (place / "people.csv").write_text(text)
    return str(place / "people.csv")


def two_members(kiosk: Kiosk, place: Path, role: str = "agent") -> None:
    """Let two in who could agree with each other."""
    for name in ("One", "Two"):
        key = place / f"{role}-{name}.pub"
        key.write_text(new_key())
        words = f"{role.title()} {name}", "--role", role, "--key", str(key)
        assert kiosk("staff", "add", *words, "--reason", "works here") == 0
