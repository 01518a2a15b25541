"""The private service: beside others, over restarts, and gone when it should be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.virtual import pcscd as module
from hardware.virtual.link import CardLink
from hardware.virtual.pcscd import (
    PrivatePcscd,
    VirtualHardwareError,
    listening,
    wait_until,
)
from tests.hardware.virtual.apdus import card
from tests.support.clients import Clients

pytestmark = pytest.mark.hardware

STARTER = """
import os, signal, sys
from pathlib import Path
from hardware.virtual.pcscd import PrivatePcscd
service = PrivatePcscd(Path(sys.argv[1]))
service.start()
print(service.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PrivatePcscd]:
    made = PrivatePcscd(tmp_path, "Another")
    yield made
    made.stop()


def readers(service: PrivatePcscd) -> str:
    return Clients(service).opensc("opensc-tool", "", "--list-readers").stdout


def gone(pid: int) -> bool:
    # In a container nobody may collect orphans: a zombie has ended too.
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_two_run_beside_each_other(service: PrivatePcscd, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = PrivatePcscd(tmp_path / "second", "Third")
    service.start()
    second.start()
    try:
        assert all(name in readers(service) for name in ("Another 00 00", "Another 00 01"))
        assert all(name in readers(second) for name in second.reader_names)
        assert "Another" not in readers(second)
    finally:
        second.stop()


POSSIBLE = [True] * module.can_isolate() + [False] * (os.geteuid() == 0)
"""With namespaces, where this machine gives this user any; without, where pcscd runs as root."""


def test_machine_can_run_a_private_pcscd() -> None:
    assert POSSIBLE


@pytest.mark.parametrize("isolated", POSSIBLE)
def test_a_card_goes_in_with_namespaces_and_without(
    service: PrivatePcscd, monkeypatch: pytest.MonkeyPatch, isolated: bool
) -> None:
    monkeypatch.setattr(module, "can_isolate", lambda: isolated)
    service.start()
    assert listening(os.getpid(), service.port) is not isolated
    link = CardLink(card(), service.slots[1])
    link.insert()
    assert link.wait_powered(60)
    link.remove()


def test_private_pcscd_keeps_its_place_over_a_restart(service: PrivatePcscd) -> None:
    service.start()
    first = service.pid
    service.start()
    assert service.pid == first
    service.stop()
    service.start()
    assert service.pid != first
    assert "Another 00 00" in readers(service)


def test_a_dead_one_refuses_clients_and_cards(service: PrivatePcscd) -> None:
    service.start()
    service.kill()
    assert not service.running
    assert "Another" not in readers(service)
    assert wait_until(lambda: refuses_cards(service), 60)
    with pytest.raises(VirtualHardwareError, match="not running"):
        _ = service.pid


def refuses_cards(service: PrivatePcscd) -> bool:
    try:
        service.slots[0].dial().close()
    except ConnectionResetError:
        return False  # it took the call, and ended
    except ConnectionRefusedError:
        return True
    return False


def test_stopping_twice_is_stopping_once(service: PrivatePcscd) -> None:
    service.stop()
    service.start()
    service.stop()
    service.stop()
    assert not service.running


def test_a_frozen_one_is_ended_all_the_same(service: PrivatePcscd) -> None:
    service.start()
    pid = service.pid
    os.kill(pid, signal.SIGSTOP)
    service.kill()
    assert gone(pid)


def test_private_pcscd_ends_with_its_starter(tmp_path: Path) -> None:
    starter = subprocess.run(
        [sys.executable, "-c", STARTER, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert starter.returncode == -signal.SIGKILL, starter.stderr
    assert wait_until(lambda: gone(int(starter.stdout)), 60)


def test_a_missing_part_names_its_package(
    service: PrivatePcscd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "DRIVER", tmp_path / "nowhere")
    with pytest.raises(VirtualHardwareError, match="apt-get install vsmartcard-vpcd"):
        service.start()


def test_what_does_not_start_names_the_cause(
    service: PrivatePcscd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PCSCD", Path("/bin/false"))
    with pytest.raises(VirtualHardwareError, match="did not start"):
        service.start()
    assert not service.running
