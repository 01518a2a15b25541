"""Any call, repeated after the answer to any of its commits was lost, gets the same answer.

Each call is made once without a fault. Then, of a card of its own, once for each commit and
each loss: the call fails, is repeated with the same arguments, and has to give what the first
one gave, at the same cost. It is repeated at the same process on SQLite, and at another one on
PostgreSQL; the other way round by `make campaigns` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlmodel import col

from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.records import Card, new_id
from kiosk.authority.store.tables import AttemptRow
from kiosk.authority.visit import misuse
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    ChooseQuestions,
    Code,
    CodeNotSent,
    EnterCode,
    Factor,
    FactorWrong,
    Finished,
    Grant,
    KeyGrant,
    KeyNonce,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    PinChallenge,
    PinState,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    StopNumberWrong,
    UnblockDone,
    UnblockNotSent,
    UnblockRefused,
    UnblockUnknown,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.admin_key_card import KEY, Chip, drawn, granted
from tests.authority.assisting import give, office_beside
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.lossy_store import Case, Loss, Lossy, plain, somebodys_card
from tests.authority.registering import OTHER, given, start
from tests.authority.station_visit import StationVisit, answers_to, is_wrong, ready, wrong_code
from tests.authority.store.samples import put_registered, registered_address
from tests.authority.world import EMAIL, PUK, World
from tests.support.campaigns import WHOLE


@pytest.fixture
def lossy(each_world: World) -> Iterator[Lossy]:
    """A world that can lose commits, on each of the databases."""
    lossy = Lossy.around(each_world)
    yield lossy
    lossy.close()


def _inserted(world: World, card: Card) -> StationVisit:
    return world.insert(card, blocked=True, reader_card=KeylessCard())


# --- the calls -------------------------------------------------------------------------


def _begins(world: World) -> Case:
    card, visit = somebodys_card(world), VisitId(new_id())
    report = CardReport(CardId(card.driver, card.identifier), PinState(blocked=True))
    return Case(world, card, visit, lambda at: at.begin(visit, report))


def _begins_unknown(world: World) -> Case:
    card, visit = somebodys_card(world), VisitId(new_id())
    report = CardReport(CardId("piv", new_id()), PinState(blocked=True))
    return Case(world, card, visit, lambda at: at.begin(visit, report))


def _challenged(world: World, reader_card: ReaderCard) -> tuple[Card, VisitId, CardChallenge]:
    card, visit = somebodys_card(world, auth_key=reader_card.public), VisitId(new_id())
    report = CardReport(
        CardId(card.driver, card.identifier), PinState(blocked=True), certificate=reader_card.shows
    )
    challenge = world.authority.begin(visit, report)
    assert isinstance(challenge, CardChallenge)
    return card, visit, challenge


def _proves(world: World) -> Case:
    reader_card = ReaderCard()
    card, visit, challenge = _challenged(world, reader_card)
    proof = reader_card.answer(challenge)
    return Case(world, card, visit, lambda at: at.prove(visit, proof))


def _proves_wrongly(world: World) -> Case:
    card, visit, _ = _challenged(world, ReaderCard())
    return Case(world, card, visit, lambda at: at.prove(visit, CardProof(b"a guess")))


def _chooses(world: World) -> Case:
    card = somebodys_card(world)
    visit = _inserted(world, card).visit
    return Case(world, card, visit, lambda at: at.choose(visit, Purpose.UNLOCK))


def _answers(world: World, *, wrong: bool = False, failed: int = 0) -> Case:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    for _ in range(failed):
        station_visit.answer(station_visit.questions(), wrong=True)
    said = answers_to(station_visit.questions(), wrong=wrong)
    attempt, visit = station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.submit(visit, attempt, Answers(said)))


def _sends(world: World) -> Case:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    station_visit.answer(station_visit.questions())
    attempt, visit, route = station_visit.attempt(), station_visit.visit, station_visit.route()
    return Case(world, card, visit, lambda at: at.prepare(visit, attempt, Factor.EMAIL_CODE, route))


def _sends_another(world: World) -> Case:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    station_visit.to_code()
    world.clock.forward(minutes=2)
    attempt, visit, route = station_visit.attempt(), station_visit.visit, station_visit.route()
    return Case(world, card, visit, lambda at: at.prepare(visit, attempt, Factor.EMAIL_CODE, route))


def _gives_email(world: World) -> Case:
    card = somebodys_card(world, False)
    station_visit = start(world, card, Purpose.REGISTER)
    station_visit.authority.save_questions(station_visit.visit, given())
    attempt, visit = station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.give_email(visit, EMAIL, attempt))


def _saves_questions(world: World) -> Case:
    card = somebodys_card(world, False)
    visit = start(world, card, Purpose.REGISTER).visit
    return Case(world, card, visit, lambda at: at.save_questions(visit, given()))


def _changes_questions(world: World) -> Case:
    card = somebodys_card(world)
    visit = start(world, card, Purpose.CHANGE_QUESTIONS).visit
    return Case(world, card, visit, lambda at: at.save_questions(visit, given()))


def _enters(world: World, *, wrong: bool = False, failed: int = 0) -> Case:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    station_visit.to_code()
    right = world.relay.code
    for _ in range(failed):
        station_visit.enter(wrong_code(right))
    code = wrong_code(right) if wrong else right
    attempt, visit = station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.submit(visit, attempt, Code(code)))


def _registers(world: World) -> Case:
    card = somebodys_card(world, False)
    station_visit = start(world, card, Purpose.REGISTER)
    station_visit.authority.save_questions(station_visit.visit, given())
    station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    code, attempt, visit = world.relay.code, station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.submit(visit, attempt, Code(code)))


def _challenges(world: World) -> Case:
    reader_card = ReaderCard()
    card = somebodys_card(world, auth_key=reader_card.public)
    station_visit = world.insert(card, blocked=True, reader_card=reader_card)
    station_visit.to_new_pin()
    return Case(world, card, station_visit.visit, lambda at: at.challenge(station_visit.visit))


def _releases(world: World) -> Case:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    station_visit.to_new_pin()
    attempt, visit = station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.release(visit, attempt))


def _releases_to_proof(world: World, *, wrong: bool = False) -> Case:
    reader_card = ReaderCard()
    card = somebodys_card(world, auth_key=reader_card.public)
    station_visit = world.insert(card, blocked=True, reader_card=reader_card)
    station_visit.to_new_pin()
    challenge = station_visit.authority.challenge(station_visit.visit)
    assert isinstance(challenge, CardChallenge)
    proof = CardProof(b"a guess") if wrong else reader_card.answer(challenge)
    attempt, visit = station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.release(visit, attempt, proof))


def _key_card(world: World) -> Card:
    """A registered card with an admin key, of somebody new."""
    identifier = new_id()
    label = SealLabel(CardId("gids", identifier), SealKind.UNBLOCK, 1)
    sealed = world.parts.sealer.seal(Sensitive(KEY), label)
    keyed = {"driver": "gids", "identifier": identifier, "secret_limit": None}
    return somebodys_card(world, True, **keyed, sealed_secret=sealed)


def _uses_key(world: World) -> Case:
    card = _key_card(world)
    station_visit = ready(world, card)
    number, attempt, visit = (
        Chip().meet(drawn(station_visit)),
        station_visit.attempt(),
        station_visit.visit,
    )
    return Case(world, card, visit, lambda at: at.release(visit, attempt, number))


def _admits(world: World, *, forged: bool = False) -> Case:
    card = _key_card(world)
    station_visit, chip = ready(world, card), Chip()
    grant = granted(station_visit, chip)
    answer = (replace(chip, key="00" * 24) if forged else chip).answer()
    visit = station_visit.visit
    return Case(world, card, visit, lambda at: at.admit(visit, grant.journal, answer))


Outcome = UnblockDone | UnblockNotSent | UnblockRefused | UnblockUnknown


def _settles(world: World, outcome: Outcome) -> Case:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    station_visit.to_new_pin()
    grant, visit = station_visit.grant(), station_visit.visit
    return Case(world, card, visit, lambda at: at.record_outcome(visit, grant.journal, outcome))


def _unlocked(world: World) -> tuple[Card, StationVisit, Grant]:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    station_visit.to_new_pin()
    grant = station_visit.grant()
    station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
    return card, station_visit, grant


def _renews(world: World) -> Case:
    card, station_visit, grant = _unlocked(world)
    return Case(
        world,
        card,
        station_visit.visit,
        lambda at: at.rotate_secret(station_visit.visit, grant.journal),
    )


def _renewed(world: World) -> Case:
    card, station_visit, grant = _unlocked(world)
    visit, journal = station_visit.visit, grant.journal
    world.authority.rotate_secret(visit, journal)
    return Case(world, card, visit, lambda at: at.confirm_rotation(visit, journal, UnblockDone()))


def _proves_pin(world: World) -> Case:
    card = somebodys_card(world)
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    challenge = station_visit.authority.pin_challenge(station_visit.visit)
    assert isinstance(challenge, PinChallenge)
    proof = station_visit.reader_card.sign_pin(challenge)
    return Case(
        world, card, station_visit.visit, lambda at: at.pin_verified(station_visit.visit, proof)
    )


def _changes_pin(world: World) -> Case:
    card = somebodys_card(world)
    visit = start(world, card, Purpose.CHANGE_PIN).visit
    world.authority.pin_changing(visit)
    return Case(world, card, visit, lambda at: at.pin_changed(visit))


def _changing_pin(world: World) -> Case:
    card = somebodys_card(world)
    visit = start(world, card, Purpose.CHANGE_PIN).visit
    return Case(world, card, visit, lambda at: at.pin_changing(visit))


def _keeps_pin(world: World) -> Case:
    card = somebodys_card(world)
    visit = start(world, card, Purpose.CHANGE_PIN).visit
    world.authority.pin_changing(visit)
    return Case(world, card, visit, lambda at: at.pin_kept(visit))


def _ends(world: World) -> Case:
    card = somebodys_card(world)
    visit = _inserted(world, card).visit
    return Case(world, card, visit, lambda at: at.end(visit, VisitEnd.LEFT))


def _refuses(world: World) -> Case:
    card = somebodys_card(world)
    visit = _inserted(world, card).visit
    return Case(world, card, visit, lambda at: at.refuse(visit, Reason.CARD_REFUSED))


def _owner_proven(world: World, card: Card, purpose: Purpose) -> StationVisit:
    """Claim the PIN, and enter the code that went to the recorded address."""
    station_visit = start(world, card, purpose, KeylessCard())
    station_visit.send()
    station_visit.enter(world.relay.code)
    return station_visit


def _gives_the_proven_email(world: World, purpose: Purpose) -> Case:
    registers = purpose is Purpose.REGISTER
    card = somebodys_card(world, not registers)
    station_visit = _owner_proven(world, card, purpose)
    if registers:
        station_visit.authority.save_questions(station_visit.visit, given())
    attempt, visit = station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.give_email(visit, EMAIL, attempt))


def _claims_pin(world: World) -> Case:
    card = somebodys_card(world, False)
    visit = world.insert(card, reader_card=KeylessCard()).visit
    world.authority.choose(visit, Purpose.REGISTER)
    world.authority.pin_challenge(visit)
    return Case(world, card, visit, lambda at: at.pin_verified(visit, None))


def _confirms_owner(world: World) -> Case:
    card = somebodys_card(world, False)
    station_visit = start(world, card, Purpose.REGISTER, KeylessCard())
    station_visit.send()
    code, attempt, visit = world.relay.code, station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.submit(visit, attempt, Code(code)))


def _changes_email_on_a_claim(world: World) -> Case:
    card = somebodys_card(world)
    station_visit = _owner_proven(world, card, Purpose.CHANGE_EMAIL)
    station_visit.email(OTHER)
    code, attempt, visit = world.relay.code, station_visit.attempt(), station_visit.visit
    return Case(world, card, visit, lambda at: at.submit(visit, attempt, Code(code)))


def _first_unlock(world: World) -> tuple[Card, StationVisit, Grant]:
    """Come to the new PIN with a code from staff, in an hour whose one mailed code went out."""
    world.policy = Policy(codes_an_hour=1, visits_a_minute=1000)
    card = somebodys_card(world, False)
    earlier = start(world, card, Purpose.REGISTER, KeylessCard())
    earlier.send()
    earlier.pull()
    issued = give(office_beside(world), card)
    station_visit = _inserted(world, card)
    world.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    station_visit.enter(issued.code)
    return card, station_visit, station_visit.grant()


def _unlocks_first(world: World) -> Case:
    card, station_visit, grant = _first_unlock(world)
    visit = station_visit.visit
    return Case(
        world, card, visit, lambda at: at.record_outcome(visit, grant.journal, UnblockDone())
    )


def _ends_with_a_first_unlock(world: World) -> Case:
    """No code can be mailed for the registration that would follow."""
    card, station_visit, grant = _first_unlock(world)
    visit = station_visit.visit
    world.authority.record_outcome(visit, grant.journal, UnblockDone())
    world.authority.pin_challenge(visit)
    return Case(world, card, visit, lambda at: at.pin_verified(visit, None))


def _chooses_anew(world: World) -> Case:
    card = somebodys_card(world)
    before = _inserted(world, card)
    before.to_code()
    before.pull()
    visit = _inserted(world, card).visit
    return Case(world, card, visit, lambda at: at.choose(visit, Purpose.UNLOCK, True))


def _sends_too_soon(world: World) -> Case:
    card = somebodys_card(world)
    station_visit = _inserted(world, card)
    station_visit.to_code()
    attempt, visit, route = station_visit.attempt(), station_visit.visit, station_visit.route()
    return Case(world, card, visit, lambda at: at.prepare(visit, attempt, Factor.EMAIL_CODE, route))


def _sends_elsewhere(world: World) -> Case:
    """By the route of an address that was replaced since."""
    case = _sends(world)
    with world.store.begin() as uow:
        registration = uow.registrations.of_holder(case.card.holder_id)
        assert registration is not None
        put_registered(uow, registration, registered_address(registration.holder_id, "new@nhs.net"))
        uow.commit()
    return case


def _enters_stop_number(world: World, *, wrong: bool = False) -> Case:
    card = somebodys_card(world)
    before = _inserted(world, card)
    before.to_code()
    number = world.relay.sent[-1].html
    if wrong:
        number = f"{(int(number) + 1) % 10**12:012d}"
    station_visit = _inserted(world, card)
    world.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE)
    attempt, visit = station_visit.attempt(), station_visit.visit
    return Case(
        world, card, visit, lambda at: at.enter_stop_number(visit, attempt, Sensitive(number))
    )


def _maintains(world: World) -> Case:
    card = somebodys_card(world)
    world.officers_card(card)
    station_visit = start(world, card, Purpose.MAINTENANCE)
    attempt, visit = station_visit.attempt(), station_visit.visit
    act, why = MaintenanceAct.TEST_READER, MaintenanceReason.CHECK
    return Case(world, card, visit, lambda at: at.maintain(visit, attempt, act, why))


CALLS: dict[str, tuple[Callable[[World], Case], type]] = {
    "begin": (_begins, VisitOpened),
    "begin, unknown card": (_begins_unknown, Refusal),
    "prove": (_proves, VisitOpened),
    "prove, wrong": (_proves_wrongly, Refusal),
    "choose": (_chooses, object),
    "choose, anew": (_chooses_anew, AnswerQuestions),
    "pin_proven": (_proves_pin, SetPin),
    "pin_verified, claimed": (_claims_pin, SendCode),
    "pin_verified, no registration": (_ends_with_a_first_unlock, Finished),
    "save_questions": (_saves_questions, object),
    "save_questions, change": (_changes_questions, Finished),
    "give_email": (_gives_email, EnterCode),
    "give_email, proven": (
        lambda world: _gives_the_proven_email(world, Purpose.REGISTER),
        Finished,
    ),
    "give_email, proven, change": (
        lambda world: _gives_the_proven_email(world, Purpose.CHANGE_EMAIL),
        Finished,
    ),
    "submit answers": (_answers, SendCode),
    "submit answers, wrong": (lambda world: _answers(world, wrong=True), FactorWrong),
    "submit answers, last, right": (lambda world: _answers(world, failed=2), SendCode),
    "submit answers, last, wrong": (lambda world: _answers(world, wrong=True, failed=2), Refusal),
    "prepare": (_sends, EnterCode),
    "prepare, another": (_sends_another, EnterCode),
    "prepare, too soon": (_sends_too_soon, CodeNotSent),
    "prepare, moved": (_sends_elsewhere, SendCode),
    "submit code": (_enters, SetPin),
    "submit code, wrong": (lambda world: _enters(world, wrong=True), FactorWrong),
    "submit code, last, right": (lambda world: _enters(world, failed=4), SetPin),
    "submit code, last, wrong": (lambda world: _enters(world, wrong=True, failed=4), object),
    "submit code, register": (_registers, Finished),
    "submit code, owner": (_confirms_owner, ChooseQuestions),
    "submit code, change on a claim": (_changes_email_on_a_claim, Finished),
    "enter_stop_number": (_enters_stop_number, Finished),
    "enter_stop_number, wrong": (
        lambda world: _enters_stop_number(world, wrong=True),
        StopNumberWrong,
    ),
    "maintain": (_maintains, Maintain),
    "challenge": (_challenges, CardChallenge),
    "release": (_releases, Grant),
    "release, proof": (_releases_to_proof, Grant),
    "release, wrong proof": (lambda world: _releases_to_proof(world, wrong=True), Refusal),
    "release, admin key": (_uses_key, KeyGrant),
    "admit": (_admits, type(None)),
    "admit, forged": (lambda world: _admits(world, forged=True), Refusal),
    "settle, done": (lambda world: _settles(world, UnblockDone()), Finished),
    "settle, done, first": (_unlocks_first, ProvePin),
    "settle, not sent": (lambda world: _settles(world, UnblockNotSent()), SetPin),
    "settle, PIN refused": (lambda world: _settles(world, UnblockRefused(None, "history")), SetPin),
    "settle, wrong": (lambda world: _settles(world, UnblockRefused(2, "wrong secret")), Refusal),
    "settle, unknown": (lambda world: _settles(world, UnblockUnknown()), Refusal),
    "rotate_secret": (_renews, Sensitive),
    "confirm_rotation": (_renewed, type(None)),
    "pin_changing": (_changing_pin, type(None)),
    "pin_kept": (_keeps_pin, type(None)),
    "pin_changed": (_changes_pin, Finished),
    "end": (_ends, type(None)),
    "refuse": (_refuses, type(None)),
}

_AUDITED_AGAIN = {
    "begin, unknown card": {"refused"},
    "refuse": {"refused-at-station"},
    "save_questions": {"questions-taken"},
    "prepare, too soon": {"code-limited"},
    "submit answers, last, wrong": {"refused"},
    "submit code, last, wrong": {"code-dead"},
    "settle, unknown": {"unblock-reported-late"},
}
"""What a repeat adds to the audit, of the calls where a second row says nothing untrue."""


def _same(name: str, account: dict[str, object]) -> dict[str, object]:
    audit = account["audit"]
    assert isinstance(audit, dict)
    left = {kind: n for kind, n in audit.items() if kind not in _AUDITED_AGAIN.get(name, set())}
    return account | {"audit": left}


def _comparable(reply: object) -> object:
    """A secret that was drawn for one card is not that of another."""
    return type(reply) if isinstance(reply, Sensitive) else plain(reply)


_POSTGRESQL = pytest.mark.postgresql
_WHERE = [
    pytest.param("sqlite", False, id="sqlite-same process"),
    pytest.param("postgresql", True, id="postgresql-another process", marks=_POSTGRESQL),
]
if WHOLE:  # no estate has several authorities on one SQLite file
    _WHERE += [
        pytest.param("postgresql", False, id="postgresql-same process", marks=_POSTGRESQL),
        pytest.param("sqlite", True, id="sqlite-another process"),
    ]


@pytest.mark.parametrize(("each_world", "elsewhere"), _WHERE, indirect=["each_world"])
@pytest.mark.parametrize("name", CALLS)
def test_a_repeated_call_gets_the_same_answer_at_the_same_cost(
    lossy: Lossy, name: str, elsewhere: bool
) -> None:
    make, kind = CALLS[name]
    world = lossy.world
    first = make(world)
    lossy.other.policy = world.policy
    lossy.store.arm(0, Loss.ANSWER)
    expected = first.call(world.authority)
    assert isinstance(expected, kind), expected
    commits, cost = lossy.store.commits, first.account()
    for at in range(1, commits + 1):
        for loss in Loss:
            case = make(world)
            lossy.store.arm(at, loss)
            with pytest.raises(AuthorityUnavailable):
                case.call(world.authority)
            lossy.store.arm(0, loss)
            reply = _repeat(lossy, case, elsewhere=elsewhere)
            where = f"{loss} at commit {at} of {commits}"
            assert _comparable(reply) == _comparable(expected), where
            last = at == commits and loss is Loss.COMMIT
            # Where the last commit is undone, only the process that mailed a code knows so.
            mailed_twice = elsewhere and last and cost["mails"] == 1
            wanted = cost | ({"mails": 2} if mailed_twice else {})
            assert _same(name, case.account()) == _same(name, wanted), where
            if mailed_twice:
                first_mail, second_mail = world.relay.sent[-2:]
                assert first_mail.text == second_mail.text, "either mail has the code that is live"
            case.call(world.authority)
            assert _same(name, case.account()) == _same(name, wanted), f"{where}, once more"


def _repeat(lossy: Lossy, case: Case, *, elsewhere: bool) -> object:
    """Make the call again; another process waits until the first one cannot be mailing any more."""
    if not elsewhere:
        return case.call(lossy.world.authority)
    try:
        return case.call(lossy.other.authority)
    except AuthorityUnavailable:
        lossy.clock.forward(seconds=20)
        return case.call(lossy.other.authority)


@pytest.mark.parametrize(
    ("make", "slow"),
    [(_changes_questions, "hash"), (_enters_stop_number, "check")],
    ids=["save_questions", "enter_stop_number"],
)
def test_a_repeat_that_overtakes_the_first_call_at_another_process_gets_the_same_answer(
    lossy: Lossy, make: Callable[[World], Case], slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke, and the first process is still at work: either may be the last."""
    case = make(lossy.world)
    replies: list[object] = []

    def overtaken(do: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object) -> object:
            monkeypatch.undo()
            replies.append(case.call(lossy.other.authority))
            return do(*given)

        return call

    if slow == "hash":
        hash_sets = AnswerHasher.hash_sets
        monkeypatch.setattr(AnswerHasher, "hash_sets", overtaken(hash_sets))
    else:
        monkeypatch.setattr(misuse, "_is_theirs", overtaken(misuse._is_theirs))
    replies.append(case.call(lossy.world.authority))
    assert all(isinstance(reply, Finished) for reply in replies), replies
    assert len(replies) == 2


