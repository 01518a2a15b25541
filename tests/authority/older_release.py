"""An authority of an older release on the database of a newer one."""

from __future__ import annotations

import pytest

from kiosk.authority.visit import rules
from kiosk.contract.families import FAMILIES, MUTUALLY_AUTHENTICATED
from tests.authority.world import World


def older_release(world: World, monkeypatch: pytest.MonkeyPatch, *, without: str) -> None:
    """Let an authority go on that does not know one family of cards."""
    monkeypatch.delitem(FAMILIES, without)
    monkeypatch.setattr(rules, "MUTUALLY_AUTHENTICATED", MUTUALLY_AUTHENTICATED - {without})
    world.secret_kinds = {name: world.secret_kinds[name] for name in FAMILIES}
    world.restart()
