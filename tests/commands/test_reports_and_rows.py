"""Reading the audit and the reports from the command line, on a real store and a real relay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.config import MailSettings
from kiosk.demo.mailbox import Mailbox
from tests.commands.samples import GOOD, Kiosk, people

Capsys = pytest.CaptureFixture[str]


def test_rows_are_listed_in_words_and_filtered(kiosk: Kiosk, place: Path, capsys: Capsys) -> None:
    kiosk("import", people(place, GOOD))
    kiosk("policy", "set", "max_failures", "5", "--reason", "trial")
    assert kiosk("audit", "list") == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "max_failures" in said[0] or "policy" in said[0]
    assert kiosk("audit", "list", "--kind", "people-imported", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["kind"] == "people-imported"
    assert kiosk("audit", "list", "--until", "2020-01-01") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("how", ["csv", "jsonl"])
def test_rows_are_written_for_their_owner_alone(
    kiosk: Kiosk, place: Path, capsys: Capsys, how: str
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "export", "--format", how) == 0
    said = capsys.readouterr().out
    path = Path(said.split(" rows in ")[1].strip())
    assert path.parent == place / "state" / "exports"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "people-imported" in path.read_text()


def test_a_report_is_csv_or_json(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("report", "--by", "day", "--days", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Day,Unlocked,Registered,Refused"
    assert len(lines) == 1 + 3 + 1
    assert kiosk("report", "--by", "site", "--json") == 0
    assert json.loads(capsys.readouterr().out)["span"] == "site"


def test_a_report_that_ends_before_it_begins_is_not_made(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("report", "--first", "2026-02-02", "--last", "2026-02-01") == 1
    assert "The last day is before the first." in capsys.readouterr().err


def test_a_report_is_mailed(
    kiosk: Kiosk, place: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Mailbox(place / "mail")
    _reach(monkeypatch, box.start())
    try:
        assert kiosk("report", "--by", "week", "--days", "7", "--mail", "ra@nhs.net") == 0
        (mail,) = box.wait_for(1, timeout_s=20)
    finally:
        box.stop()
    assert "ra@nhs.net" in mail.to
    assert mail.subject.startswith("Report of smartcard self-service")
    assert "0 unlocked, 0 registered, 0 refused" in mail.text


def test_a_report_that_cannot_be_mailed_says_so(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("report", "--mail", "ra@nhs.net") == 1
    assert "cannot be reached" in capsys.readouterr().err


def _reach(monkeypatch: pytest.MonkeyPatch, relay: MailSettings) -> None:
    for name in ("host", "port", "security", "ca_file", "credential"):
        monkeypatch.setenv(f"KIOSK_MAIL__{name.upper()}", str(getattr(relay, name)))
