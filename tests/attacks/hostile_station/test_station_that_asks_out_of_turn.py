"""Before: nobody was told of a station that tried one call after the other, twenty in a second, for
visits and steps that were not due: each was a row of the audit, and none counted as a failure. With
the card of an accomplice it could go on with that until the disk of the database was full.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.authority.administration.alarms import AlarmKind, problems
from kiosk.authority.connections import Limits
from kiosk.authority.records import Card, new_id
from kiosk.config.settings import NoticeSettings
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Code, CodeNotSent, Purpose, VisitId
from kiosk.contract.sensitive import Sensitive
from tests.attacks.certified import Estate
from tests.authority.station_visit import StationVisit
from tests.authority.world import World

LIMITS = NoticeSettings()


def alarms(world: World) -> list[str]:
    with world.store.read() as uow:
        found, _kinds, _unread = problems(uow, LIMITS)
    return [one.subject for one in found if one.kind is AlarmKind.FAILURES_AT_STATION]


def test_calls_out_of_turn_alarm_staff(world: World) -> None:
    stolen = world.at("B")
    for _ in range(LIMITS.failures_at_station):
        with pytest.raises(StepRefused):
            stolen.submit(VisitId(new_id()), "1", Code(Sensitive("12345678")))
    assert alarms(world) == ["B"]


def test_codes_asked_for_without_end_alarm_staff(world: World) -> None:
    """Of somebody whose card is known by its name, and is nowhere near."""
    visit = asked_for_a_code(world, world.registered_card(driver="openpgp", identifier="0006" * 3))
    for _ in range(LIMITS.failures_at_station):
        assert isinstance(visit.send(), CodeNotSent)
    assert alarms(world) == ["B"]


def asked_for_a_code(world: World, card: Card) -> StationVisit:
    visit = world.insert(card, station="B")
    visit.authority.choose(visit.visit, Purpose.CHANGE_QUESTIONS)
    visit.authority.pin_verified(visit.visit, None)
    visit.send()
    return visit


def test_codes_entered_without_end_alarm_staff(world: World) -> None:
    """Into a visit whose code is used up, with the card of an accomplice."""
    visit = asked_for_a_code(world, world.registered_card(driver="openpgp", identifier="0006" * 3))
    for _ in range(LIMITS.failures_at_station + 5):
        visit.enter(Sensitive("00000000"))
    assert alarms(world) == ["B"]


@pytest.mark.parametrize("what", ["out of turn", "for codes", "by the station"])
def test_calls_out_of_turn_do_not_fill_the_audit(folder: Path, what: str) -> None:
    most = 10
    rates = Limits(calls_a_second=1e4, burst=1e4, refused_a_second=0, refused_burst=most)
    estate = Estate(folder, rates)
    card = estate.registered_card(driver="openpgp", identifier="0006" * 3)
    visit = asked_for_a_code(estate, card)
    stolen = estate.client(estate.certificate("B"))
    calls: dict[str, dict[str, object]] = {
        "out of turn": {"call": "challenge", "visit": visit.visit},
        "for codes": {
            "call": "prepare",
            "visit": visit.visit,
            "factor": "email-code",
            "route": visit.route(),
        },
        "by the station": {"call": "refuse", "visit": visit.visit, "reason": "fault"},
    }
    call = calls[what]
    named = str(call.pop("call"))
    before = len(estate.kinds())
    answers = []
    for _ in range(3 * most):
        more = {"attempt": new_id()} if named == "prepare" else {}
        answers.append(stolen.ask(named, **call, **more)[0])
    rows = len(estate.kinds()) - before
    honest = estate.client(estate.certificate("A"))
    assert honest.ask("station_standing")[0] == 200
    estate.close()
    assert (rows, answers[most:]) == (most, [429] * 2 * most)
