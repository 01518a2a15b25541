"""What a PIN is worth: proven by a signature of a known key, or claimed by a status word."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from msgspec import structs

from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.records import Card, PinEvidence, PinPolicy
from kiosk.authority.service import LocalAuthority
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    Attestation,
    ChooseQuestions,
    CountedTask,
    EnterCode,
    Finished,
    GiveEmail,
    Offer,
    PinChallenge,
    PinProof,
    Position,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    VisitOpened,
)
from tests.authority.attesting import NEVER, Maker
from tests.authority.card_in_reader import (
    Authorities,
    KeylessCard,
    Private,
    ReaderCard,
    private_key,
)
from tests.authority.registering import OTHER, given
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World
from tests.support.routes import to

MINE = "asha@trust.nhs.uk"


def begun(
    world: World, card: Card, purpose: Purpose, reader_card: ReaderCard | None = None
) -> StationVisit:
    station_visit = world.insert(card, reader_card=reader_card)
    assert isinstance(station_visit.authority.choose(station_visit.visit, purpose), ProvePin)
    return station_visit


def evidence(world: World, station_visit: StationVisit) -> PinEvidence | None:
    return world.visit(station_visit).pin_evidence


# --- what counts as a proof ---------------------------------------------------------------


def test_a_signature_by_the_recorded_key_proves_the_pin(world: World, card: Card) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS)
    assert isinstance(station_visit.verify_pin(), ChooseQuestions)
    assert evidence(world, station_visit) is PinEvidence.PROVEN
    row = next(event for event in world.events() if event.kind == "pin-verified")
    assert row.detail == {"evidence": "proven", "because": "recorded key"}


def test_a_station_that_only_says_so_claims(world: World, card: Card) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS)
    task = station_visit.authority.pin_verified(station_visit.visit, None)
    assert isinstance(task, SendCode)
    assert task.proves_owner
    assert evidence(world, station_visit) is PinEvidence.CLAIMED


def proof_by(reader_card: ReaderCard, challenge: PinChallenge) -> PinProof:
    proof = reader_card.sign_pin(challenge)
    assert proof is not None
    return proof


@pytest.mark.parametrize(
    "trick",
    ["other key", "other message", "garbage", "no challenge", "late", "the clock was ahead"],
)
def test_anything_else_claims(world: World, card: Card, trick: str) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS)
    if trick == "no challenge":
        proof: PinProof | None = proof_by(station_visit.reader_card, PinChallenge(b"made up"))
    else:
        challenge = station_visit.authority.pin_challenge(station_visit.visit)
        assert isinstance(challenge, PinChallenge)
        proof = proof_by(station_visit.reader_card, challenge)
        if trick == "other key":
            proof = proof_by(ReaderCard(), challenge)
        if trick == "other message":
            proof = proof_by(station_visit.reader_card, PinChallenge(challenge.message + b"x"))
        if trick == "garbage":
            proof = PinProof(b"1", b"2", b"3")
        if trick == "late":
            world.clock.forward(minutes=3)
        if trick == "the clock was ahead":
            world.clock.forward(minutes=-3)
    task = station_visit.authority.pin_verified(station_visit.visit, proof)
    assert isinstance(task, SendCode)
    assert evidence(world, station_visit) is PinEvidence.CLAIMED


def test_the_key_that_needs_no_pin_proves_none(world: World, card: Card) -> None:
    """A shim has the genuine card sign with its card-authentication key instead."""
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS)
    own = station_visit.reader_card
    shim = ReaderCard(key=own.key, shows=own.shows, pin_key=own.key)
    challenge = station_visit.authority.pin_challenge(station_visit.visit)
    assert isinstance(challenge, PinChallenge)
    station_visit.authority.pin_verified(station_visit.visit, shim.sign_pin(challenge))
    assert evidence(world, station_visit) is PinEvidence.CLAIMED


def test_the_key_that_needs_no_pin_is_not_taken_for_the_one_that_does(world: World) -> None:
    card = world.add_card(world.add_holder())
    key = private_key()
    station_visit = begun(world, card, Purpose.REGISTER, ReaderCard(key=key, pin_key=key))
    assert isinstance(station_visit.verify_pin(), SendCode)
    assert world.visit(station_visit).pin_key is None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, PinEvidence.CLAIMED),
        (PinPolicy.NEVER, PinEvidence.CLAIMED),
        (PinPolicy.ONCE, PinEvidence.PROVEN),
        (PinPolicy.ALWAYS, PinEvidence.PROVEN),
    ],
)
@pytest.mark.parametrize("imported", [True, False])
@pytest.mark.parametrize("driver", ["piv", "openpgp", "gids", "pkcs11"])
def test_a_known_key_proves_the_pin_where_its_policy_is_declared(
    world: World, driver: str, imported: bool, policy: PinPolicy | None, expected: PinEvidence
) -> None:
    """A device around the card can make any key look as if it needed the PIN."""
    signer = ReaderCard() if driver == "piv" else KeylessCard()
    signer.pin_key = private_key()
    keys = {"pin_key": signer.pin_public, "pin_key_imported": imported}
    card = world.registered_card(driver=driver, **keys, pin_policy=policy)
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS, signer)
    station_visit.verify_pin()
    assert evidence(world, station_visit) is expected
    assert world.visit(station_visit).pin_key == signer.pin_public


def test_a_key_that_replaces_another_is_not_the_one_that_was_declared(
    world: World, card: Card
) -> None:
    world.put_card(replace(world.card(card), pin_policy=PinPolicy.ONCE))
    with world.store.begin() as uow:
        assert uow.cards.record_pin_key(card.id, ReaderCard().pin_public)
        assert uow.cards.record_pin_key(card.id, ReaderCard().pin_public)
        uow.commit()
    assert world.card(card).pin_policy is None


def test_an_issued_key_counts_only_where_its_policy_is_declared(world: World) -> None:
    issued = IssuedCard(world)
    world.put_card(replace(world.card(issued.card), pin_policy=PinPolicy.NEVER))
    certificate = issued.issue(issued.in_reader.pin_key, log_in=True)
    assert issued.evidence_of(certificate, issued.in_reader) is PinEvidence.CLAIMED


def test_a_known_key_shows_the_card_though_nothing_shows_that_it_needs_the_pin(
    world: World,
) -> None:
    signer = KeylessCard()
    signer.pin_key = private_key()
    card = world.registered_card(driver="openpgp", pin_key=signer.pin_public, pin_policy=None)
    station_visit = begun(world, card, Purpose.CHANGE_PIN, signer)
    task = station_visit.verify_pin()
    assert isinstance(task, SetPin)
    assert task.rules.personal, "the card is there"


# --- what the card attests -----------------------------------------------------------------


@dataclass
class AttestingCard:
    """A card whose key nobody declared, of a maker that the settings name."""

    world: World
    maker: Maker = field(default_factory=Maker)

    def __post_init__(self) -> None:
        self.world.parts = replace(self.world.parts, attestation=self.maker.roots)
        self.world.authority = LocalAuthority(self.world.parts)
        self.in_reader = ReaderCard()
        self.card = self.world.registered_card(pin_key=self.in_reader.pin_public, pin_policy=None)

    def evidence_of(self, shown: Attestation | None) -> PinEvidence | None:
        station_visit = begun(self.world, self.card, Purpose.CHANGE_QUESTIONS, self.in_reader)
        challenge = station_visit.authority.pin_challenge(station_visit.visit)
        assert isinstance(challenge, PinChallenge)
        assert challenge.attest
        proof = structs.replace(proof_by(self.in_reader, challenge), attestation=shown)
        station_visit.authority.pin_verified(station_visit.visit, proof)
        return evidence(self.world, station_visit)


def test_a_key_that_the_card_attests_proves_the_pin_without_a_declaration(world: World) -> None:
    mine = AttestingCard(world)
    assert mine.in_reader.pin_key is not None
    assert mine.evidence_of(mine.maker.attest(mine.in_reader.pin_key)) is PinEvidence.PROVEN


@pytest.mark.parametrize("trick", ["none", "no PIN", "another key", "another maker", "own maker"])
def test_any_other_attestation_claims(world: World, trick: str) -> None:
    mine = AttestingCard(world)
    key = mine.in_reader.pin_key
    assert key is not None
    shown = {
        "none": None,
        "no PIN": mine.maker.attest(key, NEVER),
        "another key": mine.maker.attest(private_key()),
        "another maker": Maker().attest(key),
        "own maker": mine.maker.attest(key, by=private_key()),
    }[trick]
    assert mine.evidence_of(shown) is PinEvidence.CLAIMED


def test_an_attested_key_that_is_not_the_cards_proves_nothing(world: World) -> None:
    """A thief signs and attests with a card of their own of the same maker."""
    mine, theirs = AttestingCard(world), private_key()
    mine.in_reader.pin_key = theirs
    assert mine.evidence_of(mine.maker.attest(theirs)) is PinEvidence.CLAIMED


def test_no_attestation_is_asked_for_where_it_could_change_nothing(
    world: World, card: Card
) -> None:
    for roots, asked in (None, False), (Maker().roots, False):
        world.parts = replace(world.parts, attestation=roots)
        world.authority = LocalAuthority(world.parts)
        station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS)
        challenge = station_visit.authority.pin_challenge(station_visit.visit)
        assert isinstance(challenge, PinChallenge)
        assert challenge.attest is asked
        station_visit.pull()


# --- what an issuer certified --------------------------------------------------------------


def urn_of(card: Card) -> str:
    """Return the name of the card as a certificate has it."""
    parts = [card.identifier[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))]
    return f"urn:uuid:{'-'.join(parts)}"


@dataclass
class IssuedCard:
    """A card of an issuer in the settings, whose keys are not recorded."""

    world: World
    issuer: Authorities = field(default_factory=Authorities)
    in_reader: ReaderCard = field(default_factory=ReaderCard)

    def __post_init__(self) -> None:
        self.world.parts = replace(self.world.parts, issuers=Issuers((self.issuer.own,)))
        self.world.authority = LocalAuthority(self.world.parts)
        self.card = self.world.registered_card(pin_policy=PinPolicy.ONCE)
        self.in_reader.shows = self.issue(self.in_reader.key)

    def issue(
        self, key: Private | None, *, log_in: bool = False, without_pin: bool = False
    ) -> bytes:
        assert key is not None
        named = urn_of(self.card)
        return self.issuer.issue(key, named, log_in=log_in, without_pin=without_pin)

    def evidence_of(self, certificate: bytes, signer: ReaderCard) -> PinEvidence | None:
        """Return what a visit records that shows this certificate after ``signer`` has signed."""
        station_visit = begun(self.world, self.card, Purpose.CHANGE_QUESTIONS, self.in_reader)
        challenge = station_visit.authority.pin_challenge(station_visit.visit)
        assert isinstance(challenge, PinChallenge)
        proof = structs.replace(proof_by(signer, challenge), certificate=certificate)
        station_visit.authority.pin_verified(station_visit.visit, proof)
        return evidence(self.world, station_visit)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"log_in": True}, PinEvidence.PROVEN),
        ({}, PinEvidence.CLAIMED),
        ({"log_in": True, "without_pin": True}, PinEvidence.CLAIMED),
    ],
)
def test_an_issued_key_counts_where_it_names_the_card(
    world: World, usage: dict[str, bool], expected: PinEvidence
) -> None:
    issued = IssuedCard(world)
    certificate = issued.issue(issued.in_reader.pin_key, **usage)
    assert issued.evidence_of(certificate, issued.in_reader) is expected


def test_the_certificate_of_a_key_that_did_not_sign_proves_nothing(world: World) -> None:
    """A device in the reader reads the genuine certificate, and signs with a key of its own."""
    issued = IssuedCard(world)
    certificate = issued.issue(issued.in_reader.pin_key, log_in=True)
    assert issued.evidence_of(certificate, ReaderCard()) is PinEvidence.CLAIMED


# --- registering ------------------------------------------------------------------------


def test_a_claimed_pin_registers_by_the_recorded_address(world: World) -> None:
    card = world.add_card(world.add_holder())
    station_visit = begun(world, card, Purpose.REGISTER, KeylessCard())
    task = station_visit.verify_pin()
    assert task == SendCode(to("a•••@trust.nhs.uk"), proves_owner=True, position=Position(2, 5))
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, given())
    with pytest.raises(StepRefused):
        station_visit.email(OTHER)
    assert isinstance(station_visit.send(), EnterCode)
    assert world.relay.sent[-1].to == EMAIL
    assert isinstance(station_visit.enter(world.relay.code), ChooseQuestions)
    assert isinstance(
        station_visit.authority.save_questions(station_visit.visit, given()), GiveEmail
    )
    assert isinstance(station_visit.email(OTHER), EnterCode)
    assert world.relay.sent[-1].to == OTHER
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
    registration = world.registration(card)
    assert (world.registered_email(card), registration.proven) == (OTHER, False)
    assert {notice.to for notice in world.outbox()} == {EMAIL, OTHER}


def test_the_recorded_address_is_not_asked_twice(world: World) -> None:
    card = world.add_card(world.add_holder())
    station_visit = begun(world, card, Purpose.REGISTER, KeylessCard())
    station_visit.verify_pin()
    station_visit.send()
    station_visit.enter(world.relay.code)
    station_visit.authority.save_questions(station_visit.visit, given())
    assert station_visit.email(EMAIL) == Finished(Purpose.REGISTER)
    assert world.registered_email(card) == EMAIL


def test_without_a_recorded_address_a_claimed_pin_registers_nobody(world: World) -> None:
    card = world.add_card(world.add_holder(email=None))
    station_visit = begun(world, card, Purpose.REGISTER, KeylessCard())
    for _ in range(2):
        refused = station_visit.verify_pin()
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.NO_RECORDED_EMAIL
    assert world.visit(station_visit).pin_evidence is None, "it counts for nothing"


def test_why_a_pin_was_only_claimed_is_on_record_where_the_visit_is_refused(world: World) -> None:
    card = world.add_card(world.add_holder(email=None))
    reader_card = replace(world.known_reader_card(card), pin_key=ReaderCard().pin_key)
    station_visit = begun(world, card, Purpose.REGISTER, reader_card)
    refused = station_visit.verify_pin()
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_RECORDED_EMAIL
    verified, turned_away = world.events()[-2:]
    assert (verified.kind, turned_away.kind) == ("pin-verified", "refused")
    assert verified.detail == {
        "evidence": "claimed",
        "because": "another key than the recorded one",
    }
    assert world.visit(station_visit).pin_challenge is None, "it is good for one proof"


def test_walking_away_with_the_code_to_the_recorded_address(world: World) -> None:
    card = world.add_card(world.add_holder())
    station_visit = begun(world, card, Purpose.REGISTER, KeylessCard())
    station_visit.verify_pin()
    station_visit.send()
    station_visit.pull()
    back = world.insert(card, reader_card=KeylessCard(), station="B")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    purpose, page = back.opened.resumed
    assert (purpose, page.proves_owner) == (Purpose.REGISTER, True)
    assert isinstance(back.enter(world.relay.code), ProvePin)
    assert isinstance(back.verify_pin(), ChooseQuestions)


def test_a_registration_keeps_the_keys_that_were_proven(world: World) -> None:
    card = world.add_card(world.add_holder())
    reader_card = ReaderCard()
    station_visit = begun(world, card, Purpose.REGISTER, reader_card)
    station_visit.verify_pin()
    station_visit.send()
    station_visit.enter(world.relay.code)
    station_visit.authority.save_questions(station_visit.visit, given())
    station_visit.email(EMAIL)
    now = world.card(card)
    assert (now.auth_key, now.pin_key) == (reader_card.public, reader_card.pin_public)
    assert world.registration(card).proven


# --- how many steps it takes -----------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "steps"), [(True, 4), (False, 5)], ids=["a recorded PIN key", "none recorded"]
)
def test_the_count_is_the_same_from_the_menu_to_the_end(
    world: World, known: bool, steps: int
) -> None:
    """Before: a PIN that could only be claimed made 2 of 5 of 1 of 4."""
    reader_card = ReaderCard()
    keys = {"auth_key": reader_card.public, "pin_key": reader_card.pin_public if known else None}
    card = world.add_card(world.add_holder(), **keys, pin_policy=PinPolicy.ONCE)
    station_visit = world.insert(card, reader_card=reader_card)
    assert isinstance(station_visit.opened, VisitOpened)
    assert station_visit.opened.offers[0] == Offer(Purpose.REGISTER, steps)
    tasks = [
        station_visit.authority.choose(station_visit.visit, Purpose.REGISTER),
        station_visit.verify_pin(),
    ]
    if not known:
        tasks += [station_visit.send(), station_visit.enter(world.relay.code)]
    tasks += [
        station_visit.authority.save_questions(station_visit.visit, given()),
        station_visit.email(OTHER),
    ]
    at = [task.position for task in tasks if isinstance(task, CountedTask)]
    assert {one.count for one in at} == {steps}
    assert at[-1].index == steps


def test_a_card_that_issuers_vouch_for_is_expected_to_prove_its_pin(world: World) -> None:
    issuer = Authorities()
    world.parts = replace(world.parts, issuers=Issuers((issuer.own,)))
    world.authority = type(world.authority)(world.parts)
    card = world.add_card(world.add_holder(), pin_policy=PinPolicy.ONCE)
    reader_card = ReaderCard()
    reader_card.shows = issuer.issue(reader_card.key, urn_of(card))
    station_visit = world.insert(card, reader_card=reader_card)
    assert isinstance(station_visit.opened, VisitOpened)
    assert station_visit.opened.offers[0] == Offer(Purpose.REGISTER, 4)


def test_a_card_that_leaves_its_proof_out_takes_one_step_more(world: World, card: Card) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS)
    task = station_visit.authority.pin_verified(station_visit.visit, None)
    assert isinstance(task, SendCode)
    assert task.position == Position(2, 3)


# --- changing questions and address -------------------------------------------------------


def test_questions_change_on_a_claimed_pin_only_by_the_registered_address(
    world: World, card: Card
) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS)
    station_visit.authority.pin_verified(station_visit.visit, None)
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, given())
    station_visit.send()
    assert world.relay.sent[-1].to == EMAIL
    assert isinstance(station_visit.enter(world.relay.code), ChooseQuestions)
    assert station_visit.authority.save_questions(station_visit.visit, given()) == Finished(
        Purpose.CHANGE_QUESTIONS
    )


def test_an_address_changes_on_a_claimed_pin_after_the_cooling_off(
    world: World, card: Card
) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_EMAIL)
    assert station_visit.authority.pin_verified(station_visit.visit, None) == SendCode(
        to("a•••@trust.nhs.uk"), proves_owner=True, position=Position(2, 4)
    )
    station_visit.send()
    assert isinstance(station_visit.enter(world.relay.code), GiveEmail)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    done = station_visit.enter(world.relay.code)
    assert done == Finished(Purpose.CHANGE_EMAIL, timedelta(hours=24).total_seconds())
    assert world.registered_email(card) == EMAIL
    assert {notice.to for notice in world.outbox()} == {EMAIL, OTHER}
    station_visit.pull()
    world.clock.forward(hours=23)
    world.insert(card).pull()
    assert world.registered_email(card) == EMAIL
    world.clock.forward(hours=2)
    world.insert(card).pull()
    assert world.registered_email(card) == OTHER
    assert {notice.to for notice in world.outbox()} >= {EMAIL, OTHER}


def test_a_visit_that_comes_back_counts_the_code_that_it_has_passed(
    world: World, card: Card
) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_EMAIL)
    station_visit.authority.pin_verified(station_visit.visit, None)
    station_visit.send()
    given_email = station_visit.enter(world.relay.code)
    assert isinstance(given_email, GiveEmail)
    station_visit.email(OTHER)
    station_visit.pull()
    back = world.insert(card)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    _, page = back.opened.resumed
    assert (given_email.position, page.position) == (Position(3, 4), Position(4, 4))


def test_a_proven_pin_changes_the_address_at_once(world: World, card: Card) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.verify_pin(), GiveEmail)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert world.registered_email(card) == OTHER


def test_a_claimed_pin_is_shown_no_address(world: World, card: Card) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_EMAIL)
    task = station_visit.authority.pin_verified(station_visit.visit, None)
    assert EMAIL not in repr(task)


def test_a_change_of_pin_needs_no_more_than_the_card(world: World, card: Card) -> None:
    station_visit = begun(world, card, Purpose.CHANGE_PIN)
    station_visit.authority.pin_verified(station_visit.visit, None)
    assert station_visit.change_pin() == Finished(Purpose.CHANGE_PIN)


# --- keys of the holder's other cards -------------------------------------------------------


def test_a_second_card_is_not_served_on_its_name_alone(world: World, card: Card) -> None:
    world.insert(card).pull()
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    second = world.add_card(holder)
    refused = world.insert(second, reader_card=KeylessCard()).opened
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NOT_GENUINE


def test_an_unlock_records_the_key_of_a_second_card(world: World, card: Card) -> None:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    reader_card = ReaderCard()
    second = world.add_card(holder)
    world.unlock(second, reader_card)
    assert world.card(second).auth_key == reader_card.public


def test_a_registration_without_proof_opens_no_card_that_can_prove(world: World) -> None:
    holder = world.add_holder()
    world.register(holder, proven=False)
    card = world.add_card(holder)
    refused = world.insert(card, blocked=True, reader_card=ReaderCard()).opened
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NOT_REGISTERED


def test_the_code_to_an_address_that_staff_set_confirms_it(world: World) -> None:
    holder = world.add_holder()
    world.register(holder, unconfirmed_since=world.now)
    card = world.add_card(holder)
    station_visit = begun(world, card, Purpose.CHANGE_QUESTIONS, KeylessCard())
    assert isinstance(station_visit.verify_pin(), SendCode)
    assert isinstance(station_visit.send(), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), ChooseQuestions)
    assert world.addresses_of(card).unconfirmed is None


# --- answers ----------------------------------------------------------------------------------


def test_answers_are_not_carried_on_without_end(world: World, card: Card) -> None:
    """Each resend carried the right answers on; they end with the life of the visit."""
    world.policy = structs.replace(world.policy, code_life=timedelta(minutes=60), codes_an_hour=20)
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.pull()
    for _ in range(3):
        world.clock.forward(minutes=25)
        station_visit = world.insert(card, blocked=True)
        assert isinstance(station_visit.opened, VisitOpened)
        if station_visit.opened.resumed is None:
            break
        station_visit.send()
        station_visit.pull()
    task = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert isinstance(task, AnswerQuestions)
