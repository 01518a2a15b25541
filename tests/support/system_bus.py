"""A message bus with a logind that notes what it is asked for, and refuses what it is told to."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jeepney import DBusAddress, HeaderFields, new_error, new_method_call, new_method_return
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import unwrap_msg

LOGIND = "org.freedesktop.login1"
REFUSAL = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
_BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")

_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass
class Logind:
    """What was called, with its arguments; ``refuses``: with polkit's error, ``is_mute``: never."""

    bus: str
    asked: list[tuple[str, object]] = field(default_factory=list)
    refuses: bool = False
    is_mute: bool = False


@contextmanager
def system_bus(folder: Path) -> Iterator[Logind]:
    """Run one; ``Logind.bus`` is its address."""
    place, config = folder / "bus", folder / "bus.conf"
    config.write_text(_CONFIG.format(place))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert daemon.stdout is not None
        logind = Logind(daemon.stdout.readline().strip())
        serving = open_dbus_connection(logind.bus)
        own = new_method_call(_BUS, "RequestName", "su", (LOGIND, 0))
        assert unwrap_msg(serving.send_and_get_reply(own)) == (1,)
        thread = threading.Thread(target=_serve, args=(serving, logind), daemon=True)
        thread.start()
        yield logind
    finally:
        daemon.terminate()
        daemon.wait()
        if daemon.stdout is not None:
            daemon.stdout.close()
    thread.join()
    serving.close()


@contextmanager
def mute_bus(folder: Path, *, authenticates: bool) -> Iterator[str]:
    """Run one that says nothing, or nothing more once it has let somebody in; yield its address."""
    place = folder / "mute"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()

        def hear() -> None:
            connection, _ = listening.accept()
            with connection:
                while heard := connection.recv(1024):
                    if authenticates and b"AUTH" in heard:
                        connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")

        thread = threading.Thread(target=hear)
        thread.start()
        yield f"unix:path={place}"
        thread.join()


def _serve(serving: DBusConnection, logind: Logind) -> None:
    """Answer until the bus has gone."""
    while True:
        try:
            message = serving.receive()
        except (OSError, EOFError):
            return
        name = message.header.fields.get(HeaderFields.member)
        if message.header.fields.get(HeaderFields.interface) != f"{LOGIND}.Manager":
            continue
        logind.asked.append((name, message.body))
        if logind.is_mute:
            continue
        answer = new_error(message, REFUSAL) if logind.refuses else new_method_return(message)
        serving.send_message(answer)
