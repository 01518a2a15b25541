"""Twenty sessions of RA staff side by side, and the memory that each takes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from campaigns.benchmarks.estate import KIOSK, Installation
from campaigns.benchmarks.sampling import Series
from campaigns.benchmarks.table import Row, Unit
from campaigns.benchmarks.timed_terminal import TimedTerminal
from kiosk.app.cli.admin import MOST_SESSIONS
from tests.support.sshd import make_key

MANY = 20
_NAMES = ("Asha Okafor", "Bronwen Pryce", "Chidi Eze", "Dara Quinn")
"""Each of them has as many sessions as a member may have."""
_SETTLED_S = 5.0
_SHOWN = "log out"
_KSM = Path("/sys/kernel/mm/ksm")
_FEWEST_ROUNDS = 3
"""A page is looked at twice before it is merged: what still changes is left alone."""

_HOW = (
    f"{MANY} sessions in pseudo-terminals at the same time, each on its first page; the "
    "proportional share (Pss of smaps_rollup) of all their processes together, the one that they "
    "are forked from and what sshd starts included, by {MANY}. The peer is a session that loads "
    "the application itself, as many of them side by side. Merged: the kernel's ksmd works until "
    "another round finds hardly more. Needs root, who alone may read and switch that."
).replace("{MANY}", str(MANY))


def rows(installation: Installation) -> Iterator[Row]:
    """Measure both ways, one after the other."""
    logins = [_login(installation, name) for name in _NAMES] * MOST_SESSIONS
    environs = [
        {**installation.environ, "SSH_USER_AUTH": str(login), "TERM": "xterm-256color"}
        for login in logins[:MANY]
    ]
    command = [KIOSK, "admin", *installation.options]
    (alone,) = _shares([TimedTerminal(command, environ) for environ in environs], ())
    socket = installation.directory / "sessions.sock"
    ksm = {name: (_KSM / name).read_text() for name in ("pages_to_scan", "run")}
    warm = subprocess.Popen(
        [KIOSK, "sessions", socket, *installation.options], env=installation.environ
    )
    try:
        while not socket.exists():
            time.sleep(0.05)
        forked = [TimedTerminal([*command, "--sessions", socket], each) for each in environs]
        shares = _shares(forked, (warm.pid,), _merge_equal_pages)
    finally:
        _restore(ksm)
        warm.terminate()
        warm.wait(60)
    for share, how in zip(shares, ("", ", equal pages merged"), strict=True):
        yield Row(
            f"memory of a session, {MANY} side by side{how}",
            Series((share,)),
            "loading by itself",
            Series((alone,)),
            _HOW,
            unit=Unit.MEBIBYTES,
        )


def _login(installation: Installation, name: str) -> Path:
    """Add a member of staff; return a file that says of a login what sshd would."""
    key = make_key(installation.directory / name.split()[0].lower())
    public = key.with_suffix(".pub")
    add: list[str | Path] = [
        "staff",
        "add",
        name,
        "--role",
        "agent",
        "--key",
        public,
        "--reason",
        "bench",
    ]
    subprocess.run(
        [KIOSK, *add, *installation.options[:2]],
        env=installation.environ,
        check=True,
        capture_output=True,
    )
    login = key.with_suffix(".login")
    login.write_text(f"publickey {' '.join(public.read_text().split()[:2])}\n")
    return login


def _shares(
    sessions: Sequence[TimedTerminal], others: Sequence[int], *then: Callable[[], None]
) -> list[float]:
    """Wait until all are on their first page; return a session's share in KiB.

    Return it once more after each of ``then``.
    """
    try:
        for each in sessions:
            each.painted(_SHOWN)
        time.sleep(_SETTLED_S)
        roots = [*(each.process.pid for each in sessions), *others]
        found = {one.pid for pid in roots for one in _family(pid)}
        shares = []
        for step in (lambda: None, *then):
            step()
            shares.append(sum(map(_proportional, found)) / len(sessions))
        return shares
    finally:
        for each in sessions:
            each.end()


def _merge_equal_pages() -> None:
    """Let the kernel's ksmd work until another round merges hardly more."""
    (_KSM / "pages_to_scan").write_text("4000")
    (_KSM / "run").write_text("1")
    merged, rounds = 0, 0
    while rounds < _FEWEST_ROUNDS or _number("pages_sharing") > 1.01 * merged:
        merged, before = _number("pages_sharing"), _number("full_scans")
        while _number("full_scans") == before:
            time.sleep(0.1)
        rounds += 1


def _restore(ksm: Mapping[str, str]) -> None:
    """Part what was merged, and put ksmd's settings back."""
    (_KSM / "run").write_text("2")
    for name, value in ksm.items():
        (_KSM / name).write_text(value)


def _number(name: str) -> int:
    return int((_KSM / name).read_text())


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _proportional(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("Pss:"))
