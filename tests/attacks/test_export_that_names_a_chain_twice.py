"""Before: an export whose first rows were cut off was said to begin with row 1, and to fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.cli.conftest import kiosk, place, set_up
from tests.app.cli.samples import GOOD, Kiosk, people

__all__ = ["kiosk", "place", "set_up"]


def test_the_rows_that_were_cut_off_are_missed(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("import", people(place, GOOD)) == 0
    assert kiosk("audit", "export", "--format", "chain") == 0
    (exported,) = (place / "state" / "exports").glob("audit-chain-*.jsonl")
    capsys.readouterr()
    assert main(["audit", "public-keys"]) == 0
    (place / "public").write_text(capsys.readouterr().out)
    words = "--without-key", "--public-keys", str(place / "public"), "--file", str(exported)

    head, *rows = exported.read_text().splitlines()
    header, cut = json.loads(head), json.loads(rows[0])
    (whole,) = header["chains"]
    short = whole | {"after": {"seq": cut["seq"], "hash": cut["hash"]}}
    exported.write_text("\n".join([json.dumps(header | {"chains": [short]}), *rows[1:], ""]))
    assert kiosk("audit", "verify", *words) == 0
    assert "fit: 2 to" in capsys.readouterr().out  # this is said, at least

    exported.write_text("\n".join([json.dumps(header | {"chains": [whole, short]}), *rows[1:], ""]))
    assert kiosk("audit", "verify", *words) == 2
    assert "is no export of the audit's chains" in capsys.readouterr().err
