"""An authority of an older release on the database of a newer one."""

from __future__ import annotations

import pytest

from kiosk.authority.visit import rules
from kiosk.contract.families import FAMILIES, MUTUALLY_AUTHENTICATED
from tests.authority.world import World


def forget_family(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Take a family of cards out of the table; it is put back at its place."""
    kept = {each: row for each, row in FAMILIES.items() if each != name}
    for each in reversed(tuple(FAMILIES)):  # what is undone last is the table's last row again
        monkeypatch.delitem(FAMILIES, each)
    for each, row in kept.items():
        monkeypatch.setitem(FAMILIES, each, row)


def older_release(world: World, monkeypatch: pytest.MonkeyPatch, *, without: str) -> None:
    """Let an authority go on that does not know one family of cards."""
    forget_family(monkeypatch, without)
    monkeypatch.setattr(rules, "MUTUALLY_AUTHENTICATED", MUTUALLY_AUTHENTICATED - {without})
    world.secret_kinds = {name: world.secret_kinds[name] for name in FAMILIES}
    world.restart()
