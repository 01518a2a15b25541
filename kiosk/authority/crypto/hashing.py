"""Stored answers and saved codes: hashed by Argon2id.

Answers are hashed jointly, one hash for each set that could be asked.

Somebody with the database has to guess a whole set together, and needs the pepper, which is stored
elsewhere. Nobody, this program included, can find out which answer of a set was wrong. A hash is
bound to its owner: copied to another registration, it matches nothing. That of a saved code is
bound to the code's id as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
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
from kiosk.authority.records import JointHash, SavedCode, new_id
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import SAVED_CODE_SIGNS, encode_base32, fold

_SALT, _DIGEST = 16, 32

_EXHAUSTED: Final = frozenset((error_to_str(-22), error_to_str(-33)))
"""ARGON2_MEMORY_ALLOCATION_ERROR and ARGON2_THREAD_FAIL of argon2.h."""

_NO_MEMORY: Final = "no memory, or no thread, is left to hash with"

_FOLDED: Final = "2"
"""Begins each digest: the version of ``fold``. The row's MAC covers it with the digest."""

_UNREADABLE: Final = "a hash cannot be read"
_NONCE: Final = 16


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
        return self._is(_peppered(pepper, owner, answers), kept.digest.removeprefix(_FOLDED))

    # --- saved codes ---

    def make_codes(
        self, owner: str, digits: Iterable[int], visit_id: str, at: datetime, replaces: str = ""
    ) -> tuple[SavedCode, ...]:
        """Draw a saved code for each digit; ``saved_code`` returns it. One hash for each.

        Raises ``ResourcesExhausted``.
        """
        pepper = self._ring.current(KeyPurpose.PEPPER)
        made = []
        for digit in digits:
            nonce = secrets.token_hex(_NONCE)
            draft = SavedCode(new_id(), digit, "", pepper.id, at, visit_id, nonce, replaces)
            secret = _code_secret(pepper, owner, draft.id, self.saved_code(owner, draft).reveal())
            made.append(replace(draft, digest=self._hash(secret)))
        return tuple(made)

    def saved_code(self, owner: str, kept: SavedCode) -> Sensitive:
        """Return a saved code, for as long as its nonce is kept; raises ``KeyMissing``.

        It is deterministic, so that a repeated call shows the same, at another process as well.
        """
        if not kept.nonce:
            raise ValueError("nobody can make this code again")
        pepper = self._ring.key(KeyPurpose.PEPPER, kept.pepper_id)
        drawn = pepper.mac("saved-code", framed(owner, kept.id, kept.nonce))
        return Sensitive(f"{kept.digit}{encode_base32(int.from_bytes(drawn), SAVED_CODE_SIGNS)}")

    def can_check_code(self, kept: SavedCode) -> bool:
        return kept.pepper_id in self._ring.ids(KeyPurpose.PEPPER)

    def bind_code(self, attempt: str, owner: str, entered: Sensitive) -> bytes:
        """Return the keyed digest of one entry, for its charge, under the oldest pepper.

        Not under the newest: a repeated call may find another one in the ring.
        """
        oldest = self._ring.key(KeyPurpose.PEPPER, self._ring.ids(KeyPurpose.PEPPER)[0])
        return oldest.mac("entered-saved-code", framed(owner, attempt, entered.reveal()))

    def check_code(self, owner: str, entered: Sensitive, kept: SavedCode | None) -> bool:
        """Return whether ``entered`` is ``kept``; where there is none, it takes as long to say no.

        Raises as ``check`` does.
        """
        if kept is None:
            self._hash(_code_secret(self._ring.current(KeyPurpose.PEPPER), owner, "", ""))
            return False
        pepper = self._ring.key(KeyPurpose.PEPPER, kept.pepper_id)
        return self._is(_code_secret(pepper, owner, kept.id, entered.reveal()), kept.digest)

    def _is(self, secret: bytes, digest: str) -> bool:
        try:
            with self._turn():
                return verify_secret(digest.encode(), secret, Type.ID)
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


def _code_secret(pepper: Key, owner: str, code_id: str, code: str) -> bytes:
    return pepper.mac("saved-code-hash", framed(owner, code_id, code))
