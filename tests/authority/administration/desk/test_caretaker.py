"""Who is told of what, and once while it lasts."""

from __future__ import annotations

from typing import Any

import pytest

from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.records import OutboxMessage, new_id
from kiosk.authority.store.database import Store
from kiosk.contract.messages import Reason
from tests.authority.administration.desk.caretakers import RA, Post, keep, templates, told
from tests.authority.administration.desk.history import History
from tests.authority.store import samples
from tests.support.database import SetClock


@pytest.fixture
def post(store: Store) -> Post:
    return Post(store)


def test_caretakers_share_one_run_a_minute(means: StaffDependencies, clock: SetClock) -> None:
    one, other = keep(means), keep(means)
    assert one.run()
    assert not other.run()
    clock.forward(minutes=1)
    assert other.run()
    assert not one.run()


def test_caretaker_mails_nothing_where_nothing_is_wrong(
    means: StaffDependencies, history: History, post: Post
) -> None:
    history.station("A")
    history.refused(Reason.LEAVER)
    keep(means).run()
    assert told(post) == []


def test_failed_proof_is_mailed_once_and_again_when_it_comes_back(
    means: StaffDependencies, history: History, post: Post, clock: SetClock
) -> None:
    person = samples.stored_person(means.store)
    where: dict[str, Any] = {"card_id": person.card.id, "holder": person.holder}
    visit = history.refused(Reason.NOT_GENUINE, **where)
    keep(means).run()
    when = clock.now().isoformat(timespec="seconds")
    facts = {"station": "Main entrance", "reference": visit.reference, "when": when}
    named = {"holder_name": person.holder.name, "holder_number": person.holder.number}
    (message,) = post.collect()
    assert (message.to, message.template) == (RA, "card-not-genuine")
    assert message.params == facts | named
    assert message.holder_id == person.holder.id
    for _ in range(3):
        clock.forward(hours=7)
        history.refused(Reason.NOT_GENUINE, **where)
        keep(means).run()
    assert told(post) == []
    clock.forward(hours=25)
    keep(means).run()
    history.refused(Reason.NOT_GENUINE, **where)
    clock.forward(minutes=1)
    keep(means).run()
    assert templates(post) == ["card-not-genuine"]


def test_many_failures_are_mailed_of_station_and_person(
    means: StaffDependencies, history: History, post: Post, clock: SetClock
) -> None:
    holder = history.person()
    for _ in range(4):
        history.visit(AuditKind.ANSWERS_WRONG, holder=holder)
    keep(means).run()
    when = clock.now().isoformat(timespec="seconds")
    assert told(post) == [
        (
            RA,
            "failures-at-station",
            {"station": "Main entrance", "failures": 4, "when": when},
        ),
        (
            RA,
            "failures-of-person",
            {
                "holder_name": holder.name,
                "holder_number": holder.number,
                "failures": 4,
                "when": when,
            },
        ),
    ]


def test_stations_that_fall_silent_together_are_named_in_one_notice(
    means: StaffDependencies, history: History, post: Post, clock: SetClock, store: Store
) -> None:
    for name in ("A", "B", "C"):
        history.station(name)
    for _ in range(2):
        keep(means).run()
        assert told(post) == []
        clock.forward(minutes=1)
        history.station("C")
    keep(means).run()
    when = clock.now().isoformat(timespec="seconds")
    assert told(post) == [(RA, "station-silent", {"station": "A, B", "when": when})]
    history.station("A")
    clock.forward(minutes=1)
    keep(means).run()
    assert told(post) == []
    with store.read() as uow:
        assert [alarm.name for alarm in uow.alarms.standing()] == ["station-silent:B"]


def test_a_station_that_falls_silent_is_missed_after_a_clock_was_ahead(
    means: StaffDependencies, history: History, post: Post, clock: SetClock
) -> None:
    """Before: none was missed until the clock had caught up."""
    clock.forward(days=365)
    for name in ("A", "B"):
        history.station(name)
    keep(means).run()
    clock.forward(days=-365)
    for _ in range(2):
        keep(means).run()
        assert told(post) == []
        clock.forward(minutes=1)
        history.heard_again("B")
    keep(means).run()
    when = clock.now().isoformat(timespec="seconds")
    assert told(post) == [(RA, "station-silent", {"station": "A", "when": when})]


def test_a_retired_station_is_not_missed(
    means: StaffDependencies, history: History, post: Post, clock: SetClock, store: Store
) -> None:
    history.station("A")
    for _ in range(10):
        keep(means).run()
        clock.forward(minutes=1)
    keep(means).run()
    assert templates(post) == ["station-silent"]
    with store.begin() as uow:
        uow.stations.retire("A", uow.now)
        uow.commit()
    clock.forward(minutes=1)
    keep(means).run()
    with store.read() as uow:
        assert uow.alarms.standing() == ()


def test_held_up_mail_is_reported_once_it_moves(
    means: StaffDependencies,
    post: Post,
    clock: SetClock,
    store: Store,
    caplog: pytest.LogCaptureFixture,
) -> None:
    since = clock.now()
    with store.begin() as uow:
        uow.outbox.add(OutboxMessage(new_id(), "a@nhs.net", "unlocked", {}, since, since))
        uow.commit()
    clock.forward(minutes=15)
    keep(means).run()
    with store.read() as uow:
        assert [alarm.kind for alarm in uow.alarms.standing()] == ["mail-held-up"]
        assert uow.outbox.waiting() == 1
    assert "alarm mail-held-up" in caplog.text
    assert templates(post) == ["unlocked"]
    clock.forward(minutes=1)
    keep(means).run()
    span = {
        "since": since.isoformat(timespec="seconds"),
        "until": clock.now().isoformat(timespec="seconds"),
    }
    assert told(post) == [(RA, "mail-held-up", span)]
    clock.forward(minutes=1)
    keep(means).run()
    assert told(post) == []
