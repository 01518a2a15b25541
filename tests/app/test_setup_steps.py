"""Steps of a set-up that were cut short are done again, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PosixPath

import pytest

from kiosk.app.setup import authority, steps
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


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        ("lvm\ncrypt\npart\ndisk\n", None),
        ("part\ndisk\n", "/dev/sda2"),
        ("", None),
    ],
)
def test_a_disk_that_is_not_encrypted_is_named(
    layers: str, warned: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(program: str, *_words: str) -> str:
        if not layers:
            raise ConfigError("`lsblk` failed: not a block device")
        return "/dev/sda2[/@var]\n" if program == "findmnt" else layers

    monkeypatch.setattr(steps, "run_program", answer)
    assert unencrypted_disk(Path("/var/lib/kiosk")) == warned


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
