"""Another secret after each use: drawn once, settled by what is told, or by the next unlock."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from kiosk.authority.records import Card
from kiosk.authority.unblock.stored_secrets import open_current, open_kept
from kiosk.config.settings import Pkcs11Settings, Settings, stored_secrets
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Finished,
    Grant,
    JournalId,
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
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit
from tests.authority.world import PUK, World

WRONG = UnblockRefused(2, "wrong secret")


@dataclass
class Unlocked:
    """A visit whose card took its secret and a new PIN."""

    world: World
    card: Card
    station_visit: StationVisit
    grant: Grant

    def rotate_secret(self) -> Sensitive | None:
        return self.station_visit.authority.rotate_secret(
            self.station_visit.visit, self.grant.journal
        )

    def tell(self, outcome: UnblockOutcome) -> None:
        self.station_visit.authority.confirm_rotation(
            self.station_visit.visit, self.grant.journal, outcome
        )

    def secrets(self) -> tuple[str, str | None, list[str]]:
        """Return the current secret, the one that waits, and the former ones."""
        sealer, card = self.world.parts.sealer, self.world.card(self.card)
        assert card.sealed_secret is not None
        with self.world.store.read() as uow:
            waits, former = uow.kept_secrets.pending(card.id), uow.kept_secrets.former(card.id)
        return (
            open_current(sealer, card, card.sealed_secret).reveal(),
            open_kept(sealer, card, waits).reveal() if waits else None,
            [open_kept(sealer, card, one).reveal() for one in former],
        )

    def again(self) -> StationVisit:
        """Come back to another station an hour later, with a blocked PIN."""
        self.station_visit.pull()
        self.world.clock.forward(hours=1)
        station_visit = self.world.insert(self.card, blocked=True, station="B")
        station_visit.to_new_pin()
        return station_visit


def unlock(world: World, card: Card) -> Unlocked:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    grant = station_visit.grant()
    assert isinstance(record_outcome(station_visit, grant, UnblockDone()), Finished)
    return Unlocked(world, card, station_visit, grant)


def record_outcome(station_visit: StationVisit, grant: Grant, outcome: UnblockOutcome) -> object:
    return station_visit.authority.record_outcome(station_visit.visit, grant.journal, outcome)


@pytest.fixture
def unlocked(world: World) -> Unlocked:
    return unlock(world, world.registered_card())


@pytest.fixture
def torn(unlocked: Unlocked) -> tuple[Unlocked, str]:
    """A card that was torn out while it took the new secret, which is told."""
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(UnblockUnknown())
    return unlocked, new.reveal()


# --- drawing one -----------------------------------------------------------------------


def test_new_secret_is_drawn_once_and_the_same_when_asked_again(unlocked: Unlocked) -> None:
    new = unlocked.rotate_secret()
    assert new is not None
    assert new.reveal().isdigit()
    assert len(new.reveal()) == 8
    unlocked.world.restart()
    assert unlocked.rotate_secret() == new
    assert unlocked.secrets() == (PUK, new.reveal(), [])
    assert unlocked.world.kinds().count("secret-drawn") == 1
    unlocked.tell(UnblockDone())
    assert unlocked.rotate_secret() is None, "once for each unblock"


@pytest.mark.parametrize(
    ("changes", "policy"),
    [
        ({"secret_limit": 2}, Policy()),
        ({"driver": "gids"}, Policy()),
        ({}, Policy(rotate_secret=False)),
    ],
)
def test_none_is_drawn_where_it_must_not_be(
    world: World, changes: dict[str, object], policy: Policy
) -> None:
    card = world.registered_card(secret_limit=3)
    unlocked = unlock(world, card)
    world.policy = policy
    world.put_card(replace(card, **changes))  # type: ignore[arg-type]
    assert unlocked.rotate_secret() is None
    assert "secret-drawn" not in world.kinds()


def test_none_is_drawn_before_the_card_is_known_to_be_unblocked(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    grant = station_visit.grant()
    assert station_visit.authority.rotate_secret(station_visit.visit, grant.journal) is None
    with pytest.raises(StepRefused):
        station_visit.authority.rotate_secret(station_visit.visit, JournalId("0" * 32))


def test_none_is_drawn_for_a_visit_of_long_ago(unlocked: Unlocked) -> None:
    unlocked.world.clock.forward(hours=2)
    assert unlocked.rotate_secret() is None


# --- what is told ----------------------------------------------------------------------


def test_a_secret_that_the_card_took_is_current(unlocked: Unlocked) -> None:
    new = unlocked.rotate_secret()
    assert new is not None
    for _ in range(2):
        unlocked.tell(UnblockDone())
    assert unlocked.secrets() == (new.reveal(), None, [PUK])
    assert unlocked.world.kinds().count("secret-changed") == 1
    assert unlocked.again().grant().secret == new


@pytest.mark.parametrize("outcome", [UnblockNotSent(), UnblockRefused(None, "format")])
def test_a_secret_that_a_card_is_said_to_have_refused_is_kept(
    unlocked: Unlocked, outcome: UnblockOutcome
) -> None:
    new = unlocked.rotate_secret()
    assert new is not None
    for _ in range(2):
        unlocked.tell(outcome)
    assert unlocked.secrets() == (PUK, None, [new.reveal()])
    back = unlocked.again()
    grant = back.grant()
    assert grant.secret == Sensitive(PUK), "most cards that refuse have not taken it"
    record_outcome(back, grant, UnblockDone())
    assert unlocked.world.kinds().count("secret-not-changed") == 1


@pytest.mark.parametrize("wrong", [WRONG, UnblockWrong()])
@pytest.mark.parametrize("outcome", [UnblockNotSent(), UnblockRefused(None, "format")])
def test_a_card_that_took_what_it_refused_is_given_that_after_one_wrong_try(
    unlocked: Unlocked, outcome: UnblockOutcome, wrong: UnblockOutcome
) -> None:
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(outcome)
    back = unlocked.again()
    first = back.grant()
    assert first.secret == Sensitive(PUK)
    for _ in range(2):
        assert isinstance(record_outcome(back, first, wrong), SetPin), "the same when told twice"
    second = back.grant()
    assert second.secret == new
    assert isinstance(record_outcome(back, second, UnblockDone()), Finished)
    assert unlocked.secrets() == (new.reveal(), None, [PUK])
    assert unlocked.world.card(unlocked.card).secret_tries_left is None


def test_a_card_that_takes_neither_that_nor_its_own_is_set_aside(unlocked: Unlocked) -> None:
    unlocked.rotate_secret()
    unlocked.tell(UnblockRefused(None, "format"))
    back = unlocked.again()
    record_outcome(back, back.grant(), UnblockRefused(4, "wrong secret"))
    reply = record_outcome(back, back.grant(), UnblockRefused(3, "wrong secret"))
    assert isinstance(reply, Refusal)
    assert unlocked.world.card(unlocked.card).set_aside_at is not None


def test_what_was_refused_is_not_tried_once_the_card_has_shown_what_it_has(
    unlocked: Unlocked,
) -> None:
    unlocked.rotate_secret()
    unlocked.tell(UnblockRefused(None, "format"))
    back = unlocked.again()
    record_outcome(back, back.grant(), UnblockDone())
    back.pull()
    unlocked.world.policy = Policy(rotate_secret=False)
    later = unlocked.again()
    reply = record_outcome(later, later.grant(), WRONG)
    assert isinstance(reply, Refusal)
    assert unlocked.world.card(unlocked.card).set_aside_at is not None


@pytest.mark.parametrize(("outcome", "left"), [(WRONG, 2), (UnblockWrong(), 4)])
def test_a_try_that_a_change_cost_is_on_the_account(
    unlocked: Unlocked, outcome: UnblockOutcome, left: int
) -> None:
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(outcome)
    assert unlocked.secrets() == (PUK, new.reveal(), [])
    assert unlocked.world.card(unlocked.card).secret_tries_left == left


# --- the next unlock finds out ---------------------------------------------------------


def test_the_new_secret_is_presented_first(torn: tuple[Unlocked, str]) -> None:
    unlocked, new = torn
    back = unlocked.again()
    grant = back.grant()
    assert grant.secret == Sensitive(new)
    assert isinstance(record_outcome(back, grant, UnblockDone()), Finished)
    assert unlocked.secrets() == (new, None, [PUK])
    assert [e.detail["found"] for e in unlocked.world.events() if e.kind == "secret-found"] == [
        "new"
    ]


def test_a_late_report_says_which_one_the_card_has(torn: tuple[Unlocked, str]) -> None:
    unlocked, new = torn
    back = unlocked.again()
    grant = back.grant()
    record_outcome(back, grant, UnblockUnknown())
    unlocked.world.insert(unlocked.card, blocked=True)
    assert isinstance(record_outcome(back, grant, UnblockDone()), Finished)
    assert unlocked.secrets() == (new, None, [PUK])


@pytest.mark.parametrize("wrong", [WRONG, UnblockWrong()])
def test_a_wrong_one_leaves_the_other_which_is_given_in_the_same_visit(
    torn: tuple[Unlocked, str], wrong: UnblockOutcome
) -> None:
    unlocked, new = torn
    back = unlocked.again()
    first = back.grant()
    for _ in range(2):
        assert isinstance(record_outcome(back, first, wrong), SetPin), "the same when told twice"
    second = back.grant()
    assert second.secret == Sensitive(PUK)
    assert isinstance(record_outcome(back, second, UnblockDone()), Finished)
    assert unlocked.secrets() == (PUK, None, [new])
    assert unlocked.world.card(unlocked.card).secret_tries_left is None


def test_after_an_answer_that_was_lost_it_is_the_others_turn(torn: tuple[Unlocked, str]) -> None:
    unlocked, new = torn
    for expected in (new, PUK, new):
        back = unlocked.again()
        grant = back.grant()
        assert grant.secret == Sensitive(expected)
        record_outcome(back, grant, UnblockUnknown())
        back.pull()


def test_secret_that_was_not_sent_keeps_its_turn(torn: tuple[Unlocked, str]) -> None:
    unlocked, new = torn
    back = unlocked.again()
    for outcome in (UnblockNotSent(), UnblockRefused(None, "history")):
        grant = back.grant()
        assert grant.secret == Sensitive(new)
        assert isinstance(record_outcome(back, grant, outcome), SetPin)
    assert back.grant().secret == Sensitive(new)


@pytest.mark.parametrize("lost_first", [False, True])
def test_a_card_that_works_again_shows_which_it_has(
    torn: tuple[Unlocked, str], *, lost_first: bool
) -> None:
    unlocked, new = torn
    if lost_first:
        back = unlocked.again()
        record_outcome(back, back.grant(), UnblockUnknown())
    back = unlocked.again()
    record_outcome(back, back.grant(), UnblockUnknown())
    unlocked.world.insert(unlocked.card, blocked=False, station="C")
    has, had = (PUK, new) if lost_first else (new, PUK)
    assert unlocked.secrets() == (has, None, [had])


def test_report_after_the_next_unlock_began_changes_nothing(
    torn: tuple[Unlocked, str],
) -> None:
    unlocked, new = torn
    back = unlocked.again()
    back.grant()
    unlocked.tell(UnblockNotSent())
    assert unlocked.secrets() == (PUK, new, [])


def test_a_card_that_takes_neither_is_set_aside(torn: tuple[Unlocked, str]) -> None:
    unlocked, _ = torn
    world, card = unlocked.world, unlocked.card
    back = unlocked.again()
    record_outcome(back, back.grant(), UnblockRefused(4, "wrong secret"))
    reply = record_outcome(back, back.grant(), UnblockRefused(3, "wrong secret"))
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.CARD_REFUSED
    assert world.card(card).set_aside_at == world.now
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.SECRET_BLOCKED
    assert world.kinds().count("card-set-aside") == 1


# --- cards of the other families -------------------------------------------------------


@pytest.fixture(params=["openpgp", "pkcs11"])
def of_a_family(world: World, request: pytest.FixtureRequest) -> Card:
    """A card whose limit nobody knows: three are assumed."""
    return world.registered_card(driver=request.param, secret_limit=None)


def test_a_card_of_each_family_is_given_another_secret(world: World, of_a_family: Card) -> None:
    unlocked = unlock(world, of_a_family)
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(UnblockDone())
    assert unlocked.secrets() == (new.reveal(), None, [PUK])


def test_a_secret_of_a_kind_that_cannot_be_changed_stays(world: World, of_a_family: Card) -> None:
    world.secret_kinds = stored_secrets(Settings(pkcs11=Pkcs11Settings(style="set-pin-with-puk")))
    world.restart()
    assert unlock(world, of_a_family).rotate_secret() is None


def test_stations_that_cannot_change_it_are_given_the_one_that_it_has(
    world: World, of_a_family: Card
) -> None:
    """Their settings are not those of the others."""
    for times in range(1, 4):
        unlocked = unlock(world, of_a_family)
        assert unlocked.grant.secret == Sensitive(PUK)
        assert unlocked.rotate_secret() is not None
        unlocked.tell(UnblockRefused(None, "not allowed"))
        current, waits, former = unlocked.secrets()
        assert (current, waits, len(former)) == (PUK, None, times)
        unlocked.station_visit.pull()
        world.clock.forward(hours=1)


def test_wrong_secret_without_a_number_is_distinguished_from_a_lost_answer(
    world: World, of_a_family: Card
) -> None:
    """The new one was lost and the other is wrong: so the lost one was right, and cost nothing."""
    unlocked = unlock(world, of_a_family)
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(UnblockUnknown())
    lost = unlocked.again()
    record_outcome(lost, lost.grant(), UnblockUnknown())
    lost.pull()
    back = unlocked.again()
    second = back.grant()
    assert second.secret == Sensitive(PUK)
    assert isinstance(record_outcome(back, second, UnblockWrong()), SetPin)
    third = back.grant()
    assert third.secret == new
    assert isinstance(record_outcome(back, third, UnblockDone()), Finished)
    assert unlocked.secrets() == (new.reveal(), None, [PUK])


def test_wrong_secret_without_a_number_and_no_other_sets_the_card_aside(
    world: World, of_a_family: Card
) -> None:
    station_visit = world.insert(of_a_family, blocked=True)
    station_visit.to_new_pin()
    grant = station_visit.grant()
    for _ in range(2):
        reply = record_outcome(station_visit, grant, UnblockWrong())
        assert isinstance(reply, Refusal)
        assert reply.reason is Reason.CARD_REFUSED
    card = world.card(of_a_family)
    assert (card.set_aside_at, card.secret_tries_left) == (world.now, 2)
    told = [event.detail for event in world.events() if event.kind == "unblock-refused"]
    assert [detail["tries_left"] for detail in told] == [2]
