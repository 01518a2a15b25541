"""The units and what goes with them, checked with systemd's own programs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hardware.pin_pad import PadEntry, PadOperation
from kiosk.__main__ import main
from kiosk.app.setup.station import WAYS_OUT, network_drop_in
from kiosk.authority.connections import AT_ONCE, Limits
from kiosk.authority.metrics import MONITORING
from kiosk.config.settings import AuthoritySettings
from screens.terminal.pulse import LONGEST_S
from tests.support.fresh_root import CHECKOUT
from tests.support.sshd import privilege_separation_folder

FILES = CHECKOUT / "systemd"
STATION, DISPLAY, CONSOLE, AUTHORITY, CARETAKER, PURGE, SESSIONS = (
    FILES / f"kiosk-{name}.service"
    for name in ("station", "display", "console", "authority", "caretaker", "purge", "sessions")
)
SEAT = Path("/usr/lib/systemd/system/seatd.service")
LOGIND = Path("/etc/systemd/logind.conf")
TIMERS = [CARETAKER.with_suffix(".timer"), PURGE.with_suffix(".timer")]
SERVICES = [STATION, DISPLAY, CONSOLE, AUTHORITY, CARETAKER, PURGE, SESSIONS]
UNITS = [*SERVICES, *TIMERS]
EXPOSURE = {
    STATION: 2,
    DISPLAY: 7,
    CONSOLE: 2,
    AUTHORITY: 11,
    CARETAKER: 11,
    PURGE: 11,
    SESSIONS: 11,
}
"""Tenths of what ``systemd-analyze security`` says at most; a bare service has 96."""

MACHINES_SSHD = """\
PasswordAuthentication yes
KbdInteractiveAuthentication yes
HostbasedAuthentication yes
AuthorizedKeysFile .ssh/authorized_keys
TrustedUserCAKeys /etc/ssh/ca.pub
PermitTunnel yes
AcceptEnv LANG LC_*
"""
STAFFS_SSHD = """\
authenticationmethods publickey
passwordauthentication no
kbdinteractiveauthentication no
hostbasedauthentication no
authorizedkeysfile none
authorizedkeyscommanduser ra
trustedusercakeys none
exposeauthinfo yes
disableforwarding yes
permittunnel no
permituserrc no
maxsessions 1
unusedconnectiontimeout 30
clientaliveinterval 20
clientalivecountmax 3
"""
"""Of what ``sshd -T`` says that it does."""

each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
each_service = pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": "/usr/bin:/usr/sbin:/bin:/sbin", "SYSTEMD_PAGER": "cat", "LANG": "C.UTF-8"},
    )


def values(path: Path, name: str) -> list[str]:
    """Return what a file sets ``name`` to, in its order."""
    return re.findall(rf"^{name}=(.*)$", path.read_text(), re.MULTILINE)


def value(path: Path, name: str) -> str:
    [found] = values(path, name)
    return found


def commands_of(unit: Path) -> list[list[str]]:
    """Return what a service runs, one after the other; the station's shell becomes it."""
    return [
        shlex.split(line.removeprefix("/bin/sh -c ").strip('"').rpartition("; exec ")[2])
        for line in values(unit, "ExecStart")
    ]


def lines(config: Path) -> list[str]:
    return [line for line in config.read_text().splitlines() if not line.startswith("#")]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """All units in a folder, with an interpreter that is there."""
    for path in UNITS:
        text = re.sub(r"/usr/lib/unlock-kiosk-\w+/bin/python", sys.executable, path.read_text())
        (tmp_path / path.name).write_text(text)
    return tmp_path


def mistakes(units: Path, unit: Path) -> list[str]:
    said = run("systemd-analyze", "verify", "--man=no", units / unit.name).stdout
    return [line for line in said.splitlines() if "kiosk-" in line or "authority.conf" in line]


@each_unit
def test_a_unit_has_no_mistake(units: Path, unit: Path) -> None:
    assert mistakes(units, unit) == []