# --- what a repeat must not be good for ------------------------------------------------


def test_a_charge_is_for_one_set_of_answers(lossy: Lossy) -> None:
    """The charge took place and nobody looked: another set is not looked at for it."""
    world, case = lossy.world, _answers(lossy.world, wrong=True)
    right = _answers_of(world, case)
    lossy.store.arm(1, Loss.ANSWER)
    with pytest.raises(AuthorityUnavailable):
        case.call(world.authority)
    lossy.store.arm(0, Loss.ANSWER)
    reply = world.authority.submit(case.visit, f"{case.visit}-1", Answers(right))
    assert is_wrong(reply, AnswerQuestions)
    registration = world.registration(case.card)
    assert registration.failures + registration.unproven_failures == 1


def _answers_of(world: World, case: Case) -> tuple[Answer, ...]:
    task = world.authority.choose(case.visit, Purpose.UNLOCK)
    assert isinstance(task, AnswerQuestions)
    return answers_to(task)


def test_a_charge_is_for_one_code(lossy: Lossy) -> None:
    world, case = lossy.world, _enters(lossy.world, wrong=True)
    right, visit = world.relay.code, case.visit
    lossy.store.arm(1, Loss.ANSWER)
    with pytest.raises(AuthorityUnavailable):
        case.call(world.authority)
    lossy.store.arm(0, Loss.ANSWER)
    assert is_wrong(world.authority.submit(visit, f"{visit}-3", Code(right)), EnterCode)


