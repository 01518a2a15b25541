"""Stations of an estate, over mutual TLS, by the installed program: let in, renewed, retired."""

from __future__ import annotations

import compileall
import re
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from kiosk.app.composition.opening import open_keys, open_store
from kiosk.authority.crypto.station_ca import StationCa, fingerprint_of
from kiosk.authority.records import StationKey
from kiosk.contract.messages import Purpose
from kiosk.contract.ports import SystemClock
from kiosk.station.states import Outage
from kiosk.system.sockets import free_ports
from screens.words import waiting
from tests.e2e.conftest import MakeWorld
from tests.e2e.processes import Authority, StationAlone
from tests.e2e.visitor import Visitor
from tests.e2e.world import PROGRAM, World
from tests.support.confined import on_a_full_disk
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NAME, NEW_PIN = "West Wing 2", "480593"
DAY = timedelta(days=1)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    listen, enrol, nobody = free_ports(3)
    return make_world(
        authority={
            "socket": "",
            "listen": f"127.0.0.1:{listen}",
            "enrol_listen": f"127.0.0.1:{enrol}",
            # Nobody answers at the second: stations find the other by themselves.
            "addresses": [f"localhost:{listen}", f"127.0.0.1:{nobody}"],
        }
    )


@pytest.fixture
def machine(world: World, authority: Authority) -> StationAlone:
    return StationAlone(world)


def line(world: World, name: str = NAME) -> str:
    """Have staff make a line, as it is printed."""
    words = ("stations", "enrol", name, "--site", "Wexbridge", "--reason", "new station")
    return world.kiosk(*words, check=True).stdout.split('"')[1]


def enrol(machine: StationAlone) -> None:
    said = machine.kiosk("enrol", *line(machine.world).split())
    assert (said.returncode, said.stdout) == (
        0,
        f"{NAME} is enrolled. Start the station, or start it again.\n",
    ), said.stderr


def renew(machine: StationAlone) -> subprocess.CompletedProcess[str]:
    return machine.kiosk("enrol", "--renew", "--config", str(machine.config))


def certificate(machine: StationAlone) -> x509.Certificate:
    return x509.load_pem_x509_certificate((machine.folder / "station.pem").read_bytes())


def reissue(machine: StationAlone, begins: datetime, life: timedelta) -> None:
    """Put the station's certificate, and what is recorded of it, back in time."""
    world, file = machine.world, machine.folder / "station.pem"
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    ca = StationCa(open_keys(world.settings, {}))
    made = ca.issue(key.public_key(), NAME, begins, life).public_bytes(Encoding.PEM)
    private, _, _ = file.read_text().partition("-----BEGIN CERTIFICATE")
    file.write_text(private + made.decode())
    store = open_store(world.settings, SystemClock(), {})
    with store.begin() as uow:
        uow.station_keys.drop(NAME)
        fingerprint = fingerprint_of(key.public_key())
        uow.station_keys.add(StationKey(fingerprint, NAME, begins + life, begins))
        uow.commit()
    store.close()


def test_a_station_is_enrolled_serves_and_is_retired(
    world: World, authority: Authority, machine: StationAlone
) -> None:
    enrol(machine)
    kept = {each.name: each for each in machine.folder.iterdir()} | {}
    for name in ("station.pem", "authority-ca.pem", "enrolment.toml"):
        assert stat.S_IMODE(kept[name].stat().st_mode) == 0o600
    assert "PRIVATE KEY" in kept["station.pem"].read_text()
    ada = world.ada
    world.register(ada)
    world.block(ada)
    display = machine.start()
    visitor = Visitor(world, ada, display)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    machine.holds_nothing_of_the_authority()
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    told = world.kiosk("audit", "list", "--limit", "50").stdout
    assert "a name that counts for nothing" not in told
    assert NAME in told
    # The connection stays: what ends the station is its row.
    world.kiosk("stations", "retire", NAME, "--reason", "stolen", check=True)
    visitor.comes()
    display.see(waiting.RETIRED_TITLE)
    world.remove(ada)
    display.see(*waiting.OUTAGES[Outage.RETIRED])
    assert "fault" not in authority.written
    assert authority.end() == 0


