"""What the demo leaves to be tried: a settings file, and a member of staff with a key."""

from __future__ import annotations

import os
import re
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from hardware.virtual.pcscd import Slot
from kiosk.__main__ import main
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.app.composition.opening import open_desk, open_store
from kiosk.app.composition.station import LocalExecutor
from kiosk.app.demo import ra_side
from kiosk.app.demo.estate import DemoTable, cast, count_people, make_estate, settings_file
from kiosk.app.demo.mailbox import Mailbox
from kiosk.app.demo.ra_side import MANAGER, READ_S, SECOND, RaSide, keep_up
from kiosk.authority.administration.views import Actor, AuditFilter, ExportFormat, Grounds, Span
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.roles import Role
from kiosk.config.example import as_toml
from kiosk.config.loading import load_settings
from kiosk.config.settings import Settings
from kiosk.contract.messages import Heartbeat, ReaderState
from kiosk.contract.ports import SystemClock
from kiosk.system import child
from screens.demo import (
    DemoApp,
    DemoBar,
    DemoCard,
    MailPage,
    RaPage,
    StripWidget,
)
from tests.authority.mail.samples import code_mail
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import Sample, one_of_each
from tests.screens.pilots import settled, type_keys
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines
from tests.support.smtp import deliver, relay_to, running
from tests.support.sshd import PROGRAM, make_key
from tests.support.terminal import Terminal


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with running(Mailbox(tmp_path / "mail")) as mail:
        return make_estate(tmp_path, mail, cast())


def test_the_settings_file_says_what_the_demo_runs_on(settings: Settings, tmp_path: Path) -> None:
    assert load_settings(settings_file(tmp_path), {}) == settings
    assert load_settings(None, {}) != settings
    assert "Wexbridge" not in as_toml(settings)


