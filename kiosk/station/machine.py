"""The machine of a station, as its maintenance page shows and restarts it.

No program is started: logind restarts the machine or switches it off, and polkit allows the
station's account these two alone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, Protocol, assert_never

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


class Machine(Protocol):
    """Examined and ended by an officer, once the authority has recorded it."""

    def look_at_network(self) -> NetworkState:
        """Call each address of the authority; may block for some seconds."""

    def end(self, act: EndingAct) -> bool:
        """Do it, or return False where nothing is done; raises ``MachineError``."""


class NoMachine:
    """Restarts nothing, where the station is a window on somebody's own machine."""

    def __init__(self, look: Callable[[], NetworkState] = lambda: NetworkState(())) -> None:
        self._look = look

    def look_at_network(self) -> NetworkState:
        """Call each address of the authority."""
        return self._look()

    def end(self, act: EndingAct) -> bool:
        return False


SYSTEM_BUS: Final = "SYSTEM"
_ANSWER_S: Final = 10.0


class SystemMachine:
    """A machine that is only a station.

    ``restart_station`` ends this program, which its service manager starts again at once.
    """

    def __init__(
        self,
        look: Callable[[], NetworkState],
        restart_station: Callable[[], None],
        bus: str = SYSTEM_BUS,
        answer_s: float = _ANSWER_S,
    ) -> None:
        self._look = look
        self._restart_station = restart_station
        self._bus = bus
        self._answer_s = answer_s

    def look_at_network(self) -> NetworkState:
        """Call each address of the authority."""
        return self._look()

    def end(self, act: EndingAct) -> bool:
        match act:
            case MaintenanceAct.RESTART_STATION:
                self._restart_station()
            case MaintenanceAct.RESTART_MACHINE:
                self._ask_logind("Reboot")
            case MaintenanceAct.SWITCH_OFF:
                self._ask_logind("PowerOff")
            case _:
                assert_never(act)
        return True

    def _ask_logind(self, method: str) -> None:
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
            with prep_socket(get_bus(self._bus), timeout=self._answer_s) as wire:
                # The library waits for the bus's greeting without a time-out.
                expiry = threading.Timer(self._answer_s, wire.shutdown, (socket.SHUT_RDWR,))
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