def test_a_station_is_enrolled_and_served_while_the_key_file_is_away(
    world: World, machine: StationAlone
) -> None:
    """The authority had met no recorded row yet, and answered each call with status 500."""
    words = line(world).split()
    keys = world.state / "keys.json"
    keys.rename(world.state / "away.json")
    said = machine.kiosk("enrol", *words)
    assert said.returncode == 0, said.stderr
    doctor = machine.kiosk("doctor", "--config", str(machine.config)).stdout
    assert "✓ ok    station     it may serve everybody" in doctor


def test_a_line_works_once_and_typing_errors_are_noticed(machine: StationAlone) -> None:
    address, code = line(machine.world).split()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    said = machine.kiosk("enrol", address, wrong)
    assert said.returncode == 2
    assert "typed wrongly" in said.stderr
    assert machine.kiosk("enrol", address, code.lower()).returncode == 0
    before = (machine.folder / "station.pem").read_bytes()
    again = machine.kiosk("enrol", address, code)
    assert again.returncode == 1
    assert "it works once, for 15 minutes" in again.stderr
    assert "`kiosk setup station` goes on without one" in again.stderr
    assert (machine.folder / "station.pem").read_bytes() == before


def test_at_a_terminal_it_asks_until_a_line_is_taken(machine: StationAlone) -> None:
    typed = line(machine.world)
    terminal = Terminal([PROGRAM, "enrol"], machine.environ)
    terminal.wait_for("is not enrolled as a station yet", "kiosk stations enrol")
    terminal.send(f"\n{typed[:-1]}\n")
    terminal.wait_for("39 characters came", "Type the line again")
    terminal.send(f"{typed}\n")
    terminal.wait_for(f"{NAME} is enrolled.")
    assert terminal.process.wait(30) == 0
    terminal.close()
    assert (machine.folder / "station.pem").exists()


def test_a_line_that_nobody_answered_is_tried_again_without_typing_it(
    machine: StationAlone, authority: Authority
) -> None:
    typed = line(machine.world)
    authority.end()
    terminal = Terminal([PROGRAM, "enrol"], machine.environ)
    terminal.wait_for("is not enrolled as a station yet")
    terminal.send(f"{typed}\n")
    terminal.wait_for("no answer", "Enter alone tries this line once more")
    authority.log.unlink()
    authority.start("enrolling stations on")
    terminal.send("\n")
    terminal.wait_for(f"{NAME} is enrolled.")
    assert terminal.process.wait(30) == 0
    terminal.close()


def test_an_authority_that_is_not_the_lines_gets_no_secret(
    machine: StationAlone, authority: Authority
) -> None:
    """The authority that answers has another key file than the one that made the line."""
    address, code = line(machine.world).split()
    authority.end()
    keys = machine.world.state / "keys.json"
    text = keys.read_text()
    material = re.search(r'"purpose": "station-ca",\s+"id": "[^"]+",\s+"key": "([^"]+)"', text)
    assert material is not None
    keys.write_text(text.replace(material[1], "A" * 42 + "E="))
    authority.log.unlink()
    authority.start()
    said = machine.kiosk("enrol", address, code)
    assert said.returncode == 1
    assert "not the authority that this line is of" in said.stderr
    assert not (machine.folder / "station.pem").exists()


