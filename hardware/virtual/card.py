"""A PIV card without a reader."""

from __future__ import annotations

from hardware.virtual.chip import AppletChip
from hardware.virtual.piv import PivApplet
from hardware.virtual.state import CardState


class VirtualCard(AppletChip[CardState]):
    """The PIV application on its chip."""

    def __init__(self, state: CardState) -> None:
        super().__init__(state, PivApplet(state))
