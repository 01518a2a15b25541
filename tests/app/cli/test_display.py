"""The compositor's own process: what it takes as a sign of life."""

from __future__ import annotations

import socket

from kiosk.app.cli.display import has_beat


def test_beats_that_came_before_do_not_count_for_a_terminal_that_stands_still() -> None:
    beats, server = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with beats, server:
        for _ in range(20):
            server.send(b"WATCHDOG=1")
        assert has_beat(beats, 0)
        assert not has_beat(beats, 0)
        server.send(b"WATCHDOG=1")
        assert has_beat(beats, 0)
