"""``[admin]``: the RA application, and the folders that its files go through."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Number, Text


@dataclass(frozen=True)
class AdminSettings(Section):
    """``[admin]``: staff have no file transfer; the machine's administrator moves files."""

    idle_s: float = setting(
        600, Number(60, 3600), "Seconds without a key until a session of staff closes."
    )
    imports: str = setting(
        "",
        Text(empty=True),
        "Folder of files that staff may import; empty is imports in the state directory.",
    )
    exports: str = setting(
        "",
        Text(empty=True),
        "Folder that exports are written to; empty is exports in the state directory.",
    )
