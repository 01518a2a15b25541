"""Before: a stolen station had thirty mails a minute sent to staff, one for each card or person.

It reports one card after the other that it has ever seen as not genuine, or has one visit after the
other refused, and the alarm that counts is among the others.
"""

from __future__ import annotations

from pathlib import Path

from kiosk.authority.administration.alarms import AlarmKind
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.mail import staff_words
from kiosk.authority.notices import MOST_AN_HOUR
from kiosk.authority.records import Cardholder
from tests.authority.administration.desk.caretakers import Post, keep
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import means_of
from tests.authority.world import World

KIND = AlarmKind.FAILURES_OF_PERSON


def fail(history: History, people: list[Cardholder]) -> None:
    for holder in people:
        for _ in range(4):
            history.visit(AuditKind.ANSWERS_WRONG, holder=holder, station="B")


def test_alarms_of_people_are_mailed_a_few_times_an_hour(world: World, tmp_path: Path) -> None:
    store, clock = world.store, world.clock
    means, history, post = means_of(store, clock, tmp_path), History(store, clock), Post(store)
    people = [history.person(f"1000000000{at}") for at in range(10, 23)]
    fail(history, people)
    keep(means).run()
    mails = [one for one in post.collect() if one.template == KIND]
    assert len(mails) == MOST_AN_HOUR
    assert [one.params.get("others") for one in mails].count(staff_words.OTHERS) == 1
    with store.read() as uow:
        standing = [one for one in uow.alarms.standing() if one.kind == KIND]
    assert len(standing) == len(people), "the page Today has all of them"
    clock.forward(hours=2)
    keep(means).run()
    fail(history, people[:1])
    clock.forward(minutes=1)
    keep(means).run()
    assert [one.template for one in post.collect()].count(KIND) == 1
