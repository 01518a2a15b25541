"""An estate goes over to the next version while its stations serve."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from campaigns.failover.replicas import Program, environ_of
from campaigns.failover.rounds import failing_over
from campaigns.failover.servers import two_servers
from kiosk.authority.store.tables import REVISION
from tests.e2e.world import SECONDS
from tests.support.next_release import NEXT, next_release
from tests.support.prepared import prepared_program

pytestmark = pytest.mark.postgresql

START = """
import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from kiosk.__main__ import main

sys.exit(main())
"""


def next_version(folder: Path) -> Program:
    """Copy the program, as the next release."""
    start = next_release(folder, events=False) / "start.py"
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
            f"its schema {REVISION} is older than this program",
            "run `kiosk setup authority` of this version, as the owner of the tables",
        )
        estate.let_come(estate.newcomers(8))
        newer.kiosk("setup", "authority")
        assert newer.finding == (
            "warn",
            f"answers, schema {NEXT} is current; programs of the version before may serve",
            "once none does: `kiosk store finish-upgrade`, as the owner of the tables",
        )
        assert older.finding == (
            "ok",
            f"answers, its schema {NEXT} is newer and serves this program",
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
        # Nothing was written that the older one does not know, until none may serve any more.
        ((early,),) = pair.query("SELECT count(*) FROM visit WHERE remark IS NOT NULL")
        assert early == 0
        assert "finished" in newer.kiosk("store", "finish-upgrade")
        assert older.finding == (
            "fail",
            f"its schema {NEXT} serves no program as old as this one",
            "install the version that the other machines run",
        )
        assert newer.finding == ("ok", f"answers, schema {NEXT} is current", "")
        for replica in estate.replicas:  # they read it at once, and not within half a minute
            replica.close()
            replica.start()
        estate.let_come(estate.newcomers(8))
        estate.wait_for_visits(estate.came)
        ((late,),) = pair.query("SELECT count(*) FROM visit WHERE remark IS NOT NULL")
        assert isinstance(late, int)
        assert late >= 8
