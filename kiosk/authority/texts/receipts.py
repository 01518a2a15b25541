"""Text messages that never arrived: Notify is asked which, and the number of each is marked.

Nothing is kept for it: each message has a reference like the tag in the return path of a mail
(``CodeMac.mail_tag``). It is asked, and calls nobody back: the authority needs no port for that.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final, Protocol

from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.errors import MailError, RowAltered
from kiosk.authority.mail.bounces import NO_SUCH_ADDRESS, mark
from kiosk.authority.store.database import Store
from kiosk.authority.texts.senders import Undelivered

log = logging.getLogger(__name__)

JOB: Final = "text-receipts"
"""The job that asks; ``reached`` is when the newest failure that was taken in ended."""

_EVERY: Final = timedelta(seconds=50)


class Reports(Protocol):
    def undelivered(self) -> tuple[Undelivered, ...]:
        """Return the newest messages that will never arrive; raises ``MailError``."""


class Receipts:
    def __init__(self, store: Store, codes: CodeMac, reports: Reports) -> None:
        self._store = store
        self._codes = codes
        self._reports = reports

    def take_in(self) -> int:
        """Mark the numbers that messages did not reach; returns how many, of one caller a minute.

        Raises ``StoreError``. What was taken in marks no number again, where a right code has shown
        since that it is reached.
        """
        with self._store.begin() as uow:
            due, job = uow.jobs.claim(JOB, _EVERY), uow.jobs.get(JOB)
            uow.commit()
        if not due or job is None:
            return 0
        try:
            found = self._reports.undelivered()
        except MailError as error:
            log.warning("text messages that did not arrive are not known: %s", error)
            return 0
        new = [one for one in found if one.ended_at > job.reached]
        marked = sum(self._mark(one.reference) for one in new)
        if new:
            with self._store.begin() as uow:
                uow.jobs.reach(JOB, max(one.ended_at for one in new))
                uow.commit()
        return marked

    def _mark(self, reference: str) -> bool:
        message_id = self._codes.mail_of(reference)
        if message_id is None:
            return False
        try:
            with self._store.begin() as uow:
                marked = mark(uow, message_id, NO_SUCH_ADDRESS)
                uow.commit()
        except RowAltered as altered:  # staff are told of it by the check of all rows
            log.warning("a number that is not reached is not marked: %s", altered)
            return False
        return marked
