"""Before: where a newer authority had used a card's admin key, an older one, which did not know the
card's family, sent the key in clear to a station that repeated its call.
"""

from __future__ import annotations

import pytest

from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Grant, KeyNonce, Refusal, UnblockDone
from tests.authority.admin_key_card import Chip, drawn, registered, settled
from tests.authority.older_release import older_release
from tests.authority.station_visit import ready
from tests.authority.world import World


def test_a_key_that_a_newer_authority_used_is_not_sent_in_clear(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A station repeats the call to another authority, as where the answer was lost."""
    station_visit, chip = ready(world, registered(world)), Chip()
    nonce, attempt = chip.meet(drawn(station_visit)), station_visit.attempt()
    authority = station_visit.authority
    grant = authority.release(station_visit.visit, attempt, nonce)
    older_release(world, monkeypatch, without="gids")
    older = station_visit.authority
    assert older.release(station_visit.visit, attempt, nonce) == grant
    with pytest.raises(StepRefused):
        older.release(station_visit.visit, attempt, KeyNonce(bytes(16)))


def test_a_key_that_was_not_proven_is_not_believed_to_be_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    station_visit, chip = ready(world, registered(world)), Chip()
    nonce = chip.meet(drawn(station_visit))
    grant = station_visit.authority.release(station_visit.visit, station_visit.attempt(), nonce)
    assert not isinstance(grant, Refusal | Grant)
    older_release(world, monkeypatch, without="gids")
    with pytest.raises(StepRefused, match="has not shown"):
        settled(station_visit, grant.journal, UnblockDone())
