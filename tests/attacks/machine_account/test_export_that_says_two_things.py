"""Before: an export showed its reader other rows than were verified, and was said to fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.cli.conftest import kiosk, place, set_up
from tests.app.cli.samples import GOOD, Kiosk, people

__all__ = ["kiosk", "place", "set_up"]


@pytest.fixture
def exported(kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """An export, with the public keys beside it."""
    assert kiosk("import", people(place, GOOD)) == 0
    assert kiosk("audit", "export", "--format", "chain") == 0
    (exported,) = (place / "state" / "exports").glob("audit-chain-*.jsonl")
    capsys.readouterr()
    assert main(["audit", "public-keys"]) == 0
    (exported.parent / "public").write_text(capsys.readouterr().out)
    return exported


def verify(kiosk: Kiosk, exported: Path) -> int:
    public = str(exported.parent / "public")
    words = "--without-key", "--public-keys", public, "--file", str(exported)
    return kiosk("audit", "verify", *words)


def test_the_rows_that_were_cut_off_are_missed(
    kiosk: Kiosk, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its chain was named twice: as it was, and from the row on where the rows began."""
    head, *rows = exported.read_text().splitlines()
    header, cut = json.loads(head), json.loads(rows[0])
    (whole,) = header["chains"]
    short = whole | {"after": {"seq": cut["seq"], "hash": cut["hash"]}}
    exported.write_text("\n".join([json.dumps(header | {"chains": [short]}), *rows[1:], ""]))
    assert verify(kiosk, exported) == 0
    assert "fit: 2 to" in capsys.readouterr().out  # this is said, at least

    exported.write_text("\n".join([json.dumps(header | {"chains": [whole, short]}), *rows[1:], ""]))
    assert verify(kiosk, exported) == 2
    assert "is no export of the audit's chains" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["actor", "approved_by"])
def test_a_row_says_each_thing_once_and_nothing_else(
    name: str, kiosk: Kiosk, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two values of a name the last was verified; a name of somebody's own was passed over."""
    exported.write_text(exported.read_text().replace('\n{"', f'\n{{"{name}":"Sam Reed","', 1))
    assert "Sam Reed" in exported.read_text()
    assert verify(kiosk, exported) == 2
    assert "line 2 is no row of the audit" in capsys.readouterr().err
