"""A machine in qemu, by software emulation: its display, its keyboard, its disk and its TPM.

It has no network but the ways that are named: ``reachable`` from inside, and its virtual reader
from here. The test variant of the image has a root shell on the serial line, which is asked what is
on the display; pictures are of the machine's own display.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hardware.display import TextSize
from hardware.virtual.link import CardLink, Chip
from hardware.virtual.pcscd import Slot
from kiosk.system.sockets import free_ports
from tests.support.waiting import PATIENCE_S, wait_for

FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
AUTHORITY = "10.0.2.100"
"""What the authority's machine is called inside."""
_READER_PORT = 35963
_DISPLAY_PX = (1920, 1080)
_TOUCH_RANGE = 0x7FFF
_RELAY = Path(__file__).with_name("relay.py")
"""qemu itself passes on one connection at a time."""
_SHIFTED = {":": (";", True), "@": ("2", True), "?": ("/", True)}
_NAMED = {
    " ": "spc",
    "\n": "ret",
    "\t": "tab",
    "'": "apostrophe",
    ",": "comma",
    "-": "minus",
    ".": "dot",
    "/": "slash",
    ";": "semicolon",
}
"""Keys as qemu names them."""


class VirtualMachine:
    """One machine in ``folder``, whose disk is a copy of ``image``; ``start`` and ``stop``.

    ``reachable``: ports of ``AUTHORITY`` inside, and the ports of this machine behind them.
    """

    width = _DISPLAY_PX[0]

    def __init__(self, folder: Path, image: Path, reachable: Mapping[int, int]) -> None:
        self.folder, self.disk = folder, folder / "disk.qcow2"
        self._reachable = reachable
        self._unread = bytearray()
        self._changed = threading.Condition()
        made = (
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-F",
            "raw",
            "-b",
            image,
            self.disk,
            "8G",
        )
        subprocess.run(made, check=True)
        shutil.copy(VARIABLES, folder / "variables.fd")
        (folder / "tpm").mkdir()
        [self._reader_port] = free_ports(1)

    def start(self) -> None:
        """Switch it on."""
        self._resets = 0
        for name in ("monitor", "serial", "tpm.sock"):
            (self.folder / name).unlink(missing_ok=True)
        self._tpm = subprocess.Popen(
            [
                *("swtpm", "socket", "--tpm2", "--terminate"),
                *("--tpmstate", f"dir={self.folder / 'tpm'}"),
                *("--ctrl", f"type=unixio,path={self.folder / 'tpm.sock'}"),
            ]
        )
        forwards = "".join(
            f",guestfwd=tcp:{AUTHORITY}:{inside}-cmd:{sys.executable} -IS {_RELAY} {outside}"
            for inside, outside in self._reachable.items()
        )
        network = f"user,id=net,restrict=on{forwards}"
        network += f",hostfwd=tcp:127.0.0.1:{self._reader_port}-:{_READER_PORT}"
        serial = f"socket,id=serial,path={self.folder / 'serial'},server=on,wait=off"
        serial += f",logfile={self.folder / 'serial.log'},logappend=on"
        # /dev/kvm may open and not carry an ordinary kernel: emulation, and nothing else.
        self._process = subprocess.Popen(
            [
                *("qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"),
                *("-smp", "2", "-m", "2048", "-machine", "q35,smm=on,vmport=off"),
                *("-nodefaults", "-display", "none"),
                *("-global", "driver=cfi.pflash01,property=secure,value=on"),
                *("-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}"),
                *("-drive", f"if=pflash,format=raw,file={self.folder / 'variables.fd'}"),
                *("-drive", f"if=virtio,format=qcow2,discard=unmap,file={self.disk}"),
                *("-device", f"virtio-gpu-pci,xres={_DISPLAY_PX[0]},yres={_DISPLAY_PX[1]}"),
                *("-device", "virtio-keyboard-pci", "-device", "virtio-multitouch-pci"),
                *("-device", "virtio-rng-pci", "-device", "qemu-xhci"),
                *("-chardev", f"socket,id=tpm,path={self.folder / 'tpm.sock'}"),
                *("-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"),
                *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
                *("-chardev", serial, "-serial", "chardev:serial"),
                *("-qmp", f"unix:{self.folder / 'monitor'},server=on,wait=off"),
            ]
        )
        wait_for((self.folder / "monitor").exists, "the monitor")
        wait_for((self.folder / "serial").exists, "the serial line")
        self._monitor = socket.socket(socket.AF_UNIX)
        self._monitor.connect(str(self.folder / "monitor"))
        self._answers = self._monitor.makefile()
        self._answers.readline()
        self.tell("qmp_capabilities")
        self._serial = socket.socket(socket.AF_UNIX)
        self._serial.connect(str(self.folder / "serial"))
        # Read all the time: a line whose other end reads nothing stops the machine.
        threading.Thread(target=self._read_serial, daemon=True).start()

    def stop(self) -> None:
        """Take the power away."""
        self._process.kill()
        self._process.wait()
        self._tpm.wait()
        self._monitor.close()
        self._serial.close()

    def change(self, place: int) -> None:
        """Change a byte of its disk, while it is off; the second time it is as before."""
        read = ("qemu-io", "-f", "qcow2", "-c", f"read -v {place} 1", self.disk)
        byte = int(subprocess.check_output(read, text=True).split()[1], 16)
        write = ("qemu-io", "-f", "qcow2", "-c", f"write -P {byte ^ 1} {place} 1", self.disk)
        subprocess.run(write, stdout=subprocess.DEVNULL, check=True)

    # --- the hardware ----------------------------------------------------------------------

    def tell(self, command: str, **arguments: Any) -> Any:
        """Give qemu a command of its monitor."""
        line = json.dumps({"execute": command, "arguments": arguments})
        self._monitor.sendall(line.encode() + b"\n")
        while "event" in (answer := json.loads(self._answers.readline())):
            self._resets += answer["event"] == "RESET"
        assert "return" in answer, answer
        return answer["return"]

    def starts(self) -> int:
        """Return how often it has started anew by itself since ``start``."""
        self.tell("query-status")  # what it said by itself comes before the answer
        return self._resets

    def picture(self, path: Path) -> None:
        """Write what is on the display as a PNG file."""
        self.tell("screendump", filename=str(path), format="png")

    def ground(self) -> tuple[int, ...]:
        """Return the colour of most of what is on the display: red, green, blue, 0 to 255."""
        path = self.folder / "display.ppm"
        self.tell("screendump", filename=str(path))
        _kind, _size, _most, pixels = path.read_bytes().split(b"\n", 3)
        each = range(0, len(pixels) - 2, 3 * 101)
        [(colour, _)] = Counter(pixels[at : at + 3] for at in each).most_common(1)
        return tuple(colour)

    def plug_in_keyboard(self) -> None:
        """Plug in a keyboard beside the one that it has, by USB."""
        self.tell("device_add", driver="usb-kbd")

    def plug_in_stick(self) -> None:
        """Plug in a memory of a mebibyte, by USB."""
        stick = self.folder / "stick"
        stick.write_bytes(bytes(1 << 20))
        self.tell(
            "blockdev-add", **{"driver": "file", "filename": str(stick), "node-name": "stick"}
        )
        self.tell("device_add", driver="usb-storage", drive="stick")

    def press(self, *keys: str) -> None:
        """Press keys at once, by qemu's names, and let them go."""
        named = [{"type": "qcode", "data": key} for key in keys]
        self.tell("send-key", keys=named, **{"hold-time": 50})

    def type(self, text: str) -> None:
        """Type a text on its keyboard, which is an American one."""
        for sign in text:
            base, shift = _SHIFTED.get(sign, (sign.lower(), sign.isupper()))
            self.press(*["shift"] * shift, _NAMED.get(base, base))
            time.sleep(0.12)  # held for 0.05 s; faster than the station takes keys would lose some

    def touch(self, x: int, y: int) -> None:
        """Touch its display at a pixel, and let go."""

        def contact(what: str, axis: str = "x", value: int = 0, number: int = 1) -> object:
            data = {"type": what, "slot": 0, "tracking-id": number, "axis": axis, "value": value}
            return {"type": "mtt", "data": data}

        def finger(is_down: bool) -> object:
            return {"type": "btn", "data": {"button": "touch", "down": is_down}}

        width, height = _DISPLAY_PX
        at = contact("data", "x", x * _TOUCH_RANGE // width)
        and_at = contact("data", "y", y * _TOUCH_RANGE // height)
        self.tell("input-send-event", events=[finger(True), contact("begin"), at, and_at])
        self.tell("input-send-event", events=[finger(False), contact("end", number=-1)])

    def link(self, chip: Chip) -> CardLink:
        """Return what puts a card into its first reader, and takes it out."""
        return CardLink(chip, _SlotInside(Path(), self._reader_port, "Virtual PCD 00 00"))

    # --- what the test variant answers on the serial line ----------------------------------

    def ask(self, line: str, patience_s: float = 60.0) -> str | None:
        """Run a line as root; return what it said, None where nobody answers in time."""
        mark = f"{time.monotonic_ns()}"
        text = f"stty -echo; echo {mark}'b'; {{ {line}\n}} 2>&1; echo {mark}'e'\n"
        begins, ends = f"{mark}b\r\n".encode(), f"{mark}e\r\n".encode()
        end = time.monotonic() + patience_s
        with self._changed:
            self._unread.clear()
            self._serial.sendall(text.encode())
            while ends not in self._unread:
                if not self._changed.wait(end - time.monotonic()):
                    return None
            said, _, _ = self._unread.partition(ends)
        return said.rpartition(begins)[2].decode(errors="replace").replace("\r\n", "\n").strip()

    def _read_serial(self) -> None:
        with suppress(OSError):  # closed by ``stop``
            while piece := self._serial.recv(65536):
                with self._changed:
                    self._unread += piece
                    self._changed.notify_all()

    def do(self, line: str) -> str:
        """Run a line that has to be answered."""
        said = self.ask(line, PATIENCE_S)
        assert said is not None, f"no answer to {line}"
        return said

    @property
    def screen(self) -> str:
        """What is in the terminal of the compositor, or on the console where there is none."""
        if (
            self.ask("rm -f /run/kiosk-display/screen; systemctl is-active kiosk-display")
            != "active"
        ):
            return self._console
        self.press("ctrl", "shift", "f12")
        return self.ask("sleep 1; cat /run/kiosk-display/screen") or ""

    @property
    def _console(self) -> str:
        """By the kernel's own memory of it."""
        size = self.ask("od -An -tu1 -N2 /dev/vcsa1")
        said = self.ask("iconv -f UCS-4LE -t UTF-8 /dev/vcsu1")
        if not size or not said:
            return ""
        columns = int(size.split()[1])
        return "\n".join(said[at : at + columns].rstrip() for at in range(0, len(said), columns))

    @property
    def text_size(self) -> TextSize:
        """The size of the text in the terminal of the compositor."""
        said = self.do("grep -ahso 'pixelsize=[0-9][0-9]*' /proc/[0-9]*/cmdline | head -1")
        return TextSize(int(said.partition("=")[2]), 0, 0)


class _SlotInside(Slot):
    """The reader's slot behind a port of this machine; ``number`` is the port."""

    def dial(self) -> socket.socket:
        """Return a connection to the reader; raises ``OSError`` while there is none."""
        return socket.create_connection(("127.0.0.1", self.number))
