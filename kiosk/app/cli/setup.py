"""``kiosk setup``: make a place for the service."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Tools, add_command

if TYPE_CHECKING:
    from kiosk.authority.administration.setup import Step

DESCRIPTION = """\
Makes what a station needs and has not got yet: a settings file with every setting
explained, fresh keys, the database with its schema, and a list of twenty security
questions. Then it looks all of it over.

What is there already is left alone, so it is safe to repeat; after an update of the
program it brings the schema of the database up to date. Files are made for their owner's
eyes only: run it as the user that the station runs as.
"""
EXAMPLE = """\
  runuser -u kiosk -- kiosk setup
  kiosk setup --config ./kiosk.toml
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "setup", "make settings, keys and database", DESCRIPTION, EXAMPLE
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make what is missing; 1 where the database, the questions or the keys are not well."""
    tools = Tools(args)
    for step in _steps(tools):
        echo(f"{'made' if step.made else 'kept'}  {step.what:<10}  {step.told}")
    echo()
    return _look(tools)


def _steps(tools: Tools) -> Iterator[Step]:
    from kiosk.app.config.example import example_toml
    from kiosk.authority.administration import setup

    yield setup.write_settings(tools.path, example_toml())
    if tools.store_file:
        setup.make_private_folder(tools.store_file.parent)
    for folder in (tools.settings.admin.imports, tools.settings.admin.exports):
        setup.make_private_folder(Path(folder))
    yield setup.prepare_database(tools.store, str(tools.store_file or "server"))
    yield setup.make_keys_of(tools.store, tools.key_file)
    if tools.settings.secrets.source == "derived":
        yield setup.make_master_key(tools.masters, tools.actor())
    yield setup.load_questions(tools.store, tools.clock)


def _look(tools: Tools) -> int:
    from kiosk.app.cli.findings import mail_check, show, store_checks
    from kiosk.authority.administration.findings import Condition, examine

    failed = False
    for finding in examine(store_checks(tools)):
        show(finding)
        failed = failed or finding.condition is Condition.FAIL
    for finding in examine([mail_check(tools)]):
        # Nobody has named the relay yet when this runs for the first time.
        failing = finding.condition is Condition.FAIL
        show(replace(finding, condition=Condition.WARN) if failing else finding)
    return int(failed)
