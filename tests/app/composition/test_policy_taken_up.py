"""What staff set counts at a running station within a minute, without a restart."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from kiosk.app.composition.authority import BuiltAuthority
from kiosk.app.composition.opening import open_store
from kiosk.app.setup.authority import load_questions, make_keys
from kiosk.authority.policy import stored_text
from kiosk.authority.records import PinPolicy, PolicySetting
from kiosk.config.loading import load_settings
from kiosk.contract.messages import (
    CardId,
    CardReport,
    ChooseQuestions,
    PinChallenge,
    PinState,
    Purpose,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import Authority
from tests.authority.card_in_reader import ReaderCard
from tests.authority.store import samples
from tests.support.database import SetClock

READER_CARD = ReaderCard()


@pytest.fixture
def clock() -> SetClock:
    return SetClock(samples.NOW)


@pytest.fixture
def built(tmp_path: Path, clock: SetClock) -> Iterator[BuiltAuthority]:
    """What stands behind a station, and nobody in it yet."""
    settings = load_settings(None, {"STATE_DIRECTORY": str(tmp_path)})
    settings = structs.replace(
        settings, mail=structs.replace(settings.mail, security="none", port=9)
    )
    make_keys(Path(settings.keys.file))
    store = open_store(settings, clock, {})
    store.migrate()
    load_questions(store, clock)
    store.close()
    built = BuiltAuthority(settings, {}, clock)
    yield built
    built.close()


def questions_to_choose(authority: Authority, card: CardId) -> int:
    """Begin to register as anybody would; return how many questions are asked for."""
    visit = VisitId(uuid.uuid4().hex)
    authority.begin(visit, CardReport(card, PinState(blocked=False, tries_left=3)))
    authority.choose(visit, Purpose.REGISTER)
    challenge = authority.pin_challenge(visit)
    assert isinstance(challenge, PinChallenge)
    task = authority.pin_verified(visit, READER_CARD.sign_pin(challenge))
    authority.end(visit, VisitEnd.LEFT)
    assert isinstance(task, ChooseQuestions)
    return task.count


def test_a_changed_policy_is_taken_up_within_a_minute(
    built: BuiltAuthority, clock: SetClock
) -> None:
    holder = samples.holder()
    card = replace(
        samples.card(holder.id), pin_key=READER_CARD.pin_public, pin_policy=PinPolicy.ONCE
    )
    with built.store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put([card])
        uow.commit()
    known = CardId(card.driver, card.identifier)
    assert questions_to_choose(built.authority, known) == 4
    with built.store.begin() as uow:
        changed = PolicySetting(
            "questions_registered", stored_text(6), clock.now(), "somebody", "note"
        )
        assert uow.policy_changes.save(changed)
        uow.commit()
    clock.forward(seconds=59)
    assert questions_to_choose(built.authority, known) == 6
