"""What a refusal leaves behind is said where it is raised."""

from __future__ import annotations

from pathlib import Path

import pytest

import kiosk.authority
from kiosk.authority.records import Card, Visit
from kiosk.authority.visit.context import VisitRefused, deciding
from kiosk.contract.messages import Reason
from tests.authority.world import World


@pytest.fixture
def visit(world: World, card: Card) -> Visit:
    visit_id = world.insert(card, blocked=True).visit
    with world.store.read() as uow:
        visit = uow.visits.get(visit_id)
    assert visit is not None
    return visit


def block_and_refuse(world: World, card: Card, keep: Visit | None) -> None:
    with deciding(world.parts) as uow:
        uow.registrations.block(card.holder_id)
        raise VisitRefused(Reason.REGISTRATION_BLOCKED, keep=keep, because="three wrong sets")


def test_a_refusal_that_keeps_is_committed_with_all_that_was_written(
    world: World, card: Card, visit: Visit
) -> None:
    with pytest.raises(VisitRefused):
        block_and_refuse(world, card, visit)
    assert world.registration(card).blocked_at is not None
    refused = [event for event in world.events() if event.kind == "refused"]
    assert [event.detail for event in refused] == [
        {"reason": Reason.REGISTRATION_BLOCKED.value, "because": "three wrong sets"}
    ]


def test_a_refusal_that_does_not_keep_leaves_nothing(world: World, card: Card) -> None:
    with pytest.raises(VisitRefused):
        block_and_refuse(world, card, None)
    assert world.registration(card).blocked_at is None
    assert "refused" not in world.kinds()


def test_every_unit_of_work_of_a_visit_may_be_ended_by_a_refusal() -> None:
    """One that the store begins by itself would drop what a refusal keeps."""
    authority = Path(kiosk.authority.__file__).parent
    files = [*(authority / "visit").glob("*.py"), *(authority / "unblock").glob("*.py")]
    begin = {file.name: file.read_text().count("store.begin(") for file in files}
    # Beside ``deciding``, what the caretaker does with rows of old visits: ``act_on_each``.
    assert {name: times for name, times in begin.items() if times} == {"context.py": 2}
