"""What ``kiosk doctor`` says of a station, asked of an authority that serves a socket."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.__main__ import main
from kiosk.app.cli.station_checks import check_certificate, station_checks
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.config.loading import ENROLMENT, STATION_STATE, as_account
from kiosk.config.settings import AuthoritySettings, Settings
from kiosk.contract.findings import Condition, Finding, examine
from kiosk.contract.messages import Heartbeat
from tests.authority.world import copy_template
from tests.contract.wirings import WiredWorld, wired


@pytest.fixture
def world(sqlite_template: Path, database_folder: Path) -> Iterator[WiredWorld]:
    with wired(copy_template(sqlite_template, database_folder), "socket") as made:
        yield made


def said_of_station(path: str) -> list[Finding]:
    settings = Settings(authority=AuthoritySettings(socket=path))
    return [
        one for one in examine(station_checks(settings, {}, STATION_STATE)) if one.part == "station"
    ]


def test_a_retired_station_says_so_and_what_to_do(world: WiredWorld) -> None:
    world.at("Ward 7").heartbeat(Heartbeat("0.1"))
    address = world.addresses["Ward 7"]
    assert isinstance(address, str)
    (finding,) = said_of_station(address)
    assert (finding.condition, finding.found) == (Condition.OK, "it may serve everybody")
    world.retire_station("Ward 7")
    with world.store.read() as uow:
        before = uow.stations.get("Ward 7")
    world.clock.forward(minutes=5)
    (finding,) = said_of_station(address)
    assert finding.condition is Condition.FAIL
    assert "retired" in finding.found
    assert "kiosk stations reinstate" in finding.advice
    with world.store.read() as uow:
        assert uow.stations.get("Ward 7") == before


def test_nothing_is_said_of_it_where_the_authority_is_away(world: WiredWorld) -> None:
    assert said_of_station(str(world.folder / "nobody.sock")) == []


def test_unenrolled_station_is_advised_to_enrol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: "is `kiosk authority` running on this machine?", where it is not installed."""
    monkeypatch.setattr("kiosk.app.cli.station_checks.HAS_AUTHORITY", False)
    settings = Settings(authority=AuthoritySettings(socket=str(tmp_path / "nobody.sock")))
    (finding,) = [
        one
        for one in examine(station_checks(settings, {}, STATION_STATE))
        if one.part == "authority"
    ]
    assert '`kiosk setup station --enrol "LINE"`' in finding.advice


def test_the_rest_is_looked_at_where_the_certificate_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: it ended there, and with ``--json`` said nothing at all."""
    settings = tmp_path / "station.toml"
    settings.write_text(
        '[authority]\nsocket = ""\naddresses = ["127.0.0.1:1"]\n'
        f'certificate = "{tmp_path}/station.pem"\nca = "{tmp_path}/ca.pem"\n'
    )
    for words in ([], ["--json"]):
        args = ["doctor", "--config", str(settings), *words]
        assert main(args) == 1
    said = capsys.readouterr().out
    found = {one["part"]: one for one in json.loads(said[said.rindex("\n[") :])}
    certificate = found["certificate"]
    assert certificate["found"] == f"{tmp_path}/station.pem: No such file or directory"
    assert certificate["advice"] == "enrol the station again"
    assert "cannot be used: No such file or directory" in found["authority"]["found"]
    assert {"certificate", "authority", "clock"} <= set(found)
    assert "station" not in found


def test_a_certificate_that_may_not_be_read_names_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "station.pem"

    def refused(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    settings = Settings(authority=AuthoritySettings(certificate=str(path)))
    finding = check_certificate(settings, {}, tmp_path)
    assert finding.advice == as_account(path)


def test_a_certificate_in_der_is_said_to_be_none(tmp_path: Path) -> None:
    """Before: a traceback."""
    path = tmp_path / "station.pem"
    path.write_bytes(b"\x30\x82\x01\xff")
    settings = Settings(authority=AuthoritySettings(certificate=str(path)))
    finding = check_certificate(settings, {}, tmp_path)
    assert finding.found == f"{path} holds no certificate in PEM"


@pytest.mark.parametrize(
    ("age", "condition", "of_the_estate", "of_another"),
    [
        (50, Condition.OK, "", ""),
        (85, Condition.WARN, "it renews itself in its last third: see the log", "replace"),
        (91, Condition.FAIL, "enrol the station again", "replace"),
    ],
)
def test_a_certificate_of_a_ca_of_the_estates_own_is_replaced_and_not_renewed(
    age: int, condition: Condition, of_the_estate: str, of_another: str, tmp_path: Path
) -> None:
    """The station does not renew what its authority has not issued, nor does an enrolment."""
    path = tmp_path / "station.pem"
    key, begun = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=age)
    issued = StationCa(KeyRing.fresh()).issue(
        key.public_key(), "Level 7", begun, timedelta(days=90)
    )
    path.write_bytes(issued.public_bytes(Encoding.PEM))
    settings = Settings(authority=AuthoritySettings(certificate=str(path)))
    finding = check_certificate(settings, {}, tmp_path)
    assert finding.condition is condition
    another = f"replace {path}: the station reads it again by itself" if of_another else ""
    assert finding.advice == another
    (tmp_path / ENROLMENT).touch()
    finding = check_certificate(settings, {}, tmp_path)
    assert (finding.condition, finding.advice) == (condition, of_the_estate)
