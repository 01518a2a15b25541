"""The unblock secret: released once, journaled first, and settled by what the card says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.notices import Notice
from kiosk.dialogue import (
    AnswerQuestions,
    EnterCode,
    Finished,
    Grant,
    JournalId,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    VisitOpened,
)
from kiosk.errors import AuthorityUnavailable, StepRefused
from kiosk.secrets.keys import KeyPurpose, KeyRing
from kiosk.secrets.rotate import reseal_all
from kiosk.secrets.sealing import Sealer
from kiosk.store.records import Card, CardStatus, SealedSecret, UnblockEntry, UnblockState
from tests.authority.world import EMAIL, PUK, Sitting, World


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


@pytest.fixture
def sitting(world: World, card: Card) -> Sitting:
    """A visit that has passed every factor."""
    sitting = world.insert(card, blocked=True)
    sitting.to_new_pin()
    return sitting


def _settle(sitting: Sitting, grant: Grant, outcome: UnblockOutcome) -> object:
    return sitting.authority.settle(sitting.visit, grant.journal, outcome)


def _entry(world: World, grant: Grant) -> UnblockEntry:
    with world.store.read() as uow:
        entry = uow.journal.get(grant.journal)
    assert entry is not None
    return entry


def _refusal(reply: object) -> Reason:
    assert isinstance(reply, Refusal), reply
    return reply.reason


# --- release ---------------------------------------------------------------------------


def test_a_grant_is_journaled_charged_and_costs_the_code(
    world: World, card: Card, sitting: Sitting
) -> None:
    grant = sitting.grant()
    assert grant.secret.reveal() == PUK
    entry = _entry(world, grant)
    assert (entry.state, entry.was_blocked) == (UnblockState.INTENT, True)
    assert (entry.visit_id, entry.card_id) == (sitting.visit, card.id)
    assert world.card(card).secret_exposure == 1
    with world.store.read() as uow:
        assert uow.codes.live(card.id) is None
    assert world.kinds()[-1] == "secret-released"


def test_one_release_a_visit(world: World, card: Card, sitting: Sitting) -> None:
    sitting.grant()
    with pytest.raises(StepRefused):
        sitting.grant()
    assert world.card(card).secret_exposure == 1


def test_the_code_never_works_again(world: World, card: Card, sitting: Sitting) -> None:
    code = world.relay.code
    sitting.grant()
    with pytest.raises(StepRefused):
        sitting.enter(code)
    sitting.pull()
    back = world.insert(card, blocked=True)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is None
    with pytest.raises(StepRefused):
        back.enter(code)
    with pytest.raises(StepRefused):
        back.grant()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": CardStatus.REVOKED}, Reason.CARD_REVOKED),
        ({"sealed_secret": None}, Reason.SECRET_MISSING),
        ({"secret_limit": 1}, Reason.SECRET_BLOCKED),
    ],
)
def test_what_was_barred_on_the_way_is_not_released(
    world: World, card: Card, sitting: Sitting, changes: dict[str, object], reason: Reason
) -> None:
    world.put_card(replace(card, **changes))  # type: ignore[arg-type]
    assert _refusal(world.authority.release(sitting.visit)) is reason
    assert world.card(card).secret_exposure == 0
    with world.store.read() as uow:
        assert uow.journal.open_for(card.id) is None
        assert uow.codes.live(card.id) is not None


def test_a_block_on_the_way_stops_the_release(world: World, card: Card, sitting: Sitting) -> None:
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    assert _refusal(world.authority.release(sitting.visit)) is Reason.REGISTRATION_BLOCKED


def test_a_leaver_on_the_way_gets_nothing(world: World, card: Card, sitting: Sitting) -> None:
    with world.store.begin() as uow:
        holder = uow.holders.get(card.holder_id)
        assert holder is not None
        uow.holders.put([replace(holder, left_at=world.now)])
        uow.commit()
    assert _refusal(world.authority.release(sitting.visit)) is Reason.LEAVER


def test_a_secret_moved_from_another_card_is_not_released(
    world: World, card: Card, sitting: Sitting
) -> None:
    other = world.add_card(world.add_holder(number="2"))
    world.put_card(replace(card, sealed_secret=other.sealed_secret))
    assert _refusal(world.authority.release(sitting.visit)) is Reason.SECRET_MISSING
    assert "secret-broken" in world.kinds()
    assert world.card(card).secret_exposure == 0


def test_a_row_pointed_at_another_card_does_not_release_its_secret_to_it(world: World) -> None:
    card = world.registered_card()
    forged = replace(card, identifier="f0f0")
    world.put_card(forged)
    sitting = world.insert(forged, blocked=True)
    sitting.to_new_pin()
    assert _refusal(world.authority.release(sitting.visit)) is Reason.SECRET_MISSING


def test_an_older_revision_is_not_released(world: World, card: Card, sitting: Sitting) -> None:
    sealed = card.sealed_secret
    assert sealed is not None
    later = SealedSecret(sealed.ciphertext, sealed.key_id, 2)
    world.put_card(replace(card, sealed_secret=later))
    assert _refusal(world.authority.release(sitting.visit)) is Reason.SECRET_MISSING


def test_a_key_that_is_gone_costs_nothing(world: World, card: Card, sitting: Sitting) -> None:
    object.__setattr__(world.parts, "sealer", Sealer(KeyRing.fresh()))
    with pytest.raises(AuthorityUnavailable):
        world.authority.release(sitting.visit)
    object.__setattr__(world.parts, "sealer", Sealer(world.ring))
    assert world.card(card).secret_exposure == 0
    assert sitting.grant().secret.reveal() == PUK


def test_a_rotation_in_the_middle_of_a_visit_changes_nothing_for_the_holder(
    world: World, card: Card, sitting: Sitting
) -> None:
    rotated = world.ring.with_new(KeyPurpose.SEAL)
    assert reseal_all(world.store, Sealer(rotated)).resealed == 1
    object.__setattr__(world.parts, "sealer", Sealer(rotated))
    assert sitting.grant().secret.reveal() == PUK


# --- done ------------------------------------------------------------------------------


def test_done(world: World, card: Card, sitting: Sitting) -> None:
    grant = sitting.grant()
    for _ in range(2):
        assert _settle(sitting, grant, UnblockDone()) == Finished(Purpose.UNLOCK)
    assert _entry(world, grant).state is UnblockState.DONE
    assert world.card(card).secret_exposure == 0
    registration = world.registration(card)
    assert (registration.failures, registration.asked) == (0, None)
    [notice] = world.outbox()
    assert (notice.to, notice.template) == (EMAIL, Notice.UNLOCKED)
    assert notice.params["reference"] == sitting.opened.reference
    assert world.kinds().count("unblock-done") == 1
    with pytest.raises(StepRefused):
        sitting.grant()


def test_done_is_taken_after_the_card_was_pulled(
    world: World, card: Card, sitting: Sitting
) -> None:
    grant = sitting.grant()
    sitting.pull()
    assert _settle(sitting, grant, UnblockDone()) == Finished(Purpose.UNLOCK)
    assert world.card(card).secret_exposure == 0


def test_a_grant_is_settled_by_its_own_visit_alone(
    world: World, card: Card, sitting: Sitting
) -> None:
    grant = sitting.grant()
    other = world.insert(world.add_card(world.add_holder(number="2")))
    with pytest.raises(StepRefused):
        _settle(other, grant, UnblockDone())
    with pytest.raises(StepRefused):
        world.authority.settle(sitting.visit, JournalId("0" * 32), UnblockDone())
    assert _entry(world, grant).state is UnblockState.INTENT


# --- refused ---------------------------------------------------------------------------


def test_a_wrong_secret_is_counted_as_the_card_counts(
    world: World, card: Card, sitting: Sitting
) -> None:
    grant = sitting.grant()
    reply = _settle(sitting, grant, UnblockRefused(2, "63C2"))
    assert _refusal(reply) is Reason.CARD_REFUSED
    kept = world.card(card)
    assert (kept.secret_tries_left, kept.secret_exposure) == (2, 0)
    assert _entry(world, grant).state is UnblockState.REFUSED
    with pytest.raises(StepRefused):
        sitting.grant()
    assert _refusal(_settle(sitting, grant, UnblockRefused(2, "63C2"))) is Reason.CARD_REFUSED


@pytest.mark.parametrize("left", [0, 1])
def test_the_last_try_is_never_spent(world: World, card: Card, sitting: Sitting, left: int) -> None:
    reply = _settle(sitting, sitting.grant(), UnblockRefused(left, "63C0"))
    assert _refusal(reply) is Reason.SECRET_BLOCKED
    assert _refusal(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED


def test_a_new_pin_that_the_card_does_not_like_is_chosen_again(
    world: World, card: Card, sitting: Sitting
) -> None:
    for _ in range(3):
        grant = sitting.grant()
        assert isinstance(_settle(sitting, grant, UnblockRefused(None, "history")), SetPin)
        assert _entry(world, grant).state is UnblockState.REFUSED
        assert world.card(card).secret_exposure == 0
    assert _settle(sitting, sitting.grant(), UnblockDone()) == Finished(Purpose.UNLOCK)
    assert world.kinds().count("secret-released") == 4


def test_what_a_station_says_is_kept_short_and_plain(world: World, sitting: Sitting) -> None:
    grant = sitting.grant()
    _settle(sitting, grant, UnblockRefused(3, "\x1b[2J<b>6A80" + "x" * 100))
    assert _entry(world, grant).detail == ("2Jb6A80" + "x" * 100)[:40]


# --- not sent, unknown -----------------------------------------------------------------


def test_not_sent_leaves_the_proofs(world: World, card: Card, sitting: Sitting) -> None:
    grant = sitting.grant()
    assert isinstance(_settle(sitting, grant, UnblockNotSent()), SetPin)
    assert _entry(world, grant).state is UnblockState.NOT_SENT
    assert world.card(card).secret_exposure == 0
    again = sitting.grant()
    assert again.journal != grant.journal
    assert _settle(sitting, again, UnblockDone()) == Finished(Purpose.UNLOCK)


def test_not_sent_leaves_nothing_to_the_next_visit(
    world: World, card: Card, sitting: Sitting
) -> None:
    _settle(sitting, sitting.grant(), UnblockNotSent())
    sitting.pull()
    back = world.insert(card, blocked=True)
    assert isinstance(back.questions(), AnswerQuestions)
    with pytest.raises(StepRefused):
        back.grant()


def test_unknown_stays_open_and_exposed(world: World, card: Card, sitting: Sitting) -> None:
    grant = sitting.grant()
    for _ in range(2):
        assert _refusal(_settle(sitting, grant, UnblockUnknown())) is Reason.OUTCOME_UNKNOWN
    assert _entry(world, grant).state is UnblockState.UNKNOWN
    assert world.card(card).secret_exposure == 1
    with pytest.raises(StepRefused):
        sitting.grant()
    assert world.kinds().count("unblock-unknown") == 1


def _unknown(world: World, card: Card, *, blocked: bool) -> Grant:
    sitting = world.insert(card, blocked=blocked)
    sitting.to_new_pin()
    grant = sitting.grant()
    _settle(sitting, grant, UnblockUnknown())
    sitting.pull()
    return grant


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (True, False, "done"),
        (True, True, "not-done"),
        (False, False, "undetermined"),
        (False, True, "undetermined"),
    ],
)
def test_an_unknown_outcome_is_settled_by_the_card(
    world: World, card: Card, found: str, *, before: bool, now: bool
) -> None:
    grant = _unknown(world, card, blocked=before)
    world.insert(card, blocked=now, station="B")
    entry = _entry(world, grant)
    assert (entry.state, entry.detail) == (UnblockState.SETTLED, found)
    assert world.card(card).secret_exposure == (0 if found == "done" else 1)
    told = [one.params["station"] for one in world.outbox() if one.template == Notice.UNLOCKED]
    assert told == (["A"] if found == "done" else [])
    [event] = [event for event in world.events() if event.kind == "unblock-settled"]
    assert event.detail["found"] == found


def test_an_intent_without_any_outcome_is_settled_too(
    world: World, card: Card, sitting: Sitting
) -> None:
    grant = sitting.grant()
    world.restart()
    opened = world.insert(card).opened
    assert isinstance(opened, VisitOpened)
    assert _entry(world, grant).detail == "done"
    late = world.authority.settle(sitting.visit, grant.journal, UnblockDone())
    assert late == Finished(Purpose.UNLOCK)
    assert "unblock-told-late" in world.kinds()
    assert [one.template for one in world.outbox()] == [Notice.UNLOCKED]


def test_lost_outcomes_never_reach_the_last_try(world: World) -> None:
    card = world.registered_card(secret_limit=3)
    for exposure in (1, 2):
        _unknown(world, card, blocked=True)
        world.clock.forward(hours=1)
        assert world.card(card).secret_exposure == exposure
    assert _refusal(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED
    assert world.kinds().count("secret-released") == 2


def test_a_second_unlock_starts_from_nothing(world: World, card: Card, sitting: Sitting) -> None:
    _settle(sitting, sitting.grant(), UnblockDone())
    sitting.pull()
    world.clock.forward(minutes=5)
    again = world.insert(card, blocked=True)
    assert isinstance(again.opened, VisitOpened)
    assert again.opened.resumed is None
    assert isinstance(again.to_code(), EnterCode)
