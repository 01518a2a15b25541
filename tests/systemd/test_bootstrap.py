"""What `make demo` and `make test` install is found by whoever types them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.fresh_root import CHECKOUT

LOCKS = ("requirements/develop.lock", "requirements/build.lock", "pyproject.toml")


def bootstrap(folder: Path, path: str, purpose: str) -> subprocess.CompletedProcess[str]:
    with start_bootstrap(folder, path, purpose) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def start_bootstrap(
    folder: Path, path: str, purpose: str, **variables: str
) -> subprocess.Popen[str]:
    """Run it in a copy of the checkout whose virtual environment is as locked."""
    (folder / ".ci").mkdir()
    shutil.copy(CHECKOUT / ".ci" / "bootstrap", folder / ".ci")
    (folder / "requirements").mkdir()
    for name in LOCKS:
        (folder / name).touch()
    version = f"Python {sys.version.split()[0]}\n"
    (folder / ".venv").mkdir()
    (folder / ".venv" / ".installed-from").write_text(f"{sha256(version.encode()).hexdigest()}  -")
    return subprocess.Popen(
        [folder / ".ci" / "bootstrap", purpose],
        env={"PATH": path, "PYTHON": sys.executable, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("purpose", ["run", "test"])
def test_somebody_without_sbin_in_their_path_has_all_that_is_installed(
    purpose: str, tmp_path: Path
) -> None:
    """Before: pcscd, which is in /usr/sbin, was still missing after its installation."""
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "apt-get", "exit 1")
    said = bootstrap(tmp_path, f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin", purpose)
    assert said.stdout.splitlines() == [
        "[setup] system packages: all there",
        "[setup] virtual environment: .venv is as locked",
    ], said.stderr


def test_building_the_packages_installs_what_that_needs_and_no_more(tmp_path: Path) -> None:
    """Before: also what looks at them and runs them afterwards, and a virtual environment."""
    there = Path("/usr/bin"), Path("/bin")
    for_building = {"dpkg-buildpackage", "dh", "pkg-config", "swig"}
    for_trying = {"lintian", "mmdebstrap", "systemd-nspawn"}
    (tmp_path / "bin").mkdir()
    for found in (each for place in there for each in place.iterdir()):
        if found.name not in {*for_building, *for_trying, "apt-get", "sudo"}:
            with suppress(FileExistsError):
                (tmp_path / "bin" / found.name).symlink_to(found)
    program(tmp_path / "bin" / "apt-get", "exit 1")
    said = bootstrap(tmp_path, f"{tmp_path}/bin", "deb")
    (line,) = [each for each in said.stdout.splitlines() if "installing system packages" in each]
    named = line.partition(": ")[2].split()
    assert {"dpkg-dev", "debhelper", "pkgconf", "swig"} <= set(named)
    assert set(named).isdisjoint({*for_trying, "systemd-container", "pcscd", "vsmartcard-vpcd"})
    assert len(named) == len(set(named))


UPDATE_FAILS = """\
echo 'Hit:1 http://deb.debian.org/debian trixie InRelease'
echo 'Err:2 https://packages.example trixie InRelease'
echo 'E: The repository https://packages.example trixie Release does not have a Release file.' >&2
exit 100"""
UPDATE_WARNS = """\
echo 'W: Failed to fetch https://packages.example/dists/trixie/InRelease  Could not connect' >&2
exit 0"""
INSTALLS = 'ln -s /bin/true "$(dirname "$0")/swig"'
INSTALLS_NOT = "echo 'E: Unable to locate package swig' >&2; exit 100"


def without_swig(folder: Path, update: str, install: str) -> subprocess.CompletedProcess[str]:
    path = path_without_swig(
        folder, f'if [ "$1" = update ]; then\n{update}\nfi\n[ "$1" = install ] || exit 2\n{install}'
    )
    return bootstrap(folder, path, "run")


def path_without_swig(folder: Path, apt_get: str) -> str:
    """Return a PATH on which swig alone is not installed yet, with a script as ``apt-get``."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for place in (Path("/usr/bin"), Path("/bin")):
        for found in place.iterdir():
            if found.name not in {"swig", "apt-get", "sudo"}:
                with suppress(FileExistsError):
                    (bin_folder / found.name).symlink_to(found)
    program(bin_folder / "sudo", 'exec "$@"')
    program(bin_folder / "apt-get", apt_get)
    return str(bin_folder)


