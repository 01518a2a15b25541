"""``kiosk setup`` as root on a machine with both packages: said, repeated, undone."""

from __future__ import annotations

from pathlib import Path

from tests.support.fresh_root import run_in_fresh_root

SNAPSHOT = "find /etc -printf '%p %l %m %u\\n' | sort"
UNDONE = (
    "! id ra",
    "! systemctl is-enabled kiosk-authority.service",
    "! systemctl is-enabled kiosk-station.service",
)
LINES = [
    "mkdir -p /etc/systemd/system /etc/sysctl.d",
    f"{SNAPSHOT} > /run/before",
    "echo part dry; kiosk setup authority --dry-run; kiosk setup station --dry-run",
    f"{SNAPSHOT} | diff /run/before -",
    "echo part first; kiosk setup authority --set service.trust='Wold \\ Trust' --set mail.port=25",
    "kiosk setup station",
    f"{SNAPSHOT} > /run/after; readlink /etc/systemd/system/ctrl-alt-del.target",
    "systemctl is-enabled kiosk-authority.service kiosk-station.service",
    "getent passwd ra | cut -d: -f1",
    "grep -H '^trust\\|^port' /etc/kiosk/kiosk.toml /etc/kiosk-station/station.toml",
    "stat -c '%a %U %G %n' /etc/kiosk/kiosk.toml /etc/kiosk-station/station.toml /var/lib/kiosk/*",
    "cat /etc/systemd/system/user-*.slice.d/50-kiosk-staff.conf",
    "echo part again; kiosk setup authority; kiosk setup station",
    f"{SNAPSHOT} | diff /run/after -",
    "echo part undo; kiosk setup station --undo --dry-run; kiosk setup station --undo",
    "kiosk setup authority --undo",
    *UNDONE,
    "echo part undone; test -e /etc/kiosk/kiosk.toml -a -e /var/lib/kiosk/kiosk.db",
    f"{SNAPSHOT} | diff /run/before - || true",
    "echo part wrong; kiosk setup station --set service.nme=x 2>&1 || true",
    "kiosk setup authority --set mail.port=no 2>&1 || true",
]


def test_each_thing_is_said_and_done_once_and_can_be_undone(tmp_path: Path) -> None:
    done = run_in_fresh_root(tmp_path, LINES)
    assert done.returncode == 0, done.stdout[-3000:]
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    assert {line[:10] for line in said["dry"] if line} == {"would make"}

    first = "\n".join(said["first"])
    assert "made        mask        ctrl-alt-del.target" in first
    assert "made        database" in first
    assert "/dev/null\nenabled\nenabled\nra\n" in first
    assert '/etc/kiosk/kiosk.toml:trust = "Wold \\\\ Trust"\n' in first
    assert "/etc/kiosk/kiosk.toml:port = 25\n" in first
    assert '/etc/kiosk-station/station.toml:trust = "Wold \\\\ Trust"\n' in first
    assert "600 kiosk kiosk /etc/kiosk/kiosk.toml" in first
    assert "640 root kiosk-station /etc/kiosk-station/station.toml" in first
    assert "600 kiosk kiosk /var/lib/kiosk/keys.json" in first
    assert "MemorySwapMax=0" in first

    words = {line.split()[0] for line in said["again"] if line}
    assert "kept" in words
    assert not words & {"made", "would"}
    assert any(line.startswith("undone      mask        getty@tty1") for line in said["undo"])
    left = {line.split()[1] for line in said["undone"] if line[:1] in "<>"}
    assert left == {"/etc/kiosk/kiosk.toml", "/etc/kiosk-station/station.toml"}
    assert said["wrong"] == [
        "kiosk: service.nme: there is no such setting",
        "kiosk: mail.port: is not a whole number; allowed: 1 to 65535",
    ]
