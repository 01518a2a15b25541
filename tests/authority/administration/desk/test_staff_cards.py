"""The card of a member of staff: which one, with which key, and for whom it counts."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from msgspec import structs

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.login import admit
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.views import StaffLine
from kiosk.authority.crypto.card_keys import fingerprint, key_from
from kiosk.authority.errors import ConcurrentChange, NotFound, NotPermitted, NotTaken
from kiosk.authority.records import (
    AuditQuery,
    PinPolicy,
    StaffCard,
    StaffKey,
    StaffMember,
    new_id,
)
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.authority.store.tables import StaffCardRow
from kiosk.config.settings import PolicySettings
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import CardId
from screens.words.staff.deeds import deed_words
from screens.words.staff.proposals import proposal_words
from tests.authority.administration.desk.keys import new_key, new_pin_key
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.card_in_reader import Authorities, ReaderCard
from tests.authority.older_release import forget_family
from tests.authority.store import samples
from tests.support.database import SetClock
from tests.support.refusals import refused
from tests.support.stored import stored

SAM = "Sam Reed"


def der(pem: str) -> bytes:
    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    key = key_from(base64.b64decode(body))
    assert key is not None
    return key


@pytest.fixture
def desk(manager: Office) -> StaffDesk:
    return StaffDesk(manager)


@pytest.fixture
def card(store: Store) -> CardId:
    return samples.stored_person(store, "1001").card.identity


@pytest.fixture
def sam(desk: StaffDesk) -> StaffLine:
    desk.add(SAM, Role.TECHNICIAN, "", GROUNDS)
    return line(desk)


def line(desk: StaffDesk, name: str = SAM) -> StaffLine:
    return next(each for each in desk.every() if each.name == name)


def test_a_technician_has_no_key_and_a_card(
    desk: StaffDesk, store: Store, sam: StaffLine, card: CardId
) -> None:
    assert (sam.keys, sam.cards) == ((), ())
    pem = new_pin_key()
    done = desk.add_card(sam.staff_id, card, pem, sam.revision, GROUNDS)
    opens = "The card of Sam Reed opens stations' maintenance pages."
    assert deed_words(done.deed).startswith(
        f"{opens} But no import says that its key needs the PIN: "
    )
    (shown,) = line(desk).cards
    named = CardId(shown.driver, shown.identifier)
    assert (named, shown.fingerprint) == (card, fingerprint(der(pem)))
    assert line(desk).revision == sam.revision + 1
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
        known = uow.cards.find(card)
        assert known is not None
        kept = stored(uow, StaffCardRow, StaffCard, card_id=known.card.id)
    assert kept is not None
    assert (kept.staff_id, kept.public_key) == (sam.staff_id, der(pem))
    assert (event.kind, event.card_id) == ("staff-card-added", known.card.id)
    assert event.detail["staff"] == sam.staff_id
    assert "Sam" not in str(event)


def test_a_card_whose_key_needs_the_pin_opens_the_page_without_more(
    desk: StaffDesk, store: Store, sam: StaffLine, card: CardId
) -> None:
    with store.begin() as uow:
        known = uow.cards.find(card)
        assert known is not None
        uow.cards.put([replace(known.card, pin_policy=PinPolicy.ONCE)])
        uow.commit()
    done = desk.add_card(sam.staff_id, card, new_pin_key(), sam.revision, GROUNDS)
    assert deed_words(done.deed) == "The card of Sam Reed opens stations' maintenance pages."


def test_who_was_removed_leaves_the_card_to_others(
    desk: StaffDesk, store: Store, sam: StaffLine, card: CardId
) -> None:
    pem = new_pin_key()
    desk.add_card(sam.staff_id, card, pem, sam.revision, GROUNDS)
    done = desk.remove(sam.staff_id, sam.revision + 1, GROUNDS)
    assert line(desk).cards == ()
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert (event.detail["keys"], event.detail["cards"]) == (0, 1)
    desk.add("Sam Reed again", Role.TECHNICIAN, "", GROUNDS)
    again = line(desk, "Sam Reed again")
    desk.add_card(again.staff_id, card, pem, again.revision, GROUNDS)
    assert len(line(desk, "Sam Reed again").cards) == 1


def test_a_certificate_names_its_key(desk: StaffDesk, sam: StaffLine, card: CardId) -> None:
    reader_card = ReaderCard()
    certificate = Authorities().issue(reader_card.key)
    body = base64.encodebytes(certificate).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"
    desk.add_card(sam.staff_id, card, pem, sam.revision, GROUNDS)
    assert line(desk).cards[0].fingerprint == reader_card.fingerprint


def test_a_recorded_key_need_not_be_given_and_no_other_is_taken(
    desk: StaffDesk, store: Store, sam: StaffLine, card: CardId
) -> None:
    recorded = ReaderCard().pin_public
    with store.begin() as uow:
        known = uow.cards.find(card)
        assert known is not None
        uow.cards.record_pin_key(known.card.id, recorded)
        uow.commit()
    with refused(NotTaken, match="Another key is recorded"):
        desk.add_card(sam.staff_id, card, new_pin_key(), sam.revision, GROUNDS)
    desk.add_card(sam.staff_id, card, "", sam.revision, GROUNDS)
    assert line(desk).cards[0].fingerprint == fingerprint(recorded)


def test_the_key_that_needs_no_pin_is_refused(
    desk: StaffDesk, store: Store, sam: StaffLine, card: CardId
) -> None:
    pem = new_pin_key()
    with store.begin() as uow:
        known = uow.cards.find(card)
        assert known is not None
        uow.cards.record_key(known.card.id, der(pem))
        uow.commit()
    with refused(NotTaken, match="needs no PIN"):
        desk.add_card(sam.staff_id, card, pem, sam.revision, GROUNDS)


@pytest.mark.parametrize(
    ("key", "because"),
    [
        ("", "None is recorded"),
        ("no key", "base64"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "certificate or public"),
    ],
)
def test_without_a_key_that_can_be_checked_nothing_counts(
    desk: StaffDesk, sam: StaffLine, card: CardId, key: str, because: str
) -> None:
    with refused(NotTaken, match=because):
        desk.add_card(sam.staff_id, card, key, sam.revision, GROUNDS)
    assert line(desk).cards == ()


def test_the_card_has_to_be_recorded_and_is_one_members(
    desk: StaffDesk, sam: StaffLine, card: CardId
) -> None:
    for unrecorded in (CardId("piv", "ab" * 16), CardId("gids", "ab" * 16)):
        with pytest.raises(NotFound):
            desk.add_card(sam.staff_id, unrecorded, new_pin_key(), 0, GROUNDS)
    for wrong in (CardId("piv", "zz"), CardId("none", "ab")):
        with pytest.raises(NotTaken):
            desk.add_card(sam.staff_id, wrong, new_pin_key(), 0, GROUNDS)
    desk.add_card(sam.staff_id, card, new_pin_key(), sam.revision, GROUNDS)
    desk.add("Bo Banks", Role.TECHNICIAN, "", GROUNDS)
    with refused(NotTaken, match="already"):
        desk.add_card(line(desk, "Bo Banks").staff_id, card, new_pin_key(), 0, GROUNDS)


def test_a_family_that_signs_nothing_after_the_pin_is_refused(
    desk: StaffDesk, sam: StaffLine, card: CardId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No card of it would open a maintenance page."""
    monkeypatch.setitem(FAMILIES, "piv", structs.replace(FAMILIES["piv"], proves_pin=False))
    with refused(NotTaken, match="PIV cards sign nothing that would prove their PIN"):
        desk.add_card(sam.staff_id, card, new_pin_key(), sam.revision, GROUNDS)