def test_a_manager_can_log_in_with_the_throw_away_key(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from kiosk.__main__ import main

    ra = RaSide(tmp_path, settings_file(tmp_path))
    ra.prepare(settings, os.environ)
    try:
        config = ["--config", str(settings_file(tmp_path))]
        assert main(["staff", "list", *config]) == 0
        shown = capsys.readouterr().out
        assert f"{MANAGER}  manager" in shown
        assert f"{SECOND}  manager" in shown
        assert main(["policy", "set", "four_eyes", "yes", "--reason", "to try it", *config]) == 0
        assert "no two managers" not in capsys.readouterr().out
    finally:
        ra.stop()


def test_reports_and_the_audit_are_exported_from_the_demo(settings: Settings) -> None:
    store = open_store(settings, SystemClock(), {})
    desk = open_desk(settings, {}, store, SystemClock(), Actor("demo", Role.MANAGER))
    today = datetime.now().astimezone().date()
    report = desk.reports.export(Span.DAY, today, today)
    audit = desk.audit.export(AuditFilter(), ExportFormat.CSV, lambda done, total: None)
    assert Path(report.path).read_text()
    assert Path(audit.path).read_text()
    store.close()


def test_as_many_people_are_made_as_the_demo_says(settings: Settings) -> None:
    store = open_store(settings, SystemClock(), {})
    with store.read() as uow:
        assert uow.lists.count(PeopleGroup.EVERYBODY, 100) == count_people(cast())
    store.close()


def test_the_guides_searches_find_people_in_the_demo(settings: Settings) -> None:
    store = open_store(settings, SystemClock(), {})
    desk = open_desk(settings, {}, store, SystemClock(), Actor("demo", Role.MANAGER))
    guide = (Path(__file__).parents[3] / "docs" / "ra-guide.md").read_text()
    examples = re.findall(r"`([^`]+)` finds\s+(\w+ \w+)", guide)
    assert {name for _, name in examples} == {"Amara Okafor", "Łukasz Żółć"}
    for typed, name in examples:
        assert [one.name for one in desk.people.search(typed, 10).people] == [name]
    store.close()


class _Earlier(SystemClock):
    def now(self) -> datetime:
        return super().now() - timedelta(minutes=10)


def test_the_service_is_watched_over_while_the_ra_application_is_open(settings: Settings) -> None:
    before = BuiltAuthority(settings, {}, _Earlier())
    before.authority.heartbeat(Heartbeat("0.1", ReaderState.READY))
    before.caretaker.run()
    before.close()
    store = open_store(settings, SystemClock(), {})
    desk = open_desk(settings, {}, store, SystemClock(), Actor("demo", Role.MANAGER))
    today = desk.today.look()
    assert today.stations_down == ("Demo station",)
    assert "Nobody has watched over the service" in today.alarms[0]
    with keep_up(partial(LocalExecutor, settings, {}), every_s=0.1):
        given_up = time.monotonic() + 60
        while (today := desk.today.look()).alarms or today.stations_down:
            assert time.monotonic() < given_up, today
            time.sleep(0.05)
    assert today.stations_up == 1
    store.close()


@pytest.mark.hardware
@pytest.mark.terminal
def test_a_session_by_ssh_ends_with_the_demo(tmp_path: Path) -> None:
    folder = tmp_path / "my estate, 100 %"
    with running(Mailbox(folder / "mail")) as mail:
        settings = make_estate(folder, mail, cast())
    ra = RaSide(folder, settings_file(folder))
    ra.prepare(settings, os.environ)
    try:
        assert len(ra.ssh) <= len("ssh -F /tmp/kiosk-demo-abcdefgh/ssh ra"), "for the strip"
        session = Terminal(ra.ssh.split(), {"PATH": os.environ["PATH"]})
        try:
            session.wait_for(MANAGER, "log out")
            colleague = Terminal([*ra.ssh.split()[:-1], "second"], {"PATH": os.environ["PATH"]})
            try:
                colleague.wait_for(SECOND, "log out")
            finally:
                colleague.close()
            (server,) = (one for one in psutil.Process().children() if "sshd" in one.name())
            processes = server.children(recursive=True)
            program = next(one for one in processes if _runs_admin(one))
            login = Path(program.environ()["SSH_USER_AUTH"])
            assert login.exists()
            ra.stop()
            assert not [one for one in processes if one.is_running()]
            assert not login.exists(), "what sshd keeps of a login"
            assert not Path(ra.ssh.split()[2]).exists(), "the short way to the folder"
        finally:
            session.close()
    finally:
        ra.stop()


def _runs_admin(process: psutil.Process) -> bool:
    """Return whether it is the RA application; one that has just ended is not."""
    with suppress(psutil.NoSuchProcess):
        return "admin" in process.cmdline()
    return False


@pytest.mark.hardware
@pytest.mark.terminal
def test_a_key_that_is_added_in_the_demo_logs_in_by_ssh(tmp_path: Path) -> None:
    """The demo's sshd knew the keys of its two managers alone."""
    folder = tmp_path / "my estate, 100 %"
    with running(Mailbox(folder / "mail")) as mail:
        settings = make_estate(folder, mail, cast())
    ra, key = RaSide(folder, settings_file(folder)), make_key(tmp_path / "own_key")
    public = key.with_suffix(".pub").read_text()
    ra.prepare(settings, os.environ)
    try:
        ssh, *options, host = ra.ssh.split()
        line = [ssh, "-i", str(key), *options, host]
        store = open_store(settings, SystemClock(), {})
        desk = open_desk(settings, {}, store, SystemClock(), Actor("demo", Role.MANAGER))
        desk.staff.add("Ida Agent", Role.AGENT, public, Grounds("to try it"))
        store.close()
        session = Terminal(line, {"PATH": os.environ["PATH"]})
        try:
            session.wait_for("Ida Agent", "log out")
        finally:
            session.close()
    finally:
        ra.stop()


@pytest.mark.hardware
@pytest.mark.terminal
def test_after_the_ra_application_the_demo_goes_on_and_says_at_the_end_that_all_is_gone(
    tmp_path: Path,
) -> None:
    temporary = tmp_path / ("a path that no socket could have" * 4)
    temporary.mkdir()
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(temporary)}
    demo = Terminal([PROGRAM, "demo"], environ)
    try:
        shown = demo.wait_for("The RA: F10, or ssh -F ")
        (link,) = re.findall(r"ssh -F (/tmp/\S+)/ssh ra", shown)
        assert Path(link).resolve().parent == temporary
        started = psutil.Process(demo.process.pid).children()
        words = " ".join(word for one in started for word in one.cmdline())
        (sockets,) = set(re.findall(r"/tmp/kiosk-pcsc-\w+", words))
        assert Path(sockets).exists()
        demo.send("\x1b[21~")
        demo.wait_for(MANAGER, "log out")
        demo.send("\x11")
        demo.wait_for("Put your smartcard into the reader", "The RA: F10")
        demo.send("\x11")
        assert demo.process.wait(60) == 0
    finally:
        demo.close()
    assert demo.written.rstrip().endswith(b"[demo] ended; all is gone")
    assert not Path(link).is_symlink()
    assert not list(temporary.iterdir())
    assert not Path(sockets).exists()


