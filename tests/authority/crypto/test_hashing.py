"""Joint answer hashes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import pytest
from argon2.low_level import Type, hash_secret, verify_secret

from kiosk.authority.crypto.hashing import AnswerHasher, Cost
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.errors import KeyMissing, ResourcesExhausted, SealBroken
from kiosk.authority.records import JointHash
from kiosk.contract.sensitive import Sensitive
from tests.support.exhausted import no_memory_for_hashes, no_threads

OWNER = "holder-1"
CHEAP = Cost(memory_kib=32, passes=1, lanes=1)
ANSWERS = {
    7: Sensitive("Blue Anchor Lane"),
    2: Sensitive("Li"),
    11: Sensitive("Señor Träumer"),
    5: Sensitive("4711"),
}


@pytest.fixture
def hasher() -> AnswerHasher:
    return AnswerHasher(KeyRing.fresh(), CHEAP)


def _chosen(*ids: int) -> dict[int, Sensitive]:
    return {question: ANSWERS[question] for question in ids}


def _every(
    hasher: AnswerHasher, answers: Mapping[int, Sensitive] = ANSWERS
) -> tuple[JointHash, ...]:
    """Hash the sets of each size that a policy may ask."""
    return sum((hasher.hash_sets(OWNER, answers, size) for size in (2, 3, 4)), ())


def _of(hashes: tuple[JointHash, ...], *ids: int) -> JointHash:
    return next(joint for joint in hashes if set(joint.subset) == set(ids))


def test_every_set_that_could_be_asked_has_its_own_hash(hasher: AnswerHasher) -> None:
    hashes = _every(hasher)
    assert len(hashes) == 6 + 4 + 1
    assert len({joint.digest for joint in hashes}) == 11
    for size in (2, 3, 4):
        for ids in combinations(ANSWERS, size):
            assert hasher.check(OWNER, _chosen(*ids), _of(hashes, *ids))


@pytest.mark.parametrize(("registered", "sets"), [(2, 1), (3, 4), (5, 25), (8, 154)])
def test_how_many_sets_there_are(hasher: AnswerHasher, registered: int, sets: int) -> None:
    answers = {number: Sensitive(f"answer {number}") for number in range(registered)}
    assert len(_every(hasher, answers)) == sets


def test_wrong_answer_makes_the_whole_set_wrong(hasher: AnswerHasher) -> None:
    hashes = _every(hasher)
    kept = _of(hashes, 7, 2, 5)
    for wrong in (7, 2, 5):
        given = _chosen(7, 2, 5) | {wrong: Sensitive("something else")}
        assert not hasher.check(OWNER, given, kept)


def test_answers_do_not_run_into_each_other(hasher: AnswerHasher) -> None:
    hashes = hasher.hash_sets(OWNER, {1: Sensitive("ab c"), 2: Sensitive("d")}, 2)
    given = {1: Sensitive("ab"), 2: Sensitive("c d")}
    assert not hasher.check(OWNER, given, hashes[0])
    swapped = {1: Sensitive("d"), 2: Sensitive("ab c")}
    assert not hasher.check(OWNER, swapped, hashes[0])


def test_spelling_is_forgiven(hasher: AnswerHasher) -> None:
    hashes = _every(hasher)
    given = {11: Sensitive("  senor TRAUMER. "), 7: Sensitive("blue-anchor lane")}
    assert hasher.check(OWNER, given, _of(hashes, 7, 11))


def test_a_hash_fits_no_other_owner_and_no_other_set(hasher: AnswerHasher) -> None:
    hashes = _every(hasher)
    assert not hasher.check("holder-2", _chosen(7, 2), _of(hashes, 7, 2))
    assert not hasher.check(OWNER, _chosen(7, 2), _of(hashes, 7, 5))
    relabelled = replace(_of(hashes, 7, 5), subset=(2, 7))
    assert not hasher.check(OWNER, _chosen(7, 2), relabelled)


def test_foreign_set_is_refused_after_one_whole_hash(
    hasher: AnswerHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def counting(digest: bytes, secret: bytes, kind: Type) -> bool:
        seen.append(digest)
        return verify_secret(digest, secret, kind)

    kept = _of(_every(hasher), 7, 2)
    monkeypatch.setattr("kiosk.authority.crypto.hashing.verify_secret", counting)
    assert not hasher.check(OWNER, _chosen(7, 5), kept)
    assert hasher.check(OWNER, _chosen(7, 2), kept)
    assert len(seen) == 2
    assert len({digest.split(b"$")[3] for digest in seen}) == 1


def test_the_default_cost_is_what_was_promised() -> None:
    assert Cost() == Cost(memory_kib=65536, passes=3, lanes=4)


def test_the_pepper_is_needed(hasher: AnswerHasher) -> None:
    ring = KeyRing.fresh()
    kept = AnswerHasher(ring, CHEAP).hash_sets(OWNER, _chosen(7, 2), 2)[0]
    rotated = AnswerHasher(ring.with_new(KeyPurpose.PEPPER), CHEAP)
    assert rotated.can_check(kept)
    assert rotated.check(OWNER, _chosen(7, 2), kept)
    assert not hasher.can_check(kept)
    with pytest.raises(KeyMissing):
        hasher.check(OWNER, _chosen(7, 2), kept)


def test_damaged_hash_is_refused_without_being_quoted(hasher: AnswerHasher) -> None:
    kept = hasher.hash_sets(OWNER, _chosen(7, 2), 2)[0]
    for damaged in ("2$argon2id$c4n4ry", kept.digest[1:]):
        with pytest.raises(SealBroken) as caught:
            hasher.check(OWNER, _chosen(7, 2), replace(kept, digest=damaged))
        assert "c4n4ry" not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("code", [-22, -33])
def test_a_machine_without_memory_or_threads_is_no_damaged_hash(
    hasher: AnswerHasher, code: int
) -> None:
    (kept,) = hasher.hash_sets(OWNER, _chosen(7, 2), 2)
    with no_memory_for_hashes(code):
        with pytest.raises(ResourcesExhausted, match="memory"):
            hasher.check(OWNER, _chosen(7, 2), kept)
        with pytest.raises(ResourcesExhausted, match="memory"):
            hasher.hash_sets(OWNER, _chosen(7, 2), 2)
    assert hasher.check(OWNER, _chosen(7, 2), kept)


def test_no_thread_to_hash_on_is_said_so(hasher: AnswerHasher) -> None:
    with no_threads("answers"), pytest.raises(ResourcesExhausted, match="thread"):
        _every(hasher)


def test_no_more_hashes_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def counting(*args: object) -> bytes:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return hash_secret(*args)  # type: ignore[arg-type]
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr("kiosk.authority.crypto.hashing.hash_secret", counting)
    hasher = AnswerHasher(KeyRing.fresh(), CHEAP, at_once=2)
    threads = [
        threading.Thread(target=hasher.hash_sets, args=(OWNER, ANSWERS, 3)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 2


def test_no_answer_is_in_what_is_kept_or_shown(hasher: AnswerHasher) -> None:
    for joint in _every(hasher):
        assert joint.digest not in repr(joint)
        assert "Anchor" not in joint.digest


def test_a_new_hash_takes_what_folds_alike(hasher: AnswerHasher) -> None:
    real = {2: Sensitive("Siân O'Brien"), 7: Sensitive("Łódź"), 9: Sensitive("Mary-Jane")}
    typed = {2: Sensitive("sian obrien"), 7: Sensitive("lodz"), 9: Sensitive("maryjane")}
    (kept,) = hasher.hash_sets(OWNER, real, 3)
    assert hasher.check(OWNER, typed, kept)
    assert hasher.bind("1", OWNER, typed, kept) == hasher.bind("1", OWNER, real, kept)
