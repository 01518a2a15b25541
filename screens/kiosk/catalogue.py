"""Which page shows which state."""

from __future__ import annotations

from kiosk.station.states import Attract, EnterPin, State
from screens.kiosk.attract import AttractPage
from screens.kiosk.enter_pin import EnterPinPage
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page


def screen_for(state: State, kit: Kit) -> Page:
    """Return a fresh page for ``state``."""
    match state:
        case Attract():
            return AttractPage(kit, state)
        case EnterPin():
            return EnterPinPage(kit, state)
        case _:
            raise NotImplementedError(type(state).__name__)
