"""Files that staff write into the exports folder of the service's machine."""

from __future__ import annotations

import csv
import io
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, Final, TypeVar

from kiosk.authority.errors import NotTaken, StoreBusy, StoreError
from kiosk.authority.refusals import ExportsDiskFull, ExportsFolderFails
from kiosk.config.loading import require_own_folder
from kiosk.system.files import give_name, sync, unnamed_file

log = logging.getLogger(__name__)

T = TypeVar("T")

# Tables as CSV (RFC 4180) that a spreadsheet opens without running anything in it.
#
# Spreadsheets of some countries split a line at each semicolon, also within quotes. A formula is
# therefore looked for wherever a cell could begin, and not only where one of ours does.

_FORMULA: Final = re.compile(
    r"""
    (?: ^ | (?<=[;,|\t\r\n]) )        # where a cell begins, however the line is split
    (?P<before> (?: [^\S\t\r\n] | ["'] )* )    # what a spreadsheet may strip
    (?= [=+\-@\t\r＝＋－＠] )          # with what a formula begins, in full width too
    """,
    re.VERBOSE,
)


CSV_BEGINS: Final = "\ufeff"
"""Begins a file of CSV: without this mark Excel takes UTF-8 for the code page of its country."""


def csv_line(cells: Sequence[object]) -> str:
    """Return one line, every cell quoted; a formula gets an apostrophe before it."""
    text = io.StringIO()
    defused = [_FORMULA.sub(r"'\g<before>", str(cell)) for cell in cells]
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(defused)
    return text.getvalue()


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return "".join(csv_line(row) for row in (columns, *rows))


FIELD = "exports"
"""The field in ``NotTaken``: the folder is wrong, and no entered value."""


LEAST_ROOM: Final = 500 * 2**20
"""Bytes of the disk that exports leave free: the database may be on it, and serves nobody then."""


def need_room(folder: Path) -> None:
    """Raise ``NotTaken`` where staff would fill the disk with what they export."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if shutil.disk_usage(there).free < LEAST_ROOM:
        raise NotTaken(FIELD, ExportsDiskFull(str(folder), LEAST_ROOM // 2**20))


def write_file(
    folder: Path, name: str, ending: str, write: Callable[[IO[bytes]], T]
) -> tuple[Path, T]:
    """Write ``NAME.ENDING``, readable by its owner only; return its path and what ``write`` does.

    A missing folder is made. The file has its name once all of it is on the disk, so that nobody
    takes half of it for all. No file is overwritten: where there is one, the new one is
    ``NAME-2.ENDING``. Raises ``NotTaken`` that says what is wrong with the folder. Record it
    afterwards, within ``recorded``: only now it is there to be recorded.
    """
    require_own_folder(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with unnamed_file(folder / f"{name}.{ending}") as (file, source):
            result = write(file)
            file.flush()
            os.fsync(file.fileno())
            for number in count(1):
                path = folder / (f"{name}.{ending}" if number == 1 else f"{name}-{number}.{ending}")
                with suppress(FileExistsError):
                    give_name(source, path)
                    break
        try:
            sync(folder)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotTaken(FIELD, ExportsFolderFails(str(folder), error.strerror or "")) from None
    return path, result


@contextmanager
def recorded(path: Path) -> Iterator[None]:
    """Remove a complete file where the body, which records it in the audit, fails.

    An interruption, or a database that was lost during the commit, leaves it: it may be recorded
    by then, and a purge goes by the record.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StoreError) and not isinstance(error, StoreBusy):
            log.warning("%s stays, as the audit may say by now that it was exported", path)
            raise
        path.unlink(missing_ok=True)
        raise
