"""A set-up as a list of steps, and the steps that any machine needs.

Each step checks the present state first, so all may be repeated.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from kiosk.app.cli.printing import echo
from kiosk.config.loading import check_text, not_utf_8
from kiosk.contract.errors import ConfigError
from kiosk.system import child
from kiosk.system.files import read_text, replace_text

BEGUN = Path("/run/kiosk-setup")
"""Names steps that were begun and have not ended; a start of the machine, which empties it, does
what they lack."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a set-up makes: ``what`` it is about, and ``text``, which describes it.

    ``undo`` is None for settings and state, which only the purge of the package removes. Where
    ``is_done`` is false, ``is_there``: there is one in another state, which is changed, or undone.
    ``repeats``: it is done again where it was begun and did not end, as ``is_done`` sees a part.
    """

    what: str
    text: str
    is_done: Callable[[], bool]
    do: Callable[[], object]
    undo: Callable[[], object] | None = None
    is_there: Callable[[], bool] | None = None
    repeats: bool = False

    def followed_by(self, then: Callable[[], object], *, also_undone: bool = False) -> Step:
        """Return the step with another action after it; ``also_undone``: after its undoing, too.

        Root's alone, as it ``repeats``.
        """

        def both(first: Callable[[], object]) -> None:
            first()
            then()

        step = replace(self, do=partial(both, self.do), repeats=True)
        if also_undone and self.undo is not None:
            step = replace(step, undo=partial(both, self.undo))
        return step

    def undone(self) -> Step:
        """Return the step that undoes this one; raises ``ValueError`` where it cannot be undone."""
        if self.undo is None:
            raise ValueError(self.text)
        is_there = self.is_there or self.is_done
        text = f"no longer: {self.text}"
        return Step(self.what, text, lambda: not is_there(), self.undo, is_there=is_there)


def _say(word: str, step: Step) -> None:
    echo(f"{word:<12}  {step.what:<10}  {step.text}")


def carry_out(steps: Iterable[Step], *, dry_run: bool) -> None:
    """Do what is not done yet, in order; a dry run only prints it."""
    for step in steps:
        changes = step.is_there is not None and step.is_there()
        begun = BEGUN / sha256(f"{step.what} {step.text}".encode()).hexdigest()
        if step.is_done() and not (step.repeats and begun.exists()):
            _say("kept", step)
        elif dry_run:
            _say("would change" if changes else "would make", step)
        else:
            if step.repeats:
                BEGUN.mkdir(mode=0o700, exist_ok=True)
                begun.touch()
            step.do()
            if step.repeats:
                begun.unlink()
            _say("changed" if changes else "made", step)


def take_back(steps: Sequence[Step], *, dry_run: bool) -> None:
    """Undo what is done and can be undone, the last first."""
    for step in reversed(steps):
        if not (step.is_there or step.is_done)():
            continue
        if step.undo is None:
            _say("kept", step)
        elif dry_run:
            _say("would undo", step)
        else:
            step.undo()
            _say("undone", step)


UNITS = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
"""Exists where systemd runs the machine, and not in an image that is being built."""
_LONG_S = 180


def run_program(*command: str, within_s: float = _LONG_S) -> str:
    """Run a program of the system; return its output. Raises ``ConfigError`` with its last line."""
    try:
        done = child.run(*command, within_s=within_s)
    except OSError as error:
        raise ConfigError(f"{command[0]} could not be run: {error}") from None
    if done.code:
        output = (done.errors or done.output).strip().splitlines()
        raise ConfigError(f"`{' '.join(command)}` failed: {output[-1] if output else 'no message'}")
    return done.output


def systemctl(*words: str) -> None:
    """Call a running service manager; without one the files alone count, at the next start."""
    if BOOTED.is_dir():
        run_program("systemctl", *words)


def require_root() -> None:
    """Raise ``ConfigError`` for anybody else."""
    if os.geteuid() != 0:
        raise ConfigError("this changes the machine: run it as root")


def require_account(name: str, package: str) -> None:
    """Raise ``ConfigError`` where the service's account, which a package makes, is not there."""
    try:
        pwd.getpwnam(name), grp.getgrnam(name)
    except KeyError:
        raise ConfigError(
            f"there is no account {name}: install the package {package}, which makes it; a "
            "checkout of the source installs no service"
        ) from None


def settings_file(path: Path, text: str, owner: tuple[str, str], mode: int) -> Step:
    """Replace a file whole for ``owner``, an account and a group; the text has to be loadable."""

    def ids() -> tuple[int, int]:
        return pwd.getpwnam(owner[0]).pw_uid, grp.getgrnam(owner[1]).gr_gid

    def write() -> None:
        check_text(text, path)
        replace_text(path, text, mode, ids())

    def is_done() -> bool:
        if read_if_there(path) != text:
            return False
        found = path.lstat()
        return (found.st_uid, found.st_gid) == ids() and stat.S_IMODE(found.st_mode) == mode

    return Step("settings", str(path), is_done, write, is_there=path.exists)


