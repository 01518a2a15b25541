"""Ports that no other process is given."""

from __future__ import annotations

import pytest

from kiosk.contract.errors import KioskError
from kiosk.system import sockets


def test_no_port_is_given_twice_though_nobody_listens_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before: a test met the server of another, which ran beside it."""
    own = sockets.free_ports(40)
    assert not set(own) & {port for _ in range(100) for port in sockets.free_ports(2)}
    monkeypatch.setattr(sockets._OwnPorts, "_BLOCKS", range(own.start, own.stop, 10))
    processes = sockets._OwnPorts(), sockets._OwnPorts()
    given = [port for process in processes * 6 for port in process.take(3)]
    assert len(set(given)) == len(given) == 36
    with pytest.raises(KioskError, match="no free"):
        sockets._OwnPorts().take(1)
