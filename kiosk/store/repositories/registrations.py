"""Registrations, and the attempts at their answers."""

from __future__ import annotations

from datetime import datetime

from kiosk.store.gateway import Gateway
from kiosk.store.records import Charge, Registration


class Registrations:
    """One a holder."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def of_holder(self, holder_id: str) -> Registration | None:
        """Return a holder's registration."""
        raise NotImplementedError

    def put(self, registration: Registration) -> None:
        """Add one, or overwrite the holder's address, questions, hashes and asked questions.

        Failures, block and the first ``registered_at`` of one that exists are kept: only
        the calls below change them.
        """
        raise NotImplementedError

    def charge(self, holder_id: str, attempt_id: str, max_failures: int) -> Charge | None:
        """Charge one attempt, before its answers are looked at; commit this alone.

        None when no attempt is left or the registration is blocked (or there is none). Of
        any number of concurrent callers exactly those that are left pass. A repeated
        ``attempt_id`` charges nothing and gives the first call's charge, ``fresh`` False.
        """
        raise NotImplementedError

    def give_back(self, holder_id: str, attempt_id: str) -> bool:
        """Conclude a charged attempt as right and take its failure back, once.

        False when it was concluded before: nothing changed then.
        """
        raise NotImplementedError

    def keep_charge(self, holder_id: str, attempt_id: str) -> bool:
        """Conclude a charged attempt as wrong; False when it was concluded before."""
        raise NotImplementedError

    def clear_failures(self, holder_id: str) -> None:
        """Set the failures to none; a block stays."""
        raise NotImplementedError

    def block(self, holder_id: str) -> bool:
        """Block on every station; False when it was blocked already."""
        raise NotImplementedError

    def unblock(self, holder_id: str) -> bool:
        """Lift a block and clear the failures; False when there was no block."""
        raise NotImplementedError

    def set_asked(self, holder_id: str, question_ids: tuple[int, ...]) -> tuple[int, ...]:
        """Pin the questions to ask unless some are pinned; return those that now are.

        Atomic, so two stations ask the same ones.
        """
        raise NotImplementedError

    def clear_asked(self, holder_id: str) -> None:
        """Forget the pinned questions: they were answered."""
        raise NotImplementedError

    def count_by_pepper(self) -> dict[str, int]:
        """Return how many registrations rest on each pepper id; reads every row."""
        raise NotImplementedError
