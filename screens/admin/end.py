"""How a session of the RA application ends."""

from __future__ import annotations

from enum import StrEnum


class End(StrEnum):
    """Why it is over."""

    LOGGED_OUT = "logged-out"
    IDLE = "idle"
    HUNG_UP = "hung-up"


def farewell(end: End | None) -> str:
    """Return what to print on the terminal; None is a fault."""
    match end:
        case End.LOGGED_OUT:
            return "You are logged out."
        case End.IDLE:
            return "You were logged out: nobody touched a key for a while. Log in again to go on."
        case End.HUNG_UP:
            return "The connection was lost."
        case None:
            return "Something went wrong on our side, and you were logged out. It is noted."
