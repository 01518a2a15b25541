"""The machine of a station, as its maintenance page shows and restarts it.

No program is started: logind restarts the machine or switches it off, and polkit allows the
station's account these two alone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, assert_never

from msgspec import Struct

from kiosk.contract.messages import MaintenanceAct

EndingAct = Literal[
    MaintenanceAct.RESTART_STATION, MaintenanceAct.RESTART_MACHINE, MaintenanceAct.SWITCH_OFF
]
"""After it the station serves nobody for a while."""


class AuthorityAddress(Struct, frozen=True):
    """An address of the authority, and why it does not answer there; empty: it answers."""

    name: str
    trouble: str


class NetworkState(Struct, frozen=True):
    """The authority's addresses, and the end of the station's certificate, where it has one."""

    addresses: tuple[AuthorityAddress, ...]
    certificate_ends_at: datetime | None = None


class MachineError(Exception):
    """It cannot be done; the text says why."""


SYSTEM_BUS: Final = "SYSTEM"
_ANSWER_S: Final = 10.0


def end_machine(
    act: EndingAct,
    restart_station: Callable[[], None],
    bus: str = SYSTEM_BUS,
    answer_s: float = _ANSWER_S,
) -> bool:
    """Do the act on a machine that is only a station, and return True; raises ``MachineError``.

    ``restart_station`` ends this program, which its service manager starts again at once.
    """
    match act:
        case MaintenanceAct.RESTART_STATION:
            restart_station()
        case MaintenanceAct.RESTART_MACHINE:
            _ask_logind("Reboot", bus, answer_s)
        case MaintenanceAct.SWITCH_OFF:
            _ask_logind("PowerOff", bus, answer_s)
        case _:
            assert_never(act)
    return True


def _ask_logind(method: str, address: str, answer_s: float) -> None:
    """Call a method of logind that takes ``interactive`` alone, org.freedesktop.login1(5)."""
    from jeepney import DBusAddress, DBusErrorResponse, new_method_call
    from jeepney.auth import AuthenticationError
    from jeepney.bus import get_bus
    from jeepney.io.blocking import DBusConnection, prep_socket
    from jeepney.wrappers import unwrap_msg

    logind = DBusAddress(
        "/org/freedesktop/login1", "org.freedesktop.login1", "org.freedesktop.login1.Manager"
    )
    call = new_method_call(logind, method, "b", (False,))
    try:
        with prep_socket(get_bus(address), timeout=answer_s) as wire:
            # The library waits for the bus's greeting without a time-out.
            expiry = threading.Timer(answer_s, wire.shutdown, (socket.SHUT_RDWR,))
            expiry.start()
            try:
                with DBusConnection(wire) as bus:
                    unwrap_msg(bus.send_and_get_reply(call))
            finally:
                expiry.cancel()
    except DBusErrorResponse as refused:
        raise MachineError(f"logind refuses: {refused.name}") from None
    except (OSError, AuthenticationError) as error:
        raise MachineError(f"the system bus gives no answer ({type(error).__name__})") from None
