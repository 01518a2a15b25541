"""Files that staff have written into the exports folder of the service's machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kiosk.errors import NotTaken

FIELD = "exports"
"""The field that ``NotTaken`` names: nothing that was entered is wrong, the folder is."""


@contextmanager
def new_file(folder: Path, name: str, ending: str) -> Iterator[tuple[Path, IO[bytes]]]:
    """Open ``NAME.ENDING`` for writing, for its owner alone; it is on the disk afterwards.

    No file is ever overwritten: where there is one, the new one is ``NAME-2.ENDING``. What
    could not be written to the end is removed. Raises ``NotTaken`` that says what is wrong
    with the folder.
    """
    try:
        path, file = _opened(folder, name, ending)
        try:
            with file:
                yield path, file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        because = error.strerror or "it does not answer"
        raise NotTaken(FIELD, f"The exports folder {folder}: {because}.") from None


def _opened(folder: Path, name: str, ending: str) -> tuple[Path, IO[bytes]]:
    number = 1
    while True:
        path = folder / (f"{name}.{ending}" if number == 1 else f"{name}-{number}.{ending}")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            number += 1
        else:
            return path, os.fdopen(descriptor, "wb")
