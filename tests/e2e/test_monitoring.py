"""What a running authority says to those who run it."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.attacks.passer_by.supervisor import Supervisor
from tests.e2e.conftest import MakeWorld
from tests.e2e.processes import Authority
from tests.e2e.world import SECONDS, World
from tests.support.rsyslog import Rsyslog

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]


@pytest.fixture
def world(make_world: MakeWorld, tmp_path: Path) -> World:
    me = pwd.getpwuid(os.getuid()).pw_name
    return make_world(
        authority={"socket": str(tmp_path / "a.sock"), "station_user": me},
        monitoring={"drain_s": 25},
    )


@pytest.fixture
def manager() -> Iterator[Supervisor]:
    made = Supervisor()
    yield made
    made.close()


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    made = Rsyslog(tmp_path / "rsyslog")
    yield made
    made.stop()


def ask(world: World, path: str) -> tuple[int, str]:
    """Ask at the socket beside the authority's; return the status and the text."""
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(SECONDS)
    connection.sock.connect(str(world.folder.parent / "monitoring.sock"))
    connection.request("GET", path)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, said


def wait_for(world: World, status: int, text: str) -> None:
    while ask(world, "/readyz") != (status, f"{text}\n"):
        time.sleep(0.05)


def test_authority_is_ready_and_counts_until_it_drains(world: World, authority: Authority) -> None:
    wait_for(world, 200, "ready")
    assert ask(world, "/healthz")[0] == 200
    assert ask(world, "/")[0] == 404
    status, said = ask(world, "/metrics")
    assert status == 200
    samples = [one for each in text_string_to_metric_families(said) for one in each.samples]
    found = {one.name: one for one in samples if not one.labels}
    assert found["kiosk_store_up"].value == 1
    assert found["kiosk_stations_in_service"].value == 0
    assert next(one for one in samples if one.name == "kiosk_build_info").labels["schema"]
    authority.process.send_signal(signal.SIGTERM)
    wait_for(world, 503, "it ends")
    assert authority.process.poll() is None


def test_authority_is_alive_but_not_ready_while_the_database_is_away(world: World) -> None:
    database = world.state / "kiosk.db"
    database.rename(world.state / "away.db")
    authority = Authority(world, until="cannot be opened", forked=True)
    try:
        assert ask(world, "/healthz")[0] == 200
        # Anybody who reaches the port is answered: where the database is, is in the log.
        because = "the database cannot be used: the log of this process says why"
        assert ask(world, "/readyz") == (503, f"{because}\n")
        assert "the database file is not there" in authority.written
        doctor = world.kiosk("doctor")
        assert doctor.returncode == 1
        assert f"✗ fail  authority   it serves no station: {because}" in doctor.stdout
        assert "`journalctl -u kiosk-authority` shows the log" in doctor.stdout
        assert "kiosk_open 0.0" in ask(world, "/metrics")[1]
        (world.state / "away.db").rename(database)
        wait_for(world, 200, "ready")
        assert "✓ ok    authority   it is ready" in world.kiosk("doctor").stdout
    finally:
        authority.end(signal.SIGKILL)
    said = world.kiosk("doctor").stdout
    assert f"! warn  authority   none answers at {world.folder.parent}/monitoring.sock" in said


def test_the_service_manager_lets_it_live_while_its_database_is_away(
    world: World, manager: Supervisor
) -> None:
    """It would be ended by the start's time-out, and by the watchdog, if it did not report."""
    database, away = world.state / "kiosk.db", world.state / "away.db"
    database.rename(away)
    authority = Authority(world, until="cannot be opened", environ=manager.environ, forked=True)
    try:
        manager.wait_for_beats()
        status, because = ask(world, "/readyz")
        assert status == 503
        assert manager.said[-3:] == ["READY=1", f"STATUS={because.strip()}", "WATCHDOG=1"]
        away.rename(database)
        wait_for(world, 200, "ready")
        while "STATUS=it serves" not in manager.said:
            manager.wait_for_beats(1)
        # It goes away again, and new keys make the process open everything anew.
        database.rename(away)
        before = authority.written.count("cannot be opened")
        os.utime(world.state / "keys.json")
        while authority.written.count("cannot be opened") == before:
            assert authority.process.poll() is None, authority.written
            time.sleep(0.05)
        manager.wait_for_beats()
        assert ask(world, "/readyz")[0] == 503
    finally:
        authority.end(signal.SIGKILL)


def test_the_service_manager_lets_it_live_while_its_key_file_is_away(
    world: World, manager: Supervisor
) -> None:
    keys, away = world.state / "keys.json", world.state / "away.json"
    keys.rename(away)
    authority = Authority(
        world, until="put your copy of the key file back", environ=manager.environ
    )
    try:
        manager.wait_for_beats()
        status, because = ask(world, "/readyz")
        assert (status, because) == (
            503,
            "the keys cannot be used: the log of this process says why\n",
        )
        assert manager.said[-3:] == ["READY=1", f"STATUS={because.strip()}", "WATCHDOG=1"]
        assert "kiosk_open 0.0" in ask(world, "/metrics")[1]
        away.rename(keys)
        wait_for(world, 200, "ready")
    finally:
        authority.end(signal.SIGKILL)


def test_wrong_settings_fail_the_start(world: World, manager: Supervisor) -> None:
    (world.state / "keys.json").write_text("no key file")
    world.more_environ = {**manager.environ}
    done = world.kiosk("authority")
    assert done.returncode != 0
    assert "it is damaged, or not a key file" in done.stderr
    assert manager.said == []


def test_authority_is_not_ready_once_its_database_is_deleted(
    world: World, authority: Authority
) -> None:
    wait_for(world, 200, "ready")
    (world.state / "kiosk.db").unlink()
    because = "the database cannot be used: the log of this process says why"
    assert ask(world, "/readyz") == (503, f"{because}\n")
    # Which of the two depends on whether a connection to it was still open.
    said = authority.written
    assert "the database file is gone, or another one" in said or "file is not there" in said


def test_the_audit_goes_to_the_collector_of_the_settings(
    make_world: MakeWorld, tmp_path: Path, rsyslog: Rsyslog
) -> None:
    rsyslog.start()
    me = pwd.getpwuid(os.getuid()).pw_name
    world = make_world(
        authority={"socket": str(tmp_path / "a.sock"), "station_user": me},
        siem={"collector": f"localhost:{rsyslog.port}", "ca": str(rsyslog.ca)},
    )
    authority = Authority(world, forked=True)
    try:
        while not (received := rsyslog.received):
            time.sleep(0.05)
        assert json.loads(received[0].partition(" - people-imported - ")[2])["row"] == "1"
        while "kiosk_siem_rows_waiting 0.0" not in ask(world, "/metrics")[1]:
            time.sleep(0.05)
    finally:
        authority.end()
