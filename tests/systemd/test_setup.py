"""``kiosk setup`` as root on a machine with both packages: said, repeated, undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.display import NO_GRAPHICS, WITHOUT_GRAPHICS
from kiosk.contract.enrolment import EnrolmentLine, ca_fingerprint, draw_number, draw_secret
from tests.support.fresh_root import run_in_fresh_root

SHIPPED = "/usr/share/unlock-kiosk-station"
SNAPSHOT = "find /etc -printf '%p %l %m %u\\n' | sort"
ON_COMPOSITOR = "/etc/systemd/system/kiosk-station.service.d/50-compositor.conf"
USB = "/etc/usbguard/rules.d/90-kiosk-station.conf"
SEAT = "/etc/systemd/system/seatd.service.d/50-kiosk-station.conf"
READER = "/etc/systemd/system/pcscd.service.d/50-kiosk-station.conf"
BY_HAND = "kiosk-sessions.service kiosk-caretaker.timer kiosk-purge.timer"
UNDONE = (
    *(f"! systemctl is-enabled {unit}" for unit in BY_HAND.split()),
    "! id ra",
    "! systemctl is-enabled kiosk-display.service",
    "! systemctl is-enabled kiosk-console.service",
    "! systemctl is-enabled kiosk-authority.service",
    "! systemctl is-enabled kiosk-station.service",
)
_LINE = EnrolmentLine(("127.0.0.1:8444",), draw_number(), draw_secret(), ca_fingerprint(b""))
LINE = _LINE.text().reveal()
ALONE = (
    "/usr/lib/unlock-kiosk-station/bin/python -c 'import sys; import kiosk.app.cli.setup as setup; "
    "from kiosk.__main__ import main; setup.HAS_AUTHORITY = False; "
    'sys.exit(main(["setup", "station"]))\''
)
LINES = [
    "mkdir -p /etc/systemd/system /etc/sysctl.d",
    f"{SNAPSHOT} > /run/before",
    "echo part dry; kiosk setup authority --dry-run; kiosk setup station --dry-run",
    f"{SNAPSHOT} | diff /run/before -",
    f"echo part line; kiosk setup station --dry-run --enrol '{LINE}'",
    f"{SNAPSHOT} | diff /run/before -",
    "kiosk setup station --dry-run --enrol '127.0.0.1:8444 7QKX' 2>&1 || true",
    "echo part first; kiosk setup authority --set service.trust='Wold \\ Trust' --set mail.port=25",
    "kiosk setup station",
    f"{SNAPSHOT} > /run/after; readlink /etc/systemd/system/ctrl-alt-del.target",
    "systemctl is-enabled kiosk-authority.service kiosk-station.service kiosk-display.service",
    f"readlink {ON_COMPOSITOR} {SEAT} {READER}",
    "getent passwd ra | cut -d: -f1",
    "grep -H '^trust\\|^port' /etc/kiosk/kiosk.toml /etc/kiosk-station/station.toml",
    "stat -c '%a %U %G %n' /etc/kiosk/kiosk.toml /etc/kiosk-station/station.toml /var/lib/kiosk/*",
    "cat /etc/systemd/system/user-*.slice.d/50-kiosk-staff.conf",
    "echo part again; kiosk setup authority; kiosk setup station",
    f"{SNAPSHOT} | diff /run/after -",
    f"stat -c '%a %U %N' {USB}",
    f"echo part alone; {ALONE}",
    "echo part console; kiosk setup station --display console; kiosk setup station",
    f"! ls {ON_COMPOSITOR} {SEAT} 2>&1; ! systemctl is-enabled kiosk-display.service",
    "systemctl is-enabled kiosk-station.service kiosk-console.service",
    "echo part back; kiosk setup station --display compositor",
    f"{SNAPSHOT} | diff /run/after -",
    "echo part both; systemctl --quiet enable kiosk-console.service",
    "kiosk setup station --undo --dry-run | grep console.service",
    "systemctl --quiet disable kiosk-console.service",
    "echo part without; mv /usr/bin/cage /usr/bin/cage-away",
    "kiosk setup station --display compositor 2>&1 || true",
    "mv /usr/bin/cage-away /usr/bin/cage",
    "echo part undo; kiosk setup station --undo --dry-run; kiosk setup station --undo",
    f"systemctl --quiet enable {BY_HAND}",
    "kiosk setup authority --undo",
    *UNDONE,
    "echo part undone; test -e /etc/kiosk/kiosk.toml -a -e /var/lib/kiosk/kiosk.db",
    f"{SNAPSHOT} | diff /run/before - || true",
    "echo part wrong; kiosk setup station --set service.nme=x 2>&1 || true",
    "kiosk setup authority --set mail.port=no 2>&1 || true",
]


def test_thing_is_said_and_done_once_and_can_be_undone(tmp_path: Path) -> None:
    done = run_in_fresh_root(tmp_path, LINES, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    assert {line[:10] for line in said["dry"] if line} == {"would make"}

    enrolled, network = said["line"][1:3]
    assert enrolled.startswith(
        "would make    enrolment   a key of this station, and its certificate"
    )
    assert network.endswith("kiosk-station.service reaches 127.0.0.1:8444 and nothing else")
    assert said["line"][-1].startswith("kiosk: the line was not read: the code has 10 groups of 4")

    first = "\n".join(said["first"])
    assert "made          mask        ctrl-alt-del.target" in first
    assert "made          database" in first
    for part in ("first", "again"):
        of_file = [line.split() for line in said[part] if line.endswith(" /etc/kiosk/kiosk.toml")]
        assert [words[1] for words in of_file if words[0] in ("made", "kept")] == ["settings"]
    linked = "".join(f"{SHIPPED}/{name}.conf\n" for name in ("compositor", "seat", "pcscd"))
    assert f"/dev/null\nenabled\nenabled\nenabled\n{linked}ra\n" in first
    assert '/etc/kiosk/kiosk.toml:trust = "Wold \\\\ Trust"\n' in first
    assert "/etc/kiosk/kiosk.toml:port = 25\n" in first
    assert '/etc/kiosk-station/station.toml:trust = "Wold \\\\ Trust"\n' in first
    assert "600 kiosk kiosk /etc/kiosk/kiosk.toml" in first
    assert "640 root kiosk-station /etc/kiosk-station/station.toml" in first
    assert "600 kiosk kiosk /var/lib/kiosk/keys.json" in first
    assert "MemorySwapMax=0" in first

    words = {line.split()[0] for line in said["again"] if line}
    assert "kept" in words
    assert not words & {"made", "changed", "would"}
    assert f"600 root '{USB}'" in said["again"]
    (warned,) = [line for line in said["alone"] if "  enrolment  " in line]
    assert warned.startswith("warning       enrolment   no authority is installed on this machine")
    console = [line for line in said["console"] if line.startswith(("made", "changed"))]
    assert [line.split(maxsplit=2)[::2] for line in console] == [
        ["changed", "no longer: kiosk-station.service is on the compositor"],
        ["changed", "no longer: kiosk-display.service: the compositor, and the terminal in it"],
        ["changed", "no longer: seatd.service passes devices to the compositor alone"],
        ["made", "kiosk-console.service: the font of the console, as large as there is room for"],
    ]
    assert [line.split()[0] for line in said["back"] if not line.startswith("kept")] == [
        "changed",
        "made",
        "made",
        "made",
    ]
    assert [line.split()[:2] for line in said["both"]] == [["would", "undo"]]
    assert said["without"] == [
        "kiosk: the display needs cage: install what is missing, or choose another with --display"
    ]
    assert any(line.startswith("undone        mask        getty@tty1") for line in said["undo"])
    left = {line.split()[1] for line in said["undone"] if line[:1] in "<>"}
    assert left == {"/etc/kiosk/kiosk.toml", "/etc/kiosk-station/station.toml"}
    assert said["wrong"] == [
        "kiosk: service.nme: there is no such setting; did you mean name?",
        "kiosk: mail.port: is not a whole number; allowed: 1 to 65535",
    ]


@pytest.mark.parametrize("stays", [False, True])
def test_no_account_of_the_authority_is_left_by_its_purge(tmp_path: Path, stays: bool) -> None:
    """``stays``: the station's package does, and its account with it."""
    gone = ["authority"] if stays else ["authority", "station"]
    accounts = "getent passwd kiosk ra kiosk-station | cut -d: -f1"
    done = run_in_fresh_root(
        tmp_path,
        [
            f"{accounts}; id --name --groups kiosk-station",
            *(f"rm /usr/lib/sysusers.d/kiosk-{part}.conf" for part in gone),
            "grep -v DEBHELPER debian/unlock-kiosk-authority.postrm >/run/postrm",
            "sh /run/postrm purge",
            f"echo part left; {accounts}; getent group kiosk || true",
        ],
    )
    assert done.returncode == 0, done.stdout[-3000:]
    before, left = (part.splitlines() for part in done.stdout.split("\npart left\n"))
    assert "kiosk-station kiosk kiosk-display" in before
    assert left == (["kiosk-station"] if stays else [])


