"""The import rules of pyproject.toml leave out no module that they are about."""

from __future__ import annotations

import tomllib

from tests.support.fresh_root import CHECKOUT

AUTHORITY = CHECKOUT / "kiosk" / "authority"
SPEAKS_SQL = "store"


def test_every_module_of_the_authority_but_the_store_speaks_no_sql() -> None:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    rules = settings["tool"]["importlinter"]["contracts"]
    [rule] = [each for each in rules if each["name"] == "Only the store speaks SQL"]
    named = {each for each in rule["source_modules"] if each.startswith("kiosk.authority.")}
    there = {
        f"kiosk.authority.{each.stem}"
        for each in AUTHORITY.iterdir()
        if each.stem not in {"__init__", "__pycache__", SPEAKS_SQL}
    }
    assert named == there
