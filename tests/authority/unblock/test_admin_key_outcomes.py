"""What a card with an admin key did, and what is sealed for it: how it is counted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.authority.administration.resealing import reseal_all
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.records import Card, UnblockState
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
    granted,
    registered,
    settled,
    unlocked,
)
from tests.authority.refused import reason_of
from tests.authority.station_visit import StationVisit, ready
from tests.authority.world import World


@pytest.fixture
def card(world: World) -> Card:
    return registered(world)


def test_unblock_is_not_done_before_the_card_proved_its_admin_key(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    with pytest.raises(StepRefused, match="has not shown"):
        settled(station_visit, grant.journal, UnblockDone())
    assert world.entry(grant.journal).state is UnblockState.INTENT
    assert world.card(card).secret_exposure == 1
    assert admitted(station_visit, grant.journal, chip) is None
    assert settled(station_visit, grant.journal, UnblockDone()) == Finished(Purpose.UNLOCK)


@pytest.mark.parametrize(
    "outcome", [UnblockNotSent(), UnblockRefused(None, "not allowed")], ids=["not sent", "refused"]
)
def test_only_the_cards_own_answer_gives_a_try_back(
    world: World, card: Card, outcome: UnblockOutcome
) -> None:
    """A station that says so could ask for as many cryptograms as it likes otherwise."""
    station_visit = ready(world, card)
    assert isinstance(
        settled(station_visit, granted(station_visit, Chip()).journal, outcome), SetPin
    )
    assert world.card(card).secret_exposure == 1
    grant = granted(station_visit, Chip())
    assert world.card(card).secret_exposure == 2
    settled(station_visit, grant.journal, outcome)
    assert (
        reason_of(station_visit.authority.challenge(station_visit.visit)) is Reason.SECRET_BLOCKED
    )


@pytest.mark.parametrize(
    "outcome", [UnblockNotSent(), UnblockRefused(None, "history")], ids=["not sent", "refused"]
)
def test_a_pin_that_was_not_reset_is_chosen_again_and_costs_nothing(
    world: World, card: Card, station_visit: StationVisit, outcome: UnblockOutcome
) -> None:
    for _ in range(4):
        chip = Chip()
        grant = granted(station_visit, chip)
        assert admitted(station_visit, grant.journal, chip) is None
        assert isinstance(settled(station_visit, grant.journal, outcome), SetPin)
        assert world.card(card).secret_exposure == 0
    chip = Chip()
    grant = granted(station_visit, chip)
    assert admitted(station_visit, grant.journal, chip) is None
    assert settled(station_visit, grant.journal, UnblockDone()) == Finished(Purpose.UNLOCK)


@pytest.mark.parametrize(
    "outcome",
    [UnblockRefused(4, "wrong secret"), UnblockRefused(0, "secret blocked"), UnblockWrong()],
    ids=["with a number", "blocked", "without"],
)
def test_a_wrong_key_stays_charged_and_sets_no_card_aside(
    world: World, card: Card, outcome: UnblockOutcome
) -> None:
    """The card may be genuine with another key, or one that is forged: it has shown neither."""
    for charged in (1, 2):
        station_visit = ready(world, card)
        grant = granted(station_visit, Chip(OTHER_KEY))
        for _ in range(2):
            told = settled(station_visit, grant.journal, outcome)
            assert reason_of(told) is Reason.NOT_GENUINE, "a repeated report gets the same"
        kept = world.card(card)
        assert (kept.secret_tries_left, kept.secret_exposure) == (None, charged)
        assert kept.set_aside_at is None
        assert world.kinds()[-3:] == ["unblock-refused", "card-unproven", "refused"]
        world.clock.forward(hours=1)
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED


@pytest.mark.parametrize("answered", [True, False], ids=["admitted", "before"])
@pytest.mark.parametrize("blocked", [True, False], ids=["still blocked", "not blocked"])
@pytest.mark.parametrize("told", [True, False], ids=["told", "killed"])
def test_a_lost_answer_is_settled_by_the_card(
    world: World,
    card: Card,
    station_visit: StationVisit,
    *,
    answered: bool,
    blocked: bool,
    told: bool,
) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    if answered:
        assert admitted(station_visit, grant.journal, chip) is None
    if told:
        assert reason_of(settled(station_visit, grant.journal, UnblockUnknown())) is (
            Reason.OUTCOME_UNKNOWN
        )
    world.clock.forward(minutes=5)
    world.insert(card, blocked=blocked, station="B")
    entry = world.entry(grant.journal)
    assert entry.closed_at is None, "a card that is known by name only settles nothing yet"
    assert world.card(card).secret_exposure == (0 if answered else 1)
    if answered:
        assert admitted(station_visit, grant.journal, chip) is None, "as the first time"
    else:
        with pytest.raises(StepRefused, match=r"over|too old"):
            admitted(station_visit, grant.journal, chip)
    unlocked(world, card)
    assert world.entry(grant.journal).state is UnblockState.SETTLED
    assert world.card(card).secret_exposure == 0


def test_lost_answers_never_reach_the_last_try(world: World, card: Card) -> None:
    for _ in range(2):
        station_visit = ready(world, card)
        settled(station_visit, granted(station_visit, Chip()).journal, UnblockUnknown())
        world.clock.forward(hours=1)
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED


def test_a_proven_key_stays_proven_when_it_is_sealed_anew(world: World, card: Card) -> None:
    """Two lost answers cost the card two tries of three, and it was refused from then on."""
    unlocked(world, card)
    world.clock.forward(hours=1)
    rotated = world.ring.with_new(KeyPurpose.SEAL)
    assert reseal_all(world.store, Sealer(rotated), "test").resealed == 1
    object.__setattr__(world.parts, "sealer", Sealer(rotated))
    for _ in range(2):
        station_visit = ready(world, card)
        settled(station_visit, granted(station_visit, Chip()).journal, UnblockUnknown())
        world.clock.forward(hours=1)
    assert world.card(card).secret_exposure == 0
    unlocked(world, card)


@pytest.mark.parametrize("policy", [Genuine.NEVER, Genuine.WHEN_IT_CAN])
def test_a_card_shows_its_key_whatever_the_policy_says(
    world: World, card: Card, policy: Genuine
) -> None:
    world.policy = replace(world.policy, genuine=policy)
    station_visit = ready(world, card)
    with pytest.raises(StepRefused):
        station_visit.authority.release(station_visit.visit, station_visit.attempt())
    grant = granted(station_visit, Chip(OTHER_KEY))
    with pytest.raises(StepRefused):
        settled(station_visit, grant.journal, UnblockDone())
    reply = admitted(station_visit, grant.journal, Chip(OTHER_KEY, bytes(16)))
    assert reason_of(reply) is Reason.NOT_GENUINE


def test_where_every_card_has_to_prove_itself_first_it_is_not_served(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    world.policy = replace(world.policy, genuine=Genuine.ALWAYS)
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.NOT_GENUINE
    assert reason_of(world.insert(card).opened) is Reason.NOT_GENUINE


def test_a_policy_that_comes_in_between_counts_at_once(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    number = Chip().meet(drawn(station_visit))
    world.policy = replace(world.policy, genuine=Genuine.ALWAYS)
    reply = station_visit.authority.release(station_visit.visit, station_visit.attempt(), number)
    assert reason_of(reply) is Reason.NOT_GENUINE
    assert world.card(card).secret_exposure == 0
    assert "admin-key-used" not in world.kinds()


def test_what_is_no_admin_key_is_not_used(world: World) -> None:
    card = registered(world, key="73019264")
    station_visit = ready(world, card)
    reply = station_visit.authority.release(
        station_visit.visit, station_visit.attempt(), Chip().meet(drawn(station_visit))
    )
    assert reason_of(reply) is Reason.SECRET_MISSING
    assert "secret-broken" in world.kinds()
    assert world.card(card).secret_exposure == 0


def test_a_seal_key_that_is_away_costs_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    number = Chip().meet(drawn(station_visit))
    object.__setattr__(world.parts, "sealer", Sealer(KeyRing.fresh()))
    with pytest.raises(AuthorityUnavailable):
        station_visit.authority.release(station_visit.visit, station_visit.attempt(), number)
    object.__setattr__(world.parts, "sealer", Sealer(world.ring))
    assert world.card(card).secret_exposure == 0
    assert not isinstance(
        station_visit.authority.release(station_visit.visit, station_visit.attempt(), number),
        Refusal,
    )
