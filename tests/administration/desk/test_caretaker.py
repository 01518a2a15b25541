"""The caretaker: who is told of what, how often, and that it is told once by whoever looks."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kiosk.administration import caretaker as caretaking
from kiosk.administration.alarms import AlarmKind, Trouble
from kiosk.administration.caretaker import Caretaker
from kiosk.administration.means import Means
from kiosk.administration.telling import StaffMail
from kiosk.authority.audit import AuditKind
from kiosk.config.notices import NoticeSettings
from kiosk.dialogue import Reason
from kiosk.store.database import Store
from kiosk.store.records import Scalar, new_id
from kiosk.store.service_records import OutboxMessage
from kiosk.store.watch_records import Alarm
from tests.administration.desk.history import History
from tests.store import samples
from tests.store.forger import Forger
from tests.support.database import SetClock, TestDatabase

RA = "ra@nhs.net"
LIMITS = NoticeSettings(failures_at_station=4, failures_of_person=3, mail_minutes=15)
CALLERS = 8


class Post:
    """Reads what was queued, oldest first, and lets the relay take it."""

    def __init__(self, store: Store, clock: SetClock) -> None:
        self._store = store
        self._clock = clock

    def collect(self) -> list[OutboxMessage]:
        """Return what was not sent yet, and count it as sent."""
        with self._store.begin() as uow:
            claimed = uow.outbox.claim_due(100, timedelta(minutes=2))
            for message in claimed:
                uow.outbox.mark_sent(message.id)
            uow.commit()
        return sorted(claimed, key=lambda message: message.template)


@pytest.fixture
def history(store: Store, clock: SetClock) -> History:
    return History(store, clock)


@pytest.fixture
def post(store: Store, clock: SetClock) -> Post:
    return Post(store, clock)


def keep(means: Means, limits: NoticeSettings = LIMITS, store: Store | None = None) -> Caretaker:
    return Caretaker(store or means.store, means.signer, limits, RA)


def told(post: Post) -> list[tuple[str, str, dict[str, Scalar]]]:
    return [(one.to, one.template, one.params) for one in post.collect()]


def templates(post: Post) -> list[str]:
    return [one.template for one in post.collect()]


def test_one_look_a_minute_whoever_looks(means: Means, clock: SetClock) -> None:
    one, other = keep(means), keep(means)
    assert one.look()
    assert not other.look()
    clock.forward(minutes=1)
    assert other.look()
    assert not one.look()


def test_nothing_is_told_where_nothing_is_wrong(means: Means, history: History, post: Post) -> None:
    history.station("A")
    history.refused(Reason.LEAVER)
    keep(means).look()
    assert told(post) == []


def test_a_card_that_failed_its_proof_is_told_once_and_again_when_it_comes_back(
    means: Means, history: History, post: Post, clock: SetClock
) -> None:
    person = samples.stored_person(means.store)
    where: dict[str, Any] = {"card_id": person.card.id, "holder": person.holder}
    visit = history.refused(Reason.NOT_GENUINE, **where)
    keep(means).look()
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
        keep(means).look()
    assert told(post) == []
    clock.forward(hours=25)
    keep(means).look()
    history.refused(Reason.NOT_GENUINE, **where)
    clock.forward(minutes=1)
    keep(means).look()
    assert templates(post) == ["card-not-genuine"]


def test_many_failures_are_told_of_station_and_person(
    means: Means, history: History, post: Post, clock: SetClock
) -> None:
    holder = history.person()
    for _ in range(4):
        history.visit(AuditKind.ANSWERS_WRONG, holder=holder)
    keep(means).look()
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
    means: Means, history: History, post: Post, clock: SetClock, store: Store
) -> None:
    for name in ("A", "B", "C"):
        history.station(name)
    for _ in range(10):
        keep(means).look()
        assert told(post) == []
        clock.forward(minutes=1)
        history.station("C")
    keep(means).look()
    when = clock.now().isoformat(timespec="seconds")
    assert told(post) == [(RA, "station-silent", {"station": "A, B", "when": when})]
    history.station("A")
    clock.forward(minutes=1)
    keep(means).look()
    assert told(post) == []
    with store.read() as uow:
        assert [alarm.name for alarm in uow.alarms.standing()] == ["station-silent:B"]


def test_a_retired_station_is_not_missed(
    means: Means, history: History, post: Post, clock: SetClock, store: Store
) -> None:
    history.station("A")
    for _ in range(10):
        keep(means).look()
        clock.forward(minutes=1)
    keep(means).look()
    assert templates(post) == ["station-silent"]
    with store.begin() as uow:
        uow.stations.retire("A", uow.now)
        uow.commit()
    clock.forward(minutes=1)
    keep(means).look()
    with store.read() as uow:
        assert uow.alarms.standing() == ()


def test_mail_that_was_held_up_is_told_once_it_moves(
    means: Means,
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
    keep(means).look()
    with store.read() as uow:
        assert [alarm.kind for alarm in uow.alarms.standing()] == ["mail-held-up"]
        assert uow.outbox.waiting() == 1
    assert "alarm mail-held-up" in caplog.text
    assert templates(post) == ["unlocked"]
    clock.forward(minutes=1)
    keep(means).look()
    span = {
        "since": since.isoformat(timespec="seconds"),
        "until": clock.now().isoformat(timespec="seconds"),
    }
    assert told(post) == [(RA, "mail-held-up", span)]
    clock.forward(minutes=1)
    keep(means).look()
    assert told(post) == []


KINDS = {
    "card_not_genuine": {AlarmKind.CARD_NOT_GENUINE},
    "many_failures": {AlarmKind.FAILURES_AT_STATION, AlarmKind.FAILURES_OF_PERSON},
    "station_silent": {AlarmKind.STATION_SILENT},
    "mail_held_up": {AlarmKind.MAIL_HELD_UP},
    "audit_broken": {AlarmKind.AUDIT_BROKEN},
}


@pytest.mark.parametrize("off", list(KINDS))
def test_each_kind_can_be_switched_off(store: Store, post: Post, off: str) -> None:
    limits: NoticeSettings = replace(LIMITS, **{off: ()})  # type: ignore[arg-type]
    mail = StaffMail(limits, RA)
    with store.begin() as uow:
        mail.began(uow, tuple(Trouble(kind, "x", {}) for kind in AlarmKind))
        for kind in AlarmKind:
            mail.ended(uow, Alarm(f"{kind}:x", kind, uow.now, uow.now, {}))
        uow.commit()
    assert templates(post) == sorted(set(AlarmKind) - KINDS[off])


def test_an_alarm_that_nobody_is_told_of_still_stands(
    means: Means, history: History, post: Post
) -> None:
    history.refused(Reason.NOT_GENUINE)
    keep(means, replace(LIMITS, card_not_genuine=())).look()
    assert told(post) == []
    with means.store.read() as uow:
        assert [alarm.kind for alarm in uow.alarms.standing()] == ["card-not-genuine"]


def test_a_list_is_told_each_address_once(means: Means, history: History, post: Post) -> None:
    limits = replace(LIMITS, card_not_genuine=("ra", "it@nhs.net", RA))
    history.refused(Reason.NOT_GENUINE)
    keep(means, limits).look()
    assert sorted(one.to for one in post.collect()) == ["it@nhs.net", RA]


def test_of_many_that_look_at_once_exactly_one_tells(
    means: Means, history: History, post: Post, database: TestDatabase, clock: SetClock
) -> None:
    """Round by round, each with another trouble: a second teller would leave a second notice."""
    stores = [database.store(busy_timeout_s=30) for _ in range(CALLERS)]
    keepers = [keep(means, store=store) for store in stores]
    with ThreadPoolExecutor(CALLERS) as pool:
        for number in range(5):
            history.visit(AuditKind.REFUSED_AT_STATION, station=f"S{number}", reason="not-genuine")
            gate = threading.Barrier(CALLERS)

            def look(keeper: Caretaker, gate: threading.Barrier = gate) -> bool:
                gate.wait()
                return keeper.look()

            assert sum(pool.map(look, keepers)) == 1
            assert templates(post) == ["card-not-genuine"]
            clock.forward(minutes=1)


def test_even_where_each_believes_that_it_is_its_turn_one_tells(
    means: Means,
    history: History,
    post: Post,
    database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that stood still between its turn and its look meets those that came after."""
    monkeypatch.setattr(Caretaker, "_is_my_turn", lambda _self: True)
    history.refused(Reason.NOT_GENUINE)
    stores = [database.store(busy_timeout_s=30) for _ in range(CALLERS)]
    gate = threading.Barrier(CALLERS)

    def look(store: Store) -> bool:
        keeper = keep(means, store=store)
        gate.wait()
        return keeper.look()

    with ThreadPoolExecutor(CALLERS) as pool:
        assert sum(pool.map(look, stores)) == CALLERS
    assert templates(post) == ["card-not-genuine"]


