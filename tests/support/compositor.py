"""The Wayland compositor of a station, without a screen: keys, a pointer, and pictures of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_A_WEEK_MS = 7 * 24 * 3600 * 1000

BUTTON_LEFT = 0x110
"""From ``<linux/input-event-codes.h>``."""


_CAGE = """\
#!{python}
import os, shlex, sys
words = sys.argv[3:]  # behind "cage -d --"
if {drawn!r}:
    begin = words.index("--") + 1
    words[begin:] = ["script", "-qfc", shlex.join(words[begin:]), {drawn!r}]
os.execv("/usr/bin/cage", ["cage", "-d", "--", "sh", "-c", {mode!r}, "sh", *words])
"""


class Compositor:
    """Runs ``command``, which starts cage, with a display of ``size`` that exists in memory only.

    ``runtime`` is the folder of the compositor's socket, and ``folder`` for what is needed beside
    it; both have short paths. What the terminal is sent is written to ``drawn``, if it is given.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        environ: Mapping[str, str],
        folder: Path,
        size: tuple[int, int] = (1280, 720),
        *,
        runtime: Path | None = None,
        drawn: Path | None = None,
    ) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.size = size
        # Before the terminal is started the display has its size, and there are a keyboard and a
        # pointer: what they do before a program has asked for them is lost.
        go = folder / "go"
        os.mkfifo(go)
        mode = f"wlr-randr --output HEADLESS-1 --custom-mode {size[0]}x{size[1]} && read _ < {go}"
        cage = folder / "bin" / "cage"
        cage.parent.mkdir()
        cage.write_text(
            _CAGE.format(
                python=sys.executable,
                drawn=str(drawn) if drawn else "",
                mode=f'{mode} && exec "$@"',
            )
        )
        cage.chmod(0o755)
        self.environ = {
            **environ,
            "PATH": f"{cage.parent}:{environ['PATH']}",
            "XDG_RUNTIME_DIR": str(runtime or folder),
            "WLR_BACKENDS": "headless",
            "WLR_LIBINPUT_NO_DEVICES": "1",
            "WLR_RENDERER": "pixman",
            "LANG": "C.UTF-8",
        }
        self._log = (folder / "cage.log").open("w")
        self.process = subprocess.Popen(
            command,
            env=self.environ,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.environ["WAYLAND_DISPLAY"] = "wayland-0"
        with go.open("w") as begin:  # opened once the display has its size
            self._pointer = _Pointer(self.environ)
            self._keyboard = subprocess.Popen(
                ["wtype", "-s", str(_A_WEEK_MS), "-k", "F24"], env=self.environ
            )
            begin.write("\n")

    def modes(self) -> object:
        """Return what the compositor says of its display."""
        return json.loads(self._run("wlr-randr", "--json"))

    def picture(self, path: Path) -> None:
        """Write what is on the display as a PNG file."""
        self._run("grim", str(path))

    def type(self, text: str) -> None:
        """Type characters on a keyboard of the compositor."""
        self._run("wtype", "-d", "40", "--", text)

    def press(self, key: str, *modifiers: str) -> None:
        """Press a key by its name in xkbcommon, with modifiers such as ``ctrl`` held."""
        held = [word for one in modifiers for word in ("-M", one)]
        self._run("wtype", *held, "-k", key)

    def click(self, x: int, y: int) -> None:
        """Press and release the pointer's button at a pixel."""
        self._pointer.click(x, y, self.size)

    def close(self) -> None:
        """End the compositor and all that it runs."""
        self._keyboard.kill()
        self._keyboard.wait()
        self._pointer.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._log.close()

    def _run(self, *words: str) -> str:
        done = subprocess.run(words, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


class _Pointer:
    """A virtual pointer, by the protocol zwlr_virtual_pointer_v1 on the compositor's socket."""

    _DISPLAY, _REGISTRY, _BOUND, _MANAGER, _POINTER, _DONE = range(1, 7)

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._wire = socket.socket(socket.AF_UNIX)
        self._wire.connect(f"{environ['XDG_RUNTIME_DIR']}/{environ['WAYLAND_DISPLAY']}")
        self._send(self._DISPLAY, 1, struct.pack("<I", self._REGISTRY))
        self._send(self._DISPLAY, 0, struct.pack("<I", self._BOUND))
        wanted = "zwlr_virtual_pointer_manager_v1"
        number = next(n for n, interface in self._globals() if interface == wanted)
        named = wanted.encode() + b"\0"
        text = struct.pack("<I", len(named)) + named + b"\0" * (-len(named) % 4)
        body = struct.pack("<I", number) + text + struct.pack("<II", 1, self._MANAGER)
        self._send(self._REGISTRY, 0, body)
        self._send(self._MANAGER, 0, struct.pack("<II", 0, self._POINTER))
        self._sync()

    def close(self) -> None:
        """Unplug it."""
        self._wire.close()

    def click(self, x: int, y: int, size: tuple[int, int]) -> None:
        """Go there, press and release."""
        self._send(self._POINTER, 1, struct.pack("<IIIII", _now_ms(), x, y, *size))
        self._send(self._POINTER, 4)
        for state in (1, 0):
            self._send(self._POINTER, 2, struct.pack("<III", _now_ms(), BUTTON_LEFT, state))
            self._send(self._POINTER, 4)
        self._sync()

    def _sync(self) -> None:
        """Wait until the compositor has seen all that was sent."""
        self._send(self._DISPLAY, 0, struct.pack("<I", self._DONE))
        for sender, _, _ in self._events():
            if sender == self._DONE:  # its number can be used again
                return

    def _globals(self) -> Iterator[tuple[int, str]]:
        for sender, event, body in self._events():
            if (sender, event) == (self._REGISTRY, 0):
                number, length = struct.unpack_from("<II", body)
                yield number, body[8 : 8 + length - 1].decode()
            if sender == self._BOUND:
                return

    def _send(self, to: int, request: int, body: bytes = b"") -> None:
        self._wire.sendall(struct.pack("<II", to, len(body) + 8 << 16 | request) + body)

    def _events(self) -> Iterator[tuple[int, int, bytes]]:
        while True:
            sender, word = struct.unpack("<II", self._wire.recv(8, socket.MSG_WAITALL))
            body = self._wire.recv((word >> 16) - 8, socket.MSG_WAITALL)
            assert (sender, word & 0xFFFF) != (self._DISPLAY, 0), body
            yield sender, word & 0xFFFF, body


def _now_ms() -> int:
    return int(time.monotonic() * 1000) & 0xFFFFFFFF
