"""Each part of a command runs its own function; there is no part that runs by default."""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.app.cli.help import subparsers
from kiosk.app.cli.main import whole_parser
from tests.app.cli.estate import JO, Estate
from tests.app.cli.samples import Kiosk, two_members
from tests.authority.administration.desk.keys import new_key

AddPart = Callable[[str, str], None]
BECAUSE = "--reason", "asked for by telephone"


@pytest.fixture
def add_part(monkeypatch: pytest.MonkeyPatch) -> AddPart:
    """Add ``pause`` to a command, with the arguments of the part ``like``."""

    def add(command: str, like: str) -> None:
        module = importlib.import_module(f"kiosk.app.cli.{command}")
        real = module.add_parser

        def and_another(commands: Any) -> None:
            real(commands)
            parser = commands.choices[command]
            model = next(part for name, _, part in subparsers(parser) if name == like)
            (parts,) = (
                action
                for action in parser._actions
                if isinstance(action, argparse._SubParsersAction)
            )
            part = parts.add_parser("pause", parents=[model], add_help=False)
            part.set_defaults(run=None)

        monkeypatch.setattr(module, "add_parser", and_another)

    return add


def test_a_part_without_a_function_erases_nobody(
    kiosk: Kiosk, estate: Estate, add_part: AddPart
) -> None:
    add_part("people", "erase")
    with pytest.raises(TypeError):
        kiosk("people", "pause", JO, "--yes", *BECAUSE)
    assert estate.is_there(JO)


def test_a_part_without_a_function_sets_no_secret(
    kiosk: Kiosk, estate: Estate, add_part: AddPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_part("cards", "set-secret")
    (card,) = estate.cards().values()
    monkeypatch.setattr("sys.stdin", io.StringIO("51718293\n"))
    with pytest.raises(TypeError):
        kiosk("cards", "pause", JO, card.identifier, *BECAUSE)
    assert estate.secret(estate.cards()[card.identifier]) == "48271593"


def test_a_part_without_a_function_removes_no_key(
    kiosk: Kiosk, place: Path, add_part: AddPart, capsys: pytest.CaptureFixture[str]
) -> None:
    two_members(kiosk, place)
    more = place / "more.pub"
    more.write_text(new_key())
    assert kiosk("staff", "add-key", "Agent Two", "--key", str(more), *BECAUSE) == 0
    kiosk("staff", "list", "--json")
    keys = json.loads(capsys.readouterr().out)[1]["keys"]
    add_part("staff", "remove-key")
    with pytest.raises(TypeError):
        kiosk("staff", "pause", "Agent Two", keys[0]["fingerprint"], *BECAUSE)
    kiosk("staff", "list", "--json")
    assert json.loads(capsys.readouterr().out)[1]["keys"] == keys


def test_command_and_each_part_has_a_function_of_its_own() -> None:
    functions = [inspect.unwrap(parser.get_default("run")) for parser in leaves(whole_parser())]
    assert all(callable(function) for function in functions)
    assert len(set(functions)) == len(functions)


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    below = [each for _, _, each in subparsers(parser)]
    if not below:
        yield parser
    for each in below:
        yield from leaves(each)
