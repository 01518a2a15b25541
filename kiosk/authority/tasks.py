"""Turning the next gate into the task that a station shows."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final, assert_never

from kiosk.authority.assisted import is_assisted
from kiosk.authority.scene import Scene, TurnedAway
from kiosk.authority.steps import Gate
from kiosk.dialogue import (
    AnswerQuestions,
    ChooseQuestions,
    EnterCode,
    EnterStopNumber,
    Finished,
    GiveEmail,
    ProvePin,
    Purpose,
    Question,
    Reason,
    SendCode,
    SetPin,
    Task,
)
from kiosk.errors import StepRefused
from kiosk.policy import mask_email, may_send_code
from kiosk.policy.codes import HOUR, SendVerdict
from kiosk.store.records import Registration
from kiosk.store.repositories.stop_numbers import DIGITS
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import EmailCode

STOP_ENTRIES_A_VISIT: Final = 5
STOP_ENTRIES_A_DAY: Final = 10
"""Wrong stop numbers that are taken for one holder: guessing must stop nobody."""


def next_task(uow: UnitOfWork, scene: Scene) -> Task:
    """Return what the holder does next; pins the questions to ask when they are first asked."""
    gate = scene.next_gate
    match gate:
        case None:
            return finished(uow, scene)
        case Gate.PIN:
            return ProvePin()
        case Gate.QUESTIONS:
            return _choose_questions(uow, scene)
        case Gate.EMAIL:
            return give_email(scene)
        case Gate.ANSWERS:
            return answer_questions(uow, scene)
        case Gate.CODE | Gate.OWNER:
            code = scene.waiting_code
            return enter_code(uow, scene, code) if code else send_code(scene)
        case Gate.STOP_NUMBER:
            return enter_stop_number(uow, scene)
        case Gate.NEW_PIN:
            return SetPin(scene.policy.pin_rules(scene.holder.number))
        case _:
            assert_never(gate)


def finished(uow: UnitOfWork, scene: Scene) -> Finished:
    """Say that all is done, and when a changed address counts."""
    purpose = scene.progress.purpose
    waiting = uow.address_changes.waiting(scene.holder.id)
    if purpose is not Purpose.CHANGE_EMAIL or waiting is None:
        return Finished(purpose)
    if waiting.visit_id != scene.visit.id:
        return Finished(purpose)
    return Finished(purpose, max(0.0, (waiting.effective_at - scene.now).total_seconds()))


def give_email(scene: Scene, typed: str = "") -> GiveEmail:
    """Suggest what was typed before, else the registered address, else the record's."""
    pending = scene.pending.email if scene.pending else None
    registered = scene.registration.email if scene.registration else None
    suggested = typed or pending or registered or scene.holder.email or ""
    return GiveEmail(suggested, scene.policy.email_domains)


def answer_questions(uow: UnitOfWork, scene: Scene) -> AnswerQuestions:
    """Ask the pinned questions; they are drawn once and stay until the card is unlocked."""
    registration = registration_of(scene)
    asked = registration.asked
    if not asked:
        drawn = draw_questions(registration, scene.policy.questions_asked)
        asked = uow.registrations.set_asked(registration.holder_id, drawn)
    texts = uow.questions.by_ids(asked)
    failures = registration.failures if scene.is_proven else registration.unproven_failures
    left = max(0 if scene.is_proven else 1, scene.policy.max_failures - failures)
    return AnswerQuestions(tuple(Question(i, texts[i].text) for i in asked), left)


def pause_left(scene: Scene) -> float:
    """Return for how many seconds no answers are taken with a card that is known by name only."""
    registration = scene.registration
    until = registration.unproven_until if registration else None
    if scene.is_proven or until is None:
        return 0.0
    return max(0.0, (until - scene.now).total_seconds())


def draw_questions(registration: Registration, count: int) -> tuple[int, ...]:
    """Draw one of the sets that were hashed: of ``count``, or of the nearest size there is."""
    sizes = {len(joint.subset) for joint in registration.hashes}
    if not sizes:
        raise TurnedAway(Reason.NOT_REGISTERED)
    size = min(sizes, key=lambda have: (abs(have - count), -have))
    sets = [joint.subset for joint in registration.hashes if len(joint.subset) == size]
    drawn = list(secrets.choice(sets))
    secrets.SystemRandom().shuffle(drawn)
    return tuple(drawn)


def send_code(scene: Scene) -> SendCode:
    """Say where a code has to go."""
    return SendCode(mask_email(scene.address), scene.asks_owner)


def enter_code(uow: UnitOfWork, scene: Scene, code: EmailCode) -> EnterCode:
    """Ask for a code that can still be entered."""
    life = (code.expires_at or scene.now) - scene.now
    return EnterCode(
        masked="" if is_assisted(code) else mask_email(code.sent_to),
        digits=scene.policy.code_digits,
        expires_in_s=max(timedelta(0), life).total_seconds(),
        resend_in_s=may_send(uow, scene).wait.total_seconds(),
        tries_left=code.max_tries - code.tries,
        proves_owner=code.proves_owner,
    )


def stop_entries_left(uow: UnitOfWork, holder_id: str, visit_id: str) -> int:
    """Return how many stop numbers can still be entered in a visit."""
    return uow.stop_numbers.left(
        holder_id, visit_id, a_visit=STOP_ENTRIES_A_VISIT, a_day=STOP_ENTRIES_A_DAY
    )


def enter_stop_number(uow: UnitOfWork, scene: Scene) -> EnterStopNumber:
    """Ask for the number of a notice; ``TurnedAway`` after too many wrong ones."""
    left = stop_entries_left(uow, scene.holder.id, scene.visit.id)
    if not left:
        raise TurnedAway(Reason.STOP_NUMBER_WRONG)
    return EnterStopNumber(DIGITS, left)


def may_send(uow: UnitOfWork, scene: Scene) -> SendVerdict:
    """Judge whether another code may go out for this card now."""
    sent = uow.codes.send_times(
        scene.card.id,
        scene.now - HOUR,
        proves_owner=scene.asks_owner,
        unproven=not scene.is_proven,
    )
    return may_send_code(sent, scene.now, scene.policy)


def registration_of(scene: Scene) -> Registration:
    """Return the registration; ``StepRefused`` where there is none."""
    if scene.registration is None:
        raise StepRefused("the holder is not registered")
    return scene.registration


def _choose_questions(uow: UnitOfWork, scene: Scene) -> ChooseQuestions:
    bank = tuple(Question(one.id, one.text) for one in uow.questions.current())
    return ChooseQuestions(bank, scene.policy.questions_registered)
