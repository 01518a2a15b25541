"""A hash of answers that was made before folding took the spaces away."""

from __future__ import annotations

from kiosk.authority.crypto.keys import NEEDED, Key, KeyRing
from kiosk.authority.store.records import JointHash

OWNER = "holder-1"
FIRST, SECOND = "Siân O'Brien", "李小龍"
RING = KeyRing({each: (Key(f"{each.value}-1", bytes(range(32))),) for each in NEEDED})
OLD = JointHash(
    (2, 7),
    "$argon2id$v=19$m=32,t=1,p=1$V4oKXksVv1EEcpyl/uQd8g$"
    "rsqH8Mmcf83BkXqNm3Rx/orwTBTz8Rz0yKoZPQZcp5o",
    "pepper-1",
)
"""Of ``FIRST`` for question 2 and ``SECOND`` for question 7, with the pepper of ``RING``."""
