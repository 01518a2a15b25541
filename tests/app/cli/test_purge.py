"""``kiosk purge``, and the export before it, run as they are typed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.authority.audit.siem import FEED, LEASE
from kiosk.contract.ports import SystemClock
from tests.app.cli.samples import GOOD, Kiosk, people, store_of_settings


def years_later(monkeypatch: pytest.MonkeyPatch) -> None:
    real = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda self: real(self) + timedelta(days=1100))


def test_the_audit_is_exported_purged_and_verified(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0
    years_later(monkeypatch)

    assert kiosk("purge", "--dry-run") == 1
    said = capsys.readouterr()
    assert "rows of the audit 0" in said.out
    assert "export --format chain` comes first" in said.err

    assert kiosk("audit", "export", "--format", "chain") == 0
    (exported,) = (place / "state" / "exports").glob("audit-chain-*.jsonl")
    assert str(exported) in capsys.readouterr().out
    assert exported.stat().st_mode & 0o777 == 0o600

    assert kiosk("purge", "--dry-run") == 0
    would = capsys.readouterr().out
    assert kiosk("purge") == 0
    assert would.startswith("would be deleted:\n")
    assert capsys.readouterr().out == would.removeprefix("would be ")
    rows = int(would.split()[-1])
    assert rows > 0
    assert kiosk("audit", "verify", "--anchors", str(place / "anchors")) == 0
    assert "fit" in capsys.readouterr().out
    assert kiosk("audit", "list", "--kind", "audit-purged") == 0
    assert f"Deleted {rows} row" in capsys.readouterr().out

    assert main(["audit", "public-keys"]) == 0
    (place / "public").write_text(capsys.readouterr().out)
    (place / "state" / "keys.json").rename(place / "keys.json")
    words = "--without-key", "--public-keys", str(place / "public"), "--file", str(exported)
    assert kiosk("audit", "verify", *words) == 0
    assert "fit: 1 to" in capsys.readouterr().out
    lines = exported.read_text().splitlines(keepends=True)
    changed = json.loads(lines[1]) | {"reference": "other"}
    exported.write_text(lines[0] + json.dumps(changed) + "\n" + "".join(lines[2:]))
    assert kiosk("audit", "verify", *words) == 1
    assert "row 1 (changed)" in capsys.readouterr().err


def test_rows_that_nobody_exported_go_when_that_is_said(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor") == 0
    years_later(monkeypatch)
    assert kiosk("purge") == 1
    assert kiosk("purge", "--unexported") == 0
    assert "rows of the audit 0" not in capsys.readouterr().out
    assert kiosk("audit", "verify") == 0


def test_rows_that_the_collector_has_not_been_sent_stay_until_that_is_said(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor") == 0
    for name in ("Joe", "Joey"):
        kiosk("import", people(place, GOOD.replace("Jo Smith", name)))
    assert kiosk("audit", "anchor") == 0
    years_later(monkeypatch)
    assert kiosk("audit", "export", "--format", "chain") == 0
    monkeypatch.setenv("KIOSK_SIEM__COLLECTOR", "localhost:6514")

    assert kiosk("purge") == 1  # a collector that was named and had nothing yet
    said = capsys.readouterr()
    assert "rows of the audit 0" in said.out
    assert "5 rows of the audit stay, which the collector has not been sent" in said.err
    assert "no export holds" not in said.err

    store = store_of_settings()
    with store.begin() as uow:
        assert uow.feeds.claim(FEED, "sender", LEASE) == {}
        assert uow.feeds.move(FEED, "sender", {1: 2})
        uow.commit()
    store.close()
    assert kiosk("purge", "--unexported") == 1
    said = capsys.readouterr()
    assert "rows of the audit 1" in said.out  # up to the last that was signed and sent
    assert "3 rows of the audit stay, which the collector has not been sent" in said.err

    assert kiosk("purge", "--unsent") == 0
    said = capsys.readouterr()
    assert "rows of the audit 4" in said.out
    assert said.err == ""
    assert kiosk("audit", "verify") == 0


def test_a_clock_that_may_be_wrong_has_nothing_deleted_until_that_is_said(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before: what would be due at the time that the clock showed was deleted."""
    kiosk("import", people(place, GOOD))
    assert kiosk("caretaker") == 0
    assert kiosk("purge") == 0
    years_later(monkeypatch)
    assert kiosk("audit", "export", "--format", "chain") == 0
    for _ in range(2):
        assert kiosk("purge") == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert "nothing is deleted before" in said.err
        assert "--clock-is-right" in said.err
        assert kiosk("caretaker") == 0
    assert kiosk("purge", "--clock-is-right") == 0
    assert "rows of the audit 0" not in capsys.readouterr().out
    assert kiosk("audit", "verify") == 0


def test_a_chain_is_exported_as_it_is(kiosk: Kiosk, capsys: pytest.CaptureFixture[str]) -> None:
    assert kiosk("audit", "export", "--format", "chain", "--kind", "code-right") == 2
    assert "a filter would leave rows out" in capsys.readouterr().err
    assert kiosk("audit", "export", "--whole") == 2
