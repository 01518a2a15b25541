"""The image of a station: what is in it, and a machine that it runs.

``make test-image`` builds both variants and runs it as root. The machine is qemu's, by software
emulation: it takes most of an hour. Pictures of its display are left in build/image/pictures.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.app.setup.station import WAYS_OUT
from screens.words import waiting
from tests.e2e.processes import Authority
from tests.e2e.station import Station
from tests.e2e.world import World
from tests.support.fresh_root import CHECKOUT, shipped
from tests.support.hotplug import HotplugPcscd
from tests.support.ports import free_ports
from tests.support.virtual_machine import AUTHORITY, VirtualMachine, wait_for

BUILD = CHECKOUT / "build" / "image"
PICTURES = BUILD / "pictures"
LISTEN = 8443
SHELLS = {
    *("getty@.service", "serial-getty@.service", "console-getty.service"),
    *("container-getty@.service", "autovt@.service", "debug-shell.service"),
}
ENABLED = {
    *("kiosk-console.service", "kiosk-setup.service", "pcscd.socket"),
    *("systemd-networkd.service", "systemd-networkd.socket"),
    *("systemd-network-generator.service", "systemd-networkd-wait-online.service"),
    "systemd-resolved.service",
    *("systemd-timesyncd.service"),
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
    kernel = image("station").with_suffix(".efi")
    command_line = subprocess.check_output(["grep", "-a", "-o", "-m1", "quiet [^\\0]*", kernel])
    assert b"roothash=" in command_line
    assert b"ttyS0" not in command_line


@pytest.mark.parametrize("variant", ["station", "test"])
def test_a_changed_byte_does_not_fit_the_hashes_that_were_signed(
    variant: str, tmp_path: Path
) -> None:
    path = image(variant)
    parts = {}
    for kind in ("root-x86-64", "root-x86-64-verity"):
        [built] = path.parent.glob(f"{path.stem}.{kind}.*.raw")
        parts[kind] = tmp_path / kind
        subprocess.run(["cp", "--sparse=always", built, parts[kind]], check=True)
    kernel = path.with_suffix(".efi")
    found = subprocess.check_output(["grep", "-a", "-o", "-m1", "roothash=[0-9a-f]*", kernel])
    hashes = found.decode().strip().removeprefix("roothash=")
    command: list[str | Path] = ["veritysetup", "verify", *parts.values(), hashes]
    assert subprocess.run(command).returncode == 0
    with parts["root-x86-64"].open("r+b") as file:
        file.seek(100 << 20)
        [byte] = file.read(1)
        file.seek(100 << 20)
        file.write(bytes([byte ^ 1]))
    assert subprocess.run(command).returncode != 0


# On a machine. What follows is one life of it, in this order.


class Console(Station):
    """The station on the console of the machine; keys are those of its keyboard."""

    def __init__(self, machine: VirtualMachine) -> None:
        self.machine = machine

    @property
    def text(self) -> str:
        return self.machine.screen

    def wait_until(self, met: Callable[[str], bool], wanted: str, seconds: float = 0) -> str:
        shown = ""

        def is_met() -> bool:
            nonlocal shown
            shown = self.text
            return met(shown)

        wait_for(is_met, wanted, lambda: shown)
        return shown

    def press(self, *keys: str) -> None:
        for key in keys:
            self.machine.type({"enter": "\n", "tab": "\t"}.get(key, key))


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
    made.open()
    process = Authority(made)
    yield made
    process.end()
    made.close()


@pytest.fixture(scope="module")
def machine(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    authority = world.settings.authority
    listening = (authority.listen, authority.enrol_listen)
    inside, enrol = (int(each.rpartition(":")[2]) for each in listening)
    folder = tmp_path_factory.mktemp("machine")
    made = VirtualMachine(folder, image("test"), {LISTEN: inside, enrol: enrol})
    made.start()
    PICTURES.mkdir(exist_ok=True)
    yield made
    made.stop()


@pytest.fixture
def console(machine: VirtualMachine) -> Console:
    return Console(machine)


def test_the_first_start_asks_for_the_line_and_shows_the_station(
    world: World, machine: VirtualMachine, console: Console
) -> None:
    console.see("is not enrolled as a station yet")
    machine.picture(PICTURES / "first-start.png")
    words = ("stations", "enrol", "West Wing 2", "--site", "Wexbridge", "--reason", "new")
    line = world.kiosk(*words, check=True).stdout.splitlines()[-1].removeprefix("kiosk enrol ")
    machine.type(f"{line[:-1]}\n")
    console.see("39 characters came")
    machine.type(f"{line}\n")
    console.see(waiting.ATTRACT_TITLE)
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


def test_no_key_leaves_the_station(machine: VirtualMachine, console: Console) -> None:
    before = life(machine)
    for keys in CHORDS:
        machine.press(*keys)
    for _ in range(12):
        machine.press("ctrl", "alt", "delete")
    # They arrived: init heard of each Ctrl-Alt-Del. What comes after them is the station's.
    wait_for(
        lambda: int(machine.do("journalctl -b | grep -c 'ctrl-alt-del.target is masked'")) >= 7,
        "Ctrl-Alt-Del",
    )
    machine.press("f2")
    console.see(waiting.ATTRACT_TITLE, "Light colours")
    machine.picture(PICTURES / "keys.png")
    machine.press("f2")
    assert life(machine) == before
    assert machine.do("cat /sys/class/tty/tty0/active") == "tty1"


CHORDS = [
    *(("ctrl", "alt", f"f{number}") for number in range(2, 13)),
    *(("alt", "sysrq", letter) for letter in "bcefikorsu"),
    *(("alt", "up"), ("alt", "right"), ("sleep",), ("power",)),
    *(("ctrl", letter) for letter in ("c", "d", "z", "backslash", "s", "q")),
]