def test_a_card_is_taken_away(desk: StaffDesk, sam: StaffLine, card: CardId) -> None:
    desk.add_card(sam.staff_id, card, new_pin_key(), 0, GROUNDS)
    with pytest.raises(ConcurrentChange):
        desk.remove_card(sam.staff_id, card, 0, GROUNDS)
    desk.remove_card(sam.staff_id, card, 1, GROUNDS)
    assert line(desk).cards == ()
    with pytest.raises(NotFound):
        desk.remove_card(sam.staff_id, card, 2, GROUNDS)


def test_card_of_a_role_that_may_not_maintain_is_noted(desk: StaffDesk, card: CardId) -> None:
    desk.add("Odd Bjerke", Role.AUDITOR, new_key(), GROUNDS)
    done = desk.add_card(line(desk, "Odd Bjerke").staff_id, card, new_pin_key(), 0, GROUNDS)
    assert deed_words(done.deed).endswith("But that is not for an auditor.")


def test_a_technician_cannot_log_in(
    desk: StaffDesk, store: Store, sam: StaffLine, clock: SetClock
) -> None:
    with refused(NotTaken, match="A technician does not log in"):
        desk.add("Bo Banks", Role.TECHNICIAN, new_key(), GROUNDS)
    with refused(NotTaken, match="A technician does not log in"):
        desk.add_key(sam.staff_id, new_key(), sam.revision, GROUNDS)
    # One who had a key before they were given the role.
    member = StaffMember(new_id(), "Bo Banks", Role.TECHNICIAN, clock.now())
    with store.begin() as uow:
        uow.staff.add(member)
        uow.staff.add_key(StaffKey("SHA256:x", member.id, "ssh-ed25519 AAAA", "", clock.now()))
        uow.commit()
    with refused(NotPermitted, match="role technician"):
        admit(store, "SHA256:x")
    with store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery(), limit=1)
    assert (event.kind, event.actor) == ("staff-turned-away", member.id)


