"""How people stand, and the sentences a clerk reads out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest

from kiosk.authority.addresses import Addresses
from kiosk.authority.administration.standing import (
    CardObservation,
    CardObservations,
    MisuseReport,
    StandingFacts,
    headline_of,
    trouble_of,
)
from kiosk.authority.administration.views import Standing
from kiosk.authority.facts import Do, Headline, ReadAt, Ready
from kiosk.authority.records import Card, CardStatus, EmailCode, Registration, UnblockEntry
from kiosk.contract.messages import Factor, Purpose, Reason
from kiosk.contract.policy import Policy
from screens.words.staff.standing import headline_words, trouble_words
from tests.authority.store import samples
from tests.authority.store.samples import NOW

HOLDER = replace(samples.holder(), address_id="recorded")
CARD = samples.card(HOLDER.id, identifier="9f2c41d0a8b34e66b1f07c5d2e9a77aa")
OTHER = samples.card(HOLDER.id, identifier="0123456789abcdef0123456789abcd3f")
REGISTERED = samples.registration(HOLDER.id)
ADDRESSES = Addresses(registered=samples.registered_address(HOLDER.id))
POLICY = Policy()
MINUTE = timedelta(minutes=1)
READY = StandingFacts(
    HOLDER,
    (CARD,),
    REGISTERED,
    ADDRESSES,
    POLICY,
    NOW,
    codes=(),
    sent={},
    unsettled=(),
    broken=frozenset(),
    blocked_where="",
    seen=CardObservations({}, {}, {}),
    report=None,
)
PIN_SEEN_BLOCKED = CardObservations(
    {CARD.id: CardObservation(Reason.PIN_BLOCKED, NOW - MINUTE, "Ward 7")}, {}, {}
)


def told(facts: StandingFacts, zone: tzinfo = UTC) -> str:
    return headline_words(headline_of(facts), ReadAt(facts.now, zone)).sentence


def advice(facts: StandingFacts) -> str:
    return headline_words(headline_of(facts), ReadAt(facts.now, UTC)).advice


def test_somebody_without_trouble_can_unlock() -> None:
    assert READY.standing is Standing.READY
    assert READY.can_unlock
    assert headline_of(READY) == Headline(Ready(), Do.NOTHING)
    assert told(READY) == "They can unlock at every station."
    assert advice(READY) == "Nothing has to be done."


def test_released_secret_that_was_not_changed_is_named_after_a_day() -> None:
    seen = replace(CARD, secret_seen_at=NOW - timedelta(hours=23))
    assert told(replace(READY, cards=(seen,))) == "They can unlock at every station."
    seen = replace(CARD, secret_seen_at=NOW - timedelta(hours=25))
    facts = replace(READY, cards=(seen,))
    assert "was not changed since: somebody may know it" in told(facts)
    assert advice(facts).startswith("The next unlock at a station changes it.")


def test_forged_cards_do_not_have_the_genuine_one_replaced() -> None:
    forged = replace(CARD, driver="gids", key_exchanges=2, key_exchanged_at=NOW - MINUTE)
    facts = replace(READY, cards=(forged,))
    assert "did not show its admin key, two times" in told(facts)
    assert "it need not be replaced" in advice(facts)
    barred = replace(READY, cards=(replace(forged, key_exchanges=5),))
    assert told(barred).startswith("They cannot unlock before")
    later = replace(forged, key_exchanged_at=NOW - timedelta(hours=25))
    assert told(replace(READY, cards=(later,))) == "They can unlock at every station."
    # Before: until a year later, where a clock that was ahead dated the last one.
    ahead = replace(forged, key_exchanges=5, key_exchanged_at=NOW + timedelta(days=365))
    assert told(replace(READY, cards=(ahead,))) == "They can unlock at every station."


def test_a_card_with_an_admin_key_that_is_sent_nothing_more_need_not_be_replaced() -> None:
    spent = replace(CARD, driver="gids", secret_limit=3, secret_exposure=2)
    facts = replace(READY, cards=(spent,))
    assert facts.standing is Standing.CARD_TROUBLE
    assert "set its admin key again" in advice(facts)


def test_a_leaver_comes_before_everything_else() -> None:
    left = replace(HOLDER, left_at=NOW - timedelta(days=14))
    facts = replace(READY, holder=left, registration=blocked(3), cards=())
    assert (facts.standing, facts.can_unlock) == (Standing.LEFT, False)
    assert told(facts) == "Marked as a leaver since 3 May 2030: no station serves them."
    coming = replace(HOLDER, left_at=NOW + MINUTE)
    assert replace(READY, holder=coming).standing is Standing.READY


@pytest.mark.parametrize(
    ("failures", "where", "expected"),
    [
        (
            3,
            "Main Entrance",
            "Blocked since 09:14 today: three failed attempts, the last at Main Entrance.",
        ),
        (1, "", "Blocked since 09:14 today: one failed attempt."),
        (12, "", "Blocked since 09:14 today: 12 failed attempts."),
        (0, "", "Blocked since 09:14 today."),
    ],
)
def test_block_is_explained_by_what_led_to_it(failures: int, where: str, expected: str) -> None:
    facts = replace(READY, registration=blocked(failures), blocked_where=where)
    assert (facts.standing, facts.can_unlock) == (Standing.BLOCKED, False)
    assert told(facts) == expected
    assert "lift the block" in advice(facts)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2030, 5, 16, 23, 5, tzinfo=UTC), "23:05 yesterday"),
        (datetime(2030, 5, 3, 8, 0, tzinfo=UTC), "08:00 on 3 May 2030"),
    ],
)
def test_a_day_is_named_when_it_was_not_today(at: datetime, said: str) -> None:
    facts = replace(READY, registration=replace(REGISTERED, blocked_at=at))
    assert told(facts) == f"Blocked since {said}."


def test_moments_are_written_in_the_services_zone() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    facts = replace(READY, registration=blocked(0))
    assert told(facts, zone) == "Blocked since 14:44 today."


def test_attempts_that_are_used_up_count_as_a_block_that_nobody_wrote_yet() -> None:
    facts = replace(READY, registration=replace(REGISTERED, failures=POLICY.max_failures))
    assert facts.standing is Standing.BLOCKED
    assert told(facts) == "Blocked: all attempts at their security questions are used."


def test_no_card() -> None:
    facts = replace(READY, cards=())
    assert (facts.standing, facts.can_unlock) == (Standing.NO_CARD, False)
    assert told(facts) == "No card is recorded for them."


def test_not_registered() -> None:
    facts = replace(READY, registration=None)
    assert (facts.standing, facts.can_unlock) == (Standing.NOT_REGISTERED, False)
    assert told(facts).startswith("Not registered: they have not finished")
    assert "While they know their PIN" in advice(facts)
    assert "make sure who they are and give a code" in advice(facts)
    unaddressed = replace(facts, holder=replace(facts.holder, address_id=None))
    assert "record their email address, and give a code" in advice(unaddressed)


def test_not_registered_and_a_station_saw_the_blocked_pin() -> None:
    facts = replace(READY, registration=None, seen=PIN_SEEN_BLOCKED)
    assert told(facts).startswith("They are not registered. Wrong entries blocked the PIN")
    assert advice(facts) == (
        "Make sure who they are and give a code: with it they unlock and register at a station, "
        "in one visit."
    )


def test_not_registered_and_no_code_can_be_given_for_the_card() -> None:
    bare = replace(READY, registration=None, cards=(replace(CARD, sealed_secret=None),))
    assert "first set the unblock secret of the card, then give a code" in advice(bare)
    spent = replace(bare, cards=(replace(CARD, secret_exposure=2),))
    assert "If the PIN is blocked, replace the card" in advice(spent)


def test_blocked_and_so_is_the_pin() -> None:
    blocked = replace(REGISTERED, blocked_at=NOW - MINUTE)
    facts = replace(
        READY, registration=blocked, seen=PIN_SEEN_BLOCKED, report=MisuseReport(NOW - MINUTE)
    )
    assert told(facts) == (
        "Blocked since 09:29 today: it was reported that something was not done by them. "
        "The PIN of the card ending in 77aa is blocked, too."
    )
    used_up = replace(facts, report=None, registration=replace(blocked, failures=3))
    assert advice(used_up) == "Make sure who they are, then lift the block."
    assert "whoever knows the PIN" in advice(replace(used_up, seen=READY.seen))


def test_registered_and_a_station_saw_the_blocked_pin() -> None:
    facts = replace(READY, seen=PIN_SEEN_BLOCKED)
    assert facts.can_unlock
    assert told(facts) == (
        "They can unlock at every station. Wrong entries blocked the PIN of the card ending in "
        "77aa (09:29 today at Ward 7)."
    )
    assert advice(facts) == "They put it into any station and choose to unlock it."


def test_a_blocked_pin_hides_nothing_that_keeps_the_card_from_being_unlocked() -> None:
    given = replace(READY, seen=PIN_SEEN_BLOCKED, codes=(sent(Purpose.UNLOCK),))
    assert "has not been entered" in told(given)
    without_secret = replace(CARD, sealed_secret=None)
    other = replace(READY, seen=PIN_SEEN_BLOCKED, cards=(without_secret, OTHER))
    assert told(other) == (
        "They can unlock, but not the card ending in 77aa. No unblock secret is recorded for it."
    )
    unread = CardObservation(Reason.CARD_UNREADABLE, NOW, "Ward 7")
    elsewhere = PIN_SEEN_BLOCKED._replace(refused={**PIN_SEEN_BLOCKED.refused, OTHER.id: unread})
    both = replace(READY, seen=elsewhere, cards=(CARD, OTHER))
    assert told(both).startswith("They can unlock another card. The station could not read")


def test_not_registered_and_a_code_was_given() -> None:
    (card,) = READY.cards
    code = EmailCode(
        id="c1",
        card_id=card.id,
        holder_id=card.holder_id,
        purpose=Purpose.FIRST_UNLOCK,
        visit_id="",
        digest=b"",
        key_id="k",
        route="",
        drafted_at=NOW,
        max_tries=5,
        digits=8,
        sent_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        issued_by="staff",
    )
    given = replace(READY, registration=None, codes=(code,))
    assert given.can_unlock
    assert "was given and has not been entered" in told(given)
    assert "enter the code and choose a new PIN" in advice(given)
    waits = replace(code, sent_at=None, expires_at=None, needs_second=True)
    waiting = replace(READY, registration=None, codes=(waits,))
    assert not waiting.can_unlock
    assert "waits for a second member of staff" in told(waiting)
    elsewhere = replace(given, codes=(replace(code, card_id="another"),))
    assert not elsewhere.can_unlock


def test_a_registration_without_questions_is_none_where_they_are_asked() -> None:
    facts = replace(READY, registration=replace(REGISTERED, hashes=(), question_ids=()))
    assert facts.standing is Standing.NOT_REGISTERED
    assert told(facts).startswith("Registered without security questions")
    code_only = Policy(verification=((Factor.EMAIL_CODE,),))
    assert replace(facts, policy=code_only).can_unlock


def test_a_registration_that_waits_for_its_code() -> None:
    facts = replace(READY, registration=None, codes=(sent(Purpose.REGISTER),))
    assert told(facts) == (
        "Not registered yet: the code that was sent at 09:25 today was not entered."
    )
    assert advice(facts) == "They enter it at any station before 09:40."


def test_a_card_that_expired_or_was_revoked_comes_before_a_registration() -> None:
    expired = replace(CARD, expires_at=datetime(2030, 5, 4, tzinfo=UTC))
    revoked = replace(OTHER, status=CardStatus.REVOKED)
    for registration in (None, REGISTERED):
        facts = replace(READY, cards=(expired,), registration=registration)
        assert (facts.standing, facts.can_unlock) == (Standing.CARD_TROUBLE, False)
        assert told(facts) == "Their card expired on 3 May 2030."
    assert told(replace(READY, cards=(revoked,))) == "Their card was revoked."
    none = "None of their two cards is in use. The card ending in"
    assert told(replace(READY, cards=(revoked, expired))) == f"{none} 77aa expired on 3 May 2030."
    assert told(replace(READY, cards=(revoked, revoked))) == f"{none} cd3f was revoked."


@pytest.mark.parametrize(
    ("card", "reason", "expected"),
    [
        (
            replace(CARD, sealed_secret=None),
            Reason.SECRET_MISSING,
            "No unblock secret is recorded for their card.",
        ),
        (
            replace(CARD, secret_exposure=2),
            Reason.SECRET_BLOCKED,
            "Their card may have one try of its unblock secret left: it is sent nothing more.",
        ),
    ],
)
def test_an_unblock_secret_that_cannot_be_used(card: Card, reason: Reason, expected: str) -> None:
    facts = replace(READY, cards=(card,))
    assert (facts.standing, facts.can_unlock) == (Standing.CARD_TROUBLE, False)
    assert facts.trouble(card) is reason
    assert told(facts) == expected


def test_an_unblock_secret_that_did_not_open_is_trouble_until_it_is_set_anew() -> None:
    facts = replace(READY, broken=frozenset({(CARD.id, 1)}))
    assert facts.standing is Standing.CARD_TROUBLE
    assert told(facts) == "Their card's unblock secret cannot be opened any more."
    assert replace(READY, broken=frozenset({(CARD.id, 0)})).standing is Standing.READY


def test_of_several_cards_the_others_are_named() -> None:
    bare = replace(OTHER, sealed_secret=None)
    facts = replace(READY, cards=(CARD, bare))
    assert facts.can_unlock
    assert told(facts) == (
        "They can unlock, but not the card ending in cd3f. No unblock secret is recorded for it."
    )
    neither = replace(READY, cards=(replace(CARD, secret_tries_left=1), bare))
    assert neither.standing is Standing.CARD_TROUBLE
    assert told(neither) == "None of their two cards can be unlocked."
    old = replace(OTHER, status=CardStatus.REVOKED)
    assert told(replace(READY, cards=(old, CARD))) == "They can unlock at every station."


def test_an_address_that_staff_put_in_place() -> None:
    unconfirmed = replace(samples.registered_address(HOLDER.id), confirmed_at=None)
    facts = replace(READY, addresses=Addresses(registered=unconfirmed))
    assert facts.can_unlock
    assert told(facts).endswith("has not been confirmed since staff changed it.")


def test_a_code_that_is_waited_for() -> None:
    facts = replace(READY, codes=(sent(Purpose.UNLOCK),), sent={CARD.id: times(3)})
    assert facts.can_unlock
    assert told(facts) == "They can unlock: a code was sent by mail and has not been entered."
    dead = replace(sent(Purpose.UNLOCK), tries=5)
    over = replace(sent(Purpose.UNLOCK), expires_at=NOW)
    assert told(replace(READY, codes=(dead, over))) == "They can unlock at every station."
    spoken = replace(sent(Purpose.UNLOCK), issued_by="s1", agreed_by="s2", needs_second=True)
    assert "was given by word of mouth" in told(replace(READY, codes=(spoken,)))


def test_a_code_that_a_second_member_of_staff_has_to_agree_to() -> None:
    draft = replace(sent(Purpose.UNLOCK), sent_at=None, expires_at=None, issued_by="s1")
    facts = replace(READY, codes=(replace(draft, needs_second=True),))
    assert "waits for a second member of staff" in told(facts)


def test_too_many_codes_within_the_hour() -> None:
    facts = replace(READY, sent={CARD.id: times(3)})
    assert (facts.standing, facts.can_unlock) == (Standing.READY, False)
    assert told(facts) == "Not before 10:11 today: three codes went out within the hour."
    assert replace(facts, cards=(CARD, OTHER)).can_unlock
    assert replace(facts, sent={CARD.id: times(2)}).can_unlock


def test_the_end_of_a_wait_is_rounded_up_to_the_minute_as_at_the_station() -> None:
    part = timedelta(seconds=7)
    sent_then = tuple(at + part for at in times(3))
    assert told(replace(READY, sent={CARD.id: sent_then})).startswith("Not before 10:11 today:")
    paused = replace(REGISTERED, unproven_failures=3, unproven_until=NOW + 20 * MINUTE + part)
    assert told(replace(READY, registration=paused)).endswith("before 09:51 today.")
    forged = replace(CARD, driver="gids", key_exchanges=5, key_exchanged_at=NOW - MINUTE + part)
    barred = told(replace(READY, cards=(forged,)))
    assert barred.startswith("They cannot unlock before 09:30 on 18 May 2030. ")
    assert barred.endswith("five times, the last 09:29 today. It may be forged.")


def test_an_unlock_whose_outcome_is_not_known() -> None:
    entry = UnblockEntry("u1", "v1", CARD.id, NOW - 5 * MINUTE, was_blocked=True)
    facts = replace(READY, unsettled=(entry,))
    assert facts.can_unlock
    assert told(facts) == (
        "They can unlock. What became of the unlock of 09:25 today is not known."
    )


def test_failed_attempts_that_did_not_block() -> None:
    facts = replace(READY, registration=replace(REGISTERED, failures=2))
    assert told(facts) == "They can unlock. After two failed attempts they have one attempt left."


def test_trouble_of_a_card_has_its_words() -> None:
    expired = replace(CARD, expires_at=datetime(2030, 5, 4, tzinfo=UTC))
    assert trouble_words(trouble_of(expired, Reason.CARD_EXPIRED)) == "It expired on 3 May 2030."
    assert trouble_words(trouble_of(CARD, Reason.CARD_REVOKED)) == "It was revoked."
    assert trouble_words(trouble_of(CARD, Reason.SECRET_MISSING)) == (
        "Its unblock secret cannot be opened any more."
    )
    assert trouble_words(trouble_of(CARD, Reason.SECRET_BLOCKED)).startswith("It may have one try")


def blocked(failures: int) -> Registration:
    at = datetime(2030, 5, 17, 9, 14, tzinfo=UTC)
    return replace(REGISTERED, blocked_at=at, failures=failures)


def sent(purpose: Purpose) -> EmailCode:
    person = samples.Person(HOLDER, CARD, samples.visit(CARD.id, HOLDER.id))
    at = NOW - 5 * MINUTE
    return samples.code(person, purpose=purpose, sent_at=at, expires_at=at + 15 * MINUTE)


def times(count: int) -> tuple[datetime, ...]:
    return tuple(NOW - 20 * MINUTE + i * MINUTE for i in range(count))
