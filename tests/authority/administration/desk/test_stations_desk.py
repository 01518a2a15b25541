from __future__ import annotations

from datetime import timedelta

from kiosk.authority.administration.office import Office
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.administration.views import StationLine, StationState
from kiosk.authority.errors import ConcurrentChange, NotFound
from kiosk.authority.records import AuditQuery, Station
from kiosk.authority.store.database import Store
from screens.words.staff.deeds import deed_words
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import GROUNDS
from tests.support.database import SetClock
from tests.support.refusals import refused


def test_a_station_says_how_it_is(auditor: Office, history: History, clock: SetClock) -> None:
    now = clock.now()
    history.station("Main entrance", "Wexbridge General")
    history.station("Level 2", seen=now - timedelta(minutes=10))
    for minutes in (50, 30, 40):
        history.visit(at=now - timedelta(minutes=minutes))
    level, main = StationsDesk(auditor).every()
    last = now - timedelta(minutes=30)
    said = ("Main entrance", "Wexbridge General", "0.1.0", "ready")
    assert main == StationLine(*said, now, last, state=StationState.UP, retired_at=None)
    assert (level.name, level.site, level.last_visit_at, level.state) == (
        "Level 2",
        "",
        None,
        StationState.SILENT,
    )


def test_station_that_never_started_is_not_silent(
    auditor: Office, store: Store, clock: SetClock
) -> None:
    let_in = clock.now()
    with store.begin() as uow:
        uow.stations.enrolled(Station("Ward 7", let_in))
        uow.commit()
    clock.forward(hours=1)
    (line,) = StationsDesk(auditor).every()
    assert line.state is StationState.NOT_STARTED
    assert (line.last_seen_at, line.let_in_at) == (None, let_in)


def test_a_retired_station_comes_last_and_is_never_silent(
    manager: Office, history: History, store: Store, clock: SetClock
) -> None:
    desk = StationsDesk(manager)
    for name in ("A", "B"):
        history.station(name)
    done = desk.retire("A", GROUNDS)
    assert deed_words(done.deed) == "A is retired. It serves nobody any more."
    now = clock.now()
    clock.forward(hours=1)
    assert [(line.name, line.state, line.retired_at) for line in desk.every()] == [
        ("B", StationState.SILENT, None),
        ("A", StationState.RETIRED, now),
    ]
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
        assert (event.kind, event.station) == ("station-retired", "A")
        assert event.actor == manager.actor.staff_id
        note = uow.notes.by_ids((str(event.detail["note"]),))
        assert [each.reason for each in note.values()] == [GROUNDS.reason]


def test_a_station_comes_back(manager: Office, history: History, store: Store) -> None:
    desk = StationsDesk(manager)
    history.station("A")
    desk.retire("A", GROUNDS)
    done = desk.reinstate("A", GROUNDS)
    assert deed_words(done.deed) == "A is in service again."
    assert [line.retired_at for line in desk.every()] == [None]
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
        assert (event.kind, event.station) == ("station-reinstated", "A")


def test_second_change_of_a_station_is_refused(
    manager: Office, history: History, store: Store
) -> None:
    desk = StationsDesk(manager)
    history.station("A")
    with refused(ConcurrentChange, match="A is in service already"):
        desk.reinstate("A", GROUNDS)
    first = desk.retire("A", GROUNDS)
    with refused(ConcurrentChange, match="A is retired already") as caught:
        desk.retire("A", GROUNDS)
    told = f"{manager.actor.name} retired the station (reference {first.reference})."
    assert change_lines(caught.value) == (told,)
    with store.read() as uow:
        assert uow.trail.newest(AuditQuery())[0].reference == first.reference


def test_a_station_that_there_is_not(manager: Office) -> None:
    desk = StationsDesk(manager)
    with refused(NotFound, match="no station named Z"):
        desk.retire("Z", GROUNDS)
    with refused(NotFound, match="no station named Z"):
        desk.reinstate("Z", GROUNDS)