STATION = "/etc/kiosk-station/station.toml"
ENROLLED = "/var/lib/kiosk-station/enrolment.toml"


def test_what_root_keeps_from_others_by_its_umask_the_station_reads(tmp_path: Path) -> None:
    """Before: 0600, which repeating it did not heal."""
    lines = [
        "umask 077; kiosk setup station --display console >/dev/null",
        f"stat -c 'part %a %U %G' {STATION}",
        f"chmod 0600 {STATION}; chown root:root {STATION}",
        f"kiosk setup station | grep {STATION}",
        f"stat -c 'part %a %U %G' {STATION}",
    ]
    done = run_in_fresh_root(tmp_path, lines)
    assert done.returncode == 0, done.stdout[-3000:]
    shown = [line for line in done.stdout.splitlines() if not line.startswith("$ ")]
    assert shown[-3:] == [
        "part 640 root kiosk-station",
        f"changed       settings    {STATION}",
        "part 640 root kiosk-station",
    ]


def test_a_typing_error_in_the_settings_is_named_and_keeps_no_package(tmp_path: Path) -> None:
    """Before: a traceback; the package could not be removed, and the console had no log-in."""
    spoil = "sed -i 's/^#ra_contact = \"/ra_contact = /'"
    lines = [
        "kiosk setup authority >/dev/null; kiosk setup station >/dev/null",
        f"sed -i 's/^#idle_s = 60/idle_s = 6/' {STATION}",
        "echo part value; kiosk setup station 2>&1 || true",
        "echo part mended; kiosk setup station --set station.idle_s=60",
        f"{spoil} {STATION} /etc/kiosk/kiosk.toml",
        "echo part again; kiosk setup station 2>&1 || true",
        "echo part undo; kiosk setup station --undo; kiosk setup authority --undo",
        f"test ! -e /etc/systemd/system/getty@tty1.service; rm {STATION}",
        "echo part first; kiosk setup station 2>&1 || true",
    ]
    done = run_in_fresh_root(tmp_path, lines, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Traceback" not in done.stdout
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    [wrong, value], [again], [first] = said["value"], said["again"], said["first"]
    assert wrong == f"kiosk: 1 setting is wrong ({STATION})"
    assert value == "  station.idle_s: 6 is out of bounds; allowed: 10 to 600"
    assert said["mended"][0] == f"changed       settings    {STATION}"
    assert again.startswith(f"kiosk: settings file {STATION} is not TOML: ")
    assert first.startswith("kiosk: settings file /etc/kiosk/kiosk.toml is not TOML: ")


def test_a_setting_that_ends_the_authority_is_named_before_its_restart_fails(
    tmp_path: Path,
) -> None:
    """Before: nothing but that systemctl failed, and the authority was out of service."""
    collector = "--set siem.collector=127.0.0.1:6514 --set siem.ca=/etc/kiosk/absent.pem"
    changes = f"kiosk setup authority --set mail.credential=/etc/kiosk/absent {collector}"
    lines = [
        "kiosk setup authority >/dev/null; mkdir -p /run/systemd/system",
        "printf '#!/bin/sh\\n[ $1 != try-restart ]\\n' >/stubs/systemctl",
        f"echo part changed; {changes} 2>&1 && false || true",
    ]
    done = run_in_fresh_root(tmp_path, lines, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    said = done.stdout.split("\npart changed\n")[1].splitlines()
    assert said[0] == "changed       settings    /etc/kiosk/kiosk.toml"
    relay, collector = (line for line in said if line.startswith("✗ fail"))
    assert "mail relay  credential /etc/kiosk/absent: No such file or directory" in relay
    assert "collector   siem.ca /etc/kiosk/absent.pem: No such file or directory" in collector
    assert said[-1].startswith("kiosk: `systemctl try-restart kiosk-authority.service"), said


DRAWS_IN_MEMORY = [
    "mkdir -p /etc/systemd/system/kiosk-display.service.d",
    "cd /etc/systemd/system/kiosk-display.service.d",
    "printf '[Service]\\nEnvironment=WLR_BACKENDS=headless\\n' >headless.conf; cd - >/dev/null",
]
"""Lets the compositor do without a graphics card."""


def test_a_graphics_card_is_asked_for_before_anything_is_written(tmp_path: Path) -> None:
    """The display was enabled and began anew 248 times in seven minutes, and tty1 had no log-in."""
    lines = [
        "if [ -d /dev/dri ]; then mount -t tmpfs none /dev/dri; fi",
        "mkdir -p /run/systemd/system /etc/systemd/system /etc/sysctl.d",
        f"{SNAPSHOT} > /run/before",
        "echo part without; kiosk setup station --set service.trust=Wold 2>&1 || echo code $?",
        f"{SNAPSHOT} | diff /run/before -",
        "echo part dry; kiosk setup station --dry-run 2>&1 || echo code $?",
        "echo part console; kiosk setup station --display console --dry-run 2>/dev/null | tail -1",
        "echo part undo; kiosk setup station --undo 2>&1",
        *DRAWS_IN_MEMORY,
        "echo part memory; kiosk setup station --dry-run 2>/dev/null | tail -1",
    ]
    done = run_in_fresh_root(tmp_path, lines, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    assert said["without"] == said["dry"] == [f"kiosk: {NO_GRAPHICS}; {WITHOUT_GRAPHICS}", "code 2"]
    would = "would make    unit        kiosk-station.service: the station"
    assert said["console"] == said["memory"] == [would]


def test_what_runs_takes_settings_that_were_changed(tmp_path: Path) -> None:
    """Before: it went on with the old ones, and the doctor read the new ones and was content."""
    lines = [
        "kiosk setup authority >/dev/null; kiosk setup station >/dev/null",
        *DRAWS_IN_MEMORY,
        "mkdir -p /run/systemd/system",
        "printf '#!/bin/sh\\necho \"$*\" >>/run/calls\\n' >/stubs/systemctl",
        "kiosk setup authority >/dev/null; kiosk setup station >/dev/null",
        "! grep try-restart /run/calls",
        "kiosk setup authority --set mail.port=25 >/dev/null",
        "echo part authority; grep try-restart /run/calls; rm /run/calls",
        "kiosk setup station --set service.trust=Wold >/dev/null",
        "echo part station; grep try-restart /run/calls; rm /run/calls",
        f"printf '[authority]\\naddresses = [\"127.0.0.1:8443\"]\\n' >{ENROLLED}",
        "kiosk setup station >/dev/null",
        "echo part network; grep 'daemon-reload\\|try-restart' /run/calls",
        # The units started long ago.
        "printf '#!/bin/sh\\necho Id=$2; echo ActiveState=active\\n' >/stubs/systemctl",
        "echo 'echo ExecMainStartTimestamp=@7' >>/stubs/systemctl",
        "echo part doctor; runuser -u kiosk -- kiosk doctor | grep running",
        "runuser -u kiosk-station -- kiosk doctor | grep running",
    ]
    done = run_in_fresh_root(tmp_path, lines, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    assert said["authority"] == ["try-restart kiosk-authority.service kiosk-sessions.service"]
    shown = "kiosk-display.service kiosk-console.service"
    assert said["station"] == [f"try-restart {shown} kiosk-station.service"]
    assert said["network"] == ["daemon-reload", "try-restart kiosk-station.service"]
    assert [line.split(":")[0] for line in said["doctor"] if "running" in line] == [
        f"! warn  running     {settings} was changed since {unit} started"
        for settings, unit in (
            ("/etc/kiosk/kiosk.toml", "kiosk-authority.service"),
            (STATION, "kiosk-display.service"),
        )
    ]


KSM = "/sys/kernel/mm/ksm"
MERGING = "/etc/tmpfiles.d/kiosk-ksm.conf"
SHOW_KSM = f"echo $(cat {KSM}/pages_to_scan) $(cat {KSM}/run); readlink {MERGING} || true"
MERGE = "kiosk setup authority --ksm on 2>&1 | grep 'memory\\|--ksm'"
MERGES = [
    "kiosk setup authority >/dev/null",
    "echo part private; ! kiosk setup authority --config /root/kiosk.toml --ksm on 2>&1",
    f"echo part without; {MERGE}",
    f"mkdir -p {KSM}; echo 100 >{KSM}/pages_to_scan; echo 0 >{KSM}/run",
    f"echo part alone; {MERGE}",
    "systemctl --quiet enable kiosk-sessions.service; mkdir -p /run/systemd/system",
    "printf '#!/bin/sh\\n' >/stubs/systemctl",
    "echo part unasked; kiosk setup authority | grep memory || true",
    f"echo part dry; kiosk setup authority --ksm on --dry-run | grep memory; {SHOW_KSM}",
    f"echo part made; {MERGE}; {SHOW_KSM}",
    # What an administrator switched off until the next start stays so.
    f"echo 0 >{KSM}/run; echo part again; {MERGE}; kiosk setup authority | grep memory",
    f"{SHOW_KSM}; echo 1 >{KSM}/run",
    f"echo part off; kiosk setup authority --ksm off | grep memory; {SHOW_KSM}",
    f"echo part kept; kiosk setup authority --ksm off | grep memory || true; {MERGE} >/dev/null",
    f"echo part undo; kiosk setup authority --undo | grep memory; {SHOW_KSM}",
]


def test_equal_pages_are_merged_where_that_was_asked_for(tmp_path: Path) -> None:
    done = run_in_fresh_root(tmp_path, MERGES, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    text = "equal pages of staff's sessions are merged (KSM); let no other program here request it"
    shipped = "/usr/share/unlock-kiosk-authority/ksm.conf"
    hindered = "no sessions of staff share pages here: enable kiosk-sessions.service first"
    assert said == {
        "private": [
            "kiosk: --ksm is for the machine's own service: run it as root, without --config"
        ],
        "without": [f"kiosk: --ksm on: {KSM}/run is not there, or cannot be written"],
        "alone": [f"kiosk: --ksm on: {hindered}"],
        "unasked": [],
        "dry": [f"would make    memory      {text}", "100 0"],
        "made": [f"made          memory      {text}", "1000 1", shipped],
        "again": [*[f"kept          memory      {text}"] * 2, "1000 0", shipped],
        "off": [f"changed       memory      no longer: {text}", "1000 0"],
        "kept": [],
        "undo": [f"undone        memory      {text}", "1000 0"],
    }


OTHERS = {
    "/etc/tmpfiles.d/aa.conf": f"w {KSM}/run - - - - 0",
    "/run/tmpfiles.d/aa.conf": f"w {KSM}/* - - - - 1",
    "/etc/sysfs.d/aa.conf": "kernel/mm/ksm/pages_to_scan = 200",
    "/etc/ksmtuned.conf": "# KSM_MONITOR_INTERVAL=60",
    MERGING: "",
}


def test_a_setting_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    refused = "! kiosk setup authority --ksm on 2>&1"
    lines = [
        "kiosk setup authority >/dev/null",
        "systemctl --quiet enable kiosk-sessions.service",
        f"mkdir -p {KSM} /run/tmpfiles.d /etc/tmpfiles.d /etc/sysfs.d; echo 2 >{KSM}/run",
        "echo part running",
        f"{refused}; echo 0 >{KSM}/run; echo '# {KSM}/run' >/etc/tmpfiles.d/comment.conf",
    ]
    for place, text in OTHERS.items():
        lines += [f"echo '{text}' >{place}; echo part {place}", f"{refused}; rm {place}"]
    lines += [
        f"ln -s /dev/null {MERGING}; echo part masked",
        f"{refused}; kiosk setup authority --ksm off >/dev/null; rm {MERGING}; echo part nobody",
        "kiosk setup authority --ksm on | grep -c memory",
    ]
    done = run_in_fresh_root(tmp_path, lines, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    theirs = "kiosk: --ksm on: {} is a setting of somebody else"
    assert said == {
        "running": [f"kiosk: --ksm on: {KSM}/run is 2 already, by a setting of somebody else"],
        **{place: [theirs.format(place)] for place in OTHERS},
        "masked": [theirs.format(MERGING)],
        "nobody": ["1"],
    }


def test_somebody_at_a_terminal_is_asked_whether_equal_pages_are_merged(tmp_path: Path) -> None:
    answered = (
        "service.trust=T service.ra_email=ra@t.example service.ra_contact=1 service.ra_hours=9"
    )
    answered += " station.name=S mail.host=127.0.0.1 mail.sender=k@t.example"
    answered += " policy.email_domains=t.example"
    words = " ".join(f"--set {each}" for each in answered.split())
    asked = "script --quiet --return --command 'kiosk setup authority' /dev/null"
    lines = [
        f"kiosk setup authority {words} >/dev/null",
        f"systemctl --quiet enable kiosk-sessions.service; mkdir -p {KSM}; echo 1 >{KSM}/run",
        f"echo part theirs; echo yes | {asked}; echo; echo 0 >{KSM}/run",
        f"echo part no; echo | {asked}; echo; test ! -e {MERGING}",
        f"echo part yes; printf 'maybe\\nyes\\n' | {asked}; echo; readlink {MERGING}",
        f"echo part again; echo no | {asked}; echo; readlink {MERGING}",
    ]
    done = run_in_fresh_root(tmp_path, lines)
    assert done.returncode == 0, done.stdout[-3000:]
    text = done.stdout.replace("\r", "")
    said = dict(part.split("\n", 1) for part in text.split("\npart ")[1:])
    assert {name: each.count("Merge equal pages, yes or no") for name, each in said.items()} == {
        "theirs": 0,
        "no": 1,
        "yes": 2,
        "again": 0,
    }
    assert "could find out what others have in memory" in said["yes"].partition("made ")[0]