def test_a_certificate_is_renewed_while_the_station_serves(
    world: World, machine: StationAlone
) -> None:
    enrol(machine)
    assert renew(machine).stdout == "not due yet\n"
    reissue(machine, datetime.now(UTC) - 70 * DAY, 90 * DAY)
    before = certificate(machine)
    display = machine.start(hasty=True)
    display.wait_until(lambda _: certificate(machine) != before, "another certificate")
    after = certificate(machine)
    assert after.public_key() != before.public_key()
    assert after.not_valid_after_utc > datetime.now(UTC) + 89 * DAY
    display.wait_until(lambda _: "certificate have changed" in machine.log.read_text(), "its use")
    store = open_store(world.settings, SystemClock(), {})

    def keys() -> dict[str, StationKey]:
        with store.begin() as uow:
            return uow.station_keys.lock(NAME)

    former, new = (fingerprint_of(each.public_key()) for each in (before, after))
    display.wait_until(lambda _: keys()[former].ends_at is not None, "a call with the new key")
    # From now on the station is known by its new key alone.
    with store.begin() as uow:
        follows = uow.station_keys.lock(NAME)[new]
        uow.station_keys.drop(NAME)
        uow.station_keys.add(follows)
        uow.commit()
    store.close()
    Visitor(world, world.ada, display).comes()
    display.see("Hello, Ada Quill.")


def test_certificate_is_renewed_at_the_addresses_of_the_settings(machine: StationAlone) -> None:
    """The authority has moved since the station was enrolled."""
    enrol(machine)
    reissue(machine, datetime.now(UTC) - 70 * DAY, 90 * DAY)
    before, enrolled = certificate(machine), machine.folder / "enrolment.toml"
    addresses = machine.world.settings.authority.addresses
    named = ", ".join(f'"{each}"' for each in addresses)
    with machine.config.open("a") as settings:
        settings.write(f"[authority]\naddresses = [{named}]\n")
    [gone] = free_ports(1)
    enrolled.write_text(re.sub(r"localhost:\d+", f"localhost:{gone}", enrolled.read_text()))
    display = machine.start(hasty=True)
    display.wait_until(lambda _: certificate(machine) != before, "another certificate")


def test_a_renewal_with_a_ca_that_leads_to_nobody_changes_nothing(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    """The authority shows a certificate of a CA that its settings do not name any more."""
    listen, enrolling = free_ports(2)
    yours, shown = trustme.CA(), tmp_path / "shown.pem"
    yours.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(shown))
    world = make_world(
        authority={
            "socket": "",
            "listen": f"127.0.0.1:{listen}",
            "enrol_listen": f"127.0.0.1:{enrolling}",
            "addresses": [f"localhost:{listen}"],
            "certificate": str(shown),
        }
    )
    authority, machine = Authority(world, forked=True), StationAlone(world)
    enrol(machine)
    yours.cert_pem.write_to_path(str(machine.folder / "authority-ca.pem"))
    reissue(machine, datetime.now(UTC) - 70 * DAY, 90 * DAY)
    before = {file: file.read_bytes() for file in machine.folder.iterdir()}
    assert "with the CA that the authority sent it is not reached any more" in renew(machine).stderr
    assert {file: file.read_bytes() for file in machine.folder.iterdir()} == before
    assert authority.end() == 0


def test_a_disk_without_room_is_found_before_anything_is_asked(
    world: World, machine: StationAlone
) -> None:
    """Before: the line was used up, or a key was renewed, for nothing."""
    without_room = [*on_a_full_disk(100), str(PROGRAM), "enrol"]
    # Without room Python keeps a hundred bytes of a compiled module, and fails to read it later.
    for part in ("kiosk", "screens", "hardware"):
        compileall.compile_dir(Path(__file__).parents[2] / part, quiet=1)

    def refused(*words: str) -> str:
        said = subprocess.run(
            [*without_room, *words],
            env=machine.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 1
        return said.stderr

    typed = line(world).split()
    assert f"{machine.folder} has no room" in refused(*typed)
    assert machine.kiosk("enrol", *typed).returncode == 0
    reissue(machine, datetime.now(UTC) - 70 * DAY, 90 * DAY)
    before = certificate(machine)
    assert f"{machine.folder} has no room" in refused("--renew", "--config", str(machine.config))
    assert certificate(machine) == before
    store = open_store(world.settings, SystemClock(), {})
    with store.begin() as uow:
        keys = uow.station_keys.lock(NAME)
    store.close()
    assert list(keys) == [fingerprint_of(before.public_key())]
    assert renew(machine).stdout == "renewed\n"


def test_an_expired_certificate_is_refused(machine: StationAlone) -> None:
    enrol(machine)
    reissue(machine, datetime.now(UTC) - 91 * DAY, 90 * DAY)
    machine.start(title=waiting.OUTAGE_TITLE)
    said = renew(machine)
    assert said.returncode == 1
    assert "has expired" in said.stderr


def openssl(*words: object, folder: Path) -> None:
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)


