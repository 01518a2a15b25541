"""A card proves itself before anything is asked, and again before its secret is released."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from kiosk.authority.records import Card, CardStatus, UnblockEntry, new_id
from kiosk.authority.store.tables import UnblockRow
from kiosk.contract.errors import StepRefused
from kiosk.contract.families import FAMILIES, MUTUALLY_AUTHENTICATED
from kiosk.contract.messages import (
    Answer,
    Answers,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    Code,
    Factor,
    Grant,
    PinState,
    Purpose,
    Reason,
    Refusal,
    VisitId,
    VisitOpened,
)
from kiosk.contract.policy import Genuine, Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import KeylessCard, ReaderCard, unsupported_certificate
from tests.authority.refused import is_turned_away
from tests.authority.station_visit import wrong_code
from tests.authority.world import World
from tests.support.routes import MADE_UP
from tests.support.stored import live_code, stored


@pytest.fixture
def mine() -> ReaderCard:
    return ReaderCard()


@pytest.fixture
def card(world: World, mine: ReaderCard) -> Card:
    """A registered card whose key is recorded."""
    return world.registered_card(auth_key=mine.public)


def report_of(card: Card, reader_card: ReaderCard, *, blocked: bool = True) -> CardReport:
    named = CardId(card.driver, card.identifier)
    return CardReport(named, PinState(blocked), certificate=reader_card.shows)


def challenged(world: World, card: Card, reader_card: ReaderCard, visit: str = "") -> CardChallenge:
    """Begin a visit, and get its challenge."""
    reply = world.authority.begin(VisitId(visit or new_id()), report_of(card, reader_card))
    assert isinstance(reply, CardChallenge), reply
    return reply


def test_a_genuine_card_is_unlocked(world: World, card: Card, mine: ReaderCard) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    assert isinstance(station_visit.opened, VisitOpened)
    station_visit.to_new_pin()
    assert isinstance(station_visit.release(), Grant)


FORGED: dict[str, tuple[Callable[[ReaderCard], ReaderCard], str]] = {
    "right GUID, wrong key": (lambda _: ReaderCard(), "wrong-answer"),
    "right certificate, wrong key": (lambda mine: mine.copy(), "wrong-answer"),
    "right certificate, no key": (
        lambda mine: ReaderCard(shows=mine.shows, signs=False),
        "no-answer",
    ),
    "no key where one was recorded": (lambda _: KeylessCard(), "no-answer"),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_card_is_asked_nothing(
    world: World, card: Card, mine: ReaderCard, how: str
) -> None:
    forge, because = FORGED[how]
    station_visit = world.insert(card, blocked=True, reader_card=forge(mine))
    assert is_turned_away(world, station_visit.opened, because)
    with pytest.raises(StepRefused, match="over"):
        station_visit.questions()
    assert isinstance(world.insert(card, blocked=True, reader_card=mine).opened, VisitOpened)


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_card_that_is_put_in_after_the_questions_gets_no_secret(
    world: World, card: Card, mine: ReaderCard, how: str
) -> None:
    forge, because = FORGED[how]
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    station_visit.to_new_pin()
    station_visit.reader_card = forge(mine)
    assert is_turned_away(world, station_visit.release(), because)
    assert world.card(card).secret_exposure == 0
    with world.store.read() as uow:
        assert uow.journal.open_for(card.id) is None
        assert live_code(uow, card.id) is not None, "the holder can come back with the code"
    station_visit.reader_card = mine
    with pytest.raises(StepRefused):
        station_visit.release()
    back = world.insert(card, blocked=True, reader_card=mine)
    back.enter(world.relay.code)
    assert isinstance(back.release(), Grant)


def test_a_station_that_skips_the_proof_gets_nothing(
    world: World, card: Card, mine: ReaderCard
) -> None:
    visit, calls = VisitId(new_id()), world.authority
    proof = mine.answer(challenged(world, card, mine, visit))
    answers = (Answer(1, Sensitive("x")),)
    steps: tuple[Callable[[], object], ...] = (
        lambda: calls.choose(visit, Purpose.UNLOCK),
        lambda: calls.pin_verified(visit, None),
        lambda: calls.save_questions(visit, answers),
        lambda: calls.give_email(visit, "asha@nhs.net", "1"),
        lambda: calls.submit(visit, "1", Answers(answers)),
        lambda: calls.prepare(visit, "1", Factor.EMAIL_CODE, MADE_UP),
        lambda: calls.submit(visit, "1", Code(Sensitive("1"))),
        lambda: calls.challenge(visit),
        lambda: calls.release(visit, "1"),
        lambda: calls.release(visit, "1", proof),
        lambda: calls.pin_changing(visit),
    )
    for step in steps:
        with pytest.raises(StepRefused):
            step()
    assert world.registration(card).failures == 0


def test_a_station_that_skips_the_second_proof_gets_no_secret(
    world: World, card: Card, mine: ReaderCard
) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    station_visit.to_new_pin()
    proof = mine.answer(CardChallenge(b"its own", challenged(world, card, mine).key))
    for given in (None, proof):
        with pytest.raises(StepRefused):
            station_visit.authority.release(station_visit.visit, station_visit.attempt(), given)


def test_an_answer_is_good_once(world: World, card: Card, mine: ReaderCard) -> None:
    visit = VisitId(new_id())
    proof = mine.answer(challenged(world, card, mine, visit))
    opened = world.authority.prove(visit, proof)
    assert isinstance(opened, VisitOpened)
    assert world.authority.prove(visit, proof) == opened, "its answer may have been lost"
    with pytest.raises(StepRefused):
        world.authority.prove(visit, CardProof(b"another"))
    challenged(world, card, mine, visit)
    assert is_turned_away(world, world.authority.prove(visit, proof), "wrong-answer")


def test_a_repeated_answer_gets_the_same_refusal(
    world: World, card: Card, mine: ReaderCard
) -> None:
    world.policy = Policy(code_gap=timedelta(0), code_tries=1)
    for _ in range(world.policy.codes_an_hour):
        station_visit = world.insert(card, blocked=True, reader_card=mine)
        station_visit.to_code()
        station_visit.enter(wrong_code(world.relay.code))
        station_visit.pull()
    again = world.now + timedelta(hours=1)
    visit = VisitId(new_id())
    proof = mine.answer(challenged(world, card, mine, visit))
    refused = world.authority.prove(visit, proof)
    assert refused == Refusal(Reason.TOO_MANY_CODES, again)
    world.clock.forward(seconds=5)
    assert world.authority.prove(visit, proof) == refused
    assert len([kind for kind in world.kinds() if kind == "refused"]) == 1


def test_a_repeated_answer_blocks_nothing(world: World, card: Card, mine: ReaderCard) -> None:
    """Attempts at another station are all charged between the two."""
    visit = VisitId(new_id())
    proof = mine.answer(challenged(world, card, mine, visit))
    opened = world.authority.prove(visit, proof)
    assert isinstance(opened, VisitOpened)
    most = world.policy.max_failures
    with world.store.begin() as uow:
        for number in range(most):
            assert uow.registrations.attempts(card.holder_id, most).charge(str(number))
        uow.commit()
    assert world.authority.prove(visit, proof) == opened
    assert world.registration(card).blocked_at is None
    assert "registration-blocked" not in world.kinds()


def test_a_wrong_answer_uses_the_challenge_up(world: World, card: Card, mine: ReaderCard) -> None:
    visit = VisitId(new_id())
    right = mine.answer(challenged(world, card, mine, visit))
    assert isinstance(world.authority.prove(visit, CardProof(b"guess")), Refusal)
    with pytest.raises(StepRefused):
        world.authority.prove(visit, right)


def test_an_answer_of_one_visit_is_none_of_another(
    world: World, card: Card, mine: ReaderCard
) -> None:
    ones, others = VisitId(new_id()), VisitId(new_id())
    challenged(world, card, mine, ones)
    proof = mine.answer(challenged(world, card, mine, others))
    assert is_turned_away(world, world.authority.prove(ones, proof), "wrong-answer")
    assert isinstance(world.authority.prove(others, proof), VisitOpened)


def test_an_answer_for_the_secret_is_good_once(world: World, card: Card, mine: ReaderCard) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    station_visit.to_new_pin()
    first = station_visit.authority.challenge(station_visit.visit)
    assert isinstance(first, CardChallenge)
    assert station_visit.authority.challenge(station_visit.visit) == first
    answer = mine.answer(first)
    assert isinstance(station_visit.authority.release(station_visit.visit, "first", answer), Grant)
    second = station_visit.authority.challenge(station_visit.visit)
    assert isinstance(second, CardChallenge)
    assert second != first
    reply = station_visit.authority.release(station_visit.visit, "second", answer)
    assert is_turned_away(world, reply, "wrong-answer")


def test_a_challenge_of_the_secret_does_not_open_the_visit_again(
    world: World, card: Card, mine: ReaderCard
) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    station_visit.to_new_pin()
    drawn = station_visit.authority.challenge(station_visit.visit)
    assert isinstance(drawn, CardChallenge)
    with pytest.raises(StepRefused):
        station_visit.authority.prove(station_visit.visit, mine.answer(drawn))


@pytest.mark.parametrize(("seconds", "is_good"), [(59, True), (60, False), (-60, False)])
def test_a_challenge_is_good_for_a_minute(
    world: World, card: Card, mine: ReaderCard, seconds: int, is_good: bool
) -> None:
    visit = VisitId(new_id())
    proof = mine.answer(challenged(world, card, mine, visit))
    world.clock.forward(seconds=seconds)
    if is_good:
        assert isinstance(world.authority.prove(visit, proof), VisitOpened)
        return
    with pytest.raises(StepRefused, match="too old"):
        world.authority.prove(visit, proof)


def test_of_many_who_release_with_one_answer_one_gets_the_secret(
    world: World, card: Card, mine: ReaderCard
) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    station_visit.to_new_pin()
    drawn = station_visit.authority.challenge(station_visit.visit)
    assert isinstance(drawn, CardChallenge)
    proof = mine.answer(drawn)

    def release(_: int) -> object:
        try:
            return station_visit.authority.release(
                station_visit.visit, station_visit.attempt(), proof
            )
        except StepRefused as refused:
            return refused

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(release, range(8)))
    assert sum(isinstance(one, Grant) for one in got) == 1
    assert world.card(card).secret_exposure == 1


# --- what an unproven card can learn and do --------------------------------------------


def test_a_copy_learns_nothing_of_the_records(world: World, mine: ReaderCard) -> None:
    """Whatever is the matter with the card, a copy of it gets the same page."""
    holder = world.add_holder()
    changes: tuple[dict[str, object], ...] = (
        {},
        {"status": CardStatus.REVOKED},
        {"expires_at": world.now},
        {"sealed_secret": None},
    )
    for change in changes:
        card = world.add_card(holder, auth_key=mine.public, **change)
        station_visit = world.insert(card, blocked=True, reader_card=ReaderCard())
        assert is_turned_away(world, station_visit.opened, "wrong-answer")


def test_a_copy_neither_ends_a_visit_nor_settles_an_unblock(
    world: World, card: Card, mine: ReaderCard
) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    station_visit.to_new_pin()
    grant = station_visit.grant()
    copied = world.insert(card, blocked=False, reader_card=ReaderCard())
    assert isinstance(copied.opened, Refusal)
    with world.store.read() as uow:
        visit = uow.visits.get(station_visit.visit)
        entry = stored(uow, UnblockRow, UnblockEntry, id=grant.journal)
    assert visit is not None
    assert visit.closed_at is None
    assert isinstance(entry, UnblockEntry)
    assert entry.closed_at is None


def test_of_two_stations_the_later_proof_holds_the_card(
    world: World, card: Card, mine: ReaderCard
) -> None:
    first, second = VisitId(new_id()), VisitId(new_id())
    to_first, to_second = (challenged(world, card, mine, one) for one in (first, second))
    assert isinstance(world.authority.prove(second, mine.answer(to_second)), VisitOpened)
    with pytest.raises(StepRefused, match="over"):
        world.authority.prove(first, mine.answer(to_first))


def test_a_station_that_is_retired_meanwhile_opens_nothing(
    world: World, card: Card, mine: ReaderCard
) -> None:
    visit = VisitId(new_id())
    proof = mine.answer(challenged(world, card, mine, visit))
    world.retire_station("A")
    reply = world.authority.prove(visit, proof)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.STATION_RETIRED


def test_a_card_that_says_itself_that_it_expired_is_not_asked(
    world: World, card: Card, mine: ReaderCard
) -> None:
    report = structs.replace(report_of(card, mine), expires_at=world.now)
    reply = world.authority.begin(VisitId(new_id()), report)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.CARD_EXPIRED


def test_a_key_that_is_changed_on_the_way_ends_what_the_old_one_opened(
    world: World, card: Card, mine: ReaderCard
) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=mine)
    world.put_card(replace(card, auth_key=ReaderCard().public))
    reply = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.NOT_GENUINE


# --- the policy ------------------------------------------------------------------------


def test_a_card_that_shows_a_key_has_to_have_it(world: World, mine: ReaderCard) -> None:
    card = world.registered_card()
    assert isinstance(world.insert(card, blocked=True, reader_card=mine).opened, VisitOpened)
    station_visit = world.insert(card, blocked=True, reader_card=mine.copy())
    assert is_turned_away(world, station_visit.opened, "wrong-answer")


def unsupported() -> ReaderCard:
    return ReaderCard(shows=unsupported_certificate(), signs=False)


@pytest.mark.parametrize("genuine", [Genuine.WHEN_IT_CAN, Genuine.ALWAYS])
@pytest.mark.parametrize("blocked", [True, False])
def test_a_key_that_cannot_be_checked_is_refused_where_a_proof_is_due(
    world: World, genuine: Genuine, blocked: bool
) -> None:
    card = world.registered_card()
    world.policy = Policy(genuine=genuine)
    station_visit = world.insert(card, blocked=blocked, reader_card=unsupported())
    assert is_turned_away(world, station_visit.opened, "unsupported-key")
    with pytest.raises(StepRefused, match="over"):
        station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)


def test_a_key_that_cannot_be_checked_does_not_matter_where_none_must(world: World) -> None:
    card = world.registered_card()
    world.policy = Policy(genuine=Genuine.NEVER)
    station_visit = world.insert(card, blocked=True, reader_card=unsupported())
    assert isinstance(station_visit.opened, VisitOpened)


def test_a_key_that_cannot_be_checked_is_not_shown_in_place_of_a_recorded_one(
    world: World, card: Card, mine: ReaderCard
) -> None:
    honest = ReaderCard(key=mine.key, shows=unsupported_certificate())
    assert isinstance(world.insert(card, blocked=True, reader_card=honest).opened, VisitOpened)
    assert is_turned_away(
        world, world.insert(card, blocked=True, reader_card=unsupported()).opened, "no-answer"
    )


WITHOUT_ADMIN_KEY = [name for name in FAMILIES if name not in MUTUALLY_AUTHENTICATED]


@pytest.mark.parametrize("family", WITHOUT_ADMIN_KEY)
def test_where_all_must_a_card_without_a_key_is_asked_nothing(world: World, family: str) -> None:
    """A card of the other families has no key that signs without its PIN."""
    card = world.registered_card(driver=family)
    world.policy = Policy(genuine=Genuine.ALWAYS)
    for blocked in (True, False):
        station_visit = world.insert(card, blocked=blocked, reader_card=KeylessCard())
        assert is_turned_away(world, station_visit.opened, "no-key")
        with pytest.raises(StepRefused, match="over"):
            station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert world.registration(card).asked is None
    assert world.relay.sent == []


@pytest.mark.parametrize("family", WITHOUT_ADMIN_KEY)
def test_a_card_without_a_key_gets_no_secret_once_all_must_prove_themselves(
    world: World, family: str
) -> None:
    """The policy is changed by staff while its holder chooses a new PIN."""
    card = world.registered_card(driver=family)
    station_visit = world.insert(card, blocked=True, reader_card=KeylessCard())
    station_visit.to_new_pin()
    assert station_visit.authority.challenge(station_visit.visit) is None
    world.policy = Policy(genuine=Genuine.ALWAYS)
    for reply in (
        station_visit.release(),
        station_visit.authority.release(station_visit.visit, station_visit.attempt()),
    ):
        assert isinstance(reply, Refusal)
        assert reply.reason is Reason.NOT_GENUINE
    assert world.card(card).secret_exposure == 0
    assert "secret-released" not in world.kinds()


def test_where_none_must_none_is_asked(world: World, card: Card) -> None:
    world.policy = Policy(genuine=Genuine.NEVER)
    station_visit = world.insert(card, blocked=True, reader_card=ReaderCard())
    station_visit.to_new_pin()
    assert station_visit.authority.challenge(station_visit.visit) is None
    assert isinstance(
        station_visit.authority.release(station_visit.visit, station_visit.attempt()), Grant
    )


def test_where_all_must_a_key_that_nobody_knows_opens_a_registration_and_no_unlock(
    world: World, mine: ReaderCard
) -> None:
    card = world.registered_card()
    world.policy = Policy(genuine=Genuine.ALWAYS)
    blocked = world.insert(card, blocked=True, reader_card=mine)
    assert is_turned_away(world, blocked.opened, "unknown-key")
    working = world.insert(card, reader_card=mine)
    assert isinstance(working.opened, VisitOpened)
    reply = working.authority.choose(working.visit, Purpose.UNLOCK)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.NOT_GENUINE


def test_where_all_must_a_card_that_is_named_by_its_key_is_known_by_it(
    world: World, mine: ReaderCard
) -> None:
    world.policy = Policy(genuine=Genuine.ALWAYS)
    card = world.registered_card(identifier="ca" + mine.fingerprint)
    assert isinstance(world.insert(card, blocked=True, reader_card=mine).opened, VisitOpened)
    copied = world.insert(card, blocked=True, reader_card=ReaderCard())
    assert is_turned_away(world, copied.opened, "unknown-key")
