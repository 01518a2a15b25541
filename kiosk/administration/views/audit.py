"""The audit as staff read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is shown; an empty field does not narrow. ``since`` counts, ``until`` does not.

    ``person`` is a holder number or a holder's id, ``staff`` a name or a staff id.
    """

    person: str = ""
    station: str = ""
    staff: str = ""
    kind: str = ""
    reference: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row; ``told`` is what happened in plain words, ``detail`` the rest as written."""

    seq: int
    at: datetime
    kind: str
    told: str
    person: str
    station: str
    who: str
    reference: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows, newest first; ``older`` is what to ask with for the next page, None: no more."""

    lines: tuple[AuditLine, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What a verification found; ``fault`` names the first row that does not fit, in words.

    ``anchored_to`` is the last row that a good anchor covers.
    """

    rows: int
    anchors: int
    anchored_to: int
    fault: str
    fault_row: int | None

    @property
    def intact(self) -> bool:
        """True when everything fits."""
        return self.fault_row is None


class ExportFormat(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"