def test_a_notice_and_its_alarm_are_written_together(
    means: Means, history: History, post: Post, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.refused(Reason.NOT_GENUINE)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StaffMail, "began", die)
        with pytest.raises(KeyboardInterrupt):
            keep(means).look()
    assert told(post) == []
    clock.forward(minutes=1)
    keep(means).look()
    assert templates(post) == ["card-not-genuine"]


# --- the audit -------------------------------------------------------------------------


def test_the_audit_is_verified_in_pieces_and_a_broken_one_is_told(
    means: Means,
    history: History,
    post: Post,
    clock: SetClock,
    database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kiosk.store.repositories.audit.BATCH", 2)
    monkeypatch.setattr(caretaking, "ROWS_A_LOOK", 4)
    for _ in range(10):
        history.registered()
    forger = Forger(database)
    forger.change(9, reference="other")
    forger.close()
    for reached in (4, 8):
        keep(means).look()
        assert told(post) == []
        assert place(means.store) == reached
        clock.forward(minutes=1)
    keep(means).look()
    when = clock.now().isoformat(timespec="seconds")
    finding = "row 9 was changed after it was written"
    assert told(post) == [(RA, "audit-broken", {"row": 9, "finding": finding, "when": when})]
    assert place(means.store) == 0
    clock.forward(days=1)
    for _ in range(3):
        keep(means).look()
        clock.forward(minutes=1)
    assert told(post) == []


def test_a_long_audit_is_verified_within_a_day_all_the_same(
    means: Means, history: History, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.store.repositories.audit.BATCH", 1)
    monkeypatch.setattr(caretaking, "ROWS_A_LOOK", 2)
    monkeypatch.setattr(caretaking, "LOOKS_A_PASS", 3)
    for _ in range(9):
        history.registered()
    places = []
    for _ in range(3):
        keep(means).look()
        places.append(place(means.store))
        clock.forward(minutes=1)
    assert places == [3, 6, 0]


def test_an_audit_that_fits_again_ends_the_alarm(
    means: Means, history: History, post: Post, clock: SetClock, database: TestDatabase
) -> None:
    was = history.registered().reference
    forger = Forger(database)
    forger.change(1, reference="other")
    keep(means).look()
    assert templates(post) == ["audit-broken"]
    forger.change(1, reference=was)
    forger.close()
    clock.forward(hours=23)
    keep(means).look()
    with means.store.read() as uow:
        assert [alarm.kind for alarm in uow.alarms.standing()] == ["audit-broken"]
    clock.forward(hours=1)
    keep(means).look()
    with means.store.read() as uow:
        assert uow.alarms.standing() == ()
    assert told(post) == []


def place(store: Store) -> int:
    with store.read() as uow:
        chore = uow.chores.get(caretaking.VERIFY)
    assert chore is not None
    return chore.reached.seq


# --- what is past ----------------------------------------------------------------------


def test_what_is_past_is_forgotten_once_a_day_and_the_head_is_signed(
    means: Means, history: History, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    person = samples.stored_person(means.store)
    draft = samples.code(person)
    with means.store.begin() as uow:
        uow.codes.draft(draft)
        uow.commit()
    history.registered()
    keep(means).look()
    assert anchored(means.store) == [1]
    assert "audit anchor" in caplog.text
    history.registered()
    clock.forward(hours=23)
    keep(means).look()
    assert anchored(means.store) == [1]
    clock.forward(hours=26)
    keep(means).look()
    assert anchored(means.store) == [1, 2]
    with means.store.read() as uow:
        assert uow.codes.get(draft.id) is None


def anchored(store: Store) -> list[int]:
    with store.read() as uow:
        return [anchor.seq for anchor in uow.audit.anchors()]
