"""An authority of an older release on the database of a newer one."""

from __future__ import annotations

import pytest

from kiosk.authority.visit import rules
from kiosk.contract.families import FAMILIES, MUTUALLY_AUTHENTICATED
from tests.authority.world import World


def older_release(world: World, monkeypatch: pytest.MonkeyPatch, *, without: str) -> None:
    """Let an authority go on that does not know one family of cards."""
    kept = {name: row for name, row in FAMILIES.items() if name != without}
    for name in reversed(tuple(FAMILIES)):  # what is undone last is the table's last row again
        monkeypatch.delitem(FAMILIES, name)
    for name, row in kept.items():
        monkeypatch.setitem(FAMILIES, name, row)
    monkeypatch.setattr(rules, "MUTUALLY_AUTHENTICATED", MUTUALLY_AUTHENTICATED - {without})
    world.secret_kinds = {name: world.secret_kinds[name] for name in FAMILIES}
    world.restart()
