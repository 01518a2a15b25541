"""An estate goes over to the next version while its stations serve."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import kiosk
from campaigns.failover.replicas import Program, environ_of
from campaigns.failover.rounds import failing_over
from campaigns.failover.servers import two_servers
from tests.e2e.world import SECONDS
from tests.support.prepared import prepared_program

pytestmark = pytest.mark.postgresql

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("visit", sa.Column("remark", sa.String(), nullable=True))
    op.create_table("arrival", sa.Column("visit_id", sa.String(), primary_key=True))
"""
START = """
import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from kiosk.__main__ import main

sys.exit(main())
"""
CHANGES = (
    ("tables.py", 'REVISION = "0002"', 'REVISION = "0003"'),
    (
        "tables.py",
        "class ProofRow(MacRow, table=True):",
        '''    remark: str | None = None


class ArrivalRow(TableRow, table=True):
    """A visit that the next version opened."""

    __tablename__ = "arrival"
    visit_id: str = Field(primary_key=True)


class ProofRow(MacRow, table=True):''',
    ),
    (
        "repositories/visits.py",
        "        return self._gateway.add_new(VisitRow, values(visit))",
        """        from kiosk.authority.store.tables import ArrivalRow

        added = self._gateway.add_new(VisitRow, values(visit))
        return added and self._gateway.add_new(ArrivalRow, {"visit_id": visit.id})""",
    ),
)


def next_version(folder: Path) -> Program:
    """Copy the program, and give the copy a column, a table, and their migration."""
    package = Path(kiosk.__file__).parent
    # What others compile there in this moment comes and goes.
    shutil.copytree(package, folder / "kiosk", ignore=shutil.ignore_patterns("__pycache__"))
    store = folder / "kiosk" / "authority" / "store"
    (store / "migrations" / "versions" / "0003_arrivals.py").write_text(MIGRATION)
    for name, old, new in CHANGES:
        text = (store / name).read_text()
        assert old in text, old
        (store / name).write_text(text.replace(old, new))
    start = folder / "start.py"
    start.write_text(START)
    return (sys.executable, "-I", start)


@dataclass(frozen=True)
class Version:
    """The commands of one version of the program, on the estate's settings.

    Without a ``program`` it is this version, forked.
    """

    program: Program | None
    config: Path

    def kiosk(self, *words: str) -> str:
        words, environ = (*words, "--config", str(self.config)), environ_of(self.config)
        if self.program is None:
            done = prepared_program().run(words, environ, self.config.parent, SECONDS)
        else:
            done = subprocess.run(
                [*self.program, *words],
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    @property
    def finding(self) -> tuple[str, str, str]:
        """What ``kiosk doctor`` says of the database."""
        found = json.loads(self.kiosk("doctor", "--json"))
        (database,) = (each for each in found if each["part"] == "database")
        return database["condition"], database["found"], database["advice"]


def test_an_estate_is_upgraded_machine_by_machine(tmp_path: Path) -> None:
    with two_servers() as pair, failing_over(tmp_path, pair, stations=4, seed=1) as estate:
        config = tmp_path / "kiosk.toml"
        older = Version(None, config)
        newer = Version(next_version(tmp_path / "next"), config)
        assert newer.finding == (
            "fail",
            "its schema 0002 is older than this program",
            "run `kiosk setup authority` of this version, as the owner of the tables",
        )
        estate.let_come(estate.newcomers(8))
        newer.kiosk("setup", "authority")
        assert older.finding == (
            "ok",
            "answers, its schema 0003 is newer and serves this program",
            "",
        )
        for replica in estate.replicas:
            estate.let_come(estate.newcomers(8))
            replica.close()
            replica.program = newer.program
            replica.start()
        estate.let_come(estate.newcomers(8))
        estate.wait_for_visits(estate.came)
        assert estate.violations() == []
        ((arrivals,),) = pair.query(
            "SELECT count(*) FROM arrival JOIN visit ON visit.id = visit_id"
        )
        assert isinstance(arrivals, int)
        assert 8 <= arrivals < len(estate.visits)
        # A later version takes away what the older one needs, and says so.
        pair.query("UPDATE served_program SET least_program = '0003' RETURNING 1")
        assert older.finding == (
            "fail",
            "its schema 0003 serves no program as old as this one",
            "install the version that the other machines run",
        )
        assert newer.finding == ("ok", "answers, schema 0003 is current", "")
