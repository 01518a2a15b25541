"""What the authority does by itself between calls, and what it logs of trouble that lasts."""

from __future__ import annotations

import asyncio
import logging

import pytest

from kiosk.app.composition import serving
from kiosk.contract.errors import ConfigError
from tests.support.exhausted import no_threads


class Built:
    """In place of an authority: its caretaker has nothing to do."""

    keys_changed = False

    @property
    def caretaker(self) -> Built:
        return self

    def run(self) -> bool:
        return True


class Renewing:
    """In place of a network: each look ends as ``outcomes`` says, and after the last it stops."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._outcomes = list(outcomes)

    def renew_if_due(self) -> None:
        outcome = self._outcomes.pop(0)
        if not self._outcomes:
            self._loop.call_soon_threadsafe(self.stop.set)
        if outcome is not None:
            raise outcome


@pytest.mark.parametrize(
    ("outcomes", "times"),
    [
        ([ConfigError("no key") for _ in range(3)], 1),
        ([ConfigError("no key"), ConfigError("another key")], 2),
        ([ConfigError("no key"), None, ConfigError("no key")], 2),
        ([RuntimeError("a fault") for _ in range(3)], 1),
    ],
)
async def test_trouble_that_lasts_is_logged_once(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    outcomes: list[Exception | None],
    times: int,
) -> None:
    monkeypatch.setattr(serving, "TICK_S", 0.0)
    network = Renewing(*outcomes)
    with caplog.at_level(logging.ERROR):
        await serving._run_jobs(Built(), network, network.stop)  # type: ignore[arg-type]
    assert len(caplog.records) == times
    assert "a fault" not in caplog.text


async def test_stations_are_served_on_though_no_thread_is_left_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serving, "TICK_S", 0.0)
    network = Renewing(None)
    with no_threads("asyncio"):
        jobs = asyncio.create_task(serving._run_jobs(Built(), network, network.stop))  # type: ignore[arg-type]
        while not caplog.records and not jobs.done():
            await asyncio.sleep(0)
    await jobs
    assert caplog.messages == ["no thread can be started: too many run, or memory is short"]
