"""Which parts of the authority answer: every heartbeat asks, so mostly answered from memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from kiosk.authority.errors import KeyMissing, KeysUnavailable, MailError, StoreError
from kiosk.authority.mail.compose import Mailer
from kiosk.authority.store.database import Store
from kiosk.contract.log_context import TroubleLog
from kiosk.contract.ports import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Which parts of the authority answer.

    ``keys`` are the master keys of unblock secrets, if any derive.
    """

    store: bool
    mail: bool
    keys: bool = True


STORE_S = 3.0
"""How long an answer of the database is reused for other stations."""

KEYS_S = 3.0
"""How long an answer of the token of master keys is reused."""

MAIL_S = 60.0
"""How long a good answer of the relay is reused."""

MAIL_AWAY_S = 15.0
"""How long a bad answer is reused: the relay is checked more often while it is away."""


class HealthWatch:
    """Checks database, master keys and relay, and reuses their answers for a while.

    One caller checks at a time; the others get the last result.
    """

    def __init__(
        self, store: Store, mailer: Mailer, clock: Clock, reach_keys: Callable[[], object]
    ) -> None:
        self._store = store
        self._mailer = mailer
        self._clock = clock
        self._reach_keys = reach_keys
        self._trouble = TroubleLog(log)
        self._asking = Lock()
        self._asking_mail = Lock()
        self._mail = True
        self._known = Health(store=True, mail=True)
        self._store_until = float("-inf")
        self._keys_until = float("-inf")
        self._mail_until = float("-inf")

    @property
    def mail_answered(self) -> bool | None:
        """Whether the relay answered the last check; None before the first."""
        return self._mail if self._mail_until > float("-inf") else None

    def ask_relay(self) -> bool:
        """Return whether the relay answers; the check may take as long as its deadline."""
        with self._asking_mail:
            if self._clock.monotonic() < self._mail_until:
                return self._mail
            try:
                self._mailer.check()
            except MailError:
                self._mail, lasts_s = False, MAIL_AWAY_S
            else:
                self._mail, lasts_s = True, MAIL_S
            self._mail_until = self._clock.monotonic() + lasts_s
            return self._mail

    def check(self) -> Health:
        """Return which parts answer; a check of the relay may take as long as its deadline."""
        if self._asking.acquire(blocking=False):
            try:
                was_well, store = self._known.store, self._store_answers()
                # The relay only while the database is well: a slow one must not delay its return.
                mail = self.ask_relay() if store and was_well else self._known.mail
                self._known = Health(store, mail, self._keys_answer())
            finally:
                self._asking.release()
        return self._known

    def _store_answers(self) -> bool:
        """Return whether it can decide: it has this program's tables, and room to write."""
        now = self._clock.monotonic()
        if self._known.store and now < self._store_until:
            return True
        try:
            if not self._store.schema_serves():
                return False
            self._store.check_writable()
        except StoreError as error:
            self._trouble.note(f"stations are out of service: {error}")
            return False
        self._trouble.note("")
        self._store_until = now + STORE_S
        return True

    def _keys_answer(self) -> bool:
        now = self._clock.monotonic()
        if self._known.keys and now < self._keys_until:
            return True
        try:
            self._reach_keys()
        except (KeyMissing, KeysUnavailable) as error:
            if self._known.keys:
                log.warning("the master keys are away: %s", error)
            return False
        if not self._known.keys:
            log.info("the master keys are there again")
        self._keys_until = now + KEYS_S
        return True
