"""An officer at a station: their card, its PIN, a reason, and what the station then does.

The program in two processes, a real reader service with a virtual card, and a message
bus on which a logind notes what it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.contract.messages import CardId, MaintenanceAct, MaintenanceReason, Purpose, Reason
from screens.words import choices, maintenance, reasons
from tests.attacks.stolen import behind
from tests.e2e import records
from tests.e2e.people import Person
from tests.e2e.processes import StationAlone
from tests.e2e.station import Station
from tests.e2e.test_two_processes import world
from tests.e2e.visitor import Visitor
from tests.e2e.world import World
from tests.support.gids_card import ADMIN_KEY, new_gids_card
from tests.support.hostile.shims import VerifyShim
from tests.support.system_bus import Logind, system_bus

__all__ = ["world"]

pytestmark = [pytest.mark.hardware, pytest.mark.terminal, pytest.mark.usefixtures("authority")]

SAM = "Sam Reed"
REASON = ("--reason", "maintains the stations")


class Maintained(StationAlone):
    """A station's machine whose system bus is the test's."""

    bus = ""

    @property
    def environ(self) -> Mapping[str, str]:
        return {**super().environ, "DBUS_SYSTEM_BUS_ADDRESS": self.bus}


@pytest.fixture
def logind(tmp_path: Path) -> Iterator[Logind]:
    with system_bus(tmp_path) as bus:
        yield bus


@pytest.fixture
def machine(world: World, logind: Logind) -> StationAlone:
    made = Maintained(world, f'[authority]\nsocket = "{world.folder.parent / "a.sock"}"\n')
    made.bus = logind.bus
    return made


def make_officer(world: World, person: Person, *card: str) -> str:
    """Have staff make a holder an officer; return the member's id.

    ``card``: what names their card and its key; else it is a PIV card with the key on record.
    """
    for words in (
        ("add", SAM, "--role", "technician"),
        ("add-card", SAM, *(card or (person.card.state.guid.hex(),))),
    ):
        said = world.kiosk("staff", *words, *REASON)
        assert said.returncode == 0, said.stderr
    (line,) = json.loads(world.kiosk("staff", "list", "--json").stdout)
    return str(line["staff_id"])


def open_page(world: World, officer: Person, station: Station) -> Visitor:
    """Go up to the maintenance page, for a planned check."""
    visitor = Visitor(world, officer, station).comes()
    visitor.chooses(Purpose.MAINTENANCE).proves_pin()
    station.see(maintenance.REASON_TITLE)
    station.press(str(1 + list(MaintenanceReason).index(MaintenanceReason.CHECK)))
    station.see(maintenance.MENU_TITLE)
    return visitor


def pick(station: Station, act: MaintenanceAct) -> None:
    station.press(str(1 + list(MaintenanceAct).index(act)))


def confirm(station: Station, act: MaintenanceAct) -> None:
    pick(station, act)
    station.see(maintenance.SURE_TITLE, maintenance.ACTS[act])
    station.press("tab", "enter")


def test_an_officer_looks_restarts_and_switches_off(
    world: World, machine: StationAlone, logind: Logind
) -> None:
    officer = make_officer(world, world.ada)
    station = machine.start(hasty=True)
    visitor = open_page(world, world.ada, station)
    pick(station, MaintenanceAct.TEST_READER)
    station.see("The card reader works", "Your card was read again: PIV.")
    station.press("enter")
    station.see(maintenance.MENU_TITLE)
    pick(station, MaintenanceAct.SHOW_NETWORK)
    station.see("The authority answers", ": answers", "as the authority's")
    station.press("enter")
    station.see(maintenance.MENU_TITLE)
    logind.refuses = True
    confirm(station, MaintenanceAct.RESTART_MACHINE)
    station.see("That did not work", "logind refuses")
    station.press("enter")
    station.see(maintenance.MENU_TITLE)
    logind.refuses = False
    confirm(station, MaintenanceAct.SWITCH_OFF)
    station.see("it begins now", "stays off")
    visitor.goes()
    assert logind.asked == [("Reboot", (False,)), ("PowerOff", (False,))]
    rows = records.events(world, "maintained")
    assert [row.detail["act"] for row in reversed(rows)] == [
        "test-reader",
        "show-network",
        "restart-machine",
        "switch-off",
    ]
    listed = world.kiosk("audit", "list", "--limit", "20").stdout
    assert "Had the station switched off." in listed
    assert {row.actor for row in rows} == {officer}


def test_the_program_ends_for_its_service_manager_to_start_it(
    world: World, machine: StationAlone, logind: Logind
) -> None:
    make_officer(world, world.ada)
    station = machine.start(hasty=True)
    open_page(world, world.ada, station)
    confirm(station, MaintenanceAct.RESTART_STATION)
    assert station.process.wait(60) == 0
    assert logind.asked == []
    (row,) = records.events(world, "maintained")
    assert row.detail["act"] == "restart-station"
    assert records.events(world, "visit-ended")


def test_a_gids_card_opens_the_page_by_the_key_in_its_container(
    world: World, machine: StationAlone, logind: Logind
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    card = new_gids_card(pin="482915", containers=(key,))
    gus = Person("900100200303", "Gus Dale", "482915", ADMIN_KEY.hex(), card)  # type: ignore[arg-type]
    identifier = card.state.card_id.hex()
    world.take_in(gus, CardId("gids", identifier))
    pem = world.folder / "gus.pem"
    pem.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    officer = make_officer(world, gus, identifier, "--driver", "gids", "--key", str(pem))
    station = machine.start(hasty=True)
    visitor = open_page(world, gus, station)
    pick(station, MaintenanceAct.TEST_READER)
    station.see("The card reader works", "Your card was read again: GIDS.")
    station.press("enter")
    station.see(maintenance.MENU_TITLE)
    visitor.goes()
    assert [row.actor for row in records.events(world, "maintained")] == [officer]


def test_the_page_closes_with_the_card(world: World, machine: StationAlone) -> None:
    make_officer(world, world.ada)
    station = machine.start(hasty=True)
    open_page(world, world.ada, station).goes()
    visitor = Visitor(world, world.ben, station).comes()
    shown = station.see(choices.greeting(world.ben.name))
    assert choices.OFFERS[Purpose.MAINTENANCE][0] not in shown
    visitor.goes()


def test_a_device_that_answers_verify_by_itself_opens_nothing(
    world: World, machine: StationAlone, logind: Logind
) -> None:
    make_officer(world, world.ada)
    station = machine.start(hasty=True)
    shim = VerifyShim(world.ada.card)
    thief = behind(world.ada, shim)
    visitor = Visitor(world, thief, station).comes().chooses(Purpose.MAINTENANCE).proves_pin()
    station.see(reasons.refusal(Reason.MAINTENANCE_REFUSED).title, reasons.YOUR_REFERENCE)
    visitor.goes()
    assert shim.verified == 1
    assert logind.asked == []
    assert not records.events(world, "maintained")
    (refused,) = records.events(world, "refused")
    assert refused.detail["because"] == "the card did not prove its PIN"
