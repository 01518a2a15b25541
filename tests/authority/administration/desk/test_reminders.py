"""Holders are reminded by mail, once, of a card that expires soon."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from kiosk.authority import reminders
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.records import AuditQuery, Card, CardStatus, OutboxMessage
from kiosk.authority.store.database import Store
from kiosk.config.settings import NoticeSettings
from kiosk.contract.policy import Policy
from tests.authority.store import samples
from tests.support.database import SetClock

MONTH, DAY = timedelta(days=30), timedelta(days=1)


def somebody(
    store: Store, number: str, expires_at: datetime | None, *emails: str, **about: object
) -> Card:
    """Record somebody with a card; ``emails``: the recorded address, then the registered one."""
    holder = replace(samples.holder(number), left_at=about.pop("left_at", None))  # type: ignore[arg-type]
    card = samples.card(holder.id, expires_at=expires_at, **about)
    with store.begin() as uow:
        recorded = [] if not emails else samples.recorded_addresses(holder, emails[0])
        uow.holders.put([holder], recorded)
        uow.cards.add(card)
        for email in emails[1:]:
            address = samples.registered_address(holder.id, email)
            samples.put_registered(uow, samples.registration(holder.id), address)
        uow.commit()
    return card


def run(store: Store, before: timedelta = MONTH) -> list[OutboxMessage]:
    """Run the job; return the mails that it queued."""
    assert reminders.remind(store, before) == ()
    with store.begin() as uow:
        claimed = uow.outbox.claim_due(1000, timedelta(minutes=2))
        for each in claimed:
            uow.outbox.mark_sent(each.id)
        uow.commit()
    return sorted(claimed, key=lambda one: one.to)


def test_holder_is_reminded_once_at_each_address(store: Store, clock: SetClock) -> None:
    end = clock.now() + MONTH + DAY
    card = somebody(store, "100000000001", end, "asha@nhs.net", "own@example.org")
    assert run(store) == []
    clock.forward(days=1)
    mails = run(store)
    assert [one.to for one in mails] == ["asha@nhs.net", "own@example.org"]
    assert {one.template for one in mails} == {"card-expires"}
    assert {one.params["expires"] for one in mails} == {end.isoformat(timespec="seconds")}
    with store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery(kind="expiry-reminded"), limit=9)
    assert event.card_id == card.id
    for _ in range(3):
        clock.forward(days=9)
        assert run(store) == []


@pytest.mark.parametrize(
    "about",
    [
        {"status": CardStatus.REVOKED},
        {"expires_at": None},
        {"left_at": samples.NOW},
        {"expires_at": samples.NOW - DAY},
    ],
    ids=["revoked", "no date", "of a leaver", "over"],
)
def test_nobody_is_reminded_of_a_card_that_is_out_of_use(
    store: Store, clock: SetClock, about: dict[str, object]
) -> None:
    made = {"expires_at": clock.now() + DAY} | about
    somebody(store, "100000000001", made.pop("expires_at"), "asha@nhs.net", **made)  # type: ignore[arg-type]
    assert run(store) == []


def test_caretaker_reminds_by_the_policy_in_force(
    means: StaffDependencies, clock: SetClock
) -> None:
    somebody(means.store, "100000000001", clock.now() + 2 * DAY, "asha@nhs.net")
    for before, mails in ((DAY, 0), (3 * DAY, 1)):
        caretaker = Caretaker(
            means.store,
            means.signer,
            NoticeSettings(),
            "ra@nhs.uk",
            policy=partial(Policy, remind_before=before),
        )
        assert caretaker.run()
        with means.store.read() as uow:
            assert uow.outbox.waiting() == mails
        clock.forward(minutes=2)


def test_all_cards_of_a_batch_are_reached_in_pieces(store: Store, clock: SetClock) -> None:
    """Cards of one batch expire at the same moment."""
    end = clock.now() + DAY
    for number in range(7):
        somebody(store, f"10000000000{number}", end, f"one{number}@nhs.net")
    reached = list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reminders, "CARDS_A_RUN", 3)
        for piece in (3, 3, 1, 0):
            mails = run(store)
            assert len(mails) == piece
            reached += [one.to for one in mails]
    assert len(set(reached)) == 7


def test_longer_time_before_the_end_reaches_those_between(store: Store, clock: SetClock) -> None:
    somebody(store, "100000000001", clock.now() + DAY, "asha@nhs.net")
    somebody(store, "100000000002", clock.now() + 2 * MONTH, "mo@nhs.net")
    assert [one.to for one in run(store)] == ["asha@nhs.net"]
    assert [one.to for one in run(store, 3 * MONTH)] == ["mo@nhs.net"]
    assert run(store, 3 * MONTH) == []


def test_nobody_is_reminded_where_the_policy_says_so(store: Store, clock: SetClock) -> None:
    somebody(store, "100000000001", clock.now() + DAY, "asha@nhs.net")
    assert run(store, timedelta(0)) == []


@pytest.mark.parametrize("written", ["no json", "[]", "7", '["yesterday", "x"]', "[1, 2]"])
def test_job_goes_on_from_now_where_its_place_cannot_be_read(
    store: Store, clock: SetClock, written: str
) -> None:
    somebody(store, "100000000001", clock.now() + DAY, "asha@nhs.net")
    with store.begin() as uow:
        uow.jobs.claim(reminders.REMIND, timedelta(0))
        uow.jobs.reach(reminders.REMIND, written)
        uow.commit()
    assert [one.to for one in run(store)] == ["asha@nhs.net"]
