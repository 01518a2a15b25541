"""A root as a fresh Debian 13 has it, in which the lines that a document gives are run.

``/usr`` is this machine's, and what is written there is gone afterwards. ``/etc`` holds what
Debian's packages ship there and nothing else; ``/var``, ``/run`` and ``/tmp`` are empty. Both
packages are as installed: the files of their lists, their accounts and folders, and this
checkout's program in their places. ``apt-get`` does nothing. Nothing was booted, so that systemctl
does only what is a matter of files; of what it should start, reload or restart the unit has to
be there.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.support.forked_command import CALLER

CHECKOUT = Path(__file__).parents[2]
PACKAGES = (
    "base-files", "base-passwd", "bash", "coreutils", "dbus", "init-system-helpers", "libpam0g",
    "libpam-runtime", "login", "openssh-server", "passwd", "pcscd", "polkitd", "systemd",
    "usbguard", "util-linux",
)  # fmt: skip
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

SYSTEMCTL = """\
#!/bin/bash
for word; do shift; [ "$word" = --now ] || set -- "$@" "$word"; done
case $1 in
    daemon-reload) ;;
    restart | reload) ls {/etc,/usr/lib}/systemd/system/ | grep -qx "${2%.service}.service" ;;
    *) exec /usr/bin/systemctl "$@" ;;
esac
"""

CREDENTIAL_SERVICE = (
    "mkdir -p /run/systemd; systemd-socket-activate --accept --fdname=varlink "
    "--listen=/run/systemd/io.systemd.Credentials /usr/bin/systemd-creds </dev/null &>/dev/null & "
    "trap 'kill %1' EXIT; until test -S /run/systemd/io.systemd.Credentials; do sleep 0.1; done; "
    "chmod 0666 /run/systemd/io.systemd.Credentials"
)
"""A line that starts systemd's own service, as its socket unit would."""

_ENTER = """\
set -eu
umask 022
mount --make-rprivate /
mount --bind "$NEW" "$NEW"
chmod 0755 "$NEW"
cd "$NEW"
mkdir -m 0755 etc usr var run proc dev sys srv opt root home mnt stubs
mkdir -p var/lib/systemd var/log var/cache run/sshd
mkdir -m 1777 tmp
ln -s usr/bin bin; ln -s usr/sbin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64
mkdir ../over; mount -t tmpfs tmpfs ../over; mkdir ../over/upper ../over/work
mount -t overlay -o "lowerdir=/usr,upperdir=$NEW/../over/upper,workdir=$NEW/../over/work" usr usr
mount -t proc proc proc
mount --rbind /dev dev
for place in "$CHECKOUT" "$PYTHON"; do
    [ "$place" != /usr ] || continue # Debian's own is there already
    mkdir -p -m 0755 "./$place"
    mount --bind "$place" "./$place"
    mount -o remount,bind,ro "./$place"
done
for package in unlock-kiosk-station unlock-kiosk-authority; do
    mkdir "usr/lib/$package"
    mount --bind "$ENVIRONMENT" "usr/lib/$package"
    mount -o remount,bind,ro "usr/lib/$package"
done
ln -s /usr/lib/unlock-kiosk-authority/bin/kiosk usr/bin/kiosk
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
printf %s "$SHIPPED" | while read -r source folder; do
    install -D -m 0644 -t "$folder" "$CHECKOUT/$source"
done
systemd-sysusers --root="$NEW" >/dev/null 2>&1
chroot "$NEW" systemd-tmpfiles --create kiosk-station.conf kiosk-authority.conf
printf '#!/bin/sh\\nprintf "apt-get %%s\\\\n" "$*" >>/run/apt-get\\n' > stubs/apt-get
printf %s "$SYSTEMCTL" >stubs/systemctl
chmod 0755 stubs/*
cp -r "$LINES" lines
if [ -n "$CALLER" ]; then
    printf %s "$CALLER" >stubs/kiosk
    chmod 0755 stubs/kiosk
fi
cd /
exec chroot "$NEW" env -i PATH=/stubs:/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 \\
    PCSCLITE_CSOCK_NAME=/run/no-pcscd sh -c \\
    'cd "$1" && if [ -e /stubs/kiosk ]; then "$2/bin/python" -m tests.support.forked_command; fi &&
    exec bash -eu /lines/script' sh "$CHECKOUT" "$ENVIRONMENT"
"""


def shipped(package: str) -> list[tuple[str, str]]:
    """Return each file of the checkout that a package has as it is, and the folder it is in."""
    listed = (CHECKOUT / "debian" / f"{package}.install").read_text().splitlines()
    return [(source, folder) for source, folder in (line.split() for line in listed)]


def shell_blocks(document: Path) -> Iterator[str]:
    """Yield the blocks of a document that are for a shell."""
    yield from _BLOCK.findall(document.read_text())


def commands(block: str) -> list[str]:
    """Return the commands of a block, each with its continued lines."""
    joined = block.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def run_in_fresh_root(
    folder: Path,
    lines: Sequence[str],
    files: dict[str, str] | None = None,
    *,
    forks: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run ``lines`` as root until one fails; each is shown with the exit code before its output.

    ``files`` are put into ``/lines``. With ``forks`` the command ``kiosk`` is that of
    ``tests.support.forked_command`` in place of the installed program.
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
            "CALLER": CALLER if forks else "",
            "SHIPPED": "".join(
                f"{source} {folder}\n"
                for package in ("unlock-kiosk-station", "unlock-kiosk-authority")
                for source, folder in shipped(package)
            ),
        },
    )


def as_script(lines: Iterable[str]) -> str:
    """Return a script that shows each line before it runs it."""
    return "".join(f"echo {shlex.quote('$ ' + line)}\n{line}\n" for line in lines)
