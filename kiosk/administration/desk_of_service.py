"""The part of the administration's port that is about the service itself, not about a person.

What its calls raise and have in common is said in ``kiosk.administration.desk``.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from kiosk.administration.progress import Progress
from kiosk.administration.views.acting import Done, Grounds
from kiosk.administration.views.audit import AuditFilter, AuditPage, ChainVerdict, ExportFormat
from kiosk.administration.views.service import (
    ImportFile,
    ImportResult,
    PolicyLine,
    QuestionLine,
    Report,
    Span,
    StaffLine,
    StationLine,
    Written,
)
from kiosk.roles import Role


class StationsDesk(Protocol):
    """The stations of the estate."""

    def every(self) -> tuple[StationLine, ...]:
        """Return all, by name; the retired ones last."""

    def retire(self, name: str, grounds: Grounds) -> Done:
        """Let a station serve nobody any more."""

    def reinstate(self, name: str, grounds: Grounds) -> Done:
        """Undo that."""


class AuditDesk(Protocol):
    """The audit."""

    def page(self, only: AuditFilter, before: int | None = None, limit: int = 100) -> AuditPage:
        """Return rows, newest first, from before row ``before`` (None: the newest)."""

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Return the kinds of rows there can be, each with what it means in plain words."""

    def verify(self, progress: Progress) -> ChainVerdict:
        """Walk the whole chain; progress is told in rows."""

    def export(self, only: AuditFilter, how: ExportFormat, progress: Progress) -> Written:
        """Write what the filter shows, oldest first, into the exports folder."""

    def redact(self, row: int, grounds: Grounds, *, whole: bool = False) -> Done:
        """Take the reason of a row out of the audit, and with ``whole`` its detail as well."""


class QuestionsDesk(Protocol):
    """The list of security questions; answers cannot be shown by anybody."""

    def every(self) -> tuple[QuestionLine, ...]:
        """Return all, the retired ones last."""

    def add(self, text: str, grounds: Grounds) -> Done:
        """Offer another one."""

    def retire(self, question_id: int, grounds: Grounds) -> Done:
        """Offer one to nobody new; people who use it keep it."""

    def revive(self, question_id: int, grounds: Grounds) -> Done:
        """Offer it again."""


class PolicyDesk(Protocol):
    """The policy, as stations take it up within a minute."""

    def every(self) -> tuple[PolicyLine, ...]:
        """Return all settings, in the order of the settings file."""

    def change(self, name: str, value: str, revision: int, grounds: Grounds) -> Done:
        """Let another value count."""

    def reset(self, name: str, revision: int, grounds: Grounds) -> Done:
        """Let the settings file's value count again."""


class StaffDesk(Protocol):
    """The members of staff and their keys."""

    def every(self) -> tuple[StaffLine, ...]:
        """Return all by name, the removed ones last."""

    def add(self, name: str, role: Role, public_key: str, grounds: Grounds) -> Done:
        """Add a member with a first key, as a line of an OpenSSH ``.pub`` file."""

    def change_role(self, staff_id: str, role: Role, revision: int, grounds: Grounds) -> Done:
        """Give another role; nobody changes their own, and one manager has to stay."""

    def remove(self, staff_id: str, revision: int, grounds: Grounds) -> Done:
        """Let a member in no more; nobody removes themselves, and one manager has to stay."""

    def add_key(self, staff_id: str, public_key: str, revision: int, grounds: Grounds) -> Done:
        """Let another key in."""

    def remove_key(self, staff_id: str, fingerprint: str, revision: int, grounds: Grounds) -> Done:
        """Let a key in no more; the last manager's last key stays."""


class ImportDesk(Protocol):
    """Importing people from files in the imports folder of the service's machine."""

    def files(self) -> tuple[ImportFile, ...]:
        """Return what is there, newest first."""

    def rehearse(self, name: str, progress: Progress) -> ImportResult:
        """Do all but write; progress is told in bytes."""

    def run(self, name: str, progress: Progress) -> ImportResult:
        """Import all of it, or nothing where it has problems."""


class ReportsDesk(Protocol):
    """Counts over time."""

    def make(self, span: Span, first: date, last: date) -> Report:
        """Count what was done from ``first`` to ``last``, both counted."""

    def export(self, span: Span, first: date, last: date) -> Written:
        """Write that as CSV into the exports folder."""
