"""Mail that came back or is late: which of a holder's addresses it was sent to is marked.

Anybody can send a report to a return path. So each mail to a holder has one of its own, with a tag
(``CodeMac.mail_tag``): the id of the mail and a MAC over it, so that nothing is kept for it. A
report without a right tag is counted, and not read. One with a right tag shows that its sender has
seen the mail, as who reads it has: therefore a mark bars nothing. Nothing of a report is kept but
its status, as it may quote the mail with its code.
"""

from __future__ import annotations

import email.parser
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from email.message import Message as Parsed
from enum import StrEnum
from pathlib import Path
from typing import Final

from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.errors import RowAltered
from kiosk.authority.records import Address
from kiosk.authority.store.database import Store, UnitOfWork

log = logging.getLogger(__name__)

MOST_BYTES: Final = 256 * 1024
"""More of a report is not read: what is asked for stands before the mail that it quotes."""

BELIEVED: Final = timedelta(days=7)
"""After a mail was sent: relays try for four or five days (RFC 5321, 4.5.4.1)."""

MOST_AT_ONCE: Final = 500
"""Files of a maildir that are read at once; the rest is for the next minute."""

IGNORED: Final = "bounces-ignored"
"""The job that counts what had no right tag; ``reached`` is the count."""


class Taken(StrEnum):
    """What became of a report."""

    FAILING = "the address is marked as failing"
    LATE = "the address is marked as late"
    NOTHING = "it says nothing of an address that is recorded"
    NO_TAG = "ignored: it was not sent to the return path of one of our mails"


NO_SUCH_ADDRESS: Final = "5.1.1"
"""The status of RFC 3463 for a number, too, to which no text message can be sent."""

# A delivery status notification: RFC 3464 in RFC 3462, with status codes of RFC 3463.

_TO: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
"""Where a relay, or who sends a report, writes to whom it goes."""

_STATUS: Final = re.compile(r"\s*([45]\.\d{1,3}\.\d{1,3})\b")
_NOT_GONE: Final = frozenset({"failed", "delayed"})


def status_of(raw: bytes) -> str:
    """Return the status of a mail that failed or is late, as "5.1.1"; empty for anything else.

    A mail that reached one of several mailboxes did not fail.
    """
    try:
        report = email.parser.BytesParser().parsebytes(raw)
    except (RecursionError, ValueError, LookupError):  # parts in parts without end
        return ""
    parts = _parts(report, "multipart/report")
    found: list[str] = []
    for block in _parts(parts[1], "message/delivery-status") if len(parts) > 1 else ():
        action = str(block.get("Action", "")).strip().lower()
        status = _STATUS.match(str(block.get("Status", "")))
        if not action:
            continue  # about the whole message
        if action not in _NOT_GONE or status is None:
            return ""
        # Who says that it is delayed does not say that it failed, whatever the number is.
        number = status.group(1)
        found.append("4" + number[1:] if action == "delayed" else number)
    return min(found, default="")


def _parts(whole: Parsed, kind: str) -> list[Parsed]:
    parts = whole.get_payload() if whole.get_content_type() == kind else None
    return [each for each in parts if isinstance(each, Parsed)] if isinstance(parts, list) else []


def tags_in(raw: bytes, address: str) -> Iterator[str]:
    """Yield what follows ``address`` and a plus in what a report is addressed to."""
    heads = email.parser.BytesHeaderParser().parsebytes(raw)
    local, _, domain = address.rpartition("@")
    pattern = rf"{re.escape(local)}\+([0-9a-z]+)@{re.escape(domain)}\b"
    for name in _TO:
        for text in heads.get_all(name, []):
            yield from re.findall(pattern, str(text), re.IGNORECASE)


