from __future__ import annotations

from pathlib import Path

import pytest

from hardware.display import (
    Display,
    TextSize,
    connected_displays,
    console_font,
    framebuffer,
    text_size,
)


def plugged_in(folder: Path, modes: str, edid: bytes, status: str = "connected") -> None:
    connector = folder / "card1-HDMI-A-1"
    connector.mkdir()
    (connector / "status").write_text(f"{status}\n")
    (connector / "modes").write_text(modes)
    (connector / "edid").write_bytes(edid)


def edid(width_mm: int, height_mm: int, *, detailed: bool = True) -> bytes:
    block = bytearray(128)
    block[21], block[22] = width_mm // 10, height_mm // 10
    if detailed:
        block[66], block[67] = width_mm & 0xFF, height_mm & 0xFF
        block[68] = (width_mm >> 8) << 4 | height_mm >> 8
    return bytes(block)


@pytest.mark.parametrize(("detailed", "size"), [(True, (527, 296)), (False, (520, 290))])
def test_a_display_is_read_in_the_mode_that_it_prefers(
    tmp_path: Path, detailed: bool, size: tuple[int, int]
) -> None:
    plugged_in(tmp_path, "1920x1080\n1280x720\n", edid(527, 296, detailed=detailed))
    assert list(connected_displays(tmp_path)) == [Display("card1-HDMI-A-1", 1920, 1080, *size)]


def test_a_display_that_does_not_tell_its_size_has_none(tmp_path: Path) -> None:
    plugged_in(tmp_path, "1024x600\n", b"")
    assert list(connected_displays(tmp_path)) == [Display("card1-HDMI-A-1", 1024, 600)]


def test_what_is_not_plugged_in_is_none(tmp_path: Path) -> None:
    plugged_in(tmp_path, "", b"", status="disconnected")
    assert list(connected_displays(tmp_path)) == []


@pytest.mark.parametrize(
    ("width", "height", "pixels"),
    [(1920, 1080, 38), (1024, 600, 20), (1366, 768, 26), (1280, 1024, 27), (1280, 720, 25)],
)
def test_the_largest_text_with_eighty_columns_is_taken(
    width: int, height: int, pixels: int
) -> None:
    assert text_size(Display("", width, height), 60) == TextSize(pixels, 80, 24)


def test_the_text_grows_where_people_stand_further_away() -> None:
    twenty_four_inches = Display("", 1920, 1080, 527, 296)
    near, far = (text_size(twenty_four_inches, distance) for distance in (60, 70))
    assert (near.columns, far.columns) == (80, 60)
    assert near.capital_mm(twenty_four_inches) == pytest.approx(7.6, abs=0.05)
    assert near.legible_cm(twenty_four_inches) == pytest.approx(62, abs=0.5)
    assert far.legible_cm(twenty_four_inches) > 70
    assert text_size(twenty_four_inches, 200) == far


@pytest.mark.parametrize(
    ("width", "height", "name", "doubled"),
    [
        (1920, 1080, "22x11", True),
        (1024, 600, "24x12", False),
        (1366, 768, "32x16", False),
        (1280, 1024, "32x16", False),
        (3840, 2160, "32x16", True),
        (800, 600, "20x10", False),
    ],
)
def test_the_console_has_the_largest_font_with_eighty_columns(
    width: int, height: int, name: str, doubled: bool
) -> None:
    font = console_font(Display("", width, height), 60)
    assert (font.name, font.doubled) == (f"Vietnamese-TerminusBold{name}", doubled)
    columns, rows = font.columns_and_rows(Display("", width, height))
    assert columns >= 80
    assert rows >= 24


def test_the_consoles_text_grows_where_people_stand_further_away() -> None:
    display = Display("", 1920, 1080, 527, 296)
    near, far = (console_font(display, distance) for distance in (50, 70))
    assert near.columns_and_rows(display) == (87, 24)
    assert far.columns_and_rows(display) == (80, 22)
    assert far.legible_cm(display) > near.legible_cm(display) > 50


def test_a_console_without_graphics_has_no_size(tmp_path: Path) -> None:
    assert framebuffer(tmp_path) is None
    (tmp_path / "fb0").mkdir()
    (tmp_path / "fb0" / "virtual_size").write_text("1280,800\n")
    assert framebuffer(tmp_path) == Display("fb0", 1280, 800)
