"""The errors of the authority and of staff, which no station sees."""

from __future__ import annotations

from kiosk.authority.refusals import AlteredRecord, Change, Refusal, code_of
from kiosk.contract.errors import KioskError


class ImportRefused(KioskError):
    """A file of people was refused as a whole; ``problems`` holds ``(line, reason)`` pairs."""

    def __init__(self, problems: tuple[tuple[int, str], ...]) -> None:
        super().__init__(f"{len(problems)} lines were refused")
        self.problems = problems


class AdministrationError(KioskError):
    """What staff asked for was not done; ``because`` is a code, or plain words that need none.

    ``screens.words.staff.refusals`` says it to them. As text it names the code alone.
    """

    def __init__(self, because: Refusal | str) -> None:
        super().__init__(because if isinstance(because, str) else code_of(because))
        self.because = because


class NotPermitted(AdministrationError):
    """The role may not do this; audited."""


class NotStaff(NotPermitted):
    """The key with which a session was opened lets nobody in any more."""


class NotTaken(AdministrationError):
    """Something was entered wrongly: ``field`` names it."""

    def __init__(self, field: str, because: Refusal | str) -> None:
        super().__init__(because)
        self.field = field


class AddressShared(NotTaken):
    """Somebody else has the address that was entered: it is taken where that is meant."""


class ConcurrentChange(AdministrationError):
    """Somebody else was first; ``changes`` are what was done since."""

    def __init__(self, because: Refusal | str, changes: tuple[Change | str, ...] = ()) -> None:
        super().__init__(because)
        self.changes = changes


class NotFound(AdministrationError):
    """There is no such person, card, code, station, question or member of staff (any more)."""


class RecordAltered(AdministrationError):
    """A record that was altered outside of the service prevents the act; it was audited."""

    def __init__(self, table: str, row: str, reference: str) -> None:
        super().__init__(AlteredRecord(table, row, reference))


class StoreError(KioskError):
    """The database refused a statement; ``code`` is its SQLSTATE or SQLite result code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_of_disk(self) -> bool:
        """Whether the disk of the database is full, or fails."""
        return self.code.startswith(("SQLITE_FULL", "SQLITE_IOERR", "53100"))


class ServerRefused(StoreError):
    """The database server is not reached, lets nobody in, or grants the role too little."""

    def lines(self) -> tuple[str, ...]:
        return (str(self), 'docs/database.md says what to do, under "When it does not work"')


class StoreBusy(StoreError):
    """Another writer held the database for longer than the busy time-out."""


class ProgramTooOld(StoreError):
    """The database serves newer programs alone, which write what this one does not know."""

    def __init__(self) -> None:
        super().__init__("the database serves no program as old as this one", "schema")


class ValueUnreadable(StoreError):
    """A stored value is none that its column may hold, or no text; the transaction goes on."""

    def __init__(self) -> None:
        super().__init__("a stored value cannot be read", "unreadable")


class RowAltered(StoreError):
    """A row does not match its MAC: it was written without the key. It is ``row`` of ``table``."""

    def __init__(self, table: str, row: str) -> None:
        super().__init__(f"row {row} of {table} was altered outside of the service", "row-altered")
        self.table = table
        self.row = row


class RowPutBack(RowAltered):
    """A row says less than the audit: it is an older one, with its older MAC, or is missing."""


class AuditNotIntact(KioskError):
    """A row of the audit does not fit: ``row`` is the first one, ``because`` the reason.

    ``name`` is its number as people read it.
    """

    def __init__(self, row: int, name: str, because: str) -> None:
        super().__init__(f"row {name} of the audit does not fit: {because}")
        self.row = row
        self.because = because


class SealBroken(KioskError):
    """A sealed secret was moved, altered or belongs to another revision."""


class KeyMissing(KioskError):
    """Neither the key file nor a token holds the key."""


class KeysUnavailable(KioskError):
    """The token of the master keys gives no answer or refuses the PIN; try again later."""


class ResourcesExhausted(KioskError):
    """This machine has no memory or no thread left for it; try again later."""


class MailError(KioskError):
    """A message did not leave."""


class MailNotTrusted(MailError):
    """TLS to the relay could not be verified; no login and no message was sent."""


class MailUnavailable(MailError):
    """The relay could not be reached, or did not take the message before the deadline."""


class MailDenied(MailUnavailable):
    """The relay refused by a policy: perhaps this recipient alone, perhaps all of our mail."""


class NoticeUnknown(MailError):
    """This version of the program has no such notice; another one queued it."""


class MailRefused(MailError):
    """The relay refused this recipient or message permanently; a retry will not help."""