def test_what_was_given_is_not_kept_once_it_has_its_verdict(lossy: Lossy) -> None:
    world, kept = lossy.world, select(AttemptRow).where(col(AttemptRow.given).is_not(None))
    for case in (_answers(world), _answers(world, wrong=True), _enters(world)):
        case.call(world.authority)
        with world.store.read() as uow:
            assert uow._gateway.many(kept, AttemptRow) == []


def test_a_secret_is_not_released_again_once_its_outcome_is_known(lossy: Lossy) -> None:
    world, case = lossy.world, _releases(lossy.world)
    grant = case.call(world.authority)
    assert isinstance(grant, Grant)
    world.authority.record_outcome(case.visit, grant.journal, UnblockDone())
    with pytest.raises(StepRefused):
        case.call(world.authority)


def test_a_cryptogram_is_made_for_one_number_of_the_card(lossy: Lossy) -> None:
    world, case = lossy.world, _uses_key(lossy.world)
    first, visit = case.call(world.authority), case.visit
    assert isinstance(first, KeyGrant)
    again = case.call(world.authority)
    assert again == first
    attempt = f"{visit}-3"
    with pytest.raises(StepRefused):
        world.authority.release(visit, attempt, KeyNonce(bytes(range(16))))
    assert world.card(case.card).secret_exposure == 1
    world.clock.forward(seconds=61)
    with pytest.raises(StepRefused):
        case.call(world.authority)


