"""Saved codes: made, written down, entered, used once and replaced."""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    ChooseWay,
    EnterCode,
    EnterSavedCode,
    Factor,
    FactorWrong,
    Finished,
    Grant,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockRefused,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import read_saved_code, shown_saved_code
from tests.authority.registering import to_code
from tests.authority.saving import (
    POLICY,
    QUESTIONS,
    SAVED,
    enter,
    save_codes,
    shown,
    to_entry,
    to_grant,
    to_shown,
    unlock,
)
from tests.authority.station_visit import opened
from tests.authority.world import EMAIL, World


@pytest.fixture
def world(world: World) -> World:
    world.policy = POLICY
    return world


def other(code: Sensitive) -> Sensitive:
    """Return another code of the same digit."""
    text = code.reveal()
    return Sensitive(text[:-1] + ("0" if text[-1] != "0" else "1"))


# --- making them ---


def test_saved_codes_are_offered_at_the_end_of_a_registration(world: World) -> None:
    visit = to_code(world, world.add_card(world.add_holder()))
    done = Finished(Purpose.REGISTER, saved_codes=True)
    assert visit.enter(world.relay.code) == done


def test_saved_codes_are_not_offered_where_the_policy_has_none(world: World) -> None:
    world.policy = Policy()
    visit = to_code(world, world.add_card(world.add_holder()))
    assert visit.enter(world.relay.code) == Finished(Purpose.REGISTER)


def test_saved_codes_that_are_made_are_not_offered_again(world: World, card: Card) -> None:
    visit, _ = to_shown(world, card)
    assert visit.authority.keep_saved_codes(visit.visit) == Finished(Purpose.SAVED_CODES)


def test_saved_codes_are_offered_where_the_policy_has_some(world: World, card: Card) -> None:
    offers = {offer.purpose: offer.steps for offer in opened(world.insert(card)).offers}
    assert offers[Purpose.SAVED_CODES] == 2
    world.policy = Policy()
    assert Purpose.SAVED_CODES not in {o.purpose for o in opened(world.insert(card)).offers}


def test_saved_codes_have_a_digit_and_70_bits(world: World, card: Card) -> None:
    _, codes = to_shown(world, card)
    texts = [code.reveal() for code in codes]
    assert [text[0] for text in texts] == list("12345")
    assert all(read_saved_code(shown_saved_code(text).lower()) == text for text in texts)
    assert len({text[1:] for text in texts}) == 5


def test_saved_codes_count_once_they_are_written_down(world: World, card: Card) -> None:
    visit, codes = to_shown(world, card)
    visit.pull()
    assert world.registration(card).saved_codes is None
    locked = world.insert(card, blocked=True)
    assert not isinstance(locked.authority.choose(locked.visit, Purpose.UNLOCK), ChooseWay)
    visit, codes = to_shown(world, card)
    assert world.outbox() == []
    assert visit.authority.keep_saved_codes(visit.visit) == Finished(Purpose.SAVED_CODES)
    assert [message.template for message in world.outbox()] == ["saved-codes-made"]
    visit.pull()
    assert unlock(world, card, codes[3]).purpose is Purpose.UNLOCK


def test_repeated_call_shows_the_same_saved_codes(world: World, card: Card) -> None:
    visit, codes = to_shown(world, card)
    world.restart()
    assert shown(visit) == shown(visit) == codes
    assert world.kinds().count("saved-codes-shown") == 1
    for _ in range(2):
        assert visit.authority.keep_saved_codes(visit.visit) == Finished(Purpose.SAVED_CODES)
    assert world.kinds().count("saved-codes-made") == 1


def test_nobody_can_make_a_kept_saved_code_again(world: World, card: Card) -> None:
    save_codes(world, card)
    for kept in world.registration(card).saved_left:
        assert not kept.nonce
        with pytest.raises(ValueError, match="nobody can make"):
            world.hasher.saved_code(card.holder_id, kept)


def test_new_saved_codes_take_the_place_of_the_old(world: World, card: Card) -> None:
    old = save_codes(world, card)
    new = save_codes(world, card)
    visit = to_entry(world, card)
    assert isinstance(enter(visit, old[0]), FactorWrong)
    assert isinstance(enter(visit, new[0]), SendCode)


def test_saved_codes_need_the_pin(world: World, card: Card) -> None:
    visit = world.insert(card)
    with pytest.raises(StepRefused):
        visit.authority.make_saved_codes(visit.visit)
    visit.authority.choose(visit.visit, Purpose.SAVED_CODES)
    with pytest.raises(StepRefused):
        visit.authority.make_saved_codes(visit.visit)
    with pytest.raises(StepRefused):
        visit.authority.keep_saved_codes(visit.visit)


def test_claimed_pin_needs_a_code_before_saved_codes(world: World, card: Card) -> None:
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.SAVED_CODES)
    visit.authority.pin_challenge(visit.visit)
    assert isinstance(visit.authority.pin_verified(visit.visit, None), SendCode)
    with pytest.raises(StepRefused):
        shown(visit)
    with pytest.raises(StepRefused):
        visit.authority.keep_saved_codes(visit.visit)
    assert isinstance(visit.send(), EnterCode)
    visit.enter(world.relay.code)
    assert len(shown(visit)) == 5


# --- entering one ---


