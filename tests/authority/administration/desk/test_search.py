from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import MOST_FOUND, PeopleDesk
from kiosk.authority.administration.views import Actor, Found, Standing
from kiosk.authority.audit.events import AuditKind, StaffKind
from kiosk.authority.errors import NotPermitted
from kiosk.authority.records import Card, Cardholder, CardStatus, Registration, new_id
from kiosk.authority.roles import Action, Role
from kiosk.authority.store.database import Store
from kiosk.contract.messages import Reason
from screens.words.staff.found import found_words
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.store import samples


def recorded(
    store: Store,
    name: str,
    *,
    number: str = "",
    left: bool = False,
    cards: int = 1,
    card: Callable[[Card], Card] = lambda card: card,
    registration: Callable[[Registration], Registration] | None = lambda registration: registration,
) -> Cardholder:
    """Store somebody who can unlock, but for what is said otherwise."""
    holder = Cardholder(new_id(), number or new_id()[:12], name)
    with store.begin() as uow:
        recorded = samples.recorded_addresses(holder, "on.record@nhs.net")
        uow.holders.put([replace(holder, left_at=uow.now if left else None)], recorded)
        uow.cards.put([card(samples.card(holder.id)) for _ in range(cards)])
        if registration is not None:
            kept = registration(samples.registration(holder.id))
            samples.put_registered(uow, kept, samples.registered_address(holder.id))
        uow.search.refresh([holder.id])
        uow.commit()
    return holder


def names(found: Found) -> list[str]:
    return [line.name for line in found.people]


def test_people_come_by_name_with_what_tells_them_apart(agent: Office, store: Store) -> None:
    zoe = recorded(store, "Zoë Smith", number="400000000001", cards=2)
    recorded(store, "adam Smithers", registration=None)
    recorded(store, "Bo Nowak")
    found = PeopleDesk(agent).search("smi", 50)
    assert names(found) == ["adam Smithers", "Zoë Smith"]
    assert (found.more, found_words(found)) == (False, "")
    line = found.people[1]
    assert (line.holder_id, line.number, line.cards) == (zoe.id, "400000000001", 2)
    assert [line.email for line in found.people] == ["on.record@nhs.net", "asha@trust.nhs.uk"]


def test_a_found_card_leads_to_its_holder_as_it_is_printed(agent: Office, store: Store) -> None:
    """Before: "nobody was found" for the line of `kiosk cards read`, which begins with "piv"."""
    holder = recorded(store, "Asha Okafor")
    recorded(store, "Piv Carter")
    with store.read() as uow:
        (card,) = uow.cards.of_holder(holder.id)
    grouped = " ".join(card.identifier[at : at + 4] for at in range(0, len(card.identifier), 4))
    for typed in (card.identifier, f"piv {card.identifier}", f"PIV  {grouped}", f"piv {grouped}"):
        assert names(PeopleDesk(agent).search(typed)) == ["Asha Okafor"], typed
    for typed in ("piv", "piv carter", "carter piv"):
        assert names(PeopleDesk(agent).search(typed)) == ["Piv Carter"], typed


def test_stands_as_their_page_says(agent: Office, store: Store) -> None:
    now = samples.NOW
    recorded(store, "Smith a", left=True)
    recorded(store, "Smith b", registration=lambda one: replace(one, blocked_at=now))
    recorded(store, "Smith c", cards=0)
    recorded(store, "Smith d", registration=None)
    recorded(store, "Smith e", card=lambda one: replace(one, expires_at=now - timedelta(days=1)))
    recorded(store, "Smith f", card=lambda one: replace(one, status=CardStatus.REVOKED))
    recorded(store, "Smith g", card=lambda one: replace(one, sealed_secret=None))
    recorded(store, "Smith h")
    found = PeopleDesk(agent).search("smith", 50)
    assert [line.standing for line in found.people] == [
        Standing.LEFT,
        Standing.BLOCKED,
        Standing.NO_CARD,
        Standing.NOT_REGISTERED,
        Standing.CARD_TROUBLE,
        Standing.CARD_TROUBLE,
        Standing.CARD_TROUBLE,
        Standing.READY,
    ]


def test_a_secret_that_did_not_open_is_trouble_until_there_is_another(
    agent: Office, store: Store
) -> None:
    holder = recorded(store, "Asha Okafor")
    with store.begin() as uow:
        (card,) = uow.cards.of_holder(holder.id)
        uow.audit.append(
            kind=AuditKind.SECRET_BROKEN.value,
            reference="AAAA-0000",
            holder_id=holder.id,
            card_id=card.id,
            detail={"revision": 1},
        )
        uow.commit()
    assert PeopleDesk(agent).search("okafor", 5).people[0].standing is Standing.CARD_TROUBLE
    assert card.sealed_secret is not None
    with store.begin() as uow:
        uow.cards.put([replace(card, sealed_secret=replace(card.sealed_secret, revision=2))])
        uow.commit()
    assert PeopleDesk(agent).search("okafor", 5).people[0].standing is Standing.READY


def test_no_more_than_asked_for_and_it_is_said(agent: Office, store: Store) -> None:
    for n in range(4):
        recorded(store, f"Smith {n}")
    few = PeopleDesk(agent).search("smith", 3)
    assert (len(few.people), few.more) == (3, True)
    assert not PeopleDesk(agent).search("smith", 4).more


def test_nobody_is_given_more_than_is_given_to_anybody(agent: Office, store: Store) -> None:
    with store.begin() as uow:
        many = [Cardholder(new_id(), f"{n:012d}", "Jo Smith") for n in range(MOST_FOUND + 1)]
        uow.holders.put(many)
        uow.search.refresh(holder.id for holder in many)
        uow.commit()
    found = PeopleDesk(agent).search("smith", 10**9)
    assert (len(found.people), found.more) == (MOST_FOUND, True)


