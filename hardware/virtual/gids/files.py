"""The minidriver's files, each a data object in a file that stands for who may read and write it.

Their contents are those of a card that holds no certificate yet. The master file is a list
of names, each with the place of its content.
"""

from __future__ import annotations

import struct

USER_CREATES, USER_WRITES, ADMIN_WRITES = 0xA000, 0xA010, 0xA012
MASTER_FILE = (USER_CREATES, 0xDF1F)
CARD_ID = (ADMIN_WRITES, 0xDF20)
CARD_APPLICATIONS = (USER_WRITES, 0xDF21)
CACHE_FILE = (USER_WRITES, 0xDF22)
CONTAINER_MAP = (USER_WRITES, 0xDF23)

_DIRECTORY = b"mscp"
_NAMES = (
    (b"", b"cardid", CARD_ID),
    (b"", b"cardapps", CARD_APPLICATIONS),
    (b"", b"cardcf", CACHE_FILE),
    (_DIRECTORY, b"cmapfile", CONTAINER_MAP),
)
_FORMAT = b"\x01"


def personalised(card_id: bytes) -> dict[tuple[int, int], bytes]:
    """Return the files of a new card; ``card_id`` is 16 bytes."""
    return {
        MASTER_FILE: _master_file(),
        CARD_ID: card_id,
        CARD_APPLICATIONS: _DIRECTORY.ljust(8, b"\0"),
        CACHE_FILE: bytes(6),
        CONTAINER_MAP: b"",
    }


def _master_file() -> bytes:
    directory = _record(_DIRECTORY, b"", (USER_CREATES, 0))
    return _FORMAT + directory + b"".join(_record(*names) for names in _NAMES)


def _record(directory: bytes, name: bytes, place: tuple[int, int]) -> bytes:
    """Two names of nine bytes and two that fill up; tag and file, the least byte first."""
    file, tag = place
    return struct.pack("<9s9sxxII", directory, name, tag, file)
