"""Setting up: what is missing is made for its owner alone, what is there is left alone."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest

from kiosk.authority.administration import setup
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.store.database import Store
from kiosk.contract.errors import ConfigError
from tests.support.database import MACS, SetClock


def mode(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def test_settings_are_written_once_and_privately(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "kiosk.toml"
    assert setup.write_settings(path, "# first\n").made
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert not setup.write_settings(path, "# second\n").made
    assert path.read_text() == "# first\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"folder .*file"):
        setup.write_settings(tmp_path / "file" / "kiosk.toml", "")


def test_keys_are_made_once_and_privately(tmp_path: Path) -> None:
    path = tmp_path / "state" / "keys.json"
    assert setup.make_keys(path).made
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    was = path.read_bytes()
    assert not setup.make_keys(path).made
    assert path.read_bytes() == was


def test_a_damaged_key_file_is_told_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{}")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="key file"):
        setup.make_keys(path)
    assert path.read_text() == "{}"


def test_the_database_is_made_and_then_found_current(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/kiosk.db", SetClock(), MACS)
    assert setup.prepare_database(store, "kiosk.db").made
    assert not setup.prepare_database(store, "kiosk.db").made
    assert mode(tmp_path / "kiosk.db") == 0o600
    store.close()


def test_questions_are_loaded_once_and_then_the_services_own(store: Store) -> None:
    clock = SetClock()
    assert setup.load_questions(store, clock).made
    with store.begin() as uow:
        uow.questions.sync({1: "What did the RA choose to ask?"}, clock.now())
        uow.commit()
    assert not setup.load_questions(store, clock).made
    with store.read() as uow:
        assert [question.id for question in uow.questions.current()] == [1]


def test_a_key_file_that_is_made_can_be_loaded(tmp_path: Path) -> None:
    setup.make_keys(tmp_path / "keys.json")
    assert KeyRing.load(tmp_path / "keys.json")
