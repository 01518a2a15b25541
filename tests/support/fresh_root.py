"""A root as a fresh Debian 13 has it, in which the lines that a document gives are run.

``/usr`` is this machine's, read only. ``/etc`` holds what Debian's packages ship there and
nothing else; ``/var``, ``/run`` and ``/tmp`` are empty. The program is this checkout's, at
the place where the documents install it. ``apt-get`` does nothing. Nothing was booted, so
that systemctl does only what is a matter of files; of what it should start, reload or restart
the unit has to be there.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PACKAGES = (
    "base-files", "base-passwd", "bash", "coreutils", "dbus", "init-system-helpers", "libpam0g",
    "libpam-runtime", "login", "openssh-server", "passwd", "pcscd", "polkitd", "systemd",
    "util-linux",
)  # fmt: skip
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SYSTEMCTL = """\
#!/bin/bash
for word; do shift; [ "$word" = --now ] || set -- "$@" "$word"; done
case $1 in
    daemon-reload) ;;
    restart | reload) ls {/etc,/usr/lib}/systemd/system/ | grep -qx "${2%.service}.service" ;;
    *) exec /usr/bin/systemctl "$@" ;;
esac
"""

_ENTER = """\
set -eu
mount --make-rprivate /
mount --bind "$NEW" "$NEW"
chmod 0755 "$NEW"
cd "$NEW"
mkdir -m 0755 etc usr var run proc dev sys srv opt opt/unlock-kiosk root home stubs
mkdir -p var/lib/systemd var/log var/cache run/sshd
mkdir -m 1777 tmp
ln -s usr/bin bin; ln -s usr/sbin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64
mount --bind /usr usr; mount -o remount,bind,ro usr
mount -t proc proc proc
mount --rbind /dev dev
for place in "$CHECKOUT" "$PYTHON"; do
    mkdir -p -m 0755 "./$place"
    mount --bind "$place" "./$place"
    mount -o remount,bind,ro "./$place"
done
mount --bind "$ENVIRONMENT" opt/unlock-kiosk
mount -o remount,bind,ro opt/unlock-kiosk
for package in $PACKAGES; do
    dpkg -L "$package" | sed -n 's#^/etc/#etc/#p' | while read -r path; do
        if [ -d "/$path" ]; then mkdir -p "$path"; else
            mkdir -p "$(dirname "$path")"; cp -P "/$path" "$path"; fi
    done
done
cp /usr/share/base-passwd/passwd.master etc/passwd
cp /usr/share/base-passwd/group.master etc/group
cp /usr/share/openssh/sshd_config etc/ssh/sshd_config
cp -P /etc/ld.so.cache /etc/localtime etc/ 2>/dev/null || true
cp -a /etc/pam.d /etc/ssl /etc/alternatives etc/
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
printf 'root:*::0:99999:7:::\\n' > etc/shadow
ssh-keygen -A -f "$NEW" >/dev/null
systemd-sysusers --root="$NEW" >/dev/null 2>&1
printf '#!/bin/sh\\nprintf "apt-get %%s\\\\n" "$*" >>/run/apt-get\\n' > stubs/apt-get
printf %s "$SYSTEMCTL" >stubs/systemctl
chmod 0755 stubs/*
cp -r "$LINES" lines
cd /
exec chroot "$NEW" env -i PATH=/stubs:/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 \\
    PCSCLITE_CSOCK_NAME=/run/no-pcscd sh -c 'cd "$1" && exec bash -eu /lines/script' sh "$CHECKOUT"
"""


def shell_blocks(document: Path) -> Iterator[str]:
    """Yield the blocks of a document that are for a shell."""
    yield from _BLOCK.findall(document.read_text())


def commands(block: str) -> list[str]:
    """Return the commands of a block, each with its continued lines."""
    joined = block.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def run_in_fresh_root(
    folder: Path, lines: Sequence[str], files: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``lines`` as root until one fails; each is shown with the exit code before its output.

    ``files`` are put into ``/lines``.
    """
    told = folder / "lines"
    told.mkdir()
    for name, text in (files or {}).items():
        (told / name).write_text(text)
    (told / "script").write_text(as_script(lines))
    (folder / "new").mkdir()
    enter = ["unshare", "--mount", "bash", "-c", _ENTER]
    if os.geteuid() != 0:
        enter = ["sudo", "--non-interactive", "--preserve-env", *enter]
    return subprocess.run(
        enter,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "NEW": str(folder / "new"),
            "LINES": str(told),
            "CHECKOUT": str(CHECKOUT),
            "PYTHON": sys.base_prefix,
            "ENVIRONMENT": sys.prefix,
            "PACKAGES": " ".join(PACKAGES),
            "SYSTEMCTL": SYSTEMCTL,
        },
    )


def as_script(lines: Iterable[str]) -> str:
    """Return a script that shows each line before it runs it."""
    return "".join(f"echo {shlex.quote('$ ' + line)}\n{line}\n" for line in lines)
