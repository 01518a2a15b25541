"""PostgreSQL taken back to a moment by pgBackRest, by the configuration in ``docs/pgbackrest``."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from campaigns.failover.servers import wait_until
from kiosk.authority.records import GapKind
from kiosk.contract.messages import Finished
from kiosk.contract.policy import Policy
from kiosk.contract.ports import SystemClock
from tests.authority.test_restoring import LIMIT, InHand, another_card, load, unlock
from tests.authority.world import World
from tests.e2e.world import SECONDS
from tests.support.database import (
    SERVER_ACCOUNT,
    SHARED,
    TEMPLATE,
    PostgresServer,
    as_account,
    migrated,
)
from tests.support.prepared import prepared_program

pytestmark = pytest.mark.postgresql

CONFIGURATION = Path(__file__).parents[3] / "docs" / "pgbackrest" / "pgbackrest.conf"


class Archived:
    """A server whose log is archived by pgBackRest."""

    def __init__(self, folder: Path) -> None:
        text = CONFIGURATION.read_text()
        for old, new in (
            ("/mnt/elsewhere/pgbackrest", f"{folder}/repository"),
            ("/var/lib/postgresql/kiosk/data", f"{folder}/data"),
            ("/var/run/postgresql", f"{folder}\npg1-user=kiosk"),
            ("[global]", f"[global]\nlog-path={folder}\nlock-path={folder}/lock"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        self._config = folder / "pgbackrest.conf"
        self._config.write_text(text)
        if os.geteuid() == 0:
            shutil.chown(self._config, SERVER_ACCOUNT)
        self._config.chmod(0o600)
        push = f"pgbackrest --config={self._config} --stanza=kiosk archive-push %p"
        self.server = PostgresServer(
            folder, settings={"archive_mode": "on", "archive_command": push}
        )
        self.server.start()
        self.server.execute(f"CREATE DATABASE {TEMPLATE}")
        migrated(self.server.url(TEMPLATE))
        self.url = self.server.fresh()

    def pgbackrest(self, *words: str) -> None:
        program = [*as_account(), "pgbackrest", f"--config={self._config}", "--stanza=kiosk"]
        subprocess.run([*program, *words], cwd=self.server.folder, check=True)

    def ask(self, expression: str) -> str:
        with psycopg.connect(self.server.url(SHARED)) as connection:
            statement = f"SELECT ({expression})::text".encode()
            (found,) = connection.execute(statement).fetchone() or ("",)
        return str(found)

    @property
    def is_writable(self) -> bool:
        try:
            return self.ask("NOT pg_is_in_recovery()") == "true"
        except psycopg.OperationalError:
            return False


@pytest.fixture
def archived() -> Iterator[Archived]:
    with tempfile.TemporaryDirectory(prefix="kiosk-pg-") as name:
        made = Archived(Path(name))
        yield made
        if made.server.runs:
            made.server.stop()


def kiosk(world: World, *words: str) -> str:
    """Run a command on the estate, as a process."""
    environ = {
        "PATH": os.environ["PATH"],
        "STATE_DIRECTORY": str(world.folder),
        "KIOSK_STORE__URL": world.url,
    }
    config = world.folder / "kiosk.toml"
    config.touch(mode=0o600)
    line = [*words, "--config", str(config)]
    done = prepared_program().run(line, environ, world.folder, SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def opened(folder: Path, url: str) -> World:
    world = World(folder, url=url, time=SystemClock())
    world.policy = Policy(code_gap=timedelta(0), codes_an_hour=20, visits_a_minute=1000)
    return world


def rows(world: World) -> int:
    with world.store.read() as uow:
        return uow.audit.count_rows()


def test_a_server_goes_back_to_a_moment_and_cards_that_rotated_since_unlock(
    archived: Archived, tmp_path: Path
) -> None:
    world = opened(tmp_path, archived.url)
    rotated, untouched = (another_card(world, f"90000000000{n}") for n in (1, 2))
    in_hand = {rotated.id: InHand(), untouched.id: InHand()}
    archived.pgbackrest("stanza-create")
    archived.pgbackrest("check")
    with load(world):
        archived.pgbackrest("--type=full", "backup")
    # pgBackRest counts whole seconds: it takes a backup that ended in a second before the moment's.
    ended = archived.ask("date_trunc('second', clock_timestamp()) + interval '2 seconds'")
    wait_until(lambda: archived.ask(f"clock_timestamp() >= '{ended}'") == "true")
    # What the archive alone has.
    assert isinstance(unlock(world, untouched, in_hand[untouched.id]), Finished)
    before = rows(world)
    counted = world.card(rotated), world.registration(rotated)
    moment = archived.ask("clock_timestamp()")
    assert isinstance(unlock(world, rotated, in_hand[rotated.id]), Finished)
    anchors = tmp_path / "anchors"
    kiosk(world, "audit", "anchor", "--out", str(anchors))
    archived.pgbackrest("check")
    world.store.close()
    archived.server.stop()

    to = ("--delta", "--type=time", f"--target={moment}", "--target-action=promote")
    archived.pgbackrest(*to, "restore")
    archived.server.serve()
    wait_until(lambda: archived.is_writable)
    reader_cards = world.reader_cards
    world = opened(tmp_path, archived.url)
    world.reader_cards = reader_cards
    assert rows(world) == before
    assert (world.card(rotated), world.registration(rotated)) == counted
    world.store.close()
    kiosk(world, "restore", "--server", "--anchors", str(anchors))
    said = kiosk(world, "audit", "verify", "--anchors", str(anchors))
    assert said.startswith(f"{before + 1:,} rows and 1 anchor fit\nrows {before + 1} to ")
    assert "were lost when a backup was restored" in said
    with world.store.read() as uow:
        assert GapKind.RESTORED in {gap.kind for gap in uow.audit.gaps()}
    for card in (rotated, untouched):
        assert isinstance(unlock(world, card, in_hand[card.id]), Finished)
    assert in_hand[rotated.id].fewest == LIMIT - 1
    assert in_hand[untouched.id].fewest == LIMIT
    assert "anchor fit" in kiosk(world, "audit", "verify", "--anchors", str(anchors))
    world.store.close()
