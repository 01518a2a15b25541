"""What a release adds to rows with MACs is in ``since``: the release before knows nothing of it.

The oldest program that may serve is the one that the migrations name. A forgotten column or word is
named here, and it shows nowhere else before two releases run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.pool import NullPool

from kiosk.authority.store.gateway import covered, table_name, table_of
from kiosk.authority.store.schema import MIGRATIONS
from kiosk.authority.store.tables import REVISION, MacRow, VisitRow, Worded
from kiosk.contract.messages import VisitEnd
from tests.support.database import MACS

Names = Mapping[str, frozenset[str]]

WORDS_OF: Mapping[str, Names] = {}
"""The words of each column with a MAC that a released program knows, by its migration: as
``words()`` gives them in the checkout of that release. The oldest that may serve has to be here
once there is a newer migration; what is gone before it can go."""


def migrated(folder: Path, revision: str) -> tuple[str, Names]:
    """Return the oldest program that may serve, and the columns, of a database in use."""
    engine = sa.create_engine(f"sqlite:///{folder / revision}.db", poolclass=NullPool)
    for step in ("0001", revision):
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"], config.attributes["macs"] = connection, MACS
            command.upgrade(config, step)
    with engine.connect() as connection:
        least = connection.scalar(sa.text("SELECT least_program FROM served_program"))
        there = sa.inspect(connection)
        found = {
            table: frozenset(column["name"] for column in there.get_columns(table))
            for table in there.get_table_names()
        }
    return str(least), found


def words() -> Names:
    """Return the words that this program writes into columns with MACs."""
    found = {}
    for kind in MacRow.__subclasses__():
        for name in covered(kind):
            column = table_of(kind).c[name].type
            if isinstance(column, Worded):
                found[f"{table_name(kind)}.{name}"] = frozenset(map(str, column.words))
    return found


def newer(columns: Names, known: Names) -> Iterator[str]:
    """Yield what a program with these columns and words does not know in the rows of its tables."""
    for kind in MacRow.__subclasses__():
        table = table_name(kind)
        if table not in columns:
            continue
        for name in covered(kind):
            if name not in columns[table]:
                yield f"{table}.{name}"
            else:
                of_column = words().get(f"{table}.{name}", frozenset())
                for word in sorted(of_column - known.get(f"{table}.{name}", frozenset())):
                    yield f"{table}.{name}={word}"


def declared() -> dict[str, str]:
    return {
        f"{table_name(kind)}.{each}": revision
        for kind in MacRow.__subclasses__()
        for each, revision in kind.since.items()
    }


def test_what_the_oldest_program_does_not_know_is_declared(tmp_path: Path) -> None:
    least, _ = migrated(tmp_path, REVISION)
    if least == REVISION:  # every program that may serve is this one
        assert declared() == {}
        return
    assert least in WORDS_OF, f"add what words() gives in the release whose migration is {least}"
    (_, columns), known = migrated(tmp_path, least), WORDS_OF[least]
    assert set(newer(columns, known)) == set(declared())
    assert all(least < revision <= REVISION for revision in declared().values())


def test_column_that_is_forgotten_is_named(tmp_path: Path) -> None:
    _, columns = migrated(tmp_path, REVISION)
    older = {**columns, "visit": columns["visit"] - {"way", "mac"}}
    assert list(newer(older, words())) == ["visit.way"]
    assert list(newer(columns, words())) == []


def test_word_that_is_forgotten_is_named(tmp_path: Path) -> None:
    _, columns = migrated(tmp_path, REVISION)
    before = {**words(), "visit.how": words()["visit.how"] - {VisitEnd.UPGRADED.value}}
    assert list(newer(columns, before)) == ["visit.how=upgraded"]


@pytest.mark.parametrize("each", ["visit.purpose", "proof.factor", "card.status", "address.kind"])
def test_word_of_a_column_with_a_mac_is_found(each: str) -> None:
    assert words()[each]


def test_new_table_is_no_matter_of_rows_that_an_older_program_reads(tmp_path: Path) -> None:
    _, columns = migrated(tmp_path, REVISION)
    without = {name: each for name, each in columns.items() if name != VisitRow.__tablename__}
    assert list(newer(without, words())) == []
