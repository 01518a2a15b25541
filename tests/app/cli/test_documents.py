"""What the documents name is there: files, headings, commands, settings, targets and attacks."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from kiosk.app.cli import COMMANDS
from kiosk.app.cli.help import subparsers
from kiosk.app.cli.main import whole_parser
from kiosk.app.cli.people import DESCRIPTION
from kiosk.authority.store.tables import TableRow
from kiosk.config.settings import SECTIONS, About
from kiosk.contract.policy import STOP_NUMBER_DIGITS
from tests.support.fresh_root import CHECKOUT

DOCUMENTS = sorted(
    [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), CHECKOUT / "systemd" / "README.md"]
)
ATTACKS = sorted(CHECKOUT.glob("tests/attacks/**/test_*.py"))
EACH_DOCUMENT = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda each: str(each.relative_to(CHECKOUT))
)
SECURITY = CHECKOUT / "docs" / "security.md"
ATTACK_TABLE = CHECKOUT / "docs" / "security" / "attacks.md"
MADE = {"build", "dist"}
"""Folders of a checkout in which something was built."""
FOLDERS = sorted(
    each.name for each in CHECKOUT.iterdir() if each.is_dir() and each.name not in MADE
)

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_CODE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*")
_LINE = re.compile(r"^(?: {4}|runuser -u kiosk -- )?(kiosk .*)$")
_SETTING = re.compile(r"`([a-z_]+)(?: = ([^`]+))?`(?:\s+\([^)]*\))?\s+(?:in|of)\s+`\[(\w+)\]`")
_BOUNDS = re.compile(r"`(\w+)` in\s+`\[(\w+)\]`\s+\(([\d.]+); (\d+ to \d+)\b")
_SECTION = re.compile(r"`\[(\w+)\]`")
_TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(?:`|^ {4}|&& )(?:[A-Z_]+=\S+ )?make ([a-z]+)(?:`|\s*$| +#)", re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = _HEADING.findall(document.read_text())
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def typed(document: Path) -> Iterator[str]:
    """Yield each call of ``kiosk`` in a document, in a sentence or on a line of its own."""
    text = document.read_text()
    yield from (code for code in _CODE.findall(text) if code.startswith("kiosk "))
    fenced_or_indented = text.replace("\\\n", " ").splitlines()
    for line in fenced_or_indented:
        if (match := _LINE.match(line)) and not line.startswith("kiosk/"):
            yield match[1].partition(" #")[0].partition(" < ")[0].strip()


@cache
def _parser() -> argparse.ArgumentParser:
    return whole_parser()


def misnamed(line: str) -> str | None:
    """Return what the program does not know of a call: a part of it or an option."""
    parser = _parser()
    for word in shlex.split(line.partition(" ...")[0])[1:]:
        below = {name: each for name, _, each in subparsers(parser)}
        if word.startswith("--"):
            if word not in parser.format_help():
                return word
        elif below:
            if word not in below:
                return word
            parser = below[word]
    return None


def about(section: str, name: str) -> About:
    """Return what is known of a setting."""
    return next(each for each in SECTIONS[section].settings if each.name == name)


@EACH_DOCUMENT
def test_link_leads_somewhere(document: Path) -> None:
    for name, anchor in _LINK.findall(document.read_text()):
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"


@EACH_DOCUMENT
def test_file_that_is_named_is_there(document: Path) -> None:
    for code in _CODE.findall(document.read_text()):
        if _PATH.fullmatch(code):
            assert (CHECKOUT / code).exists(), code


@EACH_DOCUMENT
def test_command_is_one_of_the_program(document: Path) -> None:
    assert {line: wrong for line in typed(document) if (wrong := misnamed(line))} == {}


@EACH_DOCUMENT
def test_setting_is_one_of_the_program(document: Path) -> None:
    text = document.read_text()
    assert set(_SECTION.findall(text)) <= set(SECTIONS)
    named = [(section, name) for name, _, section in _SETTING.findall(text)]
    blocks = [tomllib.loads(block) for block in _TOML.findall(text)]
    named += [(section, name) for each in blocks for section in each for name in each[section]]
    for section, name in named:
        assert hasattr(SECTIONS[section], name), (section, name)


@EACH_DOCUMENT
def test_value_that_is_named_is_one_that_the_setting_takes(document: Path) -> None:
    text = document.read_text()
    for name, value, section in _SETTING.findall(text):
        if value:
            about(section, name).kind.read(tomllib.loads(f"{name} = {value}")[name])
    for name, section, default, allowed in _BOUNDS.findall(text):
        known = about(section, name)
        assert (f"{known.default:g}", known.kind.allowed) == (default, allowed), name


@EACH_DOCUMENT
def test_target_is_one_of_the_makefile(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    assert set(_TARGET.findall(document.read_text())) <= targets


@pytest.mark.parametrize(
    ("given", "holders"), [([], "1000,100000,1000000"), (["HOLDERS=7,8"], "7,8")]
)
def test_estate_benchmark_takes_every_number_of_holders(given: list[str], holders: str) -> None:
    """Before: the Makefile took the commas apart, and kept the first number."""
    command = ["make", "--dry-run", "--directory", str(CHECKOUT), "bench-estate", *given]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert f"--holders {holders}\n" in lines


def test_command_has_a_row_in_the_list_of_commands() -> None:
    codes = _CODE.findall((CHECKOUT / "docs" / "commands.md").read_text())
    assert set(COMMANDS) <= {word for code in codes for word in code.split()}
    parsers = {name: parser for name, _, parser in subparsers(_parser())}
    for command in ("keys", "rows", "store", "audit"):
        parts = {f"kiosk {command} {part}" for part, _, _ in subparsers(parsers[command])}
        assert parts <= set(codes)


def test_attack_is_a_row_of_the_table_and_each_row_an_attack() -> None:
    table = ATTACK_TABLE.read_text()
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line[:2] == "| "]
    named = {_CODE.fullmatch(row[-1]) for row in rows[2:]}
    assert {each[1] for each in named if each} == {
        str(each.relative_to(CHECKOUT)) for each in ATTACKS
    }
    assert None not in named
    first_lines = {each.name: each.read_text().partition("\n")[0] for each in ATTACKS}
    silent = [name for name, line in first_lines.items() if not line.startswith('"""Before: ')]
    assert not silent, "the first line says what the attack did"


