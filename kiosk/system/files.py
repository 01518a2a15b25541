"""Files: those in a folder that another account may own, and whether one was replaced.

Such an account can put links into its folder at any moment.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

_STEP: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_ROOT: Final = 0
_NO_UNNAMED_FILES: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
"""Errors of open(2) with O_TMPFILE on a file system or kernel without it."""


@contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """Open a folder step by step, by no link but one of root's or of this user's.

    Yields a descriptor that names are relative to (``O_PATH``). Raises ``OSError``.
    """
    handle = os.open("/", _STEP)
    try:
        for name in path.absolute().parts[1:]:
            try:
                step = os.open(name, _STEP | os.O_NOFOLLOW, dir_fd=handle)
            except NotADirectoryError:  # so it is said of a link
                link = os.stat(name, dir_fd=handle, follow_symlinks=False)
                if not {link.st_uid, os.fstat(handle).st_uid} <= {_ROOT, os.geteuid()}:
                    raise
                step = os.open(name, _STEP, dir_fd=handle)
            os.close(handle)
            handle = step
        yield handle
    finally:
        os.close(handle)


def other_owner(path: Path) -> int | None:
    """Return which other account than root and this user's owns ``path``, or what leads to it.

    None where there is none; what is not there belongs to nobody.
    """
    real = path.resolve()
    for each in (path.absolute(), *path.absolute().parents, real, *real.parents):
        with suppress(OSError):
            owner = each.lstat().st_uid
            if owner not in (_ROOT, os.geteuid()):
                return owner
    return None


def read_text(path: Path) -> str:
    """Return the text of a file, without the mark that some editors put first.

    Raises ``OSError``, with ``ELOOP`` for a link, and ``UnicodeDecodeError``.
    """
    with opened_folder(path.parent) as folder:
        handle = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(handle, encoding="utf-8-sig") as file:
            return file.read()


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk; raises ``OSError``."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def unnamed_file(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file (0600) beside ``path``, and yield it with the path for ``give_name``.

    It has no name, so it vanishes when the program is killed. On a file system without such files
    it has one, which is hidden: a dot, that of ``path``, another dot and eight hexadecimal digits.
    """
    try:
        handle = os.open(path.parent, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
        named = None
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
        named = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(named, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, named or Path(f"/proc/self/fd/{handle}")
    finally:
        if named is not None:
            named.unlink(missing_ok=True)


def give_name(source: Path, target: Path) -> None:
    """Give an ``unnamed_file`` a name, which replaces none: raises ``FileExistsError``."""
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        # With a folder descriptor Python calls linkat(2), which follows the link in /proc; link(2)
        # does not.
        in_proc = source.is_relative_to("/proc")
        os.link(source, target, src_dir_fd=directory, follow_symlinks=in_proc)
    finally:
        os.close(directory)


def replace_text(path: Path, text: str, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Replace a file as a whole, for an owner (uid, gid), synced to the disk.

    Owner and mode are set where it is written to, not by its name. Raises ``OSError``.
    """
    new = f".{path.name}.new"
    made = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with opened_folder(path.parent) as folder:
        with suppress(FileNotFoundError):  # what a killed program left
            os.unlink(new, dir_fd=folder)
        handle = os.open(new, made, 0o600, dir_fd=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                if owner is not None:
                    os.fchown(handle, *owner)
                os.fchmod(handle, mode)
                file.write(text)
                file.flush()
                os.fsync(handle)
            os.rename(new, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException as failed:
            with suppress(FileNotFoundError):
                os.unlink(new, dir_fd=folder)
            if isinstance(failed, OSError) and failed.filename is None:  # a full disk
                raise OSError(failed.errno, failed.strerror, str(path)) from None
            raise
        named = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(named)
        finally:
            os.close(named)


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