def test_nothing_typed_finds_nobody(agent: Office, store: Store) -> None:
    recorded(store, "Asha Okafor")
    assert PeopleDesk(agent).search("  ", 5) == Found(())


# --- reference numbers -----------------------------------------------------------------


@pytest.mark.parametrize("typed", ["whole", "no dash", "a space", "lower case", "look-alikes"])
def test_a_reference_from_a_station_finds_whose_it_is_and_why(
    agent: Office, store: Store, history: History, typed: str
) -> None:
    holder = recorded(store, "Asha Okafor")
    visit = history.refused(Reason.REGISTRATION_BLOCKED, holder=holder)
    text = {
        "whole": visit.reference,
        "no dash": visit.reference.replace("-", ""),
        "a space": f" {visit.reference.replace('-', ' ')} ",
        "lower case": visit.reference.lower(),
        "look-alikes": visit.reference.replace("0", "o").replace("1", "l"),
    }[typed]
    found = PeopleDesk(agent).search(text, 5)
    assert names(found) == ["Asha Okafor"]
    assert found_words(found).startswith(
        f"{visit.reference} at Main entrance, 09:30 today: Turned away:"
    )


def test_found_reference_says_how_its_visit_ended(
    agent: Office, store: Store, history: History
) -> None:
    holder = recorded(store, "Asha Okafor")
    kinds = AuditKind.ANSWERS_WRONG, AuditKind.UNBLOCK_DONE, AuditKind.VISIT_ENDED
    visit = history.visit(*kinds, holder=holder)
    assert "Unlocked the card and set a new PIN." in found_words(
        PeopleDesk(agent).search(visit.reference, 5)
    )


def test_a_reference_of_nobody_that_is_recorded_still_says_what_happened(
    agent: Office, history: History
) -> None:
    visit = history.refused(Reason.UNKNOWN_CARD)
    found = PeopleDesk(agent).search(visit.reference, 5)
    assert found.people == ()
    assert "Turned away" in found_words(found)
    assert "erased" not in found_words(found)


def test_a_reference_that_nobody_gave_finds_nobody(agent: Office, store: Store) -> None:
    recorded(store, "Asha Okafor")
    assert PeopleDesk(agent).search("0000-0000", 5) == Found(())


def test_a_reference_of_an_act_of_staff_finds_its_person_and_names_who(
    agent: Office, store: Store
) -> None:
    holder = recorded(store, "Asha Okafor")
    with agent.act(Action.LIFT_BLOCK, GROUNDS, about=holder.id) as act:
        act.record(StaffKind.BLOCK_LIFTED)
    found = PeopleDesk(agent).search(act.reference, 5)
    assert names(found) == ["Asha Okafor"]
    assert found_words(found) == f"{act.reference} by Agent Mbeki, 09:30 today: Lifted the block."


def test_a_reference_of_somebody_who_was_erased_says_so(
    agent: Office, store: Store, history: History
) -> None:
    visit = history.visit(AuditKind.UNBLOCK_DONE)
    with store.begin() as uow:
        uow.audit.append(kind="unblock-done", reference=visit.reference, holder_id=new_id())
        uow.commit()
    found = PeopleDesk(agent).search(visit.reference, 5)
    assert found.people == ()
    assert found_words(found).endswith(" The person was erased.")


def test_a_reference_comes_before_people_whose_name_reads_like_it(
    agent: Office, store: Store
) -> None:
    holder = recorded(store, "Zoë Okafor")
    recorded(store, "Ann Sebastian")
    with store.begin() as uow:
        uow.audit.append(kind="unblock-done", reference="SEBA-ST1A", holder_id=holder.id)
        uow.commit()
    assert names(PeopleDesk(agent).search("sebastia", 5)) == ["Zoë Okafor", "Ann Sebastian"]


def test_a_reference_of_a_whole_import_gives_some_and_says_there_are_more(
    agent: Office, store: Store
) -> None:
    with store.begin() as uow:
        for n in range(8):
            holder = Cardholder(new_id(), f"{n:012d}", f"Person {n}")
            uow.holders.put([holder])
            uow.audit.append(kind="holder-changed", reference="AAAA-0000", holder_id=holder.id)
        uow.audit.append(kind="people-imported", reference="AAAA-0000", actor="command line: jo")
        uow.commit()
    found = PeopleDesk(agent).search("AAAA-0000", 5)
    assert (len(found.people), found.more) == (5, True)
    assert found_words(found) == "AAAA-0000 by command line: jo, 09:30 today: People were imported."


# --- who, and how much -----------------------------------------------------------------


def test_role_may_search_and_a_stranger_may_not(means: StaffDependencies, agent: Office) -> None:
    stranger = Office(means, Actor("Nobody", Role.AGENT, new_id(), "SHA256:none"))
    with pytest.raises(NotPermitted):
        PeopleDesk(stranger).search("smith", 5)


def test_the_number_of_statements_is_the_same_for_one_and_for_many(
    agent: Office, store: Store
) -> None:
    def asked(text: str, people: int) -> int:
        count = 0

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        sa.event.listen(store._engine, "before_cursor_execute", note)
        try:
            assert len(PeopleDesk(agent).search(text, 50).people) == people
        finally:
            sa.event.remove(store._engine, "before_cursor_execute", note)
        return count

    for n in range(30):
        recorded(store, f"Jo Smith {n}")
    recorded(store, "Bo Nowak")
    asked("nowak", 1)  # the connection reads from now on: it has written so far
    assert asked("nowak", 1) == asked("smith", 30)
    assert asked("bo nowak", 1) == asked("jo smith", 30)
