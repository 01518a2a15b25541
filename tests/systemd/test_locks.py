"""What is installed: pinned, by hash, nothing that only development needs; a station gets less."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.fresh_root import CHECKOUT

STATION, AUTHORITY, BUILD, PACKAGE, DEVELOP = (
    CHECKOUT / "requirements" / f"{name}.lock"
    for name in ("station", "authority", "build", "package", "develop")
)
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)(.*)$")


def locked(path: Path) -> dict[str, tuple[str, int]]:
    """Return each ``name==version`` of a lock with its marker's place and number of hashes."""
    found: dict[str, tuple[str, int]] = {}
    for entry in path.read_text().replace("\\\n", " ").splitlines():
        match = LOCKED.match(entry)
        assert match, entry
        name, version, rest = match.groups()
        found[f"{name}=={version}"] = (name, len(re.findall(r"--hash=sha256:[0-9a-f]{64}", rest)))
    return found


def names(path: Path) -> set[str]:
    return {name for name, _ in locked(path).values()}


def wanted(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9-]", one)[0].lower() for one in requirements}


@pytest.mark.parametrize(
    "lock", [STATION, AUTHORITY, BUILD, PACKAGE, DEVELOP], ids=lambda path: path.name
)
def test_every_line_has_a_hash(lock: Path) -> None:
    assert all(hashes for _, hashes in locked(lock).values())


def test_side_gets_what_it_runs_and_no_tool_of_development() -> None:
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    extras = project["optional-dependencies"]
    assert wanted(project["dependencies"] + extras["pkcs11"]) <= names(STATION) < names(AUTHORITY)
    assert wanted(extras["authority"] + extras["postgresql"]) <= names(AUTHORITY)
    tools = wanted(groups["dev"]) | wanted(groups["build"]) | wanted(extras["demo"])
    assert not tools & names(AUTHORITY)
    only_the_authoritys = wanted(extras["authority"]) | {"sqlalchemy", "pydantic", "cffi"}
    assert not only_the_authoritys & names(STATION)


def test_a_station_loads_nothing_that_its_lock_does_not_name() -> None:
    """``kiosk station`` with all that it opens once it runs, in a process of its own."""
    program = """
import sys
import hardware.monitor, kiosk.app.composition.cards, kiosk.app.composition.station
import kiosk.app.cli.station, kiosk.station.client, kiosk.station.executor
import screens.kiosk.app, screens.terminal.pulse
from importlib.metadata import packages_distributions
known = packages_distributions()
tops = {name.partition(".")[0] for name in sys.modules}
print(*{each.lower() for top in tops & known.keys() for each in known[top]})
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split()) - {"unlock-kiosk", "setuptools"}
    assert {"textual", "pyscard", "msgspec"} <= loaded
    assert {each.replace("_", "-") for each in loaded} <= names(STATION)


def test_what_builds_is_locked() -> None:
    assert wanted(PROJECT["build-system"]["requires"]) <= names(BUILD) < names(PACKAGE)


@pytest.mark.parametrize("lock", [STATION, AUTHORITY, BUILD], ids=lambda path: path.name)
def test_what_is_installed_is_what_was_tested(lock: Path) -> None:
    assert locked(lock).keys() <= locked(DEVELOP).keys()