def test_attackers_folders_are_those_that_the_document_describes() -> None:
    described = re.findall(r"^- `tests/attacks/(\w+)`: ", ATTACK_TABLE.read_text(), re.MULTILINE)
    attacks = CHECKOUT / "tests" / "attacks"
    assert sorted(described) == sorted({each.relative_to(attacks).parts[0] for each in ATTACKS})


_OF_NOBODY = {
    "security_question",
    "station",
    "station_enrolment",
    "station_key",
    "audit_anchor",
    "audit_feed",
    "audit_gap",
    "audit_head",
    "job",
    "known_key",
    "served_program",
    "store_restore",
}
"""Tables that hold nothing about a person."""


def test_table_about_people_is_in_the_page_about_privacy() -> None:
    named = set(_CODE.findall((CHECKOUT / "docs" / "privacy.md").read_text()))
    tables = set(TableRow.metadata.tables)
    assert tables >= _OF_NOBODY
    assert tables - _OF_NOBODY == named & tables


def test_what_these_tests_find() -> None:
    """They would pass, too, if they found nothing to look at."""
    everything = [line for each in DOCUMENTS for line in typed(each)]
    assert len(everything) > 70
    assert misnamed("kiosk people lift --reason x") == "lift"
    assert misnamed("kiosk keys rotate --everything") == "--everything"
    assert "what-counts-as-evidence" in anchors(SECURITY)
    text = "".join(each.read_text() for each in DOCUMENTS)
    assert {"demo", "test", "check", "pictures"} <= set(_TARGET.findall(text))
    assert len(_BOUNDS.findall(text)) == 7
    assert ("rotate_secret", "false", "policy") in _SETTING.findall(text)


def test_documents_and_help_know_how_long_a_stop_number_is() -> None:
    assert STOP_NUMBER_DIGITS == 12, "the words below say twelve"
    assert "twelve digits of a notice" in DESCRIPTION
    guide = (CHECKOUT / "docs" / "ra-guide.md").read_text()
    assert "**twelve-digit number of an email**" in guide
    assert "hold a number of twelve digits" in SECURITY.read_text()
