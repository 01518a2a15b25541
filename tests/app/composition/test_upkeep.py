"""A rotated key file is noticed, and the service is looked after once a minute."""

from __future__ import annotations

from pathlib import Path

from kiosk.app.composition.upkeep import MINUTE_S, Upkeep
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.errors import StoreBusy


def nothing() -> None:
    return None


def test_rotated_keys_are_noticed(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    KeyRing.create(keys)
    upkeep = Upkeep(keys, nothing, lambda: 0.0)
    assert not upkeep.stale
    KeyRing.rotate(keys, KeyPurpose.SEAL)
    assert upkeep.stale


def test_keys_that_are_away_for_a_moment_change_nothing(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    KeyRing.create(keys)
    upkeep = Upkeep(keys, nothing, lambda: 0.0)
    keys.rename(tmp_path / "elsewhere")
    assert not upkeep.stale


def test_the_service_is_looked_after_once_a_minute_and_again_after_a_failure(
    tmp_path: Path,
) -> None:
    now = 0.0
    done: list[float] = []
    busy = [True]

    def look() -> None:
        if busy.pop() if busy else False:
            raise StoreBusy("busy")
        done.append(now)

    upkeep = Upkeep(tmp_path / "keys.json", look, lambda: now)
    upkeep.run_if_due()
    assert done == []
    upkeep.run_if_due()
    upkeep.run_if_due()
    assert done == [0.0]
    now = MINUTE_S
    upkeep.run_if_due()
    assert done == [0.0, MINUTE_S]
