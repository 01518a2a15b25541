"""Mail that comes back to the installed program: by its command, and by a maildir."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.app.composition.opening import open_keys
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.records import Cardholder, OutboxMessage, new_id
from kiosk.config.loading import load_settings
from tests.app.cli.samples import Kiosk, store_of_settings
from tests.app.cli.test_caretaker import reach
from tests.authority.store.samples import recorded_addresses
from tests.support.reports import BOUNCES, answer, report
from tests.support.smtp import BouncingMailbox, running

EMAIL = "jo@trust.nhs.uk"


@pytest.fixture
def notice(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a notice that waits to be mailed to a holder."""
    monkeypatch.setenv("KIOSK_MAIL__BOUNCES", BOUNCES)
    holder = Cardholder(new_id(), "900123456789", "Jo Doe")
    with store_of_settings().begin() as uow:
        uow.holders.put([holder], recorded_addresses(holder, EMAIL, uow.now))
        message = OutboxMessage(
            new_id(), EMAIL, "unlocked", {}, uow.now, uow.now, holder_id=holder.id
        )
        uow.outbox.add(message)
        uow.commit()
    return message.id


def bounced(raw: bytes) -> tuple[int, str]:
    """Hand a message over as a relay does; return exit code and what was printed."""
    command = [sys.executable, "-m", "kiosk", "mail", "bounced"]
    done = subprocess.run(command, input=raw, capture_output=True, check=False)
    return done.returncode, (done.stdout or done.stderr).decode()


def marked() -> int:
    """Return how many people have an address that is marked as failing."""
    with store_of_settings().read() as uow:
        return uow.addresses.count_failing()


def return_path(mail_id: str) -> str:
    ring = open_keys(load_settings(None, os.environ), os.environ)
    local, _, domain = BOUNCES.rpartition("@")
    return f"{local}+{CodeMac(ring).mail_tag(mail_id)}@{domain}"


def test_command_takes_in_a_report_and_ignores_others(
    notice: str, kiosk: Kiosk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bounced(report(BOUNCES)) == (
        0,
        "ignored: it was not sent to the return path of one of our mails\n",
    )
    assert bounced(answer(return_path(notice)))[0] == 0
    assert bounced(b"\xff" * 2_000_000)[0] == 0, "to its end, or the relay's pipe breaks"
    assert marked() == 0
    assert bounced(report(return_path(notice))) == (0, "the address is marked as failing\n")
    assert marked() == 1
    assert kiosk("people", "list", "--standing", "mail-fails") == 0
    assert "Jo Doe" in capsys.readouterr().out
    assert kiosk("audit", "list", "--person", "900123456789") == 0
    assert "A mail to one of their addresses came back: status 5.1.1." in capsys.readouterr().out


def test_command_has_the_relay_try_again_where_it_cannot_take_a_report_in(
    notice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = report(return_path(notice))
    monkeypatch.setenv("KIOSK_MAIL__BOUNCES", "")
    code, said = bounced(raw)
    assert (code, "mail.bounces: is empty" in said) == (os.EX_TEMPFAIL, True)
    monkeypatch.setenv("KIOSK_MAIL__BOUNCES", BOUNCES)
    monkeypatch.setenv("KIOSK_STORE__URL", "sqlite:////nowhere/kiosk.db")
    assert bounced(raw)[0] == os.EX_TEMPFAIL
    monkeypatch.delenv("KIOSK_STORE__URL")
    monkeypatch.setenv("KIOSK_KEYS__FILE", "/nowhere/keys.json")
    assert bounced(raw)[0] == os.EX_TEMPFAIL
    monkeypatch.delenv("KIOSK_KEYS__FILE")
    with monkeypatch.context() as wrong:
        wrong.setenv("KIOSK_MAIL__PORT", "none")
        assert bounced(raw)[0] == os.EX_TEMPFAIL
    assert marked() == 0


def test_caretaker_sends_a_notice_and_reads_from_the_maildir_that_it_came_back(
    notice: str,
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maildir = place / "bounces"
    monkeypatch.setenv("KIOSK_MAIL__BOUNCES_FOLDER", str(maildir))
    mailbox = BouncingMailbox(place / "mail", maildir)
    mailbox.statuses[EMAIL] = "failed", "5.1.1"
    with running(mailbox) as mail:
        reach(monkeypatch, mail)
        assert kiosk("caretaker") == 0
        assert [each.sender for each in mailbox.messages() if each.to == (EMAIL,)] == [
            return_path(notice)
        ]
        assert marked() == 0
        assert kiosk("caretaker") == 0
    assert marked() == 1
    assert "the address is marked as failing" in capsys.readouterr().out
    assert list((maildir / "new").iterdir()) == []


def test_caretaker_goes_on_where_there_is_no_maildir(
    notice: str,
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KIOSK_MAIL__BOUNCES_FOLDER", str(place / "none"))
    assert kiosk("caretaker") == 0
    said = capsys.readouterr().out
    assert "the maildir of bounces: " in said
    assert "alarms: " in said
