"""What ``kiosk doctor`` says of the units of a station, whose network and state are their own."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from kiosk.app.cli.doctor import check_station_runs
from kiosk.app.cli.station_checks import look_at_unit
from kiosk.app.setup import station
from kiosk.app.setup.station import not_looked_up
from kiosk.contract.findings import Condition, Finding

CALLS = ("authority.example:8443", "192.0.2.9:8443")
ALLOWED = "192.0.2.8/32 192.0.2.9/32 2001:db8::8/128"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose name server knows the authority: ``etc``, and what ``systemctl`` prints."""
    answers = [
        (socket.AF_INET, 1, 0, "", ("192.0.2.8", 0)),
        (socket.AF_INET6, 1, 0, "", ("2001:db8::8", 0)),
    ]
    literal = [(socket.AF_INET, 1, 0, "", ("192.0.2.9", 0))]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *_, **__: answers if host[0].isalpha() else literal
    )
    monkeypatch.setattr(station, "ETC", tmp_path / "etc")
    monkeypatch.setattr(station, "RESOLVED", tmp_path / "resolved")
    monkeypatch.setattr(station, "UNITS", tmp_path / "units")
    enable(tmp_path, "kiosk-display.service", "kiosk-station.service")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hosts").write_text("192.0.2.8 Authority.example authority # ours\n")
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec cat {tmp_path}/shown\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    show(tmp_path)
    return tmp_path


def enable(machine: Path, *units: str) -> None:
    wants = machine / "units" / "multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for unit in wants.iterdir():
        unit.unlink()
    for name in units:
        (wants / name).symlink_to("/dev/null")


def show(
    machine: Path,
    station: str = "active",
    display: str = "active",
    allowed: str = ALLOWED,
    restarts: int = 0,
    since: float = 0,
) -> None:
    (machine / "shown").write_text(
        f"Id=kiosk-station.service\nActiveState={station}\nIPAddressAllow={allowed}\n"
        "IPAddressDeny=0.0.0.0/0 ::/0\nNRestarts=0\nActiveEnterTimestamp=@7\n\n"
        f"Id=kiosk-display.service\nActiveState={display}\nIPAddressAllow=\n"
        f"IPAddressDeny=0.0.0.0/0 ::/0\nNRestarts={restarts}\nActiveEnterTimestamp=@{since:.0f}\n"
    )


def bad(addresses: tuple[str, ...] = CALLS) -> list[Finding]:
    return [*check_station_runs(), *look_at_unit(addresses)]


def test_units_that_run_and_reach_the_authority_are_well(machine: Path) -> None:
    assert bad() == []


@pytest.mark.parametrize("state", ["activating", "failed", "inactive"])
def test_a_unit_that_does_not_run_is_named(machine: Path, state: str) -> None:
    show(machine, display=state)
    (finding,) = bad()
    assert finding.condition is Condition.FAIL
    assert finding.found == f"kiosk-display.service does not run ({state})"
    assert "journalctl -u kiosk-display" in finding.advice


def test_a_display_that_was_enabled_and_cannot_run_is_named_also_without_a_station(
    machine: Path,
) -> None:
    """Before: `kiosk setup station` had ended there, and the doctor found all well."""
    enable(machine, "kiosk-display.service")
    show(machine, station="inactive", display="activating", restarts=248)
    text = (machine / "shown").read_text().partition("\n\n")[2]
    (machine / "shown").write_text(text)  # systemctl shows what it is asked for
    display, cut_short = bad(())
    assert display.condition is cut_short.condition is Condition.FAIL
    assert display.found == (
        "kiosk-display.service does not run (activating), and was restarted 248 times"
    )
    assert cut_short.found == "the set-up of this station did not come to its end"
    assert "`kiosk setup station`" in cut_short.advice


def test_a_display_that_comes_up_and_ends_again_is_named(machine: Path) -> None:
    show(machine, restarts=9, since=time.time() - 5)
    (finding,) = bad()
    assert finding.condition is Condition.WARN
    assert finding.found.startswith("kiosk-display.service was restarted 9 times, and last ")
    # Long ago, or once, as after a display was plugged in.
    show(machine, restarts=9, since=time.time() - 3600)
    assert bad() == []
    show(machine, restarts=1, since=time.time() - 5)
    assert bad() == []


def test_a_machine_that_is_no_station_has_no_units_of_one(machine: Path) -> None:
    enable(machine)
    assert list(check_station_runs()) == []


def test_an_address_that_the_unit_is_not_let_out_to_is_named(machine: Path) -> None:
    """By hand it answers: the authority moved, or its address was set, and no set-up followed."""
    show(machine, allowed="192.0.2.0/29 192.0.2.9/32")
    (finding,) = bad()
    assert finding.condition is Condition.FAIL
    assert finding.found == "kiosk-station.service may not reach 192.0.2.8, 2001:db8::8"
    assert "kiosk setup station" in finding.advice


def test_a_name_that_the_unit_cannot_look_up_is_named(machine: Path) -> None:
    """Outside of the unit a name server answers, which the unit does not reach."""
    (machine / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    (finding,) = bad()
    assert finding.condition is Condition.FAIL
    assert finding.found == "kiosk-station.service cannot look up authority.example"
    assert "libnss-resolve" in finding.advice
    (machine / "etc" / "nsswitch.conf").write_text("hosts: files resolve [!UNAVAIL=return] dns\n")
    assert not_looked_up(CALLS) == ["authority.example"], "it does not run"
    (machine / "resolved").touch()
    assert bad() == []


def test_a_unit_that_is_let_out_everywhere_and_a_station_without_network_are_not_looked_at(
    machine: Path,
) -> None:
    (machine / "etc" / "hosts").unlink()
    assert bad(()) == []
    text = (machine / "shown").read_text()
    (machine / "shown").write_text(text.replace("0.0.0.0/0 ::/0", ""))
    assert bad() == []


def test_without_a_service_manager_nothing_is_said(machine: Path) -> None:
    (machine / "bin" / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    assert bad() == []