def test_saved_code_and_mailed_code_unlock(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    done = unlock(world, card, codes[2])
    assert done.saved_code is not None
    left = {code.digit for code in world.registration(card).saved_left}
    assert left == {1, 2, 3, 4, 5}
    assert "saved-code-replaced" in [message.template for message in world.outbox()]


def test_saved_code_is_typed_in_any_form(world: World, card: Card) -> None:
    code = shown_saved_code(save_codes(world, card)[0].reveal())
    visit = to_entry(world, card)
    assert isinstance(enter(visit, f" {code.lower().replace('-', ' ')} "), SendCode)


@pytest.mark.parametrize("text", ["", "1", "A" * 15, "1" + "U" * 14, "1" * 16, "é" * 15])
def test_text_that_is_no_saved_code_costs_nothing(world: World, card: Card, text: str) -> None:
    save_codes(world, card)
    visit = to_entry(world, card)
    again = enter(visit, text)
    assert isinstance(again, EnterSavedCode)
    assert again.attempts_left == 3
    assert world.registration(card).failures == 0


def test_wrong_saved_codes_count_with_wrong_answers(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    wrong = enter(visit, other(codes[0]))
    assert isinstance(wrong, FactorWrong)
    assert isinstance(wrong.again, EnterSavedCode)
    assert wrong.again.attempts_left == 2
    questions = visit.authority.choose_way(visit.visit, QUESTIONS)
    assert isinstance(visit.answer(questions, wrong=True), FactorWrong)  # type: ignore[arg-type]
    visit.authority.choose_way(visit.visit, SAVED)
    # The digit 9 names none.
    assert enter(visit, "9" + "0" * 14) == Refusal(Reason.REGISTRATION_BLOCKED)
    assert world.registration(card).blocked_at is not None


def test_repeated_entry_counts_once(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    assert enter(visit, other(codes[0]), "a") == enter(visit, other(codes[0]), "a")
    assert world.registration(card).failures == 1
    assert enter(visit, codes[0], "b") == enter(visit, codes[0], "b")
    assert world.registration(card).failures == 1
    waiting = [code for code in world.registration(card).saved_codes or () if code.replaces]
    assert len(waiting) == 1


def test_pulled_card_loses_no_saved_code(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    assert isinstance(enter(visit, codes[0]), SendCode)
    assert isinstance(visit.send(), EnterCode)
    visit.pull()
    back = world.insert(card, blocked=True, station="B")
    assert isinstance(back.enter(world.relay.code), SetPin)
    grant = back.grant()
    done = back.authority.record_outcome(back.visit, grant.journal, UnblockDone())
    assert isinstance(done, Finished)
    assert done.saved_code is not None
    assert done.saved_code.reveal()[0] == "1"


def test_card_that_was_pulled_before_the_mail_takes_the_code_again(
    world: World, card: Card
) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    enter(visit, codes[0])
    visit.pull()
    assert isinstance(enter(to_entry(world, card), codes[0]), SendCode)


# --- the one that replaces it ---


def test_replacing_saved_code_unlocks_the_next_time(world: World, card: Card) -> None:
    first = unlock(world, card, save_codes(world, card)[0]).saved_code
    assert first is not None
    second = unlock(world, card, first).saved_code
    assert second is not None
    assert second != first
    assert len(world.registration(card).saved_left) == 5


def test_repeated_report_shows_the_same_saved_code(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    grant = to_grant(visit, codes[0])
    reports = [
        visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone()) for _ in range(2)
    ]
    assert reports[0] == reports[1]
    assert isinstance(reports[0], Finished)
    assert reports[0].saved_code is not None
    assert world.kinds().count("saved-code-replaced") == 1
    visit.pull()
    assert not any(code.nonce for code in world.registration(card).saved_left)
    late = visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    assert late == Finished(Purpose.UNLOCK)


def test_code_of_a_visit_that_never_ended_is_forgotten_at_the_next_entry(
    world: World, card: Card
) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    grant = to_grant(visit, codes[0])
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    assert any(code.nonce for code in world.registration(card).saved_left)
    enter(to_entry(world, card, station="B"), codes[1])
    assert not any(code.nonce for code in world.registration(card).saved_left)


def test_saved_code_is_used_up_by_the_release_alone(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    grant = to_grant(visit, codes[0])
    assert {code.digit for code in world.registration(card).saved_left} == {2, 3, 4, 5}
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockNotSent())
    again = visit.release()
    assert isinstance(again, Grant)
    done = visit.authority.record_outcome(visit.visit, again.journal, UnblockDone())
    assert isinstance(done, Finished)
    assert done.saved_code is not None


def test_nothing_replaces_the_code_of_a_failed_unlock(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    visit = to_entry(world, card)
    grant = to_grant(visit, codes[0])
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockRefused(2, "no"))
    visit.pull()
    assert {code.digit for code in world.registration(card).saved_left} == {2, 3, 4, 5}


def test_no_saved_code_is_in_the_database(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    last = unlock(world, card, codes[0]).saved_code
    assert last is not None
    raw = (world.folder / "kiosk.db").read_bytes()
    wal = world.folder / "kiosk.db-wal"
    raw += wal.read_bytes() if wal.exists() else b""
    assert EMAIL.encode() in raw
    for code in (*codes, last):
        assert code.reveal().encode() not in raw


# --- a policy that has them ---


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"verification": (QUESTIONS, SAVED)}, "saved_codes"),
        ({"verification": (SAVED,), "saved_codes": 5}, "without saved-code"),
        ({"verification": (QUESTIONS, (Factor.SAVED_CODE,)), "saved_codes": 5}, "alone"),
    ],
)
def test_policy_with_saved_codes_has_another_way(policy: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Policy(**policy)  # type: ignore[arg-type]


def test_way_is_not_offered_without_a_saved_code_left(world: World, card: Card) -> None:
    save_codes(world, card)
    with world.store.begin() as uow:
        uow.registrations.drop_saved_codes(card.holder_id)
        uow.commit()
    visit = world.insert(card, blocked=True)
    assert not isinstance(visit.authority.choose(visit.visit, Purpose.UNLOCK), ChooseWay)
