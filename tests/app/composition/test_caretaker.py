"""A station runs the caretaker while its authority serves it, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.app.composition.opening import open_store
from kiosk.app.composition.station import LocalExecutor
from kiosk.app.setup.authority import make_keys
from kiosk.authority.administration.alarms import WATCH
from kiosk.authority.records import Station
from kiosk.authority.store.database import Store
from kiosk.config.loading import load_settings
from kiosk.config.settings import Settings
from kiosk.contract.messages import ReaderState
from kiosk.contract.ports import SystemClock
from kiosk.station.states import Outage


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"STATE_DIRECTORY": str(tmp_path), "KIOSK_MAIL__PORT": "1"}


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    settings = load_settings(None, environ)
    make_keys(Path(settings.keys.file))
    return settings


@pytest.fixture
def store(settings: Settings, environ: dict[str, str]) -> Iterator[Store]:
    store = open_store(settings, SystemClock(), environ)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def executor(store: Store, settings: Settings, environ: dict[str, str]) -> Iterator[LocalExecutor]:
    executor = LocalExecutor(settings, environ)
    yield executor
    executor.close()


def caretaker_ran(store: Store) -> bool:
    with store.read() as uow:
        return uow.jobs.get(WATCH) is not None


@pytest.mark.parametrize("idle", [True, False])
def test_a_station_runs_the_caretaker_also_while_a_card_is_in(
    executor: LocalExecutor, store: Store, idle: bool
) -> None:
    """One that was busy all day was healthy, and staff read that nobody watches."""
    assert not caretaker_ran(store)
    assert executor.check_authority(ReaderState.READY, idle=idle) is None
    assert caretaker_ran(store)


def test_a_station_out_of_service_does_not(
    executor: LocalExecutor, store: Store, settings: Settings
) -> None:
    with store.begin() as uow:
        uow.stations.seen(Station(settings.station.name, uow.now, "0.1", "ready", ""))
        assert uow.stations.retire(settings.station.name, uow.now)
        uow.commit()
    assert executor.check_authority(ReaderState.NO_READER, idle=True) is Outage.RETIRED
    assert not caretaker_ran(store)
