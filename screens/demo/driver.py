"""The demo's terminal: a station's, with one key more."""

from __future__ import annotations

from screens.terminal.driver import StationDriver


class DemoDriver(StationDriver):
    """Lets Ctrl+Q through, which ends the demo and no station."""

    more_keys = {"\x11": "ctrl+q"}  # noqa: RUF012 - the base class declares it
