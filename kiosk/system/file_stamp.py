"""Whether a file is another one than before."""

from __future__ import annotations

from pathlib import Path

FileStamp = tuple[int, int, int]
"""Its inode, when it was written (ns), and its size (bytes)."""


def stamp_of(file: Path) -> FileStamp | None:
    """Return the stamp of ``file``; None where it cannot be looked at."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class WatchedFile:
    """A file as it was when this was made."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = stamp_of(file)

    @property
    def is_away(self) -> bool:
        return stamp_of(self._file) is None

    @property
    def was_replaced(self) -> bool:
        """Whether it is another file now; one that is away, as during a move, is not."""
        return stamp_of(self._file) not in (None, self._stamp)
