"""A card that says how many tries its unblock secret has left corrects our account of them."""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card, new_id
from kiosk.contract.messages import (
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    Finished,
    PinState,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockRefused,
    UnblockUnknown,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority import admin_key_card
from tests.authority.card_in_reader import KeylessCard, ReaderCard, private_key
from tests.authority.station_visit import StationVisit
from tests.authority.world import PUK, World
from tests.support.steps import offered

TOLD = "secret-tries-reported"


def account(world: World, card: Card) -> tuple[int | None, int]:
    kept = world.card(card)
    return kept.secret_tries_left, kept.secret_exposure


def told(world: World) -> list[tuple[object, object]]:
    details = [event.detail for event in world.events() if event.kind == TOLD]
    return [(detail["tries_left"], detail["by_account"]) for detail in details]


def lose(world: World, card: Card, secret_tries: int | None = None) -> Sensitive:
    """Unlock, and lose the card's answer; return what was presented."""
    station_visit = ready(world, card, secret_tries)
    grant = station_visit.grant()
    station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockUnknown())
    station_visit.pull()
    world.clock.forward(hours=1)
    return grant.secret


def quiet_with_pin_key() -> ReaderCard:
    """Return a card that signs after its PIN, and nothing before, as an OpenPGP card does."""
    reader_card = KeylessCard()
    reader_card.pin_key = private_key()
    return reader_card


def ready(world: World, card: Card, secret_tries: int | None = None) -> StationVisit:
    station_visit = world.insert(card, blocked=True, secret_tries=secret_tries)
    station_visit.to_new_pin()
    return station_visit


def is_barred(
    world: World, card: Card, secret_tries: int | None = None, mine: ReaderCard | None = None
) -> bool:
    opened = world.insert(card, blocked=True, reader_card=mine, secret_tries=secret_tries).opened
    if isinstance(opened, Refusal):
        assert opened.reason is Reason.SECRET_BLOCKED
        return True
    assert offered(opened) == (Purpose.UNLOCK,)
    return False


def test_after_two_lost_answers_a_card_that_tells_is_served_again(each_world: World) -> None:
    world = each_world
    card = world.registered_card(secret_limit=None)
    for _ in range(2):
        lose(world, card)
    assert account(world, card) == (None, 2)
    assert is_barred(world, card), "it tells nothing"
    assert told(world) == []
    station_visit = ready(world, card, 3)
    assert account(world, card) == (3, 0)
    grant = station_visit.grant()
    reply = station_visit.authority.record_outcome(
        station_visit.visit, grant.journal, UnblockDone()
    )
    assert reply == Finished(Purpose.UNLOCK)
    station_visit.pull()
    world.insert(card, secret_tries=3)
    assert told(world) == [(3, 1)], "what is known already is not told again"
    with world.store.read() as uow:
        assert uow.audit.verify().intact


@pytest.mark.parametrize(
    ("limit", "exposure", "known", "says", "becomes", "barred"),
    [
        (None, 2, None, 3, (3, 0), False),
        (None, 2, None, 2, (2, 0), False),
        (None, 2, None, 1, (1, 0), True),
        (None, 2, None, 0, (0, 0), True),
        (5, 1, 3, 3, (3, 0), False),
        (5, 0, 3, 2, (2, 0), False),
        (5, 0, 2, 5, (5, 0), False),
        (5, 0, 1, 1, (1, 0), True),
        (5, 0, None, 1, (1, 0), True),
        (5, 0, None, 5, (None, 0), False),
        (None, 0, None, 10, (None, 0), False),
        (None, 2, None, 255, (3, 0), False),
        (4, 2, None, 255, (4, 0), False),
        (None, 2, 8, 255, (8, 0), False),
    ],
)
def test_what_the_card_says_counts_lower_or_higher(
    world: World,
    limit: int | None,
    exposure: int,
    known: int | None,
    says: int,
    becomes: tuple[int | None, int],
    *,
    barred: bool,
) -> None:
    mine = ReaderCard()
    card = world.registered_card(
        secret_limit=limit,
        secret_exposure=exposure,
        secret_tries_left=known,
        auth_key=mine.public,
    )
    assert is_barred(world, card, says, mine) is barred
    assert account(world, card) == becomes
    assert len(told(world)) == (becomes != (known, exposure))


@pytest.mark.parametrize("says", [0, 1, 2])
def test_of_a_card_that_proves_nothing_fewer_count_in_their_own_visit(
    world: World, says: int
) -> None:
    """A station that holds no card cannot have it refused anywhere else."""
    card = world.registered_card(secret_limit=None)
    quiet = KeylessCard()
    assert is_barred(world, card, says, quiet) is (says < 2)
    station_visit = world.insert(card, secret_tries=says, reader_card=quiet)
    chosen = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert (chosen == Refusal(Reason.SECRET_BLOCKED)) is (says < 2)
    assert account(world, card) == (None, 0)
    assert not is_barred(world, card, mine=quiet)
    assert told(world) == []


def test_of_a_card_that_proves_nothing_more_count_once_every_factor_was_passed(
    world: World,
) -> None:
    card = world.registered_card(secret_limit=None, secret_exposure=1)
    station_visit = world.insert(card, blocked=True, secret_tries=3, reader_card=KeylessCard())
    station_visit.to_new_pin()
    assert account(world, card) == (None, 1)
    assert station_visit.authority.challenge(station_visit.visit) is None
    assert account(world, card) == (3, 0)