def read_if_there(path: Path) -> str | None:
    """Return the text of a file, if any; raises ``ConfigError`` for a link, or what is no text."""
    try:
        return read_text(path)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise not_utf_8(path, error) from None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise ConfigError(f"{path} is a link; put the file itself in its place") from None


def link(what: str, text: str, place: Path, target: Path, *then: str) -> Step:
    """Make ``place`` a link to ``target``, and call systemctl with ``then``, if any."""

    def make() -> None:
        if place.exists() and not place.is_symlink():
            raise ConfigError(f"{place} is a file of somebody else; move it away first")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    def is_done() -> bool:
        return place.is_symlink() and place.readlink() == target

    step = Step(what, text, is_done, make, partial(_remove, place))
    return step.followed_by(partial(systemctl, *then), also_undone=True) if then else step


def written(what: str, text: str, place: Path, content: str, mode: int, *then: str) -> Step:
    """Write a file of root's, and call systemctl with the words of ``then``."""

    def write() -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_text(place, content, mode)

    def is_done() -> bool:
        return read_if_there(place) == content

    step = Step(what, text, is_done, write, partial(_remove, place), place.exists)
    return step.followed_by(partial(systemctl, *then), also_undone=True)


def _remove(place: Path) -> None:
    place.unlink()
    # A folder of drop-ins was made for ours; others belong to the system.
    if place.parent.suffixes[-2:] in ([".conf", ".d"], [".service", ".d"], [".slice", ".d"]):
        with suppress(OSError):  # somebody else has a file in it
            place.parent.rmdir()


def mask(unit: str, text: str) -> Step:
    """Keep ``unit`` from being started, also by another unit that wants it."""
    place = UNITS / unit
    masked = link("mask", f"{unit}: {text}", place, Path("/dev/null"), "daemon-reload")
    return masked.followed_by(partial(systemctl, "stop", unit))


def service(unit: str, text: str) -> Step:
    """Let ``unit`` start with the machine, and now."""

    def states() -> list[bool]:
        asked = ["is-enabled", "is-active"] if BOOTED.is_dir() else ["is-enabled"]
        return [child.show("systemctl", word, "--quiet", unit) == 0 for word in asked]

    def start() -> None:
        systemctl("daemon-reload")
        run_program("systemctl", "enable", unit)
        systemctl("start", unit)

    def stop() -> None:
        systemctl("stop", unit)
        run_program("systemctl", "disable", unit)

    return Step(
        "unit", f"{unit}: {text}", lambda: all(states()), start, stop, lambda: any(states())
    )


def account(name: str, *, same_as: str, home: str) -> Step:
    """Make another name, with a shell, for the account ``same_as``."""

    def is_there() -> bool:
        try:
            return pwd.getpwnam(name).pw_uid == pwd.getpwnam(same_as).pw_uid
        except KeyError:
            return False

    def make() -> None:
        if is_there():
            return
        user = str(pwd.getpwnam(same_as).pw_uid)
        options = ("--system", "--non-unique", "--uid", user, "--gid", same_as)
        shell = ("--no-create-home", "--home-dir", home, "--shell", "/bin/sh")
        run_program("useradd", *options, *shell, name)

    def remove() -> None:
        user = pwd.getpwnam(name).pw_uid
        # userdel refuses while somebody is logged in, and also while sshd asks for a key by this
        # name, which anybody can cause: the name goes first, so that nobody logs in any more.
        run_program("userdel", "--force", name)
        systemctl("stop", f"user-{user}.slice")

    text = f"{name}: another name of {same_as}, for log-ins by SSH"
    return Step("account", text, is_there, make, remove)


def unencrypted_disk(place: Path, blocks: Path = Path("/sys/class/block")) -> str | None:
    """Name the device of ``place`` where part of it is on a disk in clear, as far as is known."""
    try:
        source = run_program(
            "findmnt", "--noheadings", "--output", "SOURCE", "--target", str(place)
        )
    except ConfigError:
        return None
    device = re.sub(r"\[.*\]$", "", source.strip())
    block = blocks / Path(device).resolve().name
    if not device.startswith("/dev/") or not block.exists() or _is_encrypted(block.resolve()):
        return None
    return device


def _is_encrypted(block: Path) -> bool:
    """Return whether all below this folder of /sys is encrypted.

    cryptsetup names what it maps CRYPT-TYPE-..., also where that has hashes alone.
    """
    if (block / "partition").exists():
        return _is_encrypted(block.parent)
    with suppress(FileNotFoundError):
        kind = (block / "dm" / "uuid").read_text()
        if kind.startswith("CRYPT-") and not kind.startswith(("CRYPT-VERITY-", "CRYPT-INTEGRITY-")):
            return True
    below = [each.resolve() for each in (block / "slaves").iterdir()]
    return bool(below) and all(_is_encrypted(each) for each in below)
