"""Routes of codes, for tests: what a page names when it asks for a code."""

from __future__ import annotations

from typing import Final
from unittest.mock import ANY

from kiosk.contract.messages import (
    CodeNotSent,
    EnterCode,
    FactorOver,
    FactorWrong,
    Route,
    RouteId,
    SendCode,
    VisitOpened,
)

MADE_UP: Final = RouteId("0" * 32)
"""Names no address of anybody."""


def to(masked: str) -> tuple[Route]:
    """Return what equals the one route to this address, whatever its id."""
    return (Route(ANY, masked),)


def routes_in(reply: object) -> tuple[Route, ...]:
    """Return the routes that a page shows after ``reply``."""
    match reply:
        case SendCode() | EnterCode():
            return reply.routes
        case FactorWrong() | FactorOver() | CodeNotSent():
            return routes_in(reply.again)
        case VisitOpened(resumed=(_, task)):
            return task.routes
        case _:
            return ()


def route_of(reply: object) -> RouteId:
    """Return the first of them, which a station takes."""
    shown = routes_in(reply)
    assert shown, f"no code can be sent after {reply}"
    return shown[0].id
