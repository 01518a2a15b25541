"""What the demo leaves to be tried: a settings file, and a member of staff with a key."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from kiosk.app.config.example import as_toml
from kiosk.app.config.loading import load_settings
from kiosk.app.config.settings import Settings
from kiosk.app.demo.estate import cast, make_estate, settings_file
from kiosk.app.demo.mailbox import Mailbox
from kiosk.app.demo.ra_side import MANAGER, RaSide
from screens.demo.app import DemoCard, DemoMail, DemoStrip, StripWidget
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import Sample, one_of_each
from tests.screens.pilots import settled
from tests.screens.shown import screen_lines
from tests.support.smtp import running
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
        assert f"{MANAGER}  manager" in capsys.readouterr().out
    finally:
        ra.stop()


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
            (server,) = (one for one in psutil.Process().children() if "sshd" in one.name())
            processes = server.children(recursive=True)
            program = next(one for one in processes if "admin" in one.cmdline())
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


def test_a_key_of_the_strip_opens_the_ra_application() -> None:
    asked: list[str] = []
    strip = DemoStrip(NoCards(), lambda: None, lambda: asked.append("ra"), "ssh here")
    assert strip.key("f10")
    assert asked == ["ra"]
    assert ("f10", "RA", False) in strip.items()
    assert "ssh here" in strip.hint


@pytest.mark.parametrize("size", [(80, 24), (60, 23)])
async def test_the_strip_shows_all_that_a_holder_knows_also_while_mail_waits(
    size: tuple[int, int],
) -> None:
    table = OneCardIn(tuple(person.shown for person in cast()))
    strip = DemoStrip(table, lambda: None, lambda: None)
    app = app_for(Sample(one_of_each()[0]), replace(STILL, strip=strip))
    async with app.run_test(size=size) as pilot:
        for place, card in enumerate(table.cards):
            table.inserted = place
            app.screen.query_one(StripWidget).refresh()
            await settled(pilot)
            shown = " ".join(" ".join(screen_lines(app)[-3:]).split())
            assert " ".join(card.hint.split()) in shown
            assert "F9 Mail (1) F10 RA" in shown


@dataclass
class OneCardIn:
    """A table with a card in, and with mail that nobody has read."""

    cards: tuple[DemoCard, ...]
    inserted: int = 0

    def insert(self, index: int) -> None:
        """The test says which one is in."""

    def remove(self) -> None:
        """The test says which one is in."""

    def mail(self) -> tuple[DemoMail, ...]:
        return (DemoMail("ben.carter@wexbridge.example", "A code", "12345678"),)


class NoCards:
    """An empty table."""

    cards = ()
    inserted = None

    def insert(self, index: int) -> None:
        """There is nothing to insert."""

    def remove(self) -> None:
        """There is nothing to remove."""

    def mail(self) -> tuple[()]:
        return ()
