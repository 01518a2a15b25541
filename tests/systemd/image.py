"""The image of a station: what is in it, and a machine that it runs.

``make test-image`` builds both variants and runs it as root. The machine is qemu's, by software
emulation: it takes most of an hour. Pictures of its display are left in build/image/pictures.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import msgspec
import pytest

from hardware.virtual.link import CardLink, Chip
from kiosk.app.cli.enrol import ESTATES_CA
from kiosk.app.setup.station import WAYS_OUT
from kiosk.contract.enrolment import ca_fingerprint, read_line
from kiosk.contract.messages import Purpose
from kiosk.system.sockets import free_ports
from screens.kiosk.page import HELD_S
from screens.words import waiting
from tests.e2e.input_methods import Fingers, Hands, Keys
from tests.e2e.people import Person
from tests.e2e.processes import Authority
from tests.e2e.visitor import Visitor
from tests.e2e.world import World
from tests.support.fresh_root import CHECKOUT, shipped
from tests.support.hotplug import HotplugPcscd
from tests.support.virtual_machine import AUTHORITY, VirtualMachine
from tests.support.waiting import wait_for
from tests.systemd.displayed import DisplayedStation

BUILD = CHECKOUT / "build" / "image"
PICTURES = BUILD / "pictures"
LISTEN = 8443
NEW_PIN, NEWER_PIN = "480593", "172946"
SHELLS = {
    *("getty@.service", "serial-getty@.service", "console-getty.service"),
    *("container-getty@.service", "autovt@.service", "debug-shell.service"),
}
ENABLED = {
    *("kiosk-health.service", "kiosk-setup.service", "pcscd.socket"),
    *("systemd-networkd.service", "systemd-networkd.socket"),
    *("systemd-network-generator.service", "systemd-networkd-wait-online.service"),
    *("systemd-resolved.service", "systemd-timesyncd.service"),
    *("systemd-sysupdate.timer", "systemd-sysupdate-reboot.timer", "usbguard.service"),
}
"""With what these ask for themselves."""


def image(variant: str) -> Path:
    return next(each for each in (BUILD / variant).glob("*.raw") if ".root" not in each.name)


# What is in it, without a machine.


@contextmanager
def root_of(path: Path, folder: Path) -> Iterator[Path]:
    """Mount the root of an image."""
    table = json.loads(subprocess.check_output(["sfdisk", "--json", path]))["partitiontable"]
    begin = table["partitions"][1]["start"] * table["sectorsize"]
    subprocess.run(["mount", "-o", f"ro,loop,offset={begin}", path, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("variant", ["station", "test"])
def test_no_way_out_is_left_open(variant: str, tmp_path: Path) -> None:
    with root_of(image(variant), tmp_path) as root:
        units = root / "etc" / "systemd" / "system"
        for unit in {*WAYS_OUT, *SHELLS}:
            assert (units / unit).readlink() == Path("/dev/null"), unit
        for place in ("systemd/logind.conf.d", "systemd/system.conf.d", "sysctl.d"):
            link = root / "etc" / place / "50-kiosk-station.conf"
            assert (root / link.readlink().relative_to("/")).read_text(), place
        enabled = {link.name for link in units.glob("*.wants/*")}
        enabled |= {link.name for link in units.glob("*.requires/*")}
        assert enabled - ENABLED == set()
        assert (units / "default.target").readlink().name == "multi-user.target"
        for account in (root / "etc" / "shadow").read_text().splitlines():
            assert account.split(":")[1].startswith(("!", "*")), account
        assert not (root / "usr" / "sbin" / "sshd").exists()
        for source, folder in shipped("unlock-kiosk-station"):
            assert (root / folder / Path(source).name).exists()


def test_what_only_tests_need_is_not_in_the_shipped_one(tmp_path: Path) -> None:
    found = {}
    for variant in ("station", "test"):
        with root_of(image(variant), tmp_path) as root:
            parts = (
                "usr/lib/systemd/system/test-shell.service",
                "usr/lib/systemd/system/basic.target.wants/test-shell.service",
                "usr/lib/pcsc/drivers/serial/libifdvpcd.so",
                "etc/reader.conf.d/vpcd",
            )
            found[variant] = {each for each in parts if (root / each).exists()}
    assert (found["station"], found["test"]) == (set(), set(parts))
    kernel = image("station").with_suffix(".efi.gz")
    command_line = subprocess.check_output(
        ["zgrep", "-a", "-o", "-m1", "[[:print:]]*quiet [[:print:]]*", kernel]
    )
    assert b"roothash=" in command_line
    assert b"ttyS0" not in command_line


@pytest.mark.parametrize("variant", ["station", "test"])
def test_a_changed_byte_does_not_fit_the_hashes_that_were_signed(
    variant: str, tmp_path: Path
) -> None:
    path = image(variant)
    parts = {}
    for kind in ("root-x86-64", "root-x86-64-verity"):
        [packed] = path.parent.glob(f"{path.stem}.{kind}.*.raw.gz")
        parts[kind] = tmp_path / kind
        with parts[kind].open("wb") as file:
            subprocess.run(["gzip", "-dc", packed], stdout=file, check=True)
    kernel = path.with_suffix(".efi.gz")
    found = subprocess.check_output(["zgrep", "-a", "-o", "-m1", "roothash=[0-9a-f]*", kernel])
    hashes = found.decode().strip().removeprefix("roothash=")
    command: list[str | Path] = ["veritysetup", "verify", *parts.values(), hashes]
    assert subprocess.run(command).returncode == 0
    with parts["root-x86-64"].open("r+b") as file:
        file.seek(100 << 20)
        [byte] = file.read(1)
        file.seek(100 << 20)
        file.write(bytes([byte ^ 1]))
    assert subprocess.run(command).returncode != 0


@pytest.mark.parametrize("variant", ["station", "test", "next", "broken"])
def test_what_an_update_fetches_is_signed(variant: str) -> None:
    folder = image(variant).parent
    own, others = ("keys", "test-keys") if variant == "station" else ("test-keys", "keys")

    def is_signed_by(keys: str) -> bool:
        ring = BUILD / keys / "updates.gpg"
        command = ("gpgv", "--keyring", ring, "SHA256SUMS.gpg", "SHA256SUMS")
        return subprocess.run(command, cwd=folder).returncode == 0

    assert is_signed_by(own)
    assert not is_signed_by(others)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert len((folder / "SHA256SUMS").read_text().splitlines()) == 3


@pytest.mark.parametrize("variant", ["station", "test", "next", "broken"])
def test_no_machine_of_an_estate_starts_the_variant_with_a_root_shell(
    variant: str, tmp_path: Path
) -> None:
    """Before: its kernel was signed by the key that they trust."""
    own, others = ("keys", "test-keys") if variant == "station" else ("test-keys", "keys")
    kernel, packed = tmp_path / "kernel.efi", image(variant).with_suffix(".efi.gz")
    with kernel.open("wb") as file:
        subprocess.run(["gzip", "-dc", packed], stdout=file, check=True)

    def is_trusted_by(keys: str) -> bool:
        tool = BUILD / "tools" / "usr" / "bin" / "sbverify"
        library = BUILD / "tools" / "usr" / "lib" / "x86_64-linux-gnu"
        command = (tool, "--cert", BUILD / keys / "boot.crt", kernel)
        environ = {**os.environ, "LD_LIBRARY_PATH": str(library)}
        return subprocess.run(command, env=environ).returncode == 0

    assert is_trusted_by(own)
    assert not is_trusted_by(others)


@pytest.mark.parametrize("variant", ["station", "test"])
def test_the_ca_of_the_estate_is_what_it_was_built_with(variant: str, tmp_path: Path) -> None:
    with root_of(image(variant), tmp_path) as root:
        pinned = root / ESTATES_CA.relative_to("/")
        assert pinned.read_text() == (BUILD / "estate-ca.pem").read_text()
        found = pinned.stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o644)


# On a machine. What follows is one life of it, in this order.


class Displayed(DisplayedStation):
    """The station on the display of the machine, used by its keyboard and its touch screen."""

    machine: VirtualMachine

    def __init__(self, machine: VirtualMachine) -> None:
        self.machine = machine
        self.card: CardLink | None = None

    def insert(self, chip: Chip) -> None:
        self.card = self.machine.link(chip)
        self.card.insert()

    def remove(self) -> None:
        """Take the card out that is in, if there is one."""
        if self.card is not None:
            self.card.remove()
        self.card = None

    def wait_for(self, *texts: str) -> str:
        return self.wait_until(lambda shown: all(text in shown for text in texts), f"{texts}")

    def press(self, *keys: str) -> None:
        for key in keys:
            if key == self._last_key:
                time.sleep(2 * HELD_S)  # the first one counts as held
            self._last_key = key
            self.machine.type({"enter": "\n", "tab": "\t"}.get(key, key))

    def touch_at(self, x: int, y: int) -> None:
        width, height = self.machine.text_size.cell_px
        left = self.machine.width % width // 2
        self.machine.touch(left + x * width + width // 2, y * height + height // 2)


class Updates:
    """A web server with one certificate, for the version that a folder has."""

    def __init__(self) -> None:
        self.folder = BUILD / "none"
        serve = functools.partial(_Serve, self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(BUILD / "updates.crt", BUILD / "updates.key")
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Serve(SimpleHTTPRequestHandler):
    def __init__(self, updates: Updates, *args: object) -> None:
        super().__init__(*args, directory=str(updates.folder))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def updates() -> Iterator[Updates]:
    made = Updates()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(pcscd: HotplugPcscd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    listen, enrol = free_ports(2)
    authority = {
        "socket": "",
        "listen": f"127.0.0.1:{listen}",
        "enrol_listen": f"127.0.0.1:{enrol}",
        "addresses": [f"{AUTHORITY}:{LISTEN}"],
    }
    made = World(tmp_path_factory.mktemp("world") / "estate", pcscd, {"authority": authority})
    made.open(BUILD / "estate")  # whose CA the image was built with
    made.kiosk("import", str(made.people_file), check=True)
    process = Authority(made)
    yield made
    process.end()
    made.close()


@pytest.fixture(scope="module")
def ada(world: World) -> Person:
    """Somebody who has registered."""
    world.register(world.ada)
    return world.ada


@pytest.fixture(scope="module")
def machine(
    world: World, updates: Updates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VirtualMachine]:
    authority = world.settings.authority
    listening = (authority.listen, authority.enrol_listen)
    inside, enrol = (int(each.rpartition(":")[2]) for each in listening)
    folder = tmp_path_factory.mktemp("machine")
    reachable = {LISTEN: inside, enrol: enrol, 443: updates.port}
    made = VirtualMachine(folder, image("test"), reachable)
    made.start()
    PICTURES.mkdir(exist_ok=True)
    yield made
    made.stop()


@pytest.fixture
def station(machine: VirtualMachine) -> Iterator[Displayed]:
    made = Displayed(machine)
    yield made
    made.remove()


def test_the_first_start_asks_for_the_line_and_shows_the_station(
    world: World, machine: VirtualMachine, station: Displayed
) -> None:
    station.see("is not enrolled as a station yet")
    machine.picture(PICTURES / "first-start.png")
    for _ in range(12):
        machine.press("ctrl", "alt", "delete")
    # They arrived: on the bare console init hears of each.
    wait_for(
        lambda: int(machine.do("journalctl -b | grep -c 'ctrl-alt-del.target is masked'")) >= 7,
        "Ctrl-Alt-Del",
    )
    words = ("stations", "enrol", "West Wing 2", "--site", "Wexbridge", "--reason", "new")
    line = world.kiosk(*words, check=True).stdout.split('"')[1]
    machine.type(f"{line[:-1]}\n")
    station.see("39 characters came")
    theirs = msgspec.structs.replace(read_line(line), ca_fingerprint=ca_fingerprint(b"another"))
    machine.type(f"{theirs.text().reveal()}\n")
    station.see("built for another authority")
    machine.type(f"{line}\n")
    # An emulated machine may be too slow for the time that a connection has.
    again, attract = "Enter alone tries this line once more", waiting.ATTRACT_TITLE
    while again in (text := station.wait_until(lambda t: again in t or attract in t, attract)):
        machine.type("\n")
        station.wait_until(lambda t, before=text: t != before, "an answer")  # type: ignore[misc]
    station.see(attract)
    machine.picture(PICTURES / "attract.png")
    assert machine.do("systemctl --failed --no-legend") == ""


def test_the_state_is_for_this_tpm_alone_and_all_else_is_read_only(
    machine: VirtualMachine,
) -> None:
    state = machine.do("findmnt -no SOURCE,FSTYPE /var/lib/kiosk-station")
    assert state.split() == ["/dev/mapper/kiosk-state", "ext4"]
    sealed = machine.do("cryptsetup luksDump /dev/disk/by-partlabel/kiosk-state")
    assert "systemd-tpm2" in sealed
    assert len(re.findall(r"^  \d+: luks2$", sealed, re.MULTILINE)) == 1, "no other way in"
    assert "enabled" in machine.do("bootctl status 2>/dev/null | grep 'Secure Boot:'")
    assert "lowerdir" in machine.do("findmnt -no OPTIONS /")
    assert machine.do("lsblk -nro TYPE,RO | grep crypt | sort -u").startswith("crypt 0\ncrypt 1")


def life(machine: VirtualMachine) -> str:
    """Say which start of the machine, and which run of the station it is."""
    boot = machine.do("cat /proc/sys/kernel/random/boot_id")
    return boot + machine.do("systemctl show -P InvocationID kiosk-station")


def test_no_key_leaves_the_station(machine: VirtualMachine, station: Displayed) -> None:
    before = life(machine)
    for keys in CHORDS:
        machine.press(*keys)
    for _ in range(12):
        machine.press("ctrl", "alt", "delete")
    # What is pressed after them arrives at the station: it changes its colours, and back.
    assert sum(machine.ground()) > 600
    machine.press("f2")
    wait_for(lambda: sum(machine.ground()) < 150, "dark colours")
    machine.picture(PICTURES / "keys.png")
    machine.press("f2")
    wait_for(lambda: sum(machine.ground()) > 600, "light colours")
    station.see(waiting.ATTRACT_TITLE)
    assert life(machine) == before
    assert machine.do("cat /sys/class/tty/tty0/active") == "tty1"


def test_a_keyboard_may_be_plugged_in_and_a_memory_is_not_used(machine: VirtualMachine) -> None:
    machine.plug_in_keyboard()
    machine.plug_in_stick()
    every = (
        "cd /sys/bus/usb/devices; for each in *-[0-9]; do cat $each/product $each/authorized; done"
    )
    used = ["QEMU USB Keyboard", "1", "QEMU USB HARDDRIVE", "0"]
    wait_for(lambda: machine.do(every).splitlines() == used, "the keyboard alone")
    assert "No such file" in machine.do("ls /dev/sd*")


class Holder(Visitor):
    """Somebody at the machine: the card goes into its reader."""

    station: Displayed

    def comes(self) -> Self:
        self.station.insert(self.who.card)
        self.station.see_gone(waiting.ATTRACT_TITLE)
        return self

    def goes(self) -> None:
        self.station.remove()
        assert self.who.name not in self.station.see(waiting.ATTRACT_TITLE)


@pytest.mark.parametrize(("hands", "pin"), [(Keys(), NEW_PIN), (Fingers(), NEWER_PIN)])
def test_a_whole_unlock(
    world: World,
    ada: Person,
    machine: VirtualMachine,
    station: Displayed,
    hands: Hands,
    pin: str,
) -> None:
    way = type(hands).__name__.lower()

    def picture(name: str) -> None:
        machine.picture(PICTURES / f"{way}-{name}.png")

    world.block(ada)
    holder = Holder(world, ada, station, hands)
    holder.comes()
    picture("1-owner")
    holder.unlocks().answers()
    holder.awaits_code(Purpose.UNLOCK)
    picture("2-code")
    holder.enters_code(world.read_code(ada.email)).sets_pin(pin)
    holder.finishes(Purpose.UNLOCK)
    picture("3-unlocked")
    holder.goes()
    world.insert(ada)
    assert world.verified_by_others(ada, pin)
    world.remove(ada)


PARTS = {
    "parent": "systemctl show -P MainPID kiosk-station",
    "visit": "cd /proc/$(systemctl show -P MainPID kiosk-station)/task; cut -d' ' -f1 */children",
    "display": "systemctl show -P MainPID kiosk-display",
    "compositor": "grep -lx cage /proc/[0-9]*/comm | cut -d/ -f3",
    "terminal": "grep -lx foot /proc/[0-9]*/comm | cut -d/ -f3",
    "server": "grep -ls 'app.terminal_socke[t]' /proc/[0-9]*/cmdline | cut -d/ -f3 | tail -1",
    "seat": "systemctl show -P MainPID seatd",
    "reader": "systemctl show -P MainPID pcscd",
}
"""How to find each process that a station on the compositor has."""


@pytest.mark.parametrize(
    ("part", "number"),
    [
        *((part, signal.SIGKILL) for part in PARTS),
        # seatd passes devices on at the start of the compositor alone: nobody waits for it later.
        # pcscd has no watchdog: where it stands still, the station says so (test_monitor.py).
        *((part, signal.SIGSTOP) for part in PARTS if part not in ("seat", "reader")),
    ],
    ids=lambda each: each.name if isinstance(each, signal.Signals) else each,
)
def test_whatever_process_is_killed_or_stands_still_it_comes_back(
    world: World,
    ada: Person,
    machine: VirtualMachine,
    station: Displayed,
    part: str,
    number: signal.Signals,
) -> None:
    ada.card.state.pin.left = 0
    Holder(world, ada, station).comes()
    station.see(ada.name)
    process = machine.do(PARTS[part])
    machine.do(f"kill -{number.value} {process}")
    station.remove()
    wait_for(lambda: machine.do(f"cat /proc/{process}/comm 2>/dev/null") == "", f"end of {part}")
    assert ada.name not in station.see(waiting.ATTRACT_TITLE)
    wait_for(lambda: machine.do("systemctl is-active kiosk-station") == "active", "the station")
    machine.picture(PICTURES / f"{number.name}-{part}.png")


def version(machine: VirtualMachine) -> str:
    return machine.do("sed -n 's/^IMAGE_VERSION=//p' /etc/os-release").strip('"')


def wait_for_start(machine: VirtualMachine, number: int) -> None:
    """Wait until it has started anew so often."""
    wait_for(lambda: machine.starts() >= number, f"start {number}")


def take_update(machine: VirtualMachine, updates: Updates, variant: str) -> int:
    """Fetch a version and start anew; return how often the machine had done that by itself before.

    It is not always never: a kernel under emulation may panic while it starts.
    """
    updates.folder = image(variant).parent
    fetched = machine.do("systemctl start --wait systemd-sysupdate && echo fetched")
    assert fetched == "fetched"
    before = machine.starts()
    machine.do("systemctl start systemd-sysupdate-reboot")
    return before


def test_first_page_is_shown_again_after_the_power_was_away(
    machine: VirtualMachine, station: Displayed
) -> None:
    machine.stop()
    began = time.monotonic()
    machine.start()
    station.see(waiting.ATTRACT_TITLE)
    (PICTURES / "seconds").write_text(f"{time.monotonic() - began:.0f}\n")


def test_an_update_that_was_changed_on_the_way_is_not_taken(
    machine: VirtualMachine, updates: Updates, tmp_path: Path
) -> None:
    for each in image("next").parent.iterdir():
        (tmp_path / each.name).symlink_to(each)
    sums = tmp_path / "SHA256SUMS"
    sums.unlink()
    sums.write_text((image("next").parent / "SHA256SUMS").read_text() + "\n")
    updates.folder = tmp_path
    assert machine.do("systemctl start --wait systemd-sysupdate || echo refused").endswith(
        "refused"
    )
    assert "verification failed" in machine.do("journalctl -u systemd-sysupdate")
    assert machine.do("ls /boot/EFI/Linux") == f"unlock-kiosk_{version(machine)}.efi"


def test_an_update_is_fetched_and_kept_once_the_station_is_shown(
    machine: VirtualMachine, station: Displayed, updates: Updates
) -> None:
    assert version(machine) == "0.1.0"
    before = take_update(machine, updates, "next")
    wait_for_start(machine, before + 1)
    station.see(waiting.ATTRACT_TITLE)
    assert version(machine) == "0.1.1"
    machine.picture(PICTURES / "updated.png")
    wait_for(
        lambda: "unlock-kiosk_0.1.1.efi" in machine.do("ls /boot/EFI/Linux"), "0.1.1 to be kept"
    )


def test_a_version_whose_station_is_not_shown_is_left_for_the_one_before(
    machine: VirtualMachine, station: Displayed, updates: Updates
) -> None:
    before = take_update(machine, updates, "broken")
    for number in range(1, 5):  # three tries of it, and the version before
        wait_for_start(machine, before + number)
    station.see(waiting.ATTRACT_TITLE)
    assert version(machine) == "0.1.1"
    assert "unlock-kiosk_0.1.2+0-3.efi" in machine.do("ls /boot/EFI/Linux")


def test_a_changed_byte_of_the_root_is_not_run(machine: VirtualMachine, station: Displayed) -> None:
    root = "/dev/disk/by-partlabel/unlock-kiosk_0.1.1"
    begin = int(machine.do(f"cat /sys/class/block/$(basename $(realpath {root}))/start")) * 512
    machine.stop()
    machine.change(begin + 1024)  # the head of the file system
    machine.start()
    # No page and no prompt: it starts again, and once more.
    for number in (1, 2):
        wait_for_start(machine, number)
    assert machine.ask("true", 1) is None
    machine.picture(PICTURES / "changed.png")
    machine.stop()
    machine.change(begin + 1024)
    machine.start()
    station.see(waiting.ATTRACT_TITLE)


CHORDS = [
    *(("ctrl", "alt", f"f{number}") for number in range(2, 13)),
    *(("alt", "sysrq", letter) for letter in "bcefikorsu"),
    *(("alt", "up"), ("alt", "right"), ("sleep",), ("power",)),
    *(("ctrl", letter) for letter in ("c", "d", "z", "backslash", "s", "q")),
]
