"""Stored answers: hashed jointly, one Argon2id hash for each set that could be asked.

Somebody with the database has to guess a whole set together, and needs the pepper, which is stored
elsewhere. Nobody, this program included, can find out which answer of a set was wrong. A hash is
bound to its owner: copied to another registration, it matches nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from threading import BoundedSemaphore, Lock
from typing import Final

from argon2.exceptions import (
    HashingError,
    InvalidHashError,
    VerificationError,
    VerifyMismatchError,
)
from argon2.low_level import Type, error_to_str, hash_secret, verify_secret

from kiosk.authority.crypto.derivation import framed
from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.authority.errors import ResourcesExhausted, SealBroken
from kiosk.authority.records import JointHash
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import fold

_SALT, _DIGEST = 16, 32

_EXHAUSTED: Final = frozenset((error_to_str(-22), error_to_str(-33)))
"""ARGON2_MEMORY_ALLOCATION_ERROR and ARGON2_THREAD_FAIL of argon2.h."""

_NO_MEMORY: Final = "no memory, or no thread, is left to hash answers with"

_FOLDED: Final = "2"
"""Begins each digest: the version of ``fold``. The row's MAC covers it with the digest."""

_UNREADABLE: Final = "a hash of answers cannot be read"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one Argon2id hash costs (RFC 9106): memory in KiB, passes and lanes."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4


class AnswerHasher:
    """Hashes and checks sets of answers; at most ``at_once`` hashes run at the same time.

    One hash takes about 0.1 s and 64 MiB. Three of four registered questions, the default, have 4
    sets; four of eight, the most that a policy may ask, have 70.
    """

    def __init__(self, ring: KeyRing, cost: Cost | None = None, at_once: int = 2) -> None:
        self._ring = ring
        self._cost = cost or Cost()
        self._at_once = at_once
        self._gate = BoundedSemaphore(at_once)
        self._counting = Lock()
        self._asked_for = 0

    @property
    def waiting(self) -> int:
        return max(0, self._asked_for - self._at_once)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until a hash may run; raises ``ResourcesExhausted``."""
        with self._counting:
            self._asked_for += 1
        try:
            with self._gate:
                yield
        except (HashingError, VerificationError) as error:
            if str(error) in _EXHAUSTED:
                raise ResourcesExhausted(_NO_MEMORY) from None
            raise
        finally:
            with self._counting:
                self._asked_for -= 1

    def hash_sets(
        self, owner: str, answers: Mapping[int, Sensitive], asked: int
    ) -> tuple[JointHash, ...]:
        """Hash every set of ``answers`` (by question id) that could be asked of ``owner``.

        ``asked`` is how many are asked at once: a smaller set would be easier to guess from a
        stolen database. Raises ``ResourcesExhausted``.
        """
        pepper = self._ring.current(KeyPurpose.PEPPER)
        subsets = list(combinations(sorted(answers), asked))
        secrets_of = [
            _peppered(pepper, owner, {question: answers[question] for question in ids})
            for ids in subsets
        ]
        try:
            with ThreadPoolExecutor(self._at_once, "answers") as pool:
                digests = list(pool.map(self._hash, secrets_of))
        except RuntimeError:  # it cannot start one
            raise ResourcesExhausted(_NO_MEMORY) from None
        return tuple(
            JointHash(ids, f"{_FOLDED}{digest}", pepper.id)
            for ids, digest in zip(subsets, digests, strict=True)
        )

    def can_check(self, kept: JointHash) -> bool:
        """Return whether the pepper of ``kept`` is in the ring: check before charging."""
        return kept.pepper_id in self._ring.ids(KeyPurpose.PEPPER)

    def bind(
        self, attempt: str, owner: str, answers: Mapping[int, Sensitive], kept: JointHash
    ) -> bytes:
        """Return the keyed digest of one set, for its charge.

        It is fast to compute, so it must not be stored for longer than the charge is open. Raises
        ``KeyMissing``.
        """
        pepper = self._ring.key(KeyPurpose.PEPPER, kept.pepper_id)
        return pepper.mac("attempt", framed(attempt, _peppered(pepper, owner, answers).hex()))

    def check(self, owner: str, answers: Mapping[int, Sensitive], kept: JointHash) -> bool:
        """Return whether ``answers`` are the set that was hashed as ``kept``.

        Another set is wrong, and takes as long. Raises ``KeyMissing``, ``ResourcesExhausted``, and
        ``SealBroken`` where ``kept`` is no hash.
        """
        if not kept.digest.startswith(_FOLDED):
            raise SealBroken(_UNREADABLE)
        pepper = self._ring.key(KeyPurpose.PEPPER, kept.pepper_id)
        secret = _peppered(pepper, owner, answers)
        digest = kept.digest.removeprefix(_FOLDED).encode()
        try:
            with self._turn():
                return verify_secret(digest, secret, Type.ID)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError):
            raise SealBroken(_UNREADABLE) from None

    def _hash(self, secret: bytes) -> str:
        cost = self._cost.passes, self._cost.memory_kib, self._cost.lanes
        with self._turn():
            salt = secrets.token_bytes(_SALT)
            return hash_secret(secret, salt, *cost, _DIGEST, Type.ID).decode()


def _peppered(pepper: Key, owner: str, answers: Mapping[int, Sensitive]) -> bytes:
    """Return the input of Argon2: a keyed digest of the folded answers, in question order."""
    parts: list[str | int] = [owner]
    for question in sorted(answers):
        parts += [question, fold(answers[question].reveal())]
    return pepper.mac("answers", framed(*parts))