@pytest.mark.parametrize(("says", "becomes"), [(3, (3, 0)), (1, (1, 0))])
@pytest.mark.parametrize("signs", [False, True])
def test_a_pin_that_is_proven_proves_the_card_of_a_family_that_cannot_do_so_before(
    world: World, says: int, becomes: tuple[int | None, int], *, signs: bool
) -> None:
    mine = quiet_with_pin_key()
    card = world.registered_card(driver="openpgp", secret_exposure=2, pin_key=mine.pin_public)
    station_visit = world.insert(card, reader_card=mine, secret_tries=says)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_QUESTIONS), ProvePin
    )
    assert account(world, card) == (None, 2)
    if signs:
        station_visit.verify_pin()
    else:
        station_visit.authority.pin_verified(station_visit.visit, None)
    assert account(world, card) == (becomes if signs else (None, 2))
    assert told(world) == ([(says, 3)] if signs else [])


def test_a_proven_pin_says_that_an_unblock_whose_answer_was_lost_was_done(world: World) -> None:
    mine = quiet_with_pin_key()
    card = world.registered_card(driver="openpgp", pin_key=mine.pin_public)
    lose(world, card)
    station_visit = world.insert(card, reader_card=mine)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_QUESTIONS), ProvePin
    )
    assert account(world, card) == (None, 1)
    station_visit.verify_pin()
    assert account(world, card) == (None, 0)
    settled = [event.detail for event in world.events() if event.kind == "unblock-settled"]
    assert [detail["found"] for detail in settled] == ["done"]


def test_a_code_that_waits_is_not_asked_for_where_the_card_says_that_it_is_over(
    world: World,
) -> None:
    card = world.registered_card(secret_limit=None)
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.pull()
    assert is_barred(world, card, 1)
    back = world.insert(card, blocked=True, secret_tries=2).opened
    assert isinstance(back, VisitOpened)
    assert back.resumed is not None


def test_a_forgotten_pin_is_judged_by_what_the_card_says_too(world: World) -> None:
    card = world.registered_card(secret_limit=None, secret_exposure=2)
    refused = world.authority.choose(world.insert(card).visit, Purpose.UNLOCK)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.SECRET_BLOCKED
    station_visit = world.insert(card, secret_tries=3)
    assert not isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK), Refusal
    )


def test_reported_tries_count_once_the_card_has_proven_itself(each_world: World) -> None:
    world = each_world
    mine = ReaderCard()
    card = world.registered_card(secret_limit=None, secret_exposure=2, auth_key=mine.public)
    named = CardId(card.driver, card.identifier)
    report = CardReport(named, PinState(True), certificate=mine.shows, secret_tries=3)
    for is_right in (False, True):
        visit = VisitId(new_id())
        challenge = world.authority.begin(visit, report)
        assert isinstance(challenge, CardChallenge)
        assert account(world, card) == (None, 2)
        proof = mine.answer(challenge) if is_right else CardProof(b"guess")
        opened = world.authority.prove(visit, proof)
        assert isinstance(opened, VisitOpened) is is_right
    assert account(world, card) == (3, 0)


def test_a_try_for_an_admin_key_is_not_given_back_by_a_number(world: World) -> None:
    card = admin_key_card.registered(world, secret_exposure=2)
    assert is_barred(world, card, 3)
    assert account(world, card) == (None, 2)
    assert told(world) == []


def test_try_for_an_admin_key_is_not_given_back_before_an_unblock(world: World) -> None:
    card = admin_key_card.registered(world, secret_exposure=1)
    admin_key_card.drawn(ready(world, card, 3))
    assert account(world, card) == (None, 1)
    assert told(world) == []


def test_a_card_without_a_secret_is_not_asked_about_it(world: World) -> None:
    card = world.registered_card(sealed_secret=None)
    world.insert(card, secret_tries=0)
    assert account(world, card) == (None, 0)


def test_a_card_that_refused_everything_stays_set_aside(world: World) -> None:
    card = world.registered_card(secret_exposure=1)
    with world.store.begin() as uow:
        uow.cards.set_aside(card.id, world.now)
        uow.commit()
    assert is_barred(world, card, 5)
    assert world.card(card).set_aside_at is not None


def test_two_secrets_still_take_turns(world: World) -> None:
    """The number is of tries alone: which of the two the card has, it does not say."""
    card = world.registered_card(secret_limit=None)
    station_visit = ready(world, card)
    grant = station_visit.grant()
    station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
    new = station_visit.authority.rotate_secret(station_visit.visit, grant.journal)
    assert new is not None
    station_visit.authority.confirm_rotation(station_visit.visit, grant.journal, UnblockUnknown())
    station_visit.pull()
    world.clock.forward(hours=1)
    assert [lose(world, card), lose(world, card, 3)] == [new, Sensitive(PUK)]
    assert account(world, card) == (3, 1)
    back = ready(world, card, 3)
    third = back.grant()
    assert third.secret == new
    reply = back.authority.record_outcome(back.visit, third.journal, UnblockRefused(2, "wrong"))
    assert isinstance(reply, SetPin), "the other is presented at once"
    fourth = back.grant()
    assert fourth.secret == Sensitive(PUK)
    assert isinstance(
        back.authority.record_outcome(back.visit, fourth.journal, UnblockDone()), Finished
    )
