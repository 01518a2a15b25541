"""What a station stands on goes away and comes back: it says so, and goes on by itself."""

from __future__ import annotations

import pytest

from hardware.virtual.link import CardLink
from kiosk.contract.messages import Purpose, Reason
from kiosk.station.states import CodeLack, Outage, Work
from screens.words import choices, email, frame, waiting
from screens.words.reasons import YOUR_REFERENCE, refusal
from tests.e2e.conftest import MakeWorld
from tests.e2e.locked_database import held
from tests.e2e.records import events, registration
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.support.faults import FaultyCard, Hang

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"
RESET_RETRY_COUNTER = 0x2C


def _out_of_service(station: Station, why: Outage) -> None:
    station.see(*waiting.OUTAGES[why])


def _is_served(visitor: Visitor) -> None:
    visitor.station.see(choices.greeting(visitor.who.name))


def test_the_reader_service_is_killed_and_the_reader_unplugged(world: World) -> None:
    station, pcscd = world.station(program=HASTY), world.pcscd
    ben = Visitor(world, world.ben, station)

    pcscd.kill()
    _out_of_service(station, Outage.NO_READER_SERVICE)
    pcscd.start()
    station.see(waiting.ATTRACT_TITLE)
    _is_served(ben.comes())

    pcscd.kill()
    _out_of_service(station, Outage.NO_READER_SERVICE)
    assert ben.who.name not in station.read
    pcscd.start()
    _is_served(ben)

    pcscd.unplug()
    _out_of_service(station, Outage.NO_READER)
    assert ben.who.name not in station.read
    pcscd.replug()
    _is_served(ben)
    ben.goes()

    pcscd.unplug()
    _out_of_service(station, Outage.NO_READER)
    pcscd.replug()
    station.see(waiting.ATTRACT_TITLE)
    _is_served(ben.comes())
    ben.goes()


def test_the_relay_is_away_when_a_code_is_due(world: World) -> None:
    ada = world.ada
    world.register(ada)
    ada.card.state.pin.left = 0
    visitor = Visitor(world, ada, world.station())
    visitor.comes().unlocks()
    world.mailbox.stop()
    visitor.answers()
    title, text = email.LACKS[CodeLack.MAIL_AWAY]
    visitor.station.see(title, text, email.NEW_CODE)
    visitor.station.press("enter")
    visitor.station.see(waiting.WORKS[Work.SENDING_CODE][0])
    visitor.station.see(title, email.NEW_CODE)
    world.mailbox.start()
    visitor.station.press("enter")
    visitor.awaits_code(Purpose.UNLOCK)
    visitor.enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert len(events(world, "code-sent")) == 1
    assert registration(world, ada).failures == 0


def test_the_database_is_locked_for_longer_than_it_is_waited_for(make_world: MakeWorld) -> None:
    # Long enough that what is tried again is still waiting when the lock comes off.
    world = make_world(store={"busy_timeout_s": 7})
    world.register(world.ada)
    world.ada.card.state.pin.left = 0
    ada = Visitor(world, world.ada, world.station())
    ben = Visitor(world, world.ben, world.station(slot=1, name="Ward 7"), slot=1)
    ada.comes().unlocks()
    ada.station.see_any(*world.ada.answers)
    with held(world.database) as lock:
        ada.answers()
        ben.comes()
        ada.station.see(choices.NOT_REACHED_TITLE, choices.NOT_REACHED_TEXT, frame.TRY_AGAIN)
        away = refusal(Reason.AUTHORITY_AWAY)
        ben.station.see(away.title, away.happened, YOUR_REFERENCE)
        world.remove(world.ben)
        # On a slow machine its next heartbeat is due meanwhile, and cannot be written either.
        ben.station.see_any(waiting.ATTRACT_TITLE, waiting.OUTAGE_TITLE)
        ada.station.press("enter")
        ben.comes()
        ada.station.see(waiting.WORKS[Work.CHECKING_ANSWERS][0])
        lock.let_go()
    ada.awaits_code(Purpose.UNLOCK)
    _is_served(ben)
    assert len(events(world, "attempt-charged")) == 1
    assert registration(world, world.ada).failures == 0
    world.kiosk("audit", "verify", check=True)


def test_the_database_is_locked_when_the_card_has_its_new_pin(make_world: MakeWorld) -> None:
    world = make_world(store={"busy_timeout_s": 1})
    ada = world.ada
    world.register(ada)
    ada.card.state.pin.left = 0
    visitor = Visitor(world, ada, world.station(program=HASTY))
    hang = Hang(done=True)
    faulty = FaultyCard(ada.card, {RESET_RETRY_COUNTER: hang})
    link = CardLink(faulty, world.pcscd.slots[0])
    link.insert()
    visitor.unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN)
    assert hang.reached.wait(30)
    with held(world.database) as lock:
        hang.release()
        lock.let_go(1.5)
    visitor.finishes(Purpose.UNLOCK)
    link.remove()
    assert len(events(world, "unblock-done")) == 1


def test_a_station_begins_before_its_database_is_there(world: World) -> None:
    elsewhere = world.database.with_name("elsewhere.db")
    world.database.rename(elsewhere)
    station = world.station(ready=False, program=HASTY)
    _out_of_service(station, Outage.AUTHORITY_AWAY)
    elsewhere.rename(world.database)
    station.see(waiting.ATTRACT_TITLE)
    _is_served(Visitor(world, world.ben, station).comes())


def test_a_station_begins_before_it_is_set_up(world: World) -> None:
    for file in (*world.state.glob("kiosk.db*"), world.state / "keys.json"):
        file.unlink()
    station = world.station(ready=False, program=HASTY)
    _out_of_service(station, Outage.AUTHORITY_AWAY)
    world.kiosk("setup", "authority", check=True)
    station.see(waiting.ATTRACT_TITLE)
    world.kiosk("import", str(world.people_file), check=True)
    _is_served(Visitor(world, world.ben, station).comes())
