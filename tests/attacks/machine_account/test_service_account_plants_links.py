"""Before: by a link in its folder the service's account became root at the next set-up."""

from __future__ import annotations

import grp
import os
import pwd
import re
import sqlite3
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.setup.steps import settings_file
from kiosk.authority.administration.files import write_file
from kiosk.authority.store.engine import lock_name
from kiosk.config.loading import ENROLMENT, load_settings
from kiosk.contract.errors import ConfigError, KioskError
from kiosk.system.module_process import load
from tests.app.cli.conftest import kiosk, place, set_up
from tests.app.cli.samples import GOOD, Kiosk, people

__all__ = ["kiosk", "place", "set_up"]

ROOT = 0
CHECKOUT = Path(__file__).parents[3]
SYSTEMD = CHECKOUT / "systemd"
GUIDES = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *SYSTEMD.glob("*.md")]
TMPFILES, UNITS = list(SYSTEMD.glob("tmpfiles.d/*")), list(SYSTEMD.glob("*.service"))
_USER = "nobody" if os.geteuid() == ROOT else pwd.getpwuid(os.geteuid()).pw_name
_acts: list[Callable[[], None]] = []


def _before_each_call(event: str, _: object) -> None:
    if event in {"open", "os.chown", "os.chmod", "os.rename", "os.link", "os.remove"} and _acts:
        act = _acts.pop()
        act()
        _acts.append(act)


@contextmanager
def somebody_else(act: Callable[[], None]) -> Iterator[None]:
    """Let another process act before each call that changes a file."""
    _listen()
    _acts.append(act)
    try:
        yield
    finally:
        _acts.clear()


@cache
def _listen() -> None:
    sys.addaudithook(_before_each_call)  # it stays until the process ends


def another_owner() -> tuple[str, str]:
    """Return to whom this user can give a file; only root to somebody else."""
    if os.geteuid() == ROOT:
        return "nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
    return pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getgroups()[-1]).gr_name


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file of root's."""
    target = tmp_path / "shadow"
    target.write_text("# root, and it can be read as settings\n")
    target.chmod(0o600)
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the service's account."""
    folder = tmp_path / "of-the-account"
    folder.mkdir()
    return folder


def links_instead(folder: Path, target: Path, replaced: list[str]) -> Callable[[], None]:
    """Put a link to ``target`` in the place of each file."""

    def act() -> None:
        for each in list(folder.iterdir()):
            if not each.is_symlink():
                each.unlink()
                each.symlink_to(target)
                replaced.append(each.name)

    return act


def state(file: Path) -> tuple[int, int, int, bytes]:
    found = file.stat()
    return found.st_uid, found.st_gid, found.st_mode, file.read_bytes()


def test_settings_are_given_to_the_account_and_nothing_else(target: Path, folder: Path) -> None:
    before, replaced = state(target), list[str]()
    step = settings_file(folder / "kiosk.toml", "[mail]\nport = 26\n", another_owner(), 0o640)
    attack = links_instead(folder, target, replaced)
    with somebody_else(attack), suppress(OSError, KioskError):
        step.do()
    assert replaced
    assert state(target) == before


def test_settings_are_read_from_no_link(target: Path, folder: Path) -> None:
    """Another service's settings would be given to the account as its own."""
    target.write_text("[mail]\nport = 27\n")
    path = folder / "kiosk.toml"
    path.symlink_to(target)
    step = settings_file(path, target.read_text(), another_owner(), 0o600)
    with pytest.raises(ConfigError, match=r"kiosk\.toml is a link"):
        step.is_done()


def test_the_lock_of_a_database_is_no_other_name_of_a_file_of_roots(
    target: Path, folder: Path, as_root: Callable[[Path], None]
) -> None:
    os.link(target, folder / ".lock.kiosk.db")
    as_root(folder)
    before = state(target)
    with pytest.raises(ConfigError, match="belongs to another account"):
        lock_name(folder / "kiosk.db", 0)
    assert state(target) == before


def as_owner() -> str:
    """Return what root is told of a folder that ``as_root`` gave away."""
    return f"runuser -u {_USER} -- kiosk ..."


def nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Take who runs the tests for root, and a folder for one of another account."""

    def given_away(folder: Path) -> None:
        if os.geteuid() == ROOT:
            os.chown(folder, *nobody())
        monkeypatch.setattr(os, "geteuid", lambda: ROOT)

    return given_away


def test_root_restores_nothing_into_a_folder_of_the_account(
    kiosk: Kiosk,
    place: Path,
    tmp_path: Path,
    as_root: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kiosk("import", people(place, GOOD)) == 0
    backup = str(tmp_path / "backup.db")
    assert kiosk("backup", backup) == 0
    as_root(place / "state")
    before = sorted((place / "state").iterdir())
    assert kiosk("restore", backup, "--replace") == 2
    assert as_owner() in capsys.readouterr().err
    assert sorted((place / "state").iterdir()) == before


def test_root_writes_no_backup_into_a_folder_of_another_account(
    kiosk: Kiosk,
    place: Path,
    folder: Path,
    as_root: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kiosk("import", people(place, GOOD)) == 0
    as_root(folder)
    assert kiosk("backup", str(folder / "backup.db")) == 2
    assert "belongs to another account" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_root_exports_nothing_through_a_link_of_the_account(
    tmp_path: Path, folder: Path, as_root: Callable[[Path], None]
) -> None:
    elsewhere = tmp_path / "cron.d"
    elsewhere.mkdir()
    (folder / "exports").symlink_to(elsewhere)
    as_root(folder)
    with pytest.raises(ConfigError, match="belongs to another account"):
        write_file(folder / "exports", "a", "csv", lambda _: None)
    assert list(elsewhere.iterdir()) == []


def test_root_writes_no_anchors_through_a_link_of_the_account(
    kiosk: Kiosk,
    place: Path,
    folder: Path,
    target: Path,
    as_root: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kiosk("import", people(place, GOOD)) == 0
    (folder / "anchors").symlink_to(target)
    as_root(folder)
    before = state(target)
    assert kiosk("audit", "anchor", "--out", str(folder / "anchors")) == 2
    assert "belongs to another account" in capsys.readouterr().err
    assert state(target) == before


def test_the_service_manager_reads_nothing_in_a_folder_of_the_account() -> None:
    """A link there had it read a file of root's, and give the account its lines."""
    owners = re.findall(r"^d (\S+) +\S+ (\S+)", "".join(map(Path.read_text, TMPFILES)), re.M)
    folders = [Path(folder) for folder, owner in owners if owner != "root"]
    read = [
        Path(found)
        for unit in UNITS
        for found in re.findall(
            r"^(?:EnvironmentFile=-?|LoadCredential\w*=\S+:)(/\S+)", unit.read_text(), re.M
        )
    ]
    assert folders
    assert read
    assert [each for each in read if set(folders) & set(each.parents)] == []


def test_root_loads_no_library_of_the_account(
    folder: Path, as_root: Callable[[Path], None]
) -> None:
    """By its own settings the account had `kiosk doctor`, run by root, load it."""
    library = folder / "token.so"
    library.touch()
    as_root(folder)
    answer = load(str(library), lambda _: lambda _: {"reason": "it was loaded"})
    (reason,) = answer({}).values()
    assert "belongs to another account" in reason


def journal(database: bytes, victim: Path) -> bytes:
    """Return a rollback journal, of the first page, that names a file which SQLite then deletes.

    See Database File Format, 3; a journal of several databases ends with the name of another one.
    """
    sector, page, magic = 512, database[:4096], bytes.fromhex("d9d505f920a163d7")
    head = magic + struct.pack(">5I", 1, 0, len(database) // len(page), sector, len(page))
    kept = page + struct.pack(">I", sum(page[len(page) - 200 : 0 : -200]))
    name = bytes(victim)
    lock_page = (1 << 30) // len(page) + 1
    ends = struct.pack(">I", lock_page) + name + struct.pack(">2I", len(name), sum(name)) + magic
    return head.ljust(sector, b"\0") + struct.pack(">I", 1) + kept + ends


def test_root_opens_no_database_of_the_account(
    kiosk: Kiosk,
    place: Path,
    target: Path,
    as_root: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By a journal beside it SQLite deleted any file of root's."""
    database = place / "state" / "kiosk.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    database.with_name("kiosk.db-journal").write_bytes(journal(database.read_bytes(), target))
    as_root(place / "state")
    assert kiosk("people", "search", "Jo") == 2
    assert as_owner() in capsys.readouterr().err
    assert target.exists()


WRITES = re.compile(
    r"(?:\b(?:install|cp|mv|tee|ln|chown|chmod|encrypt)\b.*\s|>\s*|-out )"
    r"(?:/etc/kiosk|/var/lib/kiosk|/var/tmp)(?![-\w])"
)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_no_line_of_a_guide_has_root_write_into_a_folder_of_the_account(page: Path) -> None:
    lines = page.read_text().replace("\\\n", " ").splitlines()
    assert [line for line in lines if WRITES.search(line.partition("runuser")[0])] == []


def test_root_follows_no_settings_of_the_account(
    kiosk: Kiosk, place: Path, as_root: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """They could name a file of root's as the password that is sent to a relay of theirs."""
    as_root(place / "etc")
    assert kiosk("audit", "verify") == 2
    assert as_owner() in capsys.readouterr().err


def test_root_follows_no_enrolment_file_of_the_account(
    folder: Path, as_root: Callable[[Path], None]
) -> None:
    (folder / ENROLMENT).write_text('[mail]\nhost = "relay.example"\n')
    as_root(folder)
    with pytest.raises(ConfigError, match=rf"belongs to another account.*{as_owner()}"):
        load_settings(None, {"STATE_DIRECTORY": str(folder)})


def test_the_demo_writes_nothing_as_root_into_a_folder_of_another_account(
    folder: Path,
    as_root: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before: it ended once it had written keys there."""
    monkeypatch.setattr(os, "isatty", lambda _fd: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    as_root(folder)
    assert main(["demo", "--keep", str(folder / "estate")]) == 2
    assert as_owner() in capsys.readouterr().err
    assert list(folder.iterdir()) == []
