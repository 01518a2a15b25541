"""The policy as it counts at this moment, for a program that runs for months."""

from __future__ import annotations

import logging
import threading

from kiosk.administration.policy_in_force import PolicyInForce, policy_in_force
from kiosk.config.policy import PolicySettings
from kiosk.errors import RowAltered, StoreError
from kiosk.policy import Policy
from kiosk.ports import Clock
from kiosk.store.database import Store

log = logging.getLogger(__name__)

EVERY_S = 10.0


class LivePolicy:
    """Returns the policy when it is called; safe to call from several threads.

    What staff set is read anew when it was last read ``every_s`` seconds ago. While the
    database does not answer, what was read last goes on counting. Before it ever answered
    that is the file's own, with which nothing can be decided anyway. While a setting is
    altered there is no policy: ``RowAltered``.
    """

    def __init__(
        self, store: Store, file: PolicySettings, clock: Clock, every_s: float = EVERY_S
    ) -> None:
        self._store = store
        self._file = file
        self._clock = clock
        self._every_s = every_s
        self._reading = threading.Lock()
        self._read_at: float | None = None
        self._in_force = PolicyInForce(file)
        self._policy = file.policy()
        self._altered: RowAltered | None = None

    def __call__(self) -> Policy:
        """Return the policy that counts now; raises nothing but ``RowAltered``."""
        now = self._clock.monotonic()
        # Before it was ever read, callers wait for each other; later they go on with the last.
        first = self._read_at is None
        if self._is_due(now) and self._reading.acquire(blocking=first):
            try:
                if self._is_due(now):
                    self._read(now)
            finally:
                self._reading.release()
        if (altered := self._altered) is not None:
            raise RowAltered(altered.table, altered.row)
        return self._policy

    def _is_due(self, now: float) -> bool:
        return self._read_at is None or now - self._read_at >= self._every_s

    def _read(self, now: float) -> None:
        try:
            with self._store.read() as uow:
                stored = uow.policy_changes.every()
        except RowAltered as altered:
            log.error("%s; nothing is decided without a policy", altered)  # noqa: TRY400
            self._altered, self._read_at = altered, now
            return
        except StoreError as error:
            log.warning("the policy could not be read (%s); the last one counts", error.code)
            self._read_at = None if self._read_at is None else now
            return
        self._altered = None
        found = policy_in_force(self._file, stored)
        if found != self._in_force:
            self._tell(found)
            self._in_force, self._policy = found, found.settings.policy()
        self._read_at = now

    def _tell(self, found: PolicyInForce) -> None:
        log.info("the policy has changed")
        for name, because in found.faults.items():
            log.error("what staff set for %s does not count: %s", name, because)
