"""Reading the audit and the reports from the command line, on a real store and a real relay."""

from __future__ import annotations

import argparse
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.app.cli.tools import Tools
from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.administration.views import Span
from kiosk.config.settings import MailSettings
from tests.app.cli.samples import GOOD, Kiosk, people

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
    assert capsys.readouterr().out == "no row fits\n"


def test_a_day_counts_to_its_end_as_in_the_ra_application(
    kiosk: Kiosk, place: Path, capsys: Capsys
) -> None:
    """Before: `--until` left that day out, and a month's export lacked its last day."""
    kiosk("import", people(place, GOOD))
    capsys.readouterr()
    assert kiosk("audit", "list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    at = datetime.fromisoformat(row["at"])
    for until, rows in (
        (f"{at.astimezone():%Y-%m-%d}", 1),
        (f"{at.astimezone() - timedelta(days=1):%Y-%m-%d}", 0),
        (at.isoformat(), 0),
        ("9999-12-31", 1),
    ):
        assert kiosk("audit", "list", "--json", "--until", until) == 0
        assert len(json.loads(capsys.readouterr().out)) == rows, until


def test_a_list_that_is_cut_off_says_so(kiosk: Kiosk, place: Path, capsys: Capsys) -> None:
    kiosk("import", people(place, GOOD))
    kiosk("policy", "set", "max_failures", "5", "--reason", "trial")
    capsys.readouterr()
    assert kiosk("audit", "list", "--limit", "1") == 0
    row, more = capsys.readouterr().out.splitlines()
    assert "Set max_failures to 5" in row
    assert more == "and older ones; --limit shows more"
    assert kiosk("audit", "list", "--limit", "2") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_kinds_are_named_as_the_filter_takes_them(kiosk: Kiosk, capsys: Capsys) -> None:
    kiosk("policy", "set", "max_failures", "5", "--reason", "trial")
    capsys.readouterr()
    assert kiosk("audit", "kinds", "--json") == 0
    assert json.loads(capsys.readouterr().out)["policy-changed"] == "Changed the policy."
    assert kiosk("audit", "kinds") == 0
    lines = capsys.readouterr().out.splitlines()
    (kind,) = [line.split()[0] for line in lines if line.endswith("Changed the policy.")]
    assert kiosk("audit", "list", "--kind", kind) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("audit", "list", "--since", "yesterday"), "'yesterday' is no day or moment like 2026-"),
        (("audit", "list", "--limit", "0"), "'0' is no whole number from 1 to 99999"),
        (("people", "search", "jo", "--limit", "-3"), "'-3' is no whole number"),
        (("report", "--days", "123456789"), "'123456789' is no whole number"),
        (("report", "--first", "31.12.2026"), "'31.12.2026' is no day like 2026-"),
    ],
)
def test_what_is_no_day_and_no_number_is_said(
    kiosk: Kiosk, capsys: Capsys, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        kiosk(*words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("how", ["csv", "jsonl"])
def test_rows_are_written_for_their_owner_alone(
    kiosk: Kiosk, place: Path, capsys: Capsys, how: str
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "export", "--format", how) == 0
    said = capsys.readouterr().out
    path = Path(said.partition(" in ")[2].strip())
    assert path.parent == place / "state" / "exports"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "people-imported" in path.read_text()


def test_a_report_is_csv_or_json(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("report", "--by", "day", "--days", "3") == 0
    said = capsys.readouterr().out
    assert said.endswith('"Total","0","0","0"\r\n')
    lines = said.split("\r\n")[:-1]
    assert lines[0] == '"Day","Unlocked","Registered","Refused"'
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
        days = ("--first", "2026-10-30", "--last", "2026-11-02")
        assert kiosk("report", "--by", "week", *days, "--mail", "ra@nhs.net") == 0
        (mail,) = box.wait_for(1, timeout_s=20)
    finally:
        box.stop()
    assert "ra@nhs.net" in mail.to
    assert mail.subject.startswith("Report of smartcard self-service")
    none = "0 unlocked, 0 registered, 0 refused"
    lines = [" ".join(line.split()) for line in mail.text.splitlines()]
    assert f"2026-W44 (30 October to 1 November): {none}" in lines
    assert f"2026-W45 (2 November): {none}" in lines
    assert f"Total: {none}" in lines
    assert "2026-W44 (30 October to 1 November): <strong>0 unlocked" in mail.html
    assert "Total: <strong>0 unlocked" in mail.html


@pytest.mark.usefixtures("kiosk")
def test_the_desk_of_staff_mails_a_report(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Mailbox(place / "mail")
    _reach(monkeypatch, box.start())
    try:
        desk = Tools(argparse.Namespace(config=None)).desk
        desk.reports.mail(Span.SITE, date(2026, 10, 30), date(2026, 11, 2), "ra@nhs.net")
        (mail,) = box.wait_for(1, timeout_s=20)
    finally:
        box.stop()
    assert "ra@nhs.net" in mail.to
    assert "By site, from 30 October 2026 to 2 November 2026." in mail.text


def test_a_report_that_cannot_be_mailed_says_so(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("report", "--mail", "ra@nhs.net") == 1
    assert "cannot be reached" in capsys.readouterr().err


def _reach(monkeypatch: pytest.MonkeyPatch, relay: MailSettings) -> None:
    for name in ("host", "port", "security", "ca_file", "credential"):
        monkeypatch.setenv(f"KIOSK_MAIL__{name.upper()}", str(getattr(relay, name)))
