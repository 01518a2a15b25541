"""Walk away and come back: a code that was sent is still waited for, at any station."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from kiosk.authority.assisted import is_assisted
from kiosk.authority.offers import is_registered, secret_barred
from kiosk.authority.scene import VISIT_LIFE, Scene, look
from kiosk.dialogue import Purpose
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import EmailCode


def resumed(uow: UnitOfWork, scene: Scene) -> Scene | None:
    """Return the scene of a visit that goes on at the code page, or None.

    It inherits what the code was sent on: that the answers were right, or what a
    registration or a change had gathered behind a proven PIN. Nothing else. A code that
    staff gave was sent on nothing: its visit goes the whole way.
    """
    code = scene.code
    if code is None or is_assisted(code) or not _makes_sense(scene, code.purpose):
        return None
    proven_at = _inherited(scene, code)
    visit = replace(
        scene.visit,
        purpose=code.purpose,
        pending_id=code.pending_id,
        questions_proven_at=proven_at,
        questions_carried=proven_at is not None,
    )
    carried = look(uow, scene.policy, visit, scene.card, scene.holder)
    return carried if carried.waiting_code is not None else None


def _inherited(scene: Scene, code: EmailCode) -> datetime | None:
    """The answers keep the time at which they were given: no chain of codes carries them on."""
    given_at = code.questions_proven_at
    if code.purpose is not Purpose.UNLOCK or given_at is None:
        return None
    return given_at if scene.now - given_at < VISIT_LIFE else None


def _makes_sense(scene: Scene, purpose: Purpose) -> bool:
    registration = scene.registration
    if registration is not None and registration.blocked_at is not None:
        return False
    proves = scene.visit.genuine_at is not None
    registered = is_registered(registration, scene.policy, card_proves=proves)
    match purpose:
        case Purpose.UNLOCK:
            told = scene.visit.secret_tries
            return registered and secret_barred(scene.card, told) is None
        case Purpose.REGISTER:
            return not registered
        case Purpose.FIRST_UNLOCK:
            return False
        case (
            Purpose.CHANGE_PIN
            | Purpose.CHANGE_QUESTIONS
            | Purpose.CHANGE_EMAIL
            | Purpose.REPORT_MISUSE
        ):
            return registered
        case _:
            assert_never(purpose)
