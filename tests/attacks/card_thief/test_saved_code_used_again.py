"""Before: a saved code that somebody copied opened a card after it was used or withdrawn.

Or a second card of its holder at the same moment. Who has the card, reads the mailbox and once saw
the paper has all that the way asks for. So a code works once, at one station, for one of the
holder's cards; and what ends a registration ends it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Seen
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    ChooseWay,
    EnterSavedCode,
    FactorWrong,
    Finished,
    Grant,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    UnblockDone,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.saving import (
    POLICY,
    QUESTIONS,
    SAVED,
    enter,
    pass_all,
    save_codes,
    to_entry,
    to_new_pin,
    unlock,
)
from tests.authority.station_visit import StationVisit
from tests.authority.world import World


def second_card(world: World, card: Card) -> Card:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    return world.add_card(holder)


def release(visit: StationVisit) -> object:
    try:
        return visit.release()
    except StepRefused as refused:
        return refused


def test_saved_code_unlocks_once(world: World) -> None:
    world.policy = POLICY
    card = world.registered_card()
    code = save_codes(world, card)[0]
    unlock(world, card, code)
    again = enter(to_entry(world, card), code)
    assert isinstance(again, FactorWrong)


def test_saved_code_unlocks_one_card_at_two_stations_at_once(each_world: World) -> None:
    """Each of two cards of the holder had passed every factor with the same code."""
    world = each_world
    world.policy = POLICY
    card = world.registered_card()
    other = second_card(world, card)
    code = save_codes(world, card)[0]
    visits = [to_new_pin(world, card, code)]
    world.clock.forward(minutes=2)
    visits.append(to_new_pin(world, other, code, station="B"))
    together, replies = threading.Barrier(2), list[object]()

    def ask(visit: StationVisit) -> None:
        together.wait(30)
        replies.append(release(visit))

    threads = [threading.Thread(target=ask, args=(visit,)) for visit in visits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(replies) == 2
    assert sum(isinstance(reply, Grant) for reply in replies) == 1, replies
    assert world.kinds().count("secret-released") == 1


def test_saved_code_that_was_passed_opens_nothing_once_it_is_used_elsewhere(world: World) -> None:
    world.policy = POLICY
    card = world.registered_card()
    other = second_card(world, card)
    code = save_codes(world, card)[0]
    waits = to_new_pin(world, card, code)
    world.clock.forward(minutes=2)
    visit = to_new_pin(world, other, code, station="B")
    assert isinstance(visit.release(), Grant)
    assert release(waits) == Refusal(Reason.SAVED_CODE_OVER)


def test_replacing_code_counts_for_nobody_before_it_is_shown(world: World) -> None:
    """Who saw the derived code of a visit that ends early could use it beside the old one."""
    world.policy = POLICY
    card = world.registered_card()
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    assert isinstance(enter(visit, codes[0]), SendCode)
    (waits,) = (one for one in world.registration(card).saved_codes or () if one.replaces)
    fresh = world.hasher.saved_code(card.holder_id, waits)
    visit.pull()
    assert isinstance(enter(to_entry(world, card), fresh), FactorWrong)


CLOSES: dict[str, Callable[[PeopleDesk, Seen], object]] = {
    "stop": lambda desk, seen: desk.report_misuse(seen, GROUNDS),
    "revoke": lambda desk, seen: desk.revoke_registration(seen, GROUNDS),
    "withdraw": lambda desk, seen: desk.withdraw_saved_codes(seen, GROUNDS),
}


@pytest.mark.parametrize("close", CLOSES.values(), ids=CLOSES)
def test_saved_code_is_worthless_once_it_is_withdrawn(
    world: World, close: Callable[[PeopleDesk, Seen], object]
) -> None:
    world.policy = POLICY
    card = world.registered_card()
    codes = save_codes(world, card)
    passed = to_new_pin(world, card, codes[0])
    staff = office_beside(world, Role.MANAGER)
    close(PeopleDesk(staff), as_seen(staff, card))
    assert not isinstance(release(passed), Grant)
    passed.pull()
    with world.store.begin() as uow:
        registration = uow.registrations.of_holder(card.holder_id)
        uow.registrations.unblock(card.holder_id)
        uow.commit()
    assert registration is None or registration.saved_codes is None
    visit = world.insert(card, blocked=True)
    try:
        task: object = visit.authority.choose(visit.visit, Purpose.UNLOCK)
    except StepRefused as refused:
        task = refused
    assert not isinstance(task, ChooseWay)


def test_other_set_ends_what_was_passed_with_the_old_one(world: World) -> None:
    world.policy = POLICY
    card = world.registered_card()
    other = second_card(world, card)
    codes = save_codes(world, card)
    visit = to_new_pin(world, other, codes[0], station="B")
    save_codes(world, card)
    assert not isinstance(release(visit), Grant)


def test_guesses_at_saved_codes_and_answers_count_together(world: World) -> None:
    """Going to and fro between the ways, and taking the card out between, wins no guess."""
    world.policy = POLICY
    card = world.registered_card()
    save_codes(world, card)
    guesses = 0
    for number in range(6):
        visit = world.insert(card, blocked=True, station="AB"[number % 2])
        if isinstance(visit.opened, Refusal):
            assert visit.opened.reason is Reason.REGISTRATION_BLOCKED
            break
        visit.authority.choose(visit.visit, Purpose.UNLOCK)
        task = visit.authority.choose_way(visit.visit, (SAVED, QUESTIONS)[number % 2])
        guesses += 1
        if isinstance(task, EnterSavedCode):
            enter(visit, f"{number + 1}{number:014d}")
        else:
            visit.answer(task, wrong=True)  # type: ignore[arg-type]
        visit.pull()
    assert guesses == POLICY.max_failures
    assert world.registration(card).blocked_at is not None


def test_nothing_tells_which_saved_codes_are_left(world: World) -> None:
    world.policy = POLICY
    card = world.registered_card()
    save_codes(world, card)
    named = enter(to_entry(world, card), "1" + "0" * 14)
    unnamed = enter(to_entry(world, card), "9" + "0" * 14)
    assert isinstance(named, FactorWrong)
    assert isinstance(unnamed, FactorWrong)
    assert isinstance(named.again, EnterSavedCode)
    assert isinstance(unnamed.again, EnterSavedCode)
    assert (named.again.attempts_left, unnamed.again.attempts_left) == (2, 1)


def test_entry_is_hashed_once_whether_or_not_its_digit_names_a_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import kiosk.authority.crypto.hashing as hashing

    world.policy = POLICY
    card = world.registered_card()
    save_codes(world, card)
    counted = list[str]()
    for name in ("hash_secret", "verify_secret"):
        real = getattr(hashing, name)

        def count(*args: object, _real: Callable[..., object] = real, _name: str = name) -> object:
            counted.append(_name)
            return _real(*args)

        monkeypatch.setattr(hashing, name, count)
    for digit in "19":
        visit = to_entry(world, card)
        before = len(counted)
        enter(visit, digit + "0" * 14)
        assert len(counted) == before + 1


def test_copy_of_a_card_pauses_and_blocks_nobody_by_saved_codes(world: World) -> None:
    world.policy = POLICY
    card = world.registered_card(driver="openpgp", identifier="00061234")
    with world.store.begin() as uow:
        made = world.hasher.make_codes(card.holder_id, (1, 2), "v", world.now)
        uow.registrations.put_saved_codes(card.holder_id, made)
        uow.commit()
    visit = to_entry(world, card)
    for _ in range(2):
        enter(visit, "1" + "0" * 14)
    assert enter(visit, "1" + "0" * 14) != Refusal(Reason.REGISTRATION_BLOCKED)
    registration = world.registration(card)
    assert registration.blocked_at is None
    assert registration.failures == 0
    assert registration.unproven_failures == 3


def test_done_unlock_shows_its_code_to_no_other_visit(world: World) -> None:
    world.policy = POLICY
    card = world.registered_card()
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    pass_all(visit, codes[0])
    grant = visit.grant()
    done = visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    assert isinstance(done, Finished)
    assert isinstance(done.saved_code, Sensitive)
    with pytest.raises(StepRefused):
        world.at("B").record_outcome(visit.visit, grant.journal, UnblockDone())
