"""A code has five tries and one use, and is good for one card and one address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.records import Card, EmailCode
from kiosk.authority.service import LocalAuthority
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    EnterCode,
    Factor,
    FactorEnd,
    FactorOver,
    FactorWrong,
    Position,
    SendCode,
    SetPin,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit, is_wrong, resumed_by, wrong_code
from tests.authority.world import World
from tests.support.routes import to

MASKED = "a•••@trust.nhs.uk"


def test_the_right_code_leads_to_a_new_pin(world: World, station_visit: StationVisit) -> None:
    task = station_visit.to_new_pin()
    assert (task.rules.min_length, task.rules.max_length) == (6, 8)
    assert task.rules.personal == ("900123456789",)


def test_spaces_in_a_code_do_not_matter(world: World, station_visit: StationVisit) -> None:
    station_visit.to_code()
    code = world.relay.code.reveal()
    assert isinstance(station_visit.enter(Sensitive(f" {code[:4]} {code[4:]} ")), SetPin)


def test_five_wrong_entries_spend_it(world: World, card: Card, station_visit: StationVisit) -> None:
    station_visit.to_code()
    code = world.relay.code
    for left in (4, 3, 2, 1):
        reply = station_visit.enter(wrong_code(code))
        assert isinstance(reply, FactorWrong)
        assert isinstance(reply.again, EnterCode)
        assert reply.again.tries_left == left
    world.clock.forward(seconds=20)
    again = SendCode(to(MASKED), position=Position(3, 4))
    assert station_visit.enter(wrong_code(code)) == FactorOver(
        FactorEnd.SPENT, again, retry_in_s=40
    )
    world.clock.forward(seconds=40)
    assert station_visit.enter(code) == FactorOver(FactorEnd.SPENT, again)
    assert world.registration(card).failures == 0
    station_visit.pull()
    assert resumed_by(world.insert(card, blocked=True)) is None


def test_late_is_dead(world: World, card: Card, station_visit: StationVisit) -> None:
    station_visit.to_code()
    world.clock.forward(minutes=15)
    assert station_visit.enter(world.relay.code) == FactorOver(
        FactorEnd.EXPIRED, SendCode(to(MASKED), position=Position(3, 4))
    )
    assert isinstance(station_visit.send(), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_in_the_last_second_it_lives(world: World, station_visit: StationVisit) -> None:
    station_visit.to_code()
    world.clock.forward(seconds=899)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_the_same_entry_counts_once(world: World, card: Card, station_visit: StationVisit) -> None:
    station_visit.to_code()
    code = world.relay.code
    wrong = [station_visit.enter(wrong_code(code), "one") for _ in range(3)]
    assert all(reply == wrong[0] for reply in wrong)
    assert is_wrong(station_visit.enter(code, "one"), EnterCode)
    live = world.live_code(card)
    assert live is not None
    assert live.tries == 1
    assert isinstance(station_visit.enter(code, "two"), SetPin)
    assert isinstance(station_visit.enter(code, "two"), SetPin)
    live = world.live_code(card)
    assert live is not None
    assert live.tries == 1


def test_the_fifth_entry_repeated_is_dead_the_same_way(
    world: World, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    wrong = wrong_code(world.relay.code)
    for number in range(4):
        station_visit.enter(wrong, f"n{number}")
    assert station_visit.enter(wrong, "last") == station_visit.enter(wrong, "last")


def test_a_charge_without_a_verdict_stays(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    live = world.live_code(card)
    assert live is not None
    with world.store.begin() as uow:
        uow.codes.entries(live.id).charge("died")
        uow.commit()
    world.restart()
    reply = station_visit.enter(world.relay.code, "died")
    assert isinstance(reply, FactorWrong)
    assert isinstance(reply.again, EnterCode)
    assert reply.again.tries_left == 4


def test_a_key_that_is_gone_costs_no_try(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    object.__setattr__(world.parts, "codes", CodeMac(KeyRing.fresh()))
    with pytest.raises(AuthorityUnavailable):
        station_visit.enter(world.relay.code)
    live = world.live_code(card)
    assert live is not None
    assert live.tries == 0


def test_a_code_for_an_address_that_was_since_changed_is_no_good(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    world.register(holder, email="other@nhs.net")
    again = SendCode(to("o•••@nhs.net"), position=Position(3, 4))
    assert station_visit.enter(world.relay.code) == FactorOver(FactorEnd.MOVED, again, 60)
    with pytest.raises(StepRefused):
        station_visit.grant()
    station_visit.pull()
    assert resumed_by(world.insert(card, blocked=True)) is None


class _Interrupting(CodeMac):
    """Looks at a code while something else happens."""

    during: Callable[[], object]

    def matches(self, code: Sensitive, kept: EmailCode) -> bool:
        verdict = super().matches(code, kept)
        self.during()
        return verdict


def _during_the_check(world: World, act: Callable[[], object]) -> None:
    codes = _Interrupting(world.ring)
    codes.during = act
    object.__setattr__(world.parts, "codes", codes)


def test_a_card_pulled_while_a_right_code_is_looked_at_costs_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    _during_the_check(world, station_visit.pull)
    with pytest.raises(StepRefused):
        station_visit.enter(world.relay.code)
    live = world.live_code(card)
    assert live is not None
    assert live.tries == 0
    right = next(event for event in world.events() if event.kind == "code-right")
    assert right.detail["proves"] == "nothing"
    world.restart()
    later = world.insert(card, blocked=True)
    assert isinstance(later.enter(world.relay.code), SetPin), "the code is still good"


def test_a_card_pulled_while_a_wrong_code_is_looked_at_costs_a_try(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    _during_the_check(world, station_visit.pull)
    with pytest.raises(StepRefused):
        station_visit.enter(wrong_code(world.relay.code))
    live = world.live_code(card)
    assert live is not None
    assert live.tries == 1
    wrong = next(event for event in world.events() if event.kind == "code-wrong")
    assert wrong.detail["left"] == 4


@pytest.mark.parametrize("wrong", [False, True])
def test_a_code_that_is_replaced_while_it_is_looked_at_opens_nothing(
    world: World, station_visit: StationVisit, wrong: bool
) -> None:
    station_visit.to_code()
    first = world.relay.code
    world.clock.forward(seconds=61)
    elsewhere = LocalAuthority(world.parts)  # another process
    visit, route = station_visit.visit, station_visit.route()
    _during_the_check(world, partial(elsewhere.prepare, visit, "another", Factor.EMAIL_CODE, route))
    if wrong:
        dead = station_visit.enter(wrong_code(first))
        assert isinstance(dead, FactorOver)
        assert dead.why is FactorEnd.SPENT
    else:
        with pytest.raises(StepRefused):
            station_visit.enter(first)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


@pytest.mark.parametrize(
    "entered", ["", "1234567", "123456789", "123456789012", "1234567a", "１２３４５６７８"]
)
def test_what_has_not_the_form_of_a_code_costs_no_try(
    world: World, station_visit: StationVisit, entered: str
) -> None:
    """Before: the number of a notice, typed as a code, cost a try."""
    waiting = station_visit.to_code()
    kinds = world.kinds()
    again = station_visit.enter(Sensitive(entered))
    assert isinstance(again, EnterCode)
    assert again.tries_left == waiting.tries_left
    assert world.kinds() == kinds
    wrong = station_visit.enter(wrong_code(world.relay.code))
    assert isinstance(wrong, FactorWrong)
    assert isinstance(wrong.again, EnterCode)
    assert wrong.again.tries_left == waiting.tries_left - 1
    assert isinstance(station_visit.enter(world.relay.code), SetPin)
