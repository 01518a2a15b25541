"""Steps of a set-up that were cut short are done again, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PosixPath

import pytest

from hardware import display
from hardware.display import NO_GRAPHICS, WITHOUT_GRAPHICS
from kiosk.app.setup import authority, station, steps
from kiosk.app.setup.steps import Step, carry_out, link, mask, unencrypted_disk, written
from kiosk.contract.errors import ConfigError

Capsys = pytest.CaptureFixture[str]


class Manager:
    """Stands for systemctl: ``kills`` the command at its next call, or answers."""

    def __init__(self) -> None:
        self.called: list[tuple[str, ...]] = []
        self.kills = False

    def __call__(self, *words: str) -> None:
        if self.kills:
            raise KeyboardInterrupt
        self.called.append(words)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manager:
    made = Manager()
    monkeypatch.setattr(steps, "BEGUN", tmp_path / "begun")
    monkeypatch.setattr(steps, "UNITS", tmp_path)
    monkeypatch.setattr(steps, "systemctl", made)
    return made


def linked(place: Path) -> Step:
    return link("keys", "", place / "new.conf", place / "shipped", "daemon-reload")


def masked(_: Path) -> Step:
    return mask("getty@tty1.service", "")


def dropped_in(place: Path) -> Step:
    return written("network", "", place / "new.conf", "[Service]\n", 0o644, "daemon-reload")


def copied(place: Path) -> Step:
    text = (place / "shipped").read_text()
    return written("usb", "", place / "new.conf", text, 0o600, "try-restart", "usb")


@pytest.mark.parametrize("made", [linked, masked, dropped_in, copied])
def test_what_was_cut_short_before_the_service_manager_knew_is_done_again(
    made: Callable[[Path], Step], manager: Manager, tmp_path: Path, capsys: Capsys
) -> None:
    """Its file was there, so it was "kept", and in force after a restart of the machine alone."""
    (tmp_path / "shipped").write_text("text")
    manager.kills = True
    with pytest.raises(KeyboardInterrupt):
        carry_out([made(tmp_path)], dry_run=False)
    manager.kills = False
    capsys.readouterr()
    carry_out([made(tmp_path)], dry_run=True)
    assert capsys.readouterr().out.startswith("would ")
    assert manager.called == []
    for said in ("made", "changed"), ("kept",):
        carry_out([made(tmp_path)], dry_run=False)
        assert capsys.readouterr().out.startswith(said)
    whole = [("daemon-reload",), ("stop", "getty@tty1.service")] if made is masked else None
    assert manager.called == (whole or manager.called[:1])


@pytest.mark.parametrize("cards", [(), ("card0",)])
def test_a_compositor_that_does_not_start_for_want_of_a_graphics_card_says_so(
    cards: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*words: str) -> None:
        if words[0] == "start":
            raise ConfigError("systemctl failed")

    for card in cards:
        (tmp_path / card).touch()
    monkeypatch.setattr(display, "CARDS", tmp_path)
    monkeypatch.setattr(steps, "systemctl", refuses)
    monkeypatch.setattr(steps, "run_program", lambda *_: "")
    [unit] = [step for step in station.compositor_steps() if step.what == "unit"]
    because = "systemctl failed" if cards else f"{NO_GRAPHICS}; {WITHOUT_GRAPHICS}"
    with pytest.raises(ConfigError) as refused:
        unit.do()
    assert str(refused.value) == because


DISKS = {
    "sda": ("", ()),
    "md0": ("", ("sdb", "dm-0")),
    "sdb": ("", ()),
    "dm-0": ("CRYPT-LUKS2-0123-luks", ("sda2",)),
    "dm-1": ("LVM-0123", ("dm-0",)),
    "dm-2": ("LVM-4567", ("sda2",)),
    "dm-3": ("CRYPT-VERITY-0123-root", ("sda2", "sda3")),
    "dm-4": ("CRYPT-INTEGRITY-0123", ("sda2",)),
    "dm-5": ("CRYPT-VERITY-4567-usr", ("dm-0",)),
    "dm-6": ("", ("sda2",)),
}
"""Block devices: what device-mapper calls each, and what it is made of."""


@pytest.mark.parametrize(
    ("device", "is_encrypted"),
    [
        ("dm-0", True),
        ("dm-1", True),
        ("dm-5", True),
        ("sda2", False),
        ("dm-2", False),
        ("dm-3", False),
        ("dm-4", False),
        ("dm-6", False),
        ("md0", False),
        ("md0p1", False),
    ],
)
def test_a_disk_that_is_not_encrypted_is_named(
    device: str, is_encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes of its blocks (dm-verity, dm-integrity) hide nothing, nor does half of a mirror."""
    for name, (uuid, below) in DISKS.items():
        made = tmp_path / "devices" / name
        (made / "slaves").mkdir(parents=True)
        if name.startswith("dm-"):
            (made / "dm").mkdir()
            (made / "dm" / "uuid").write_text(f"{uuid}\n")
        for each in below:
            (made / "slaves" / each).symlink_to(tmp_path / "block" / each)
    for whole, part in (("sda", "sda2"), ("sda", "sda3"), ("md0", "md0p1")):
        made = tmp_path / "devices" / whole / part
        made.mkdir()
        (made / "partition").write_text("1\n")
    (tmp_path / "block").mkdir()
    for made in (*(tmp_path / "devices").glob("*"), *(tmp_path / "devices").glob("*/*[0-9]")):
        (tmp_path / "block" / made.name).symlink_to(made)
    monkeypatch.setattr(steps, "run_program", lambda *_: f"/dev/{device}[/@var]\n")
    warned = None if is_encrypted else f"/dev/{device}"
    assert unencrypted_disk(Path("/var/lib/kiosk"), tmp_path / "block") == warned


@pytest.mark.parametrize("source", ["overlay", "server:/export", "tank/var", None])
def test_a_disk_of_which_nothing_is_known_is_not_named(
    source: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_words: str) -> str:
        if source is None:
            raise ConfigError("`findmnt` could not be run")
        return f"{source}\n"

    monkeypatch.setattr(steps, "run_program", answer)
    assert unencrypted_disk(Path("/var/lib/kiosk"), tmp_path) is None


class State(PosixPath):
    """Stands for the kernel's ``/sys/kernel/mm/ksm/run``."""

    def write_text(self, data: str, *_: object, **__: object) -> int:
        with self.open("a") as file:
            return file.write(data)


def test_pages_that_were_merged_are_parted_before_merging_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By 0 alone what was merged stays merged."""
    state, merging = State(tmp_path / "run"), tmp_path / "kiosk-ksm.conf"
    monkeypatch.setattr(authority, "BOOTED", tmp_path)
    monkeypatch.setattr(authority, "_KSM", state)
    monkeypatch.setattr(authority, "_MERGING", merging)
    merging.touch()
    state.write_text("1")
    authority.merging().undone().do()
    assert (state.read_text(), merging.exists()) == ("120", False)
