"""The audit as a file: CSV for a spreadsheet, or JSON lines for a program."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import UTC
from typing import IO

from kiosk.administration.audit_lines import BATCH, AuditLines
from kiosk.administration.csv_text import csv_line
from kiosk.administration.progress import Progress
from kiosk.administration.views.audit import AuditLine, ExportFormat
from kiosk.store.audit_records import AuditQuery
from kiosk.store.unit_of_work import UnitOfWork

COLUMNS = tuple(field.name for field in fields(AuditLine))


class AuditExport:
    """Writes what a query finds, oldest first, as it comes out of the database.

    ``rows`` and ``digest`` (SHA-256 of all that was written) are known afterwards.
    """

    def __init__(self, file: IO[bytes], how: ExportFormat) -> None:
        self.rows = 0
        self._file = file
        self._how = how
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The file's SHA-256 in hexadecimal."""
        return self._hash.hexdigest()

    def write(self, uow: UnitOfWork, query: AuditQuery, progress: Progress) -> None:
        """Write all of it; progress is told in rows."""
        total = uow.trail.count(query)
        if self._how is ExportFormat.CSV:
            self._put(csv_line(COLUMNS))
        progress(0, total)
        for lines in _batches(uow, query):
            self._put("".join(map(self._text, lines)))
            self.rows += len(lines)
            progress(self.rows, total)

    def _text(self, line: AuditLine) -> str:
        values = asdict(line) | {"at": line.at.astimezone(UTC).isoformat()}
        if self._how is ExportFormat.CSV:
            return csv_line([values[name] for name in COLUMNS])
        return json.dumps(values, ensure_ascii=False) + "\n"

    def _put(self, text: str) -> None:
        written = text.encode("utf-8")
        self._hash.update(written)
        self._file.write(written)


def _batches(uow: UnitOfWork, query: AuditQuery) -> Iterator[tuple[AuditLine, ...]]:
    lines, after = AuditLines(uow), 0
    while events := uow.trail.oldest(query, after, BATCH):
        yield lines.of(events)
        after = events[-1].seq
