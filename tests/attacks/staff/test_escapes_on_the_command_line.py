"""Before: escape sequences in a name cleared the administrator's terminal, and did more."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.cli.conftest import kiosk, place, set_up
from tests.app.cli.estate import JO, Estate
from tests.app.cli.samples import GOOD, Kiosk, people, store_of_settings

__all__ = ["kiosk", "place", "set_up"]

HOSTILE = "Jo\x1b]0;owned\x07\x1b[2J\x9b31m\u202eSmith"
ACTIVE = {"Cc", "Cf", "Zl", "Zp"}


@pytest.fixture
def estate(kiosk: Kiosk, place: Path) -> Estate:
    """A record holds such a name, whatever way it came there."""
    assert kiosk("import", people(place, GOOD)) == 0
    store = store_of_settings()
    with store.begin() as uow:
        uow.holders.save(replace(uow.holders.by_numbers([JO])[JO], name=HOSTILE))
        uow.commit()
    store.close()
    return Estate()


def active(text: str) -> set[str]:
    return {sign for sign in text if unicodedata.category(sign) in ACTIVE} - {"\n"}


@pytest.mark.parametrize(
    "words",
    ["people search 9000", f"people show {JO}", f"people show {JO} --json"],
)
def test_nothing_that_a_command_prints_steers_the_terminal(
    words: str, estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(words.split()) == 0
    said = capsys.readouterr().out
    assert "owned" in said
    assert active(said) == set()


def test_a_script_still_gets_the_name_as_it_is(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["people", "show", JO, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == HOSTILE


def test_an_error_is_as_plain(estate: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["people", "show", "9\x1b[2J"]) == 1
    said = capsys.readouterr().err
    assert active(said) == set()
    assert re.search(r"\\x1b\[2J", said)
