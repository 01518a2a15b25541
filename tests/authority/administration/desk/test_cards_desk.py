"""Cards: added, replaced, revoked and given a secret, with what each does to a station."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import NewCard
from kiosk.authority.errors import AdministrationError, ConcurrentChange, NotFound, NotTaken
from kiosk.authority.records import CardStatus
from kiosk.contract.sensitive import Sensitive
from screens.words.staff.refusals import change_lines, refusal_words
from tests.authority.administration.desk.concurrently import both
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import (
    PUK,
    cards_of,
    newest,
    secret_of,
    seen,
    somebody,
    told,
)
from tests.authority.store import samples
from tests.support.refusals import refused
from tests.support.stored import live_code

NEW = "00112233-4455-6677-8899-AABBCCDDEEFF"
PLAIN = "00112233445566778899aabbccddeeff"
OTHER_PUK = "20461357"


@pytest.fixture
def desk(agent: Office) -> CardsDesk:
    return CardsDesk(agent)


# --- add -------------------------------------------------------------------------------


def test_added_card_is_sealed_audited_and_mailed(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    ends = samples.NOW + timedelta(days=90)
    new = NewCard(NEW, "PIV", ends, Sensitive(OTHER_PUK), secret_limit=5)
    done = desk.add(seen(means, asha), new, GROUNDS)
    _, card = cards_of(means, asha)
    assert (card.driver, card.identifier, card.status) == ("piv", PLAIN, CardStatus.ACTIVE)
    assert (card.expires_at, card.secret_limit) == (ends, 5)
    assert secret_of(means, card) == OTHER_PUK
    event = newest(means, asha)
    assert (event.kind, event.card_id, event.reference) == ("card-added", card.id, done.reference)
    assert event.detail["has_secret"] is True
    (mail,) = told(means)
    assert (mail.to, mail.template, mail.holder_id) == (
        "asha@trust.nhs.uk",
        "card-added",
        asha.holder.id,
    )
    assert mail.params["reference"] == done.reference


def test_a_card_may_be_added_before_its_secret_is_known(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    desk.add(seen(means, asha), NewCard(NEW), GROUNDS)
    assert cards_of(means, asha)[1].sealed_secret is None
    assert newest(means, asha).detail["has_secret"] is False


@pytest.mark.parametrize(
    ("card", "field", "because"),
    [
        (NewCard(""), "identifier", "Enter the card's identifier."),
        (NewCard("0123"), "identifier", "It must be 32 hexadecimal digits"),
        (NewCard("0" * 32), "identifier", "It is all zeros"),
        (NewCard(NEW, "gids2"), "driver", "Allowed: piv."),
        (NewCard(NEW, secret=Sensitive("canary7")), "secret", "It must be 8 digits or letters."),
        (NewCard(NEW, secret=Sensitive("")), "secret", "Enter the card's unblock secret."),
        (NewCard(NEW, secret_limit=0), "secret_limit", "It must be 1 to 15."),
        (NewCard(NEW, expires_at=samples.NOW), "expires_at", "expired already"),
    ],
)
def test_what_was_entered_wrongly_is_named_and_nothing_is_done(
    means: StaffDependencies,
    asha: samples.Person,
    desk: CardsDesk,
    card: NewCard,
    field: str,
    because: str,
) -> None:
    before = seen(means, asha)
    with refused(NotTaken, match=because) as caught:
        desk.add(before, card, GROUNDS)
    assert caught.value.field == field
    assert "canary" not in repr((caught.value, caught.value.__context__, caught.value.__cause__))
    assert cards_of(means, asha) == [asha.card]
    assert seen(means, asha) == before
    assert told(means) == []


def test_a_card_that_somebody_has_is_not_taken(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    ben = somebody(means, "100000000002")
    with refused(NotTaken, match=r"belongs to another person \(number 100000000002\)"):
        desk.add(seen(means, asha), NewCard(ben.card.identifier), GROUNDS)
    with refused(NotTaken, match="has this card already"):
        desk.add(seen(means, asha), NewCard(asha.card.identifier.upper()), GROUNDS)
    desk.revoke(seen(means, asha), asha.card.id, GROUNDS)
    with refused(NotTaken, match="stays revoked"):
        desk.add(seen(means, asha), NewCard(asha.card.identifier), GROUNDS)
    assert cards_of(means, ben) == [ben.card]


def test_a_leaver_gets_no_card(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    with means.store.begin() as uow:
        uow.holders.save(replace(asha.holder, left_at=samples.NOW))
        uow.commit()
    with refused(NotTaken, match="has left"):
        desk.add(seen(means, asha), NewCard(NEW), GROUNDS)


def test_two_people_cannot_be_given_one_card_at_once(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    ben = somebody(means, "100000000002")
    one, two = seen(means, asha), seen(means, ben)
    outcomes = both(
        lambda: CardsDesk(agent).add(one, NewCard(NEW), GROUNDS),
        lambda: CardsDesk(manager).add(two, NewCard(NEW), GROUNDS),
    )
    late = [error for error in outcomes if isinstance(error, NotTaken)]
    assert len(late) == 1
    assert "belongs to another person" in refusal_words(late[0])
    assert len(cards_of(means, asha) + cards_of(means, ben)) == 3


# --- replace and revoke ----------------------------------------------------------------


def test_a_card_is_replaced_in_one_moment(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    code = sent_code(means, asha)
    done = desk.replace(seen(means, asha), asha.card.id, NewCard(NEW), GROUNDS)
    old, new = cards_of(means, asha)
    assert (old.status, new.status) == (CardStatus.REVOKED, CardStatus.ACTIVE)
    with means.store.read() as uow:
        assert live_code(uow, asha.card.id) is None
        revoked = uow.codes.get(code)
    assert revoked is not None
    assert revoked.revoked_at is not None
    event = newest(means, asha)
    assert (event.kind, event.card_id) == ("card-replaced", new.id)
    assert event.detail["replaces"] == old.id
    (mail,) = told(means)
    assert (mail.template, mail.params["reference"]) == ("card-replaced", done.reference)


def test_where_the_new_card_cannot_be_taken_the_old_one_stays(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    ben, code = somebody(means, "100000000002"), sent_code(means, asha)
    for identifier in (ben.card.identifier, "12"):
        with pytest.raises(NotTaken):
            desk.replace(seen(means, asha), asha.card.id, NewCard(identifier), GROUNDS)
    assert cards_of(means, asha) == [asha.card]
    with means.store.read() as uow:
        live = live_code(uow, asha.card.id)
    assert live is not None
    assert live.id == code


def test_a_card_is_not_replaced_by_itself_however_it_is_written(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    named = asha.card.identifier
    for identifier in (named, f" {named[:8]}-{named[8:]} ".upper()):
        with refused(NotTaken, match="the card that is being replaced") as caught:
            desk.replace(seen(means, asha), asha.card.id, NewCard(identifier), GROUNDS)
        assert caught.value.field == "identifier"
    assert cards_of(means, asha) == [asha.card]
    assert told(means) == []


def test_a_revoked_card_has_no_code_any_more(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    sent_code(means, asha)
    desk.revoke(seen(means, asha), asha.card.id, GROUNDS)
    (card,) = cards_of(means, asha)
    assert card == replace(asha.card, status=CardStatus.REVOKED)
    with means.store.read() as uow:
        assert live_code(uow, asha.card.id) is None
    assert newest(means, asha).kind == "card-revoked"
    assert [mail.template for mail in told(means)] == ["card-revoked"]


Deed = Callable[[CardsDesk, StaffDependencies, samples.Person, str], object]

ON_A_CARD: dict[str, Deed] = {
    "replace": lambda desk, means, who, card: desk.replace(
        seen(means, who), card, NewCard(NEW), GROUNDS
    ),
    "revoke": lambda desk, means, who, card: desk.revoke(seen(means, who), card, GROUNDS),
    "set-secret": lambda desk, means, who, card: desk.set_secret(
        seen(means, who), card, Sensitive(PUK), GROUNDS
    ),
}


@pytest.mark.parametrize("how", ON_A_CARD)
def test_nothing_is_done_to_a_card_that_is_not_theirs_or_is_revoked(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk, how: str
) -> None:
    ben, act = somebody(means, "100000000002"), ON_A_CARD[how]
    for card_id in (ben.card.id, "nothing"):
        with pytest.raises(NotFound):
            act(desk, means, asha, card_id)
    desk.revoke(seen(means, asha), asha.card.id, GROUNDS)
    with refused(NotTaken, match="revoked already"):
        act(desk, means, asha, asha.card.id)
    assert cards_of(means, ben) == [ben.card]


def test_two_who_revoke_and_replace_at_once(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    same = seen(means, asha)
    outcomes = both(
        lambda: CardsDesk(agent).revoke(same, asha.card.id, GROUNDS),
        lambda: CardsDesk(manager).replace(same, asha.card.id, NewCard(NEW), GROUNDS),
    )
    (late,) = [one for one in outcomes if isinstance(one, AdministrationError)]
    assert isinstance(late, ConcurrentChange)
    assert len(change_lines(late)) == 1
    assert change_lines(late)[0].startswith(
        (f"{agent.actor.name} revoked a card", f"{manager.actor.name} replaced a card")
    )


# --- found by it, and nobody to tell ---------------------------------------------------


def test_a_person_is_found_by_the_card_they_were_given(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    desk.add(seen(means, asha), NewCard(NEW), GROUNDS)
    with means.store.read() as uow:
        assert uow.search.find(PLAIN[:12], 10) == (asha.holder.id,)


def test_holder_without_an_address_is_mailed_nothing(
    means: StaffDependencies, desk: CardsDesk
) -> None:
    ada = samples.stored_person(means.store)
    with means.store.begin() as uow:
        uow.holders.save(replace(ada.holder, address_id=None))
        uow.commit()
    desk.revoke(seen(means, ada), ada.card.id, GROUNDS)
    assert told(means) == []


def sent_code(means: StaffDependencies, person: samples.Person) -> str:
    code = samples.code(person)
    with means.store.begin() as uow:
        uow.codes.draft(code)
        uow.codes.activate(code.id, uow.now, uow.now + timedelta(minutes=15))
        uow.commit()
    return code.id
