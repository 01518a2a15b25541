"""A place of its own for each test, and the command line run in it."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.cli.estate import Estate
from tests.app.cli.samples import GOOD, Kiosk, people


@pytest.fixture(scope="package", autouse=True)
def _collect_only_what_is_new() -> Iterator[None]:
    """Let the collector leave out what was there before: these tests run it between commands."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``kiosk setup authority`` leaves behind, in ``etc`` and ``state``, to be copied."""
    here = tmp_path_factory.mktemp("set_up")
    with pytest.MonkeyPatch.context() as environ:
        _settle_in(here, environ)
        assert main(("setup", "authority")) == 0
    gc.collect()  # its connections, as when its process ends
    return here


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    _settle_in(tmp_path, monkeypatch)
    return tmp_path


def _settle_in(place: Path, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("KIOSK_SETTINGS", str(place / "etc" / "kiosk.toml"))
    environ.setenv("STATE_DIRECTORY", str(place / "state"))
    environ.setenv("KIOSK_MAIL__PORT", "1")  # nobody listens there


@pytest.fixture
def kiosk(place: Path, set_up: Path, capsys: pytest.CaptureFixture[str]) -> Kiosk:
    """The command line, in a place where the authority is set up."""
    shutil.copytree(set_up, place, dirs_exist_ok=True)

    def run(*words: str) -> int:
        capsys.readouterr()
        return main(words)

    return run


@pytest.fixture
def estate(kiosk: Kiosk, place: Path) -> Estate:
    """People and cards, imported by the command line."""
    assert kiosk("import", people(place, GOOD)) == 0
    return Estate()
