"""The display is drawn with what the terminal has."""

from __future__ import annotations

import pytest

from kiosk.app.composition.station import appearance_of
from kiosk.config.loading import load_settings
from screens.theme import PLAIN, RICH


@pytest.mark.parametrize(
    ("terminal", "glyphs"), [("linux", PLAIN), ("foot", RICH), ("xterm-256color", RICH)]
)
def test_a_bare_console_gets_plain_glyphs(
    monkeypatch: pytest.MonkeyPatch, terminal: str, glyphs: object
) -> None:
    monkeypatch.setenv("TERM", terminal)
    assert appearance_of(load_settings(None, {})).glyphs is glyphs
