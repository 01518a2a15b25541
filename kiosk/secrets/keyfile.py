"""The key file: JSON, for its owner's eyes alone, written whole or not at all.

It is either a file that an administrator names, or a credential that the service
manager puts into ``$CREDENTIALS_DIRECTORY``.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from kiosk.errors import ConfigError

Entries = tuple[tuple[str, str, bytes], ...]
"""Purpose, key id and key material, in the order of the file."""

_VERSION = 1
_NEW = "new"
_NO_UNNAMED_FILES = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
"""What open(2) answers to O_TMPFILE on a file system, or a kernel, that does not know it."""
_OTHERS = 0o077
# The service manager hands a credential to a service's user by an access list, whose
# mask then shows as the group's right to read.
_OTHERS_OF_CREDENTIAL = 0o037


def read(path: Path) -> Entries:
    """Read a key file; ``ConfigError`` where others may read it or it is not well formed."""
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            raw = file.read()
    except OSError as error:
        raise ConfigError(f"key file {path}: {error.strerror}; `kiosk setup` makes one") from None
    return _parse(path, raw)


def create(path: Path, entries: Entries) -> None:
    """Write a new key file; ``ConfigError`` where there is one: keys are never overwritten."""
    try:
        with _new_file(path) as (file, source):
            _write(file, entries)
            _link(source, path)
    except FileExistsError:
        raise ConfigError(f"key file {path}: there is one already; it is left alone") from None
    except OSError as error:
        raise ConfigError(f"key file {path}: {error.strerror}") from None
    _sync_directory(path.parent)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep other programs from changing the file meanwhile: a key that is lost is lost for good.

    What a program that was killed here has left of its new file is deleted first.
    """
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        for left in leftovers(path):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(directory)


def replace(path: Path, entries: Entries) -> None:
    """Put a new key file in the place of ``path`` in one step, keeping its owner.

    The new file has a name only between two system calls, so a program that is killed leaves
    no copy of the keys but in that moment; ``held`` deletes one that it left. Call it in there.
    """
    named = path.with_name(f".{path.name}.{_NEW}")
    try:
        with _new_file(path) as (file, source):
            owner = path.stat()
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            _write(file, entries)
            _link(source, named)
            named.replace(path)
    except OSError as error:
        named.unlink(missing_ok=True)
        raise ConfigError(f"key file {path}: {error.strerror}") from None
    _sync_directory(path.parent)


def leftovers(path: Path) -> tuple[Path, ...]:
    """Return what programs that were killed have left of new key files beside ``path``."""
    name = re.compile(rf"\.{re.escape(path.name)}\.(?:{_NEW}|[0-9a-f]{{8}})")
    try:
        return tuple(sorted(each for each in path.parent.iterdir() if name.fullmatch(each.name)))
    except OSError:
        return ()


def _check_owner(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"key file {path}: it is not a plain file")
    if os.geteuid() != 0 and found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(f"key file {path}: it belongs to somebody else; chown it to this user")
    forbidden = _OTHERS_OF_CREDENTIAL if _is_credential(path) else _OTHERS
    if found.st_mode & forbidden:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(f"key file {path}: others may read it (mode {mode:04o}); chmod 0600 it")


def _is_credential(path: Path) -> bool:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(directory) and path.parent == Path(str(directory))


def _parse(path: Path, raw: bytes) -> Entries:
    """Turn the bytes into entries; what is wrong is told without quoting the file."""
    try:
        document = json.loads(raw)
        if document["version"] != _VERSION:
            raise ConfigError(f"key file {path}: its version is not {_VERSION}")
        return tuple(_entry(item) for item in document["keys"])
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"key file {path}: it is damaged, or not a key file") from None


def _entry(item: Mapping[str, object]) -> tuple[str, str, bytes]:
    purpose, key_id, key = item["purpose"], item["id"], item["key"]
    if not (isinstance(purpose, str) and isinstance(key_id, str) and isinstance(key, str)):
        raise TypeError
    return purpose, key_id, base64.b64decode(key, validate=True)


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file (0600) beside ``path``, and return it with what it can be linked from.

    It has no name, so it is gone where the program is killed. On a file system that knows no
    such files it has one, which ``leftovers`` finds.
    """
    try:
        handle = os.open(path.parent, os.O_RDWR | os.O_TMPFILE, 0o600)
        named = None
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
        named = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(named, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, named or Path(f"/proc/self/fd/{handle}")
    finally:
        if named is not None:
            named.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Give the file another name; ``source`` may be a link in /proc, which is followed."""
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        # With a folder named Python calls linkat(2), which follows links; link(2) does not.
        os.link(source, target, src_dir_fd=directory, follow_symlinks=True)
    finally:
        os.close(directory)


def _write(file: BinaryIO, entries: Entries) -> None:
    """Write the whole file, safe on the disk."""
    file.write(_render(entries))
    file.flush()
    os.fsync(file.fileno())


def _render(entries: Entries) -> bytes:
    keys = [
        {"purpose": purpose, "id": key_id, "key": base64.b64encode(material).decode()}
        for purpose, key_id, material in entries
    ]
    return json.dumps({"version": _VERSION, "keys": keys}, indent=2).encode() + b"\n"


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