def test_a_secret_goes_out_again_to_the_card_that_proves_itself_anew(lossy: Lossy) -> None:
    """The station lost the card's hold with the answer: the card signs another challenge."""
    world, reader_card = lossy.world, ReaderCard()
    card = somebodys_card(world, auth_key=reader_card.public)
    station_visit = world.insert(card, blocked=True, reader_card=reader_card)
    station_visit.to_new_pin()
    first = station_visit.release("act")
    again = station_visit.release("act")
    assert first == again
    assert isinstance(first, Grant)
    assert first.secret == Sensitive(PUK)
    with pytest.raises(StepRefused):
        station_visit.authority.release(station_visit.visit, "act")
    reader_card.key = ReaderCard().key
    refused = station_visit.release("act")
    assert isinstance(refused, Refusal)
    assert world.card(card).secret_exposure == 1


def test_a_request_that_arrives_twice_does_not_spoil_what_the_card_signs(lossy: Lossy) -> None:
    """A slow request, repeated elsewhere: the first may be carried out last."""
    world, reader_card = lossy.world, ReaderCard()
    card = somebodys_card(world, auth_key=reader_card.public)
    visit, named = VisitId(new_id()), CardId(card.driver, card.identifier)
    report = CardReport(named, PinState(True), certificate=reader_card.shows)
    challenge = world.authority.begin(visit, report)
    assert isinstance(challenge, CardChallenge)
    assert world.authority.begin(visit, report) == challenge
    opened = world.authority.prove(visit, reader_card.answer(challenge))
    assert isinstance(opened, VisitOpened)
    station_visit = StationVisit(world, visit, opened, reader_card)
    station_visit.to_new_pin()
    before = world.authority.challenge(visit)
    assert isinstance(before, CardChallenge)
    assert before != challenge
    assert world.authority.challenge(visit) == before
    world.clock.forward(seconds=31)
    assert world.authority.challenge(visit) != before
