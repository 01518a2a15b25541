"""``kiosk caretaker``: one run, told by mail through a real relay, and what waits is sent."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.records import Station
from kiosk.authority.store.database import Store
from kiosk.config.settings import MailSettings
from tests.app.cli.samples import Kiosk, store_of_settings
from tests.support.smtp import running


@pytest.fixture
def store(kiosk: Kiosk, place: Path) -> Store:
    """The store that ``kiosk setup`` made, with a card in it that failed its proof."""
    store = store_of_settings()
    with store.begin() as uow:
        uow.audit.append(
            kind="refused-at-station",
            reference="7KQ4-9ZXM",
            station="Main entrance",
            detail={"reason": "not-genuine"},
        )
        uow.commit()
    return store


def reach(monkeypatch: pytest.MonkeyPatch, mail: MailSettings) -> None:
    for name in ("host", "port", "ca_file", "credential"):
        monkeypatch.setenv(f"KIOSK_MAIL__{name.upper()}", str(getattr(mail, name)))


def test_alarm_is_mailed_to_staff_once(
    store: Store,
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mailbox = Mailbox(place / "mail")
    with running(mailbox) as mail:
        reach(monkeypatch, mail)
        assert kiosk("caretaker") == 0
        said = capsys.readouterr().out
        assert "alarms: card-not-genuine:at Main entrance\n" in said
        assert "notices: 1 sent, 0 waiting\n" in said
        assert "INFO kiosk.authority.administration.caretaker: audit anchor {" in said
        (message,) = mailbox.wait_for(1)
        assert message.to == ("ra@wexbridge.example",)
        assert message.subject.startswith("A smartcard failed its proof of being genuine")
        assert "Reference: 7KQ4-9ZXM" in message.text
        assert kiosk("caretaker") == 0
    said = capsys.readouterr().out
    assert "another process has run it within the minute\n" in said
    assert "notices: 0 sent, 0 waiting\n" in said
    assert len(mailbox.messages()) == 1


def test_while_the_relay_is_away_the_notice_waits(
    store: Store, kiosk: Kiosk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("caretaker") == 0
    assert "notices: 0 sent, 1 waiting\n" in capsys.readouterr().out


def test_a_value_that_cannot_be_read_keeps_no_mail_back(
    store: Store, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.begin() as uow:
        uow.stations.seen(Station("Ward 7", uow.now, "0.1.0", "ready"))
        uow.commit()
    with closing(sqlite3.connect(place / "state" / "kiosk.db")) as connection, connection:
        connection.execute("UPDATE station SET last_seen_at = 'soon'")
    assert kiosk("caretaker") == 1
    said = capsys.readouterr()
    assert "alarms: card-not-genuine:at Main entrance\n" in said.out
    assert "notices: 0 sent, 1 waiting\n" in said.out
    assert said.err == "kiosk: a stored value cannot be read\n"


def test_a_database_that_is_away_is_said(
    store: Store, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.close()
    (place / "state" / "kiosk.db").unlink()
    assert kiosk("caretaker") == 1
    assert capsys.readouterr().err.startswith("kiosk: the database")


def test_the_help_says_what_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["caretaker", "--help"])
    said = capsys.readouterr().out
    assert "let a timer run it\nonce a minute" in said
    assert "example:\n  kiosk caretaker" in said
    assert max(map(len, said.splitlines())) <= 92