class Bounces:
    """Takes in reports that came to the return paths of ``address``; ``folder`` is a maildir."""

    def __init__(
        self, store: Store, codes: CodeMac, address: str, folder: Path | None = None
    ) -> None:
        self._store = store
        self._codes = codes
        self._address = address
        self._folder = folder

    def take_in_folder(self) -> int:
        """Take in what was delivered to the maildir, if there is one, and delete it.

        Returns how many messages there were. Raises ``StoreError``, and then keeps what was not
        taken in, and ``OSError`` where the maildir cannot be read.
        """
        if self._folder is None:
            return 0
        taken = 0
        for file in sorted((self._folder / "new").iterdir())[:MOST_AT_ONCE]:
            if file.is_dir() and not file.is_symlink():
                continue
            if (raw := _read(file)) is not None:
                log.info("mail to the return path: %s", self.take_in(raw))
                taken += 1
            with suppress(FileNotFoundError):  # another process took it, too
                file.unlink()
        return taken

    def take_in(self, raw: bytes) -> Taken:
        """Mark the address that a report is about; raises ``StoreError``, and then marks nothing.

        Of a message of any size, its first ``MOST_BYTES`` count.
        """
        raw = raw[:MOST_BYTES]
        tags = tags_in(raw, self._address)
        mail_id = next((found for tag in tags if (found := self._codes.mail_of(tag))), None)
        if mail_id is None:
            with self._store.begin() as uow:
                _count(uow)
                uow.commit()
            return Taken.NO_TAG
        if not (status := status_of(raw)):
            return Taken.NOTHING
        try:
            with self._store.begin() as uow:
                marked = mark(uow, mail_id, status)
                uow.commit()
        except RowAltered as altered:  # staff are told of it by the check of all rows
            log.warning("a report of mail that came back marks nothing: %s", altered)
            return Taken.NOTHING
        if not marked:
            return Taken.NOTHING
        return Taken.FAILING if status.startswith("5") else Taken.LATE


def _count(uow: UnitOfWork) -> None:
    uow.jobs.claim(IGNORED, timedelta(0))
    uow.jobs.reach(IGNORED, str(ignored(uow) + 1))


def ignored(uow: UnitOfWork) -> int:
    """Return how many messages without a right tag came to the return paths."""
    job = uow.jobs.get(IGNORED)
    return int(job.reached) if job is not None and job.reached.isdecimal() else 0


def mark(uow: UnitOfWork, mail_id: str, status: str) -> bool:
    """Mark the address of a mail, wherever its holder has it; return whether there is one."""
    found = _address_of(uow, mail_id)
    if found is None:
        return False
    holder_id, value = found
    around = uow.addresses.around(holder_id)
    theirs = [one for one in around[2] if one.value.lower() == value.lower()] if around else []
    marked = [one for one in theirs if uow.addresses.mark_bounced(one.id, status)]
    if any(one.bounce[:1] != status[:1] for one in marked):
        kind = ServiceKind.MAIL_FAILED if status.startswith("5") else ServiceKind.MAIL_LATE
        uow.audit.append(
            kind=kind.value, reference="", holder_id=holder_id, detail={"status": status}
        )
    return bool(theirs)


def _address_of(uow: UnitOfWork, mail_id: str) -> tuple[str, str] | None:
    """Return the holder and the address of a mail; None where that is not known, or past.

    A code that was used has arrived. One that confirms an address goes to none that is recorded.
    """
    since = uow.now - BELIEVED
    if code := uow.codes.get(mail_id):
        if code.consumed_at is not None or code.sent_at is None or code.sent_at < since:
            return None
        address: Address | None = uow.addresses.of_holders([code.holder_id]).get(code.route)
        return (code.holder_id, address.value) if address else None
    notice = uow.outbox.get(mail_id)
    if notice is None or notice.holder_id is None or notice.created_at < since:
        return None
    return notice.holder_id, notice.to


def _read(file: Path) -> bytes | None:
    """Return the beginning of a file; None for what is none, as a link or a pipe."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        log.warning("%s: %s", file, error.strerror)
        return None
    with os.fdopen(descriptor, "rb") as opened:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return opened.read(MOST_BYTES) if is_file else None
