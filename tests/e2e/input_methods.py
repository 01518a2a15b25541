"""Two ways to use a station: by keys alone, by touch alone. A story is told with either."""

from __future__ import annotations

from typing import Protocol

from tests.e2e.station import Station


class Hands(Protocol):
    """What a person does, whatever they do it with."""

    def choose(self, station: Station, number: int, label: str) -> None:
        """Choose a row of a list."""

    def write(self, station: Station, text: str) -> None:
        """Write digits or a text."""

    def erase(self, station: Station, count: int) -> None:
        """Take back the last characters."""

    def go_on(self, station: Station, label: str) -> None:
        """Press the one big button."""

    def confirm(self, station: Station, label: str) -> None:
        """Press a button that has to be chosen first."""

    def hide(self, station: Station) -> None:
        """Hide the answers that are being written."""


class Keys:
    """A keyboard and nothing else."""

    def choose(self, station: Station, number: int, label: str) -> None:
        station.press(str(number))

    def write(self, station: Station, text: str) -> None:
        station.type(text)

    def erase(self, station: Station, count: int) -> None:
        station.press(*["backspace"] * count)

    def go_on(self, station: Station, label: str) -> None:
        station.press("enter")

    def confirm(self, station: Station, label: str) -> None:
        station.press("tab", "enter")

    def hide(self, station: Station) -> None:
        station.press("f3")
        station.see("F3 Show")


class Fingers:
    """Touches and nothing else."""

    def choose(self, station: Station, number: int, label: str) -> None:
        station.touch(label)

    def write(self, station: Station, text: str) -> None:
        station.touch_keys(text.lower())

    def erase(self, station: Station, count: int) -> None:
        station.touch_keys("←" * count)

    def go_on(self, station: Station, label: str) -> None:
        station.touch(label)

    def confirm(self, station: Station, label: str) -> None:
        station.touch(label)

    def hide(self, station: Station) -> None:
        station.touch("F3 Hide")
        station.see("F3 Show")