SSH = "ssh -F /tmp/kiosk-demo-abcdefgh/ssh ra"


@pytest.mark.parametrize("size", [(80, 24), (60, 23)])
@pytest.mark.parametrize("line", [SSH, ""])
async def test_the_strip_says_how_to_open_the_ra_application(
    size: tuple[int, int], line: str
) -> None:
    extra_bar = DemoBar(TableOf(()), lambda: None, lambda: None, line)
    app = app_for(Sample(one_of_each()[0]), replace(STILL, extra_bar=extra_bar))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = screen_lines(app)[-1].strip()
        assert "Ctrl+Q ends it." in screen_lines(app)[-2]
    assert shown == f"The RA: F10{line and f', or {line}'}" + (
        "" if line else ". To log in by ssh, install openssh-server"
    )


async def test_f10_opens_the_ra_application_at_once_where_no_card_is_in() -> None:
    app = demo_app(TableOf(CARDS))
    async with app.run_test(size=(80, 24)) as pilot:
        await type_keys(pilot, ["f10"])
    assert app.ra_wanted


@pytest.mark.parametrize("line", [SSH, ""])
async def test_f10_says_what_becomes_of_the_visit_and_the_way_beside_it(line: str) -> None:
    app = demo_app(TableOf(CARDS, inserted=1), line)
    async with app.run_test(size=(60, 23)) as pilot:
        await pilot.press("f10")
        shown = screen_lines(app)
        assert "the card comes out" in " ".join(" ".join(shown).split())
        assert any((line or "openssh-server") in row for row in shown)
        assert shown[-1].split() == RaPage.KEYS.split()
        await pilot.press("x", "escape")
        assert not isinstance(app.screen, RaPage)
        assert not app.ra_wanted
        await pilot.press("f10", "f10")
    assert app.ra_wanted


@pytest.mark.parametrize("size", [(80, 24), (60, 23)])
async def test_the_mail_has_its_keys_on_the_last_line_and_takes_no_other(
    size: tuple[int, int],
) -> None:
    mail = tuple(f"Subject: No {n}\n" + "line\n" * 60 for n in (1, 2))
    app = demo_app(TableOf(CARDS, arrived=mail))
    async with app.run_test(size=size) as pilot:
        await pilot.press("f9")
        assert screen_lines(app)[-1].split() == MailPage.KEYS.split()
        assert "Subject: No 2" in "\n".join(screen_lines(app))
        for key in ("x", "enter", "f5", "f10", "space", "tab"):
            await pilot.press(key)
            assert isinstance(app.screen, MailPage), key
        assert app.ra_wanted is False
        await pilot.press("left")
        assert "Subject: No 1" in "\n".join(screen_lines(app))
        for key in ("escape", "f9"):
            await pilot.press(key)
            assert not isinstance(app.screen, MailPage), key
            await pilot.press("f9")


@pytest.fixture
def arrived(tmp_path: Path) -> tuple[str, ...]:
    """What the demo shows once a code was mailed."""
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings:
        deliver(relay_to(settings), code_mail())
    return DemoTable((), Slot(tmp_path / "none", 0, "none"), mailbox, skip=0).read_mail()


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_line_of_a_mail_is_as_long_as_the_page_is_wide(
    size: tuple[int, int], arrived: tuple[str, ...]
) -> None:
    assert "    7093 5218" in arrived[0].split("\n\n")
    app = demo_app(TableOf(CARDS, arrived=arrived))
    async with app.run_test(size=size) as pilot:
        await pilot.press("f9")
        room = app.screen.query_one("#message").size.width
        shown = [line.strip(" ▁▂▃▄▅▆▇█") for line in screen_lines(app)[5:-3]]
        assert any(len(line) > room - 10 for line in shown)
        for line, following in pairwise(shown):
            first, _, _ = following.partition(" ")
            assert not (line and first) or len(f"{line} {first}") > room, line