@pytest.mark.parametrize(
    ("unit", "word"),
    [
        (STATION, "NoNewPrivileges"),
        (DISPLAY, "LoadCredential"),
        (CONSOLE, "BindPaths"),
        (AUTHORITY, "RestrictAddressFamilies"),
        (CARETAKER, "TimeoutStartSec"),
        (PURGE, "IOSchedulingClass"),
        (SESSIONS, "KillMode"),
        *((timer, "WantedBy") for timer in TIMERS),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_a_mistake_would_be_seen(units: Path, unit: Path, word: str) -> None:
    path = units / unit.name
    path.write_text(path.read_text().replace(word, f"{word}X"))
    assert any(f"{word}X" in line for line in mistakes(units, unit))


def exposure(unit: Path) -> tuple[int, list[str]]:
    """Return tenths of the exposure, and what is left open."""
    said = run("systemd-analyze", "security", "--offline=true", unit).stdout
    found = re.search(r"Overall exposure level for \S+: (\d+)\.(\d)", said)
    assert found, said
    return int("".join(found.groups())), re.findall(r"^✗ (\w+)=", said, re.MULTILINE)


@each_service
def test_a_service_is_little_exposed_and_says_what_it_leaves_open(units: Path, unit: Path) -> None:
    tenths, left_open = exposure(units / unit.name)
    assert tenths <= EXPOSURE[unit]
    comments = "".join(line for line in AUTHORITY.read_text().splitlines(True) if line[0] == "#")
    comments += "".join(line for line in unit.read_text().splitlines(True) if line[0] == "#")
    # The clock's device comes with ProtectClock= and cannot be written.
    said = {name: name in comments or name in unit.read_text() for name in left_open}
    said.pop("DeviceAllow")
    assert all(said.values()), said


def test_the_network_is_opened_to_the_authority_alone(units: Path) -> None:
    drop_in = units / f"{STATION.name}.d" / "authority.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(network_drop_in(("127.0.0.1:8443", "[::1]:8443", "localhost:8444")))
    assert mistakes(units, STATION) == []
    assert set(value(drop_in, "IPAddressAllow").split()) == {"127.0.0.1", "::1"}
    assert value(STATION, "IPAddressDeny") == "any"
    tenths, _ = exposure(units / STATION.name)
    assert EXPOSURE[STATION] < tenths <= 11


@pytest.mark.parametrize(
    ("unit", "name", "most"), [(STATION, "compositor.conf", 2), (SEAT, "seat.conf", 9)]
)
def test_what_setup_adds_to_a_unit_has_no_mistake_and_leaves_it_closed(
    units: Path, unit: Path, name: str, most: int
) -> None:
    base = units / unit.name
    base.write_text(base.read_text() if base.exists() else unit.read_text())
    added = units / f"{unit.name}.d" / name
    added.parent.mkdir()
    text = (FILES / "machine" / name).read_text()
    added.write_text(text.replace("/usr/lib/unlock-kiosk-station/bin/python", sys.executable))
    said = run("systemd-analyze", "verify", "--man=no", base).stdout
    ours = (str(units), "kiosk-", "seatd")
    assert [line for line in said.splitlines() if any(each in line for each in ours)] == []
    added.write_text(added.read_text().replace("ExecStart", "ExecStarts"))
    assert "ExecStarts" in run("systemd-analyze", "verify", "--man=no", base).stdout
    added.write_text(added.read_text().replace("ExecStarts", "ExecStart"))
    tenths, left_open = exposure(base)
    assert tenths <= most
    explained = {name: name in text or name in unit.read_text() for name in left_open}
    explained.pop("DeviceAllow")
    assert all(explained.values()), explained


def test_the_display_and_the_station_meet_at_the_terminals_socket_alone() -> None:
    on_compositor = FILES / "machine" / "compositor.conf"
    place = f"/run/{value(DISPLAY, 'RuntimeDirectory')}/terminal.sock"
    [(_, *words)] = commands_of(DISPLAY)
    assert words[words.index("--socket") + 1] == place
    assert values(on_compositor, "ExecStart")[-1].endswith(f"--terminal {place}")
    assert (value(DISPLAY, "RuntimeDirectoryMode"), value(DISPLAY, "UMask")) == ("0750", "0077")
    accounts = (FILES / "sysusers.d" / "kiosk-station.conf").read_text()
    assert f"m {value(STATION, 'User')} {value(DISPLAY, 'User')}\n" in accounts
    assert f"u {value(DISPLAY, 'User')} - " in accounts
    seat = FILES / "machine" / "seat.conf"
    assert (value(seat, "Group"), value(seat, "UMask")) == (value(DISPLAY, "Group"), "0007")
    # What began last ends first, whoever restarts seatd.
    assert value(DISPLAY, "PartOf") == SEAT.name
    assert value(on_compositor, "PartOf") == value(on_compositor, "After") == DISPLAY.name
    assert SEAT.name in value(DISPLAY, "After").split()
    assert value(seat, "StartLimitIntervalSec") == "0"
    assert value(CONSOLE, "Before") == STATION.name
    closed = value(DISPLAY, "InaccessiblePaths").replace("-/", "/").split()
    assert {"/var/lib/kiosk", f"/var/lib/{value(STATION, 'StateDirectory')}"} <= set(closed)


def test_the_readers_service_never_gives_up_and_leaves_nothing_on_the_disk() -> None:
    reader = FILES / "machine" / "pcscd.conf"
    assert value(reader, "StartLimitIntervalSec") == "0"
    assert (value(reader, "LimitCORE"), value(reader, "MemorySwapMax")) == ("0", "0")


@each_service
def test_a_service_leaves_nothing_on_the_disk_and_cannot_take_the_machine(unit: Path) -> None:
    assert (value(unit, "LimitCORE"), value(unit, "MemorySwapMax")) == ("0", "0")
    assert value(unit, "MemoryDenyWriteExecute") == "yes"
    assert values(unit, "MemoryMax")
    assert values(unit, "TasksMax")
    assert value(unit, "NoExecPaths") == "/"


def test_the_authority_may_open_as_many_connections_as_it_promises() -> None:
    """By default a unit may open 1,024: none was left for its database and its relay."""
    stations = Limits().connections + Limits().handshakes + AT_ONCE
    enrolling = Limits().anonymous + Limits().handshakes + AT_ONCE
    monitoring = MONITORING.anonymous + AT_ONCE
    assert int(value(AUTHORITY, "LimitNOFILE")) >= stations + enrolling + monitoring + 100
    memory = re.fullmatch(r"(\d+)M", value(AUTHORITY, "MemoryMax"))
    assert memory is not None
    # A connection over TLS takes 330 KiB, also in its handshake; measured with 2,000 of them.
    connections_mib = (stations + enrolling) * 330 / 1024
    hashing_mib = Limits().hashing.threads * 64
    assert int(memory[1]) >= 105 + connections_mib + hashing_mib


@each_service
def test_the_command_that_it_starts_exists(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    is_of_station = unit in (STATION, DISPLAY, CONSOLE)
    package = "unlock-kiosk-station" if is_of_station else "unlock-kiosk-authority"
    for program, *words in commands_of(unit):
        assert program == f"/usr/lib/{package}/bin/python"
        assert words[:3] == ["-I", "-m", "kiosk"]
        command = [word for word in words[3:5] if word.isalpha()]
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        offered = capsys.readouterr().out
        assert all(word in offered for word in words[4:] if word.startswith("--"))


@pytest.mark.parametrize("unit", [STATION, DISPLAY, AUTHORITY], ids=lambda path: path.name)
def test_what_serves_comes_back_whatever_happens(unit: Path) -> None:
    assert (value(unit, "Restart"), value(unit, "StartLimitIntervalSec")) == ("always", "0")
    assert (value(unit, "Type"), value(unit, "WantedBy")) == ("notify", "multi-user.target")
    assert int(value(unit, "WatchdogSec")) >= 5 * LONGEST_S


def test_no_key_that_the_machine_itself_hears_does_anything() -> None:
    """A later systemd that hears more of them is found by its own list."""
    ours = FILES / "machine" / "logind.conf"
    offered = set(re.findall(r"^#(Handle\w+)=", LOGIND.read_text(), re.MULTILINE))
    assert "HandlePowerKey" in offered
    heard = {name for name in offered if values(ours, name) != ["ignore"]}
    assert heard == {"HandleSecureAttentionKey"}, "a signal on the bus, for which nobody waits"
    assert (value(ours, "NAutoVTs"), value(ours, "ReserveVT")) == ("0", "0")
    assert value(FILES / "machine" / "system.conf", "CtrlAltDelBurstAction") == "none"
    assert "kernel.sysrq = 0" in lines(FILES / "machine" / "sysctl.conf")
    named = re.compile(r"(ctrl-alt-del|.*(sleep|suspend|hibernate).*)\.target")
    reached = {path.name for path in SEAT.parent.iterdir() if named.fullmatch(path.name)}
    assert len(reached) >= 6
    assert WAYS_OUT.keys() == reached | {"kbrequest.target", "getty@tty1.service"}


def test_a_station_that_is_ended_has_time_for_a_pin_on_the_readers_keys() -> None:
    longest = max(PadEntry(asked, 6, 8).seconds for asked in PadOperation)
    assert int(value(STATION, "TimeoutStopSec")) >= longest + 20


def test_the_font_is_set_by_an_account_whose_terminal_it_is() -> None:
    assert value(CONSOLE, "User") == value(DISPLAY, "User")
    assert value(CONSOLE, "StandardInput") == "tty-force", "a station that runs must not hold it"
    assert value(CONSOLE, "TTYPath") == value(STATION, "TTYPath") == value(CONSOLE, "BindPaths")
    assert value(CONSOLE, "DeviceAllow") == f"{value(CONSOLE, 'TTYPath')} rw"


def test_a_display_that_stands_still_is_ended_and_emptied() -> None:
    assert value(STATION, "TTYPath") == "/dev/tty1"
    assert value(STATION, "StandardInput") == value(STATION, "StandardError") == "tty"
    # A container may leave the list of devices out of account; the kernel of a machine does not.
    assert value(STATION, "DeviceAllow") == "/dev/tty1 rw"
    assert int(value(STATION, "TimeoutAbortSec")) <= 10, "stopped by SIGSTOP it hears nothing else"
    for what in ("Reset", "VHangup", "VTDisallocate"):
        assert value(STATION, f"TTY{what}") == "yes"


def test_has_an_account_and_they_meet_at_the_socket_alone() -> None:
    defaults = AuthoritySettings()
    assert value(STATION, "User") == defaults.station_user
    assert value(STATION, "InaccessiblePaths").split() == ["-/var/lib/kiosk", "-/etc/kiosk"]
    assert {value(unit, "User") for unit in (AUTHORITY, CARETAKER, PURGE, SESSIONS)} == {"kiosk"}
    assert defaults.socket == f"/run/{value(AUTHORITY, 'RuntimeDirectory')}/authority.sock"
    assert value(AUTHORITY, "RuntimeDirectoryMode") == "0750"
    accounts = (FILES / "sysusers.d" / "kiosk-authority.conf").read_text()
    assert f"m {defaults.station_user} kiosk" in accounts
    assert value(AUTHORITY, "UMask") == "0077", "the group opens nothing else"
    assert value(AUTHORITY, "PrivateUsers") == "identity", "it sees the account of the station"


def test_the_timers_start_what_works_where_the_authority_is() -> None:
    every_minute, once_a_week = TIMERS
    assert value(every_minute, "OnUnitActiveSec") == value(every_minute, "OnBootSec") == "1min"
    assert value(once_a_week, "OnCalendar").startswith("Sun ")
    assert value(CARETAKER, "StateDirectory") == value(AUTHORITY, "StateDirectory")
    assert value(PURGE, "StateDirectory") == value(AUTHORITY, "StateDirectory")


def test_sshd_hands_sessions_over_where_they_are_taken() -> None:
    [(_, *words)] = commands_of(SESSIONS)
    place = words[words.index("sessions") + 1]
    assert place.startswith(f"/run/{value(SESSIONS, 'RuntimeDirectory')}/")
    assert value(SESSIONS, "RuntimeDirectoryMode") == "0700"
    assert f"--sessions {place}\n" in (FILES / "sshd_config.d" / "50-kiosk-ra.conf").read_text()


def test_staff_log_in_by_a_key_and_get_nothing_more_whatever_the_machine_allows(
    tmp_path: Path,
) -> None:
    key, config = tmp_path / "host", tmp_path / "sshd_config"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    config.write_text(f"Include {FILES}/sshd_config.d/50-kiosk-ra.conf\n{MACHINES_SSHD}")
    privilege_separation_folder()
    said = run("sshd", "-T", "-f", config, "-h", key, "-C", "user=ra,host=h,addr=127.0.0.1").stdout
    found = said.splitlines()
    assert [line for line in STAFFS_SSHD.splitlines() if line not in found] == []
    assert [line for line in found if line.startswith("acceptenv")] == ["acceptenv none"]
    assert "\nforcecommand trap '' INT QUIT TSTP; stty -echo -icanon -isig -iexten" in said


def test_nothing_is_purged_that_was_not_exported() -> None:
    """The export fails where the audit does not fit, and then the second line is not run."""
    assert [words[4:6] for words in commands_of(PURGE)] == [
        ["audit", "export"],
        ["purge", "--config"],
    ]


@pytest.mark.parametrize(("name", "unit"), [("station", STATION), ("authority", AUTHORITY)])
def test_the_account_and_its_folders_are_made(tmp_path: Path, name: str, unit: Path) -> None:
    accounts = lines(FILES / "sysusers.d" / f"kiosk-{name}.conf")
    done = run("systemd-sysusers", "--dry-run", f"--root={tmp_path}", "--inline", *accounts)
    assert done.returncode == 0, done.stdout
    assert f"Creating user '{value(unit, 'User')}'" in done.stdout
    config = FILES / "tmpfiles.d" / f"kiosk-{name}.conf"
    folders = {line.split()[1]: line.split()[2:5] for line in lines(config)}
    user, state = value(unit, "User"), f"/var/lib/{value(unit, 'StateDirectory')}"
    assert folders[state] == ["0700", user, user]
    assert all(mode in ("0700", "0750") for mode, *_ in folders.values())
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text(f"{user}:x:995:995::/:/usr/sbin/nologin\n")
    (tmp_path / "etc" / "group").write_text(f"{user}:x:995:\n")
    done = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", "--dry-run", config)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("name", "unit"), [("station", STATION), ("authority", AUTHORITY)])
def test_the_rule_names_the_account_and_what_the_reader_service_asks_for(
    name: str, unit: Path
) -> None:
    rule = (FILES / "polkit" / f"50-kiosk-{name}.rules").read_text()
    asked = Path("/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy").read_text()
    actions = set(re.findall(r'<action id="([^"]+)"', asked))
    assert set(re.findall(r'"(org\.[^"]+)"', rule)) == actions
    assert f'subject.user === "{value(unit, "User")}"' in rule


def test_the_station_may_restart_its_machine_or_switch_it_off_and_ask_logind_for_nothing_else() -> (
    None
):
    rule = (FILES / "polkit" / "50-kiosk-maintenance.rules").read_text()
    asked = Path("/usr/share/polkit-1/actions/org.freedesktop.login1.policy").read_text()
    permitted = set(re.findall(r'"(org\.[^"]+)"', rule))
    assert permitted == {
        f"org.freedesktop.login1.{act}{more}"
        for act in ("reboot", "power-off")
        for more in ("", "-multiple-sessions")
    }
    assert permitted <= set(re.findall(r'<action id="([^"]+)"', asked))
    assert f'subject.user === "{value(STATION, "User")}"' in rule
    assert value(STATION, "RestrictAddressFamilies") == "AF_UNIX", "the system bus is one of these"
