"""The key file, sealed to a machine by systemd's own credential service."""

from __future__ import annotations

from pathlib import Path

from tests.support.fresh_root import CREDENTIAL_SERVICE, run_in_fresh_root

AS_KIOSK = "runuser -u kiosk -- kiosk"
SEALED = "/var/lib/kiosk/keys.cred"
LINES = [
    CREDENTIAL_SERVICE,
    "kiosk setup authority >/dev/null",
    "echo part early; kiosk setup authority --seal-keys 2>&1 | tail -1",
    "ls /var/lib/kiosk/keys.json",
    "install -d -o kiosk /run/stick; cp /var/lib/kiosk/keys.json /run/plain.json",
    f"{AS_KIOSK} keys copy --to /run/stick/keys.json",
    "cmp /run/stick/keys.json /run/plain.json; stat -c %a /run/stick/keys.json",
    "echo part sealed; kiosk setup authority --seal-keys; grep ^file /etc/kiosk/kiosk.toml",
    "! ls /var/lib/kiosk/keys.json; ! grep -q keys " + SEALED,
    f"stat -c '%a %U' {SEALED}",
    f"echo part used; {AS_KIOSK} keys rotate --purpose pepper; {AS_KIOSK} keys list",
    f"{AS_KIOSK} doctor || true; ! {AS_KIOSK} keys copy --declare 2>&1",
    f"{AS_KIOSK} keys copy --to /run/stick/new.json; grep -c purpose /run/stick/new.json",
    f"echo part alike; ! {AS_KIOSK} keys copy --to /run/stick/keys.cred 2>&1",
    f"! ls /run/stick/keys.cred; cp {SEALED} /run/stick/; chown kiosk /run/stick/keys.cred",
    f"! {AS_KIOSK} keys copy --check /run/stick/keys.cred 2>&1",
    "echo part again; kiosk setup authority | grep sealed",
    # Root may read the file, and is another account; so is somebody who was given it.
    "echo part others; kiosk keys list --config /etc/kiosk/kiosk.toml 2>&1 || true",
    "echo stolen | systemd-creds encrypt --with-key=null --name=kiosk-keys - " + SEALED,
    f"chown kiosk {SEALED}; chmod 0600 {SEALED}; {AS_KIOSK} keys list 2>&1 || true",
    "rm /var/lib/systemd/credential.secret; echo part moved",
    f"cp -p /run/sealed {SEALED}; {AS_KIOSK} keys list 2>&1 || true",
]


def test_keys_are_sealed_once_they_are_copied_and_open_for_the_account_alone(
    tmp_path: Path,
) -> None:
    at = next(index for index, line in enumerate(LINES) if line.startswith("echo part others"))
    lines = [*LINES[:at], f"cp -p {SEALED} /run/sealed", *LINES[at:]]
    done = run_in_fresh_root(tmp_path, lines, forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    said = {
        name: "\n".join(line for line in text.splitlines() if not line.startswith("$ "))
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    assert "first `kiosk keys copy --to FILE`" in said["early"]
    assert "/var/lib/kiosk/keys.json" in said["early"]
    assert said["early"].endswith("\n600")
    assert f"made          sealed keys  {SEALED}" in said["sealed"]
    assert "✓ ok    keys" in said["sealed"]
    assert f'file = "{SEALED}"' in said["sealed"]
    assert said["sealed"].endswith("600 kiosk")
    assert "✓ ok    keys" in said["used"]
    assert "keys were added since the copy" in said["used"]
    # Before: to copy keys.cred, which opens nowhere else, and to declare that copy.
    assert said["used"].count("this machine alone): `kiosk keys copy --to FILE`") == 2
    assert "a copy of it opens on this machine alone: make one" in said["used"]
    assert said["alike"].count("opens on this machine alone") == 2
    assert "kept          sealed keys" in said["again"]
    assert "kiosk-keys: is sealed with the null key, which anybody opens" in said["others"]
    assert "bring the copy of the plain file" in said["moved"]
