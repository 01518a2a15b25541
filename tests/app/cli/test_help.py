"""Every command and every part of one says what it does, with an example that it takes."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from kiosk.__main__ import main
from kiosk.app.cli.help import subparsers
from kiosk.app.cli.main import whole_parser


def every(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for _name, _text, below in subparsers(parser):
        yield below
        yield from every(below)


WHOLE = whole_parser()
PARSERS = {parser.prog: parser for parser in every(WHOLE)}


@pytest.mark.parametrize("path", PARSERS)
def test_help_has_a_sentence_and_an_example_that_can_be_typed(path: str) -> None:
    parser = PARSERS[path]
    assert parser.description
    assert len(parser.description.split()) > 1
    assert all(len(text.split()) > 1 for _name, text, _below in subparsers(parser))
    assert parser.epilog
    title, *examples = parser.epilog.strip().splitlines()
    assert title == "example:"
    own = [line.strip() for line in examples if line.strip().startswith("kiosk ")]
    assert any(line.startswith(path) for line in own) or "runuser" in parser.epilog
    for line in own:
        words = line.partition(" | ")[0].partition(" > ")[0].partition("      then")[0]
        words = words.replace("$(kiosk cards read)", "piv 0a1b").replace("      finishes", "  ")
        if "  " not in words:
            WHOLE.parse_args(shlex.split(words)[1:])


@pytest.mark.parametrize("path", PARSERS)
def test_help_says_what_each_argument_is(path: str) -> None:
    """Before: NUMBER and CARD stood there alone."""
    positional = [each for each in PARSERS[path]._actions if not each.option_strings]
    assert [str(each.metavar) for each in positional if not (each.help or each.choices)] == []


@pytest.mark.parametrize("path", PARSERS)
def test_examples_in_help_stand_once_and_as_they_are_typed(path: str) -> None:
    parser = PARSERS[path]
    assert parser.format_help().count("example:\n") == 1
    assert parser.epilog
    if path != "kiosk keys":  # which has notes, in a column behind its examples
        gaps = [line for line in parser.epilog.splitlines() if "  " in line.strip()]
        assert not gaps, "a line end was lost"


@pytest.mark.parametrize("part", ["add", "add-key"])
def test_what_a_dash_reads_is_said(part: str) -> None:
    said = " ".join(PARSERS[f"kiosk staff {part}"].format_help().split())
    assert "- reads it from standard input (--key - < asha.pub)" in said


@pytest.mark.parametrize("path", PARSERS)
def test_no_example_gives_an_argument_its_own_name(path: str) -> None:
    parser = PARSERS[path]
    names = {action.dest for action in parser._actions}
    assert parser.epilog
    for line in parser.epilog.splitlines():
        assert names.isdisjoint(line.replace(path, "").split()), line


def test_the_example_of_a_first_member_has_the_key_that_they_need() -> None:
    assert "--key asha.pub" in (PARSERS["kiosk staff add"].epilog or "")


def test_the_parts_are_found() -> None:
    assert {"kiosk people lift-block", "kiosk staff authorized-keys", "kiosk keys list"} <= set(
        PARSERS
    )


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"kiosk {version('unlock-kiosk')}\n"


@pytest.fixture(scope="module")
def completion() -> str:
    """The script that a shell reads at its start."""
    command = [sys.executable, "-m", "kiosk", "completion"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["kiosk", "peo"], "people"),
        (["kiosk", "people", "lift"], "lift-block"),
        (["kiosk", "people", "lift-block", "900000000001", "--ident"], "--identified-by"),
        (["kiosk", "--config", "x", "audit", "ver"], "verify"),
    ],
)
def test_bash_completes(completion: str, typed: list[str], offered: str) -> None:
    words = " ".join(map(shlex.quote, typed))
    asked = f"{completion}\nCOMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; _kiosk; "
    asked += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [offered]
