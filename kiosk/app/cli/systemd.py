"""What systemd says of this machine; nothing where it does not run."""

from __future__ import annotations

from collections.abc import Sequence

from kiosk.app.setup.steps import run_program
from kiosk.contract.errors import ConfigError

_LONG_S = 2


def properties_of(units: Sequence[str], *names: str) -> list[dict[str, str]]:
    """Return properties of each unit, its ``Id`` among them; nothing without systemd."""
    shown = ("--timestamp=unix", f"--property={','.join(('Id', *names))}")
    blocks = _output_of("systemctl", "show", *units, *shown).split("\n\n")
    found = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]
    return [fields for fields in found if "Id" in fields]


def clock_is_synchronised() -> bool | None:
    """Return whether the network sets the system's clock; None where that is unknown."""
    answer = _output_of("timedatectl", "show", "--property=NTPSynchronized", "--value")
    return {"yes": True, "no": False}.get(answer.strip())


def _output_of(*command: str) -> str:
    try:
        return run_program(*command, within_s=_LONG_S)
    except ConfigError:
        return ""
