"""What is installed on a station: pinned, by hash, and nothing that only development needs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.fresh_root import CHECKOUT, commands, shell_blocks

RUN, BUILD, ALL = (
    CHECKOUT / name
    for name in ("requirements-run.lock", "requirements-build.lock", "requirements.lock")
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


@pytest.mark.parametrize("lock", [RUN, BUILD, ALL], ids=lambda path: path.name)
def test_every_line_has_a_hash(lock: Path) -> None:
    assert all(hashes for _, hashes in locked(lock).values())


def test_the_station_gets_what_it_runs_and_no_tool_of_development() -> None:
    groups = PROJECT["dependency-groups"]
    assert wanted(PROJECT["project"]["dependencies"]) <= names(RUN)
    assert {"psycopg", "psycopg-binary", "python-pkcs11"} <= names(RUN)
    assert not (wanted(groups["dev"]) | wanted(groups["build"])) & names(RUN)


def test_what_builds_is_locked_and_shares_nothing_with_what_runs() -> None:
    """It is uninstalled once the program is built."""
    assert wanted(PROJECT["build-system"]["requires"]) <= names(BUILD)
    assert not names(BUILD) & names(RUN)


@pytest.mark.parametrize("lock", [RUN, BUILD], ids=lambda path: path.name)
def test_what_is_installed_is_what_was_tested(lock: Path) -> None:
    assert locked(lock).keys() <= locked(ALL).keys()


def test_the_guide_installs_by_hash_and_builds_without_the_network() -> None:
    program = commands(next(shell_blocks(CHECKOUT / "systemd" / "README.md")))
    installs = [line.split("pip install ")[1] for line in program if "pip install" in line]
    assert len(installs) == 3
    for options in installs:
        by_hash, local = "--require-hashes" in options, "--no-index" in options
        assert by_hash or local
        assert "--no-build-isolation" in options or "--only-binary :all:" in options
