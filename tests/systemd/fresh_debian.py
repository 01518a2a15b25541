"""Run every line of systemd/README.md in a new Debian 13; ``make fresh`` does, as root.

Unlike the test in the suite it fetches Debian and the program's packages: it takes minutes
and a network. Needs mmdebstrap. Nothing is booted: see ``tests.support.fresh_root``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.fresh_root import CHECKOUT, SYSTEMCTL, as_script, commands, shell_blocks
from tests.support.sshd import make_key
from tests.systemd.test_documented_lines import AFTERWARDS, FINDS_FAULTS, GUIDE, PEOPLE

BEFORE = """\
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 0755 /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none PATH=/stubs:$PATH
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
mkdir -p /run/sshd; cd /root/unlock-kiosk
"""


def main() -> int:
    """Make the root, run the lines, and say how it went."""
    lines = [line for block in shell_blocks(GUIDE) for line in commands(block)]
    with tempfile.TemporaryDirectory(prefix="kiosk-fresh-") as name:
        root = Path(name) / "root"
        include = "systemd,ca-certificates,login,passwd"
        make = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={include}", "trixie"]
        subprocess.run([*make, str(root)], check=True)
        _fill(root)
        script = as_script([BEFORE, *map(_answered, lines), *AFTERWARDS.splitlines()])
        (root / "root" / "script").write_text(script)
        enter = 'mount --make-rprivate /; mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"'
        enter += '; exec chroot "$1" bash -eu /root/script'
        done = subprocess.run(["unshare", "--mount", "bash", "-c", enter, "bash", str(root)])
    sys.stdout.write("every line worked\n" if done.returncode == 0 else "a line FAILED\n")
    return done.returncode


def _fill(root: Path) -> None:
    """Put in the source, what the administrator would have, and how this machine goes out."""
    source = root / "root" / "unlock-kiosk"
    source.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(CHECKOUT), "archive", "HEAD"], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive.stdout, check=True)
    (source / "people.csv").write_text(PEOPLE)
    shutil.move(make_key(root / "root" / "asha").with_suffix(".pub"), source / "asha.pub")
    (root / "stubs").mkdir()
    (root / "stubs" / "systemctl").write_text(SYSTEMCTL)
    (root / "stubs" / "systemctl").chmod(0o755)
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(Path("/", name), root / name)


def _answered(line: str) -> str:
    """Answer what a line asks, and let the doctor find faults: there is no reader and no relay."""
    line = line.replace("apt-get install", "apt-get install --yes --quiet=2")
    return f"{line} || true" if line.endswith(FINDS_FAULTS) else line


if __name__ == "__main__":
    sys.exit(main())
