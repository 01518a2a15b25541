"""What a card with an admin key did, and what is sealed for it: how it is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.store.records import Card, UnblockState
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Finished,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
)
from kiosk.contract.policy import Genuine
from tests.authority.admin_key_card import (
    OTHER_KEY,
    Chip,
    admitted,
    drawn,
    entry_of,
    granted,
    ready,
    reason_of,
    registered,
    settled,
    unlocked,
)
from tests.authority.station_visit import Sitting
from tests.authority.world import World


@pytest.fixture
def card(world: World) -> Card:
    return registered(world)


@pytest.fixture
def sitting(world: World, card: Card) -> Sitting:
    """A visit that has passed every factor."""
    return ready(world, card)


def test_it_is_not_done_before_the_card_was_admitted(
    world: World, card: Card, sitting: Sitting
) -> None:
    chip = Chip()
    grant = granted(sitting, chip)
    with pytest.raises(StepRefused, match="has not shown"):
        settled(sitting, grant.journal, UnblockDone())
    assert entry_of(world, grant.journal).state is UnblockState.INTENT
    assert world.card(card).secret_exposure == 1
    assert admitted(sitting, grant.journal, chip) is None
    assert settled(sitting, grant.journal, UnblockDone()) == Finished(Purpose.UNLOCK)


@pytest.mark.parametrize(
    "outcome", [UnblockNotSent(), UnblockRefused(None, "not allowed")], ids=["not sent", "refused"]
)
def test_only_the_cards_own_answer_gives_a_try_back(
    world: World, card: Card, outcome: UnblockOutcome
) -> None:
    """A station that says so could ask for as many cryptograms as it likes otherwise."""
    sitting = ready(world, card)
    assert isinstance(settled(sitting, granted(sitting, Chip()).journal, outcome), SetPin)
    assert world.card(card).secret_exposure == 1
    grant = granted(sitting, Chip())
    assert world.card(card).secret_exposure == 2
    settled(sitting, grant.journal, outcome)
    assert reason_of(sitting.authority.challenge(sitting.visit)) is Reason.SECRET_BLOCKED


@pytest.mark.parametrize(
    "outcome", [UnblockNotSent(), UnblockRefused(None, "history")], ids=["not sent", "refused"]
)
def test_a_pin_that_was_not_reset_is_chosen_again_and_costs_nothing(
    world: World, card: Card, sitting: Sitting, outcome: UnblockOutcome
) -> None:
    for _ in range(4):
        chip = Chip()
        grant = granted(sitting, chip)
        assert admitted(sitting, grant.journal, chip) is None
        assert isinstance(settled(sitting, grant.journal, outcome), SetPin)
        assert world.card(card).secret_exposure == 0
    chip = Chip()
    grant = granted(sitting, chip)
    assert admitted(sitting, grant.journal, chip) is None
    assert settled(sitting, grant.journal, UnblockDone()) == Finished(Purpose.UNLOCK)


@pytest.mark.parametrize(
    ("outcome", "left"),
    [(UnblockRefused(4, "wrong secret"), 4), (UnblockWrong(), 2)],
    ids=["with a number", "without"],
)
def test_a_wrong_key_is_counted_and_the_card_set_aside(
    world: World, card: Card, sitting: Sitting, outcome: UnblockOutcome, left: int
) -> None:
    grant = granted(sitting, Chip(OTHER_KEY))
    assert reason_of(settled(sitting, grant.journal, outcome)) is Reason.CARD_REFUSED
    kept = world.card(card)
    assert (kept.secret_tries_left, kept.secret_exposure) == (left, 0)
    assert kept.set_aside_at is not None
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED


@pytest.mark.parametrize("answered", [True, False], ids=["admitted", "before"])
@pytest.mark.parametrize("blocked", [True, False], ids=["still blocked", "not blocked"])
@pytest.mark.parametrize("told", [True, False], ids=["told", "killed"])
def test_a_lost_answer_is_settled_by_the_card(
    world: World, card: Card, sitting: Sitting, *, answered: bool, blocked: bool, told: bool
) -> None:
    chip = Chip()
    grant = granted(sitting, chip)
    if answered:
        assert admitted(sitting, grant.journal, chip) is None
    if told:
        assert reason_of(settled(sitting, grant.journal, UnblockUnknown())) is (
            Reason.OUTCOME_UNKNOWN
        )
    world.clock.forward(minutes=5)
    world.insert(card, blocked=blocked, station="B")
    entry = entry_of(world, grant.journal)
    assert entry.closed_at is None, "a card that is known by name only settles nothing yet"
    assert world.card(card).secret_exposure == (0 if answered else 1)
    if answered:
        assert admitted(sitting, grant.journal, chip) is None, "as the first time"
    else:
        with pytest.raises(StepRefused, match=r"over|too old"):
            admitted(sitting, grant.journal, chip)
    unlocked(world, card)
    assert entry_of(world, grant.journal).state is UnblockState.SETTLED
    assert world.card(card).secret_exposure == 0


def test_lost_answers_never_reach_the_last_try(world: World, card: Card) -> None:
    for _ in range(2):
        sitting = ready(world, card)
        settled(sitting, granted(sitting, Chip()).journal, UnblockUnknown())
        world.clock.forward(hours=1)
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED


@pytest.mark.parametrize("policy", [Genuine.NEVER, Genuine.WHEN_IT_CAN])
def test_a_card_shows_its_key_whatever_the_policy_says(
    world: World, card: Card, policy: Genuine
) -> None:
    world.policy = replace(world.policy, genuine=policy)
    sitting = ready(world, card)
    with pytest.raises(StepRefused):
        sitting.authority.release(sitting.visit, sitting.attempt())
    grant = granted(sitting, Chip(OTHER_KEY))
    with pytest.raises(StepRefused):
        settled(sitting, grant.journal, UnblockDone())
    reply = admitted(sitting, grant.journal, Chip(OTHER_KEY, bytes(16)))
    assert reason_of(reply) is Reason.NOT_GENUINE


def test_where_every_card_has_to_prove_itself_first_it_is_not_served(
    world: World, card: Card, sitting: Sitting
) -> None:
    world.policy = replace(world.policy, genuine=Genuine.ALWAYS)
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.NOT_GENUINE
    assert reason_of(world.insert(card).opened) is Reason.NOT_GENUINE


def test_a_policy_that_comes_in_between_counts_at_once(
    world: World, card: Card, sitting: Sitting
) -> None:
    number = Chip().meet(drawn(sitting))
    world.policy = replace(world.policy, genuine=Genuine.ALWAYS)
    reply = sitting.authority.release(sitting.visit, sitting.attempt(), number)
    assert reason_of(reply) is Reason.NOT_GENUINE
    assert world.card(card).secret_exposure == 0
    assert "admin-key-used" not in world.kinds()


def test_what_is_no_admin_key_is_not_used(world: World) -> None:
    card = registered(world, key="73019264")
    sitting = ready(world, card)
    reply = sitting.authority.release(sitting.visit, sitting.attempt(), Chip().meet(drawn(sitting)))
    assert reason_of(reply) is Reason.SECRET_MISSING
    assert "secret-broken" in world.kinds()
    assert world.card(card).secret_exposure == 0


def test_a_seal_key_that_is_away_costs_nothing(world: World, card: Card, sitting: Sitting) -> None:
    number = Chip().meet(drawn(sitting))
    object.__setattr__(world.parts, "sealer", Sealer(KeyRing.fresh()))
    with pytest.raises(AuthorityUnavailable):
        sitting.authority.release(sitting.visit, sitting.attempt(), number)
    object.__setattr__(world.parts, "sealer", Sealer(world.ring))
    assert world.card(card).secret_exposure == 0
    assert not isinstance(
        sitting.authority.release(sitting.visit, sitting.attempt(), number), Refusal
    )