@pytest.mark.parametrize("pasted", [True, False])
def test_who_agrees_to_a_card_sees_the_key_that_opens_maintenance_pages(
    means: StaffDependencies, store: Store, sam: StaffLine, card: CardId, pasted: bool
) -> None:
    """A blank card with the same identifier, and with a key of the proposer's, would open them."""
    asking = replace(means, file_policy=PolicySettings(four_eyes=True))
    offices = [office_of(asking, Role.MANAGER, name) for name in ("Manager One", "Manager Two")]
    first, second = map(AdminDesk, offices)
    pem = new_pin_key()
    if not pasted:
        with store.begin() as uow:
            known = uow.cards.find(card)
            assert known is not None
            uow.cards.put([replace(known.card, pin_key=der(pem))])
            uow.commit()
    done = first.staff.add_card(sam.staff_id, card, pem if pasted else "", sam.revision, GROUNDS)
    assert done.waits
    (waiting,) = second.proposals.waiting()
    assert f"with the key {fingerprint(der(pem))}" in proposal_words(waiting.what)
    second.proposals.agree(waiting.proposal_id, GROUNDS)
    assert [each.fingerprint for each in line(first.staff).cards] == [fingerprint(der(pem))]


def test_what_a_newer_release_proposed_is_listed(
    means: StaffDependencies,
    sam: StaffLine,
    card: CardId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asking = replace(means, file_policy=PolicySettings(four_eyes=True))
    first, second = (AdminDesk(office_of(asking, Role.MANAGER, name)) for name in ("One", "Two"))
    assert first.staff.add_card(sam.staff_id, card, new_pin_key(), sam.revision, GROUNDS).waits
    forget_family(monkeypatch, card.driver)
    (waiting,) = second.proposals.waiting()
    assert proposal_words(waiting.what).endswith("with the key that cannot be read.")
    with refused(NotTaken, match="no family of cards called piv"):
        second.proposals.agree(waiting.proposal_id, GROUNDS)


def test_who_agreed_to_a_card_let_in_no_key_that_was_recorded_since(
    means: StaffDependencies, store: Store, sam: StaffLine, card: CardId
) -> None:
    """A station records another key where the card's holder registers with it."""
    asking = replace(means, file_policy=PolicySettings(four_eyes=True))
    offices = [office_of(asking, Role.MANAGER, name) for name in ("Manager One", "Manager Two")]
    first, second = map(AdminDesk, offices)
    for key in (der(new_pin_key()), der(new_pin_key())):
        with store.begin() as uow:
            known = uow.cards.find(card)
            assert known is not None
            assert uow.cards.record_pin_key(known.card.id, key)
            uow.commit()
        if not first.proposals.waiting():
            assert first.staff.add_card(sam.staff_id, card, "", sam.revision, GROUNDS).waits
    (waiting,) = second.proposals.waiting()
    with refused(NotTaken, match="Another key is recorded"):
        second.proposals.agree(waiting.proposal_id, GROUNDS)
    assert line(first.staff).cards == ()
