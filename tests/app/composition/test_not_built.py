"""An authority that cannot be built is tried again and again: no failure leaves a file open."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.config.loading import load_settings
from kiosk.contract.errors import ConfigError


def _open_files(folder: Path) -> list[str]:
    opened = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sorted(name for name in opened if name.startswith(str(folder)))


@pytest.mark.parametrize(
    ("setting", "about"),
    [
        ("KIOSK_CARDS__ISSUERS", "cards.issuers"),
        ("KIOSK_CARDS__ATTESTATION_ROOTS", "cards.attestation_roots"),
        ("KIOSK_KEYS__FILE", "key file"),
    ],
)
def test_the_database_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, about: str
) -> None:
    monkeypatch.setenv("KIOSK_SETTINGS", str(tmp_path / "kiosk.toml"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert main(("setup", "authority")) == 0
    environ = {**os.environ, setting: str(tmp_path / "missing")}
    settings = load_settings(tmp_path / "kiosk.toml", environ)
    gc.collect()
    before = _open_files(tmp_path)
    with pytest.raises(ConfigError, match=about):
        BuiltAuthority(settings, environ)
    assert _open_files(tmp_path) == before