def test_stations_of_the_estates_own_ca_are_let_in_by_their_certificate(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    """The CA is openssl's, and so is each certificate, the authority's own too."""
    own = tmp_path / "pki"
    own.mkdir()
    make = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*make, "-subj", "/CN=Trust CA", "-keyout", "ca.key", "-out", "ca.pem", folder=own)
    for name, use, san in (
        ("server", "serverAuth", "DNS:localhost"),
        ("station", "clientAuth", "DNS:station-7.example"),
    ):
        uses = ("-addext", f"extendedKeyUsage={use}", "-addext", f"subjectAltName={san}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}", *uses)
        openssl(
            *make, *signed, "-keyout", f"{name}.key", "-out", f"{name}.pem",
            "-addext", "basicConstraints=critical,CA:false", folder=own,
        )  # fmt: skip
    (port,) = free_ports(1)
    world = make_world(
        authority={
            "socket": "",
            "listen": f"127.0.0.1:{port}",
            "certificate": str(own / "server.pem"),
            "key": str(own / "server.key"),
            "ca": str(own / "ca.pem"),
        }
    )
    authority = Authority(world, forked=True)
    machine = StationAlone(
        world,
        f'[authority]\naddresses = ["localhost:{port}"]\ncertificate = "{own / "station.pem"}"\n'
        f'key = "{own / "station.key"}"\nca = "{own / "ca.pem"}"\n',
    )
    display = machine.start(title=waiting.OUTAGE_TITLE)
    assert "no station is enrolled with the key" in authority.written
    words = ("stations", "enrol", "Level 7", "--certificate", str(own / "station.pem"))
    said = world.kiosk(*words, "--reason", "new station", check=True)
    assert said.stdout.startswith("Level 7 is known by its certificate")
    display.see(waiting.ATTRACT_TITLE)
    assert authority.end() == 0


def test_the_doctor_looks_at_the_way_to_the_authority(
    world: World, authority: Authority, machine: StationAlone
) -> None:
    enrol(machine)
    good = certificate(machine).not_valid_after_utc
    said = machine.kiosk("doctor", "--config", str(machine.config)).stdout
    serves, nobody = world.settings.authority.addresses
    assert re.search(rf"✓ ok +authority +{serves} answers", said), said
    assert re.search(rf"✗ fail +authority +{nobody} does not answer: .*refused", said), said
    assert re.search(rf"✓ ok +certificate +good until {good:%d %B %Y}", said), said
    assert "database" not in said
    authority.end()
    said = machine.kiosk("doctor", "--config", str(machine.config)).stdout
    assert re.search(rf"✗ fail +authority +{serves} does not answer", said), said


def test_the_doctor_says_that_a_certificate_has_ended(
    world: World, authority: Authority, machine: StationAlone
) -> None:
    enrol(machine)
    reissue(machine, datetime.now(UTC) - 90 * DAY, 89 * DAY)
    said = machine.kiosk("doctor", "--config", str(machine.config))
    assert re.search(r"✗ fail +certificate +it was good until", said.stdout), said
    assert said.returncode == 1