@pytest.mark.parametrize("update", [UPDATE_FAILS, UPDATE_WARNS])
def test_a_source_that_fails_is_named_and_the_others_are_used(tmp_path: Path, update: str) -> None:
    """Before: "Error 100", and not a word."""
    said = without_swig(tmp_path, update, INSTALLS)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "https://packages.example" in said.stdout
    assert "going on with the lists of packages that are here" in said.stdout
    assert "Hit:1" not in said.stdout
    assert said.stdout.endswith("[setup] virtual environment: .venv is as locked\n")


def test_what_is_to_be_mended_is_said_where_a_package_cannot_be_installed(tmp_path: Path) -> None:
    said = without_swig(tmp_path, UPDATE_FAILS, INSTALLS_NOT)
    assert said.returncode != 0
    assert "https://packages.example" in said.stdout
    assert "Unable to locate package swig" in said.stdout
    assert "/etc/apt/sources.list.d" in said.stdout


def test_no_source_is_blamed_where_none_failed(tmp_path: Path) -> None:
    said = without_swig(tmp_path, "exit 0", INSTALLS_NOT)
    assert said.returncode != 0
    assert "Unable to locate package swig" in said.stdout
    assert "/etc/apt/sources.list.d" not in said.stdout


class Lock:
    """A lock of apt's, as another program holds it: fcntl(2), of this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w")
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        self._file.close()


class ScratchApt:
    """The machine's own apt-get, with lists, locks and dpkg in a folder.

    It knows one package, which is there: what is installed in its place is ``swig``.
    """

    def __init__(self, folder: Path) -> None:
        root = folder / "root"
        for name in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/dpkg"):
            (root / name).mkdir(parents=True)
        for name in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
            (root / name).mkdir(parents=True)
        (root / "var/lib/dpkg/status").write_text(
            "Package: swig\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"
            "Maintainer: nobody\nDescription: none\n"
        )
        (root / "etc/apt/sources.list").touch()
        (folder / "apt.conf").write_text(f'Dir "{root}";\nAPT::Sandbox::User "root";\n')
        self.environ = {"APT_CONFIG": str(folder / "apt.conf")}
        self.lists = root / "var/lib/apt/lists/lock"
        self.dpkg = root / "var/lib/dpkg/lock-frontend"
        installs = f'[ "$1" != install ] || {INSTALLS}'
        self.path = path_without_swig(folder, f'/usr/bin/apt-get "$@" || exit\n{installs}')


def test_apt_that_another_program_holds_is_waited_for_and_that_program_is_named(
    tmp_path: Path,
) -> None:
    """On a fresh machine unattended upgrades hold it: `make demo` ended with a lock error."""
    apt = ScratchApt(tmp_path)
    lists, dpkg = Lock(apt.lists), Lock(apt.dpkg)
    with start_bootstrap(tmp_path, apt.path, "run", **apt.environ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for lock, name in ((lists, "lists/lock"), (dpkg, "dpkg/lock-frontend")):
            while "waiting" not in (line := process.stdout.readline()):
                assert line, process.stderr.read()
            assert name in line
            assert f"held by process {os.getpid()} " in line
            lock.release()
        rest = process.stdout.read()
    assert process.returncode == 0, rest
    assert "waiting" not in rest
    assert rest.endswith("[setup] virtual environment: .venv is as locked\n")


@pytest.mark.parametrize("held", ["lists", "dpkg"])
def test_apt_that_stays_held_is_no_source_that_failed(held: str, tmp_path: Path) -> None:
    apt = ScratchApt(tmp_path)
    lock = Lock(getattr(apt, held))
    with start_bootstrap(tmp_path, apt.path, "run", APT_WAIT_S="0", **apt.environ) as process:
        out, _ = process.communicate()
    lock.release()
    assert process.returncode == 1
    assert f"held by process {os.getpid()} " in out
    assert "another program still installs packages: run this again once it has ended" in out
    assert "going on with the lists" not in out
