"""Setting up: what is missing is made for its owner alone, what is there is left alone."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest

from kiosk.app.setup import authority as setup
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.store.database import Store
from kiosk.contract.errors import ConfigError
from tests.support.database import MACS, SetClock


def mode(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_privately(tmp_path: Path) -> None:
    path = tmp_path / "state" / "keys.json"
    setup.make_keys(path)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    was = path.read_bytes()
    with pytest.raises(ConfigError, match="there is one already"):
        setup.make_keys(path)
    assert path.read_bytes() == was


def test_the_database_is_made_and_then_found_current(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/kiosk.db", SetClock(), MACS)
    assert not setup.schema_is_current(store)
    store.migrate()
    assert setup.schema_is_current(store)
    assert mode(tmp_path / "kiosk.db") == 0o600
    store.close()


def test_questions_are_loaded_once_and_then_the_services_own(store: Store) -> None:
    clock = SetClock()
    assert not setup.has_questions(store)
    setup.load_questions(store, clock)
    assert setup.has_questions(store)
    with store.begin() as uow:
        uow.questions.sync({1: "What did the RA choose to ask?"}, clock.now())
        uow.commit()
    setup.load_questions(store, clock)
    with store.read() as uow:
        assert [question.id for question in uow.questions.current()] == [1]


def test_a_key_file_that_is_made_can_be_loaded(tmp_path: Path) -> None:
    setup.make_keys(tmp_path / "keys.json")
    assert KeyRing.load(tmp_path / "keys.json")
