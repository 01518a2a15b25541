"""Reading a file of people: CSV (RFC 4180) in UTF-8, with a header, one record at a time.

A line that cannot be read is remembered with its reason and reading goes on, so that all
of them can be put right at once.
"""

from __future__ import annotations

import csv
import hashlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kiosk.administration.people_header import Header, read_header
from kiosk.administration.people_line import PersonLine, Problem, read_person
from kiosk.errors import ImportRefused

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class PeopleFile:
    """Reads ``path`` once; ``problems``, ``lines`` and ``position`` grow while it does.

    ``lines`` counts the records, the header aside; ``position`` is in bytes of ``size``.
    """

    def __init__(self, path: Path, number_digits: int) -> None:
        self.problems: list[Problem] = []
        self.lines = 0
        self.position = 0
        self.size = 0
        self._path = path
        self._number_digits = number_digits
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of what has been read."""
        return self._hash.hexdigest()

    def people(self) -> Iterator[PersonLine]:
        """Yield the good lines; raises ``ImportRefused`` where it cannot be read at all."""
        try:
            with self._path.open("rb") as file:
                self.size = self._path.stat().st_size
                yield from self._people(file)
        except PermissionError:
            user = pwd.getpwuid(os.geteuid()).pw_name
            way = f"{user} may not read it; put it where it can, such as the imports folder"
            raise ImportRefused(((0, way),)) from None
        except OSError as error:
            raise ImportRefused(((0, error.strerror or "cannot be read"),)) from None

    def _people(self, file: BinaryIO) -> Iterator[PersonLine]:
        reader = csv.reader(self._texts(file), strict=True)
        begins = 1
        try:
            header = read_header(next(reader, []))
            begins = reader.line_num + 1
            for record in reader:
                if any(cell.strip() for cell in record):
                    self.lines += 1
                    yield from self._person(begins, record, header)
                begins = reader.line_num + 1
        except csv.Error:
            reason = "from here on it is no CSV: see quotation marks and line ends"
            self.problems.append((begins, reason))

    def _person(self, line: int, record: list[str], header: Header) -> Iterator[PersonLine]:
        if len(record) != len(header.columns):
            wanted = len(header.columns)
            self.problems.append((line, f"has {len(record)} cells, and the header {wanted}"))
            return
        person, reasons = read_person(line, header.cells(record), self._number_digits)
        self.problems.extend((line, reason) for reason in reasons)
        if person:
            yield person

    def _texts(self, file: BinaryIO) -> Iterator[str]:
        for number, raw in enumerate(file, start=1):
            self.position += len(raw)
            self._hash.update(raw)
            if number == 1 and raw.startswith(_UTF16):
                raise ImportRefused(((1, "this is UTF-16; save the file as CSV in UTF-8"),))
            yield self._decoded(number, raw.removeprefix(_BOM) if number == 1 else raw)

    def _decoded(self, number: int, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.problems.append((number, "is not UTF-8; save the file as CSV in UTF-8"))
            return raw.decode(errors="replace")
