"""Which page shows which state.

The pages of a visit are imported when the first is needed, or by ``warm_up``: a station
is to be there at once after a restart.
"""

from __future__ import annotations

from kiosk.station.states import Attract, OutOfService, State
from screens.kiosk.attract import AttractPage, OutOfServicePage
from screens.kiosk.page import Kit, Page


def screen_for(state: State, kit: Kit) -> Page:
    """Return a fresh page for ``state``."""
    match state:
        case Attract():
            return AttractPage(kit, state)
        case OutOfService():
            return OutOfServicePage(kit, state)
        case _:
            from screens.kiosk.visit_pages import page_for

            return page_for(state, kit)


def warm_up() -> None:
    """Import the pages of a visit, so that the first card does not wait for it."""
    import screens.kiosk.visit_pages  # noqa: F401