def test_mail_that_was_read_stays_read_when_the_station_is_shown_again(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings:
        deliver(relay_to(settings), code_mail())
        table = DemoTable((), Slot(tmp_path / "none", 0, "none"), mailbox, skip=0)
        assert ("f9", "Mail (1)", True) in DemoBar(table, lambda: None, lambda: None).items()
        assert len(table.read_mail()) == 1
        assert ("f9", "Mail", False) in DemoBar(table, lambda: None, lambda: None).items()
        deliver(relay_to(settings), code_mail())
        mailbox.wait_for(2)
        assert ("f9", "Mail (1)", True) in DemoBar(table, lambda: None, lambda: None).items()


@pytest.mark.parametrize("size", [(80, 24), (60, 23)])
async def test_the_strip_shows_all_that_a_holder_knows_also_while_mail_waits(
    size: tuple[int, int],
) -> None:
    table = TableOf(CARDS, arrived=("To: ben.carter@wexbridge.example\n12345678",))
    extra_bar = DemoBar(table, lambda: None, lambda: None)
    app = app_for(Sample(one_of_each()[0]), replace(STILL, extra_bar=extra_bar))
    async with app.run_test(size=size) as pilot:
        for place, card in enumerate(table.cards):
            table.inserted = place
            app.screen.query_one(StripWidget).refresh()
            await settled(pilot)
            shown = " ".join(" ".join(screen_lines(app)[-3:]).split())
            assert " ".join(card.hint.split()) in shown
            assert "F9 Mail (1) F10 RA" in shown


CARDS = tuple(person.shown for person in cast())


@dataclass
class TableOf:
    """A table where the test says which card is in, and what has arrived."""

    cards: tuple[DemoCard, ...]
    inserted: int | None = None
    arrived: tuple[str, ...] = ()
    read: int = 0

    @property
    def unread(self) -> int:
        return len(self.arrived) - self.read

    def insert(self, index: int) -> None:
        self.inserted = index

    def remove(self) -> None:
        self.inserted = None

    def read_mail(self) -> tuple[str, ...]:
        self.read = len(self.arrived)
        return self.arrived


def demo_app(table: TableOf, line: str = SSH) -> DemoApp:
    return DemoApp(StillStation(), STILL, lambda error: None, table, line)


def test_a_terminal_that_is_too_small_for_it_has_room_for_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: it was two lines, broken within a word."""
    monkeypatch.setattr(os, "isatty", lambda _fd: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda *_fd: os.terminal_size((60, 20)))
    assert main(["demo"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "kiosk: this terminal is 60 by 20; make it at least 60 by 23"
    assert len(line) < 60


@pytest.mark.parametrize("redirected", [0, 1, 2])
def test_nothing_of_it_is_redirected(
    redirected: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: with its standard error in a file it drew its pages there, and nothing was seen."""
    monkeypatch.setattr(os, "isatty", lambda fd: fd != redirected)
    monkeypatch.setattr(os, "get_terminal_size", lambda *_fd: os.terminal_size((60, 20)))
    assert main(["demo"]) == 1
    assert "needs a terminal, with nothing redirected" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "waits"), [(0, []), (1, [READ_S])])
def test_why_the_ra_application_was_not_opened_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, waits: list[float]
) -> None:
    """Before: whoever removed the demo's first manager pressed F10, and saw the station again."""
    slept: list[float] = []
    monkeypatch.setattr(ra_side, "keep_up", lambda *_parts: nullcontext())
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(child, "show", lambda *_words, **_named: code)
    RaSide(tmp_path, tmp_path / "kiosk.toml").open(lambda: pytest.fail("nobody asked for it"))
    assert slept == waits
