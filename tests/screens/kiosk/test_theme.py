from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.theme import Theme

from screens import theme
from screens.theme import ENOUGH, Appearance, contrast

TEXT = ("ink", "quiet", "brand", "alarm", "done")
UNDER = ("paper", "ground", "well")
OUTLINE = 3.0
"""What a wall of a field or a key keeps against what it stands on (WCAG 2.2, 1.4.11)."""

accents = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_as_the_standard_computes_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#777777") == contrast("#777777", "#ffffff")


def _weakest(surface: Theme) -> float:
    colours = surface.variables
    pairs = [(colours[text], colours[under]) for text in TEXT for under in UNDER]
    pairs += [(colours["on-brand"], colours["brand"]), (colours["on-done"], colours["done"])]
    return min(contrast(*pair) for pair in pairs)


@pytest.mark.parametrize("surface", theme.themes(Appearance().accent))
def test_all_text_of_the_defaults_is_legible(surface: Theme) -> None:
    assert _weakest(surface) >= ENOUGH
    colours = surface.variables
    assert min(contrast(colours["line"], colours[under]) for under in UNDER) >= OUTLINE


@given(accents)
def test_all_text_is_legible_whatever_the_accent(accent: str) -> None:
    for surface in theme.themes(accent):
        assert _weakest(surface) >= ENOUGH


@given(accents)
def test_an_accent_that_is_legible_is_left_as_it_is(accent: str) -> None:
    if contrast(accent, "#ffffff") >= ENOUGH:
        assert theme.ink_on(accent, "#ffffff") == accent


def test_the_stylesheet_uses_only_colours_of_the_theme() -> None:
    from screens.kiosk.app import KioskApp

    sheet = KioskApp.CSS_PATH.read_text()
    used = {word.strip(";").split("%")[0] for word in sheet.split() if word.startswith("$")}
    known = {f"${name}" for name in theme.themes("#0b5c8a")[0].variables}
    assert used <= known
    assert "#" not in sheet
