"""Fixtures that several test packages share, and how examples are drawn."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.screens.idle_app import IdleLoop, short_frames

pytest_plugins = [
    "tests.support.pcsc",
    "tests.support.clients",
    "tests.support.printed",
    "tests.support.databases",
]

# No example is judged by a stopwatch. At a desk they are drawn anew each time; where a
# change has to pass, the same ones are drawn, so that a run can be repeated.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


ROOT = Path(__file__).resolve().parents[1]

_LONGEST = (
    "screens/admin/test_pictures.py",
    "e2e/test_pulling_for_real.py",
    "campaigns/test_simulation.py",
    "e2e/test_one_process_a_visit.py",
    "screens/kiosk/test_pictures.py",
    "cuts/test_piv.py",
    "cuts/test_piv_twice.py",
    "attacks/hostile_station/test_a_station_that_lies.py",
    "cuts/test_openpgp.py",
    "systemd/test_setup.py",
    "systemd/test_documented_lines.py",
    "systemd/test_sealed_keys.py",
)
"""Files of a minute and more, and three that come last by their names and take a quarter of one:
each is one processor's, and would be waited for at the end.

Two of ``e2e`` wait nine tenths of their time, a minute in one piece until a notice goes from the
first page: beside them the processors are free for files that work.
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files, where files are dealt out to several processes."""
    if not hasattr(config, "workerinput"):
        return
    here = Path(__file__).parent
    place = {here / name: number for number, name in enumerate(_LONGEST)}
    missing = [str(path) for path in place if not path.exists()]
    assert not missing, f"renamed? {missing}"
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_configure() -> None:
    """Have the collector run rarely: it spent a fifth of the run on what lives to its end.

    With 20,000 in place of 100,000 the pages of staff take a twentieth more of the processor.
    """
    gc.set_threshold(100_000, 5, 50)


@pytest.hookimpl(trylast=True)  # what counts the lines that run has to begin before
def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each of several processes import its share of the tests before they all collect all.

    In a fresh clone each would otherwise compile every file, all at the same time.
    """
    if not hasattr(session.config, "workerinput"):
        return
    worker = session.config.workerinput
    asked = (Path(each.partition("::")[0]).resolve() for each in session.config.args)
    files = sorted(file for each in asked for file in each.rglob("test_*.py"))
    for file in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        with suppress(Exception):  # it is raised again where all are collected
            import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def pytest_sessionfinish() -> None:
    """Collect once for all five times that pytest does it after the last test."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], IdleLoop]]:
    """Run each test that is a coroutine on a loop that says when it has nothing to do."""
    return {"idle": IdleLoop}


@pytest.fixture(scope="session", autouse=True)
def _short_frames() -> Iterator[None]:
    with short_frames():
        yield
