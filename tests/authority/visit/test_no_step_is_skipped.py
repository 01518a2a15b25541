"""Whatever a station calls, in whatever order: no grant without every factor, in order."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kiosk.authority.records import Card
from kiosk.contract.messages import Factor
from kiosk.contract.policy import Policy
from tests.authority.calls import ACTIONS
from tests.authority.walk import Walk
from tests.authority.world import World, copy_template
from tests.support.databases import folder_in_memory

GAP = timedelta(seconds=1)
ORDERS = (
    (Factor.QUESTIONS, Factor.EMAIL_CODE),
    (Factor.EMAIL_CODE, Factor.QUESTIONS),
    (Factor.EMAIL_CODE,),
)


@pytest.fixture(scope="module")
def estate(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    """A folder with a registered card, to be copied for each walk."""
    folder = copy_template(sqlite_template, tmp_path_factory.mktemp("estate"))
    world = World(folder)
    card = world.registered_card(secret_limit=10)
    world.store.close()
    return folder, card


def _walk(estate: tuple[Path, Card], order: tuple[Factor, ...], actions: list[str]) -> int:
    folder, card = estate
    with folder_in_memory() as place:  # a walk is many small commits
        copy = place / "walk"
        shutil.copytree(folder, copy)
        world = World(copy)
        world.policy = Policy(verification=(order,), code_gap=GAP, codes_an_hour=20)
        walk = Walk(world, card)
        for action in actions:
            walk.act(action)
        world.store.close()
    return walk.grants


@pytest.mark.parametrize("order", ORDERS)
def test_honest_walk_leads_to_a_grant(estate: tuple[Path, Card], order: tuple[Factor, ...]) -> None:
    assert _walk(estate, order, ["go-on"] * 6) == 1
    assert _walk(estate, order, ["go-on"] * 16) >= 2


@pytest.mark.parametrize("order", ORDERS)
def test_a_code_that_staff_gave_leads_to_a_grant_too(
    estate: tuple[Path, Card], order: tuple[Factor, ...]
) -> None:
    assert _walk(estate, order, ["assist-give", *["go-on"] * 6]) == 1
    assert _walk(estate, order, ["assist-give", "assist-withdraw", *["go-on"] * 3]) == 0


def test_a_code_that_comes_first_carries_no_answers(estate: tuple[Path, Card]) -> None:
    """Another one that was sent after the answers opens a visit that asks for them again."""
    order = (Factor.EMAIL_CODE, Factor.QUESTIONS)
    again = ["go-on"] * 5 + ["wait-second", "send", *["go-on"] * 3]
    assert _walk(estate, order, again) == 1
    assert _walk(estate, order, [*again, *["go-on"] * 2]) == 2


def test_a_code_that_staff_gave_after_the_release_is_another_one(estate: tuple[Path, Card]) -> None:
    """What was released by the emailed one does not use it up."""
    given = ["assist-give", "settle-pin-refused", "go-on", "enter-right"]
    assert _walk(estate, ORDERS[0], [*["go-on"] * 5, *given]) == 2


@settings(
    max_examples=70, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    order=st.sampled_from(ORDERS),
    ahead=st.integers(0, 8),
    actions=st.lists(st.sampled_from(ACTIONS), min_size=3, max_size=14),
)
def test_no_grant_without_every_factor_in_order(
    estate: tuple[Path, Card], order: tuple[Factor, ...], ahead: int, actions: list[str]
) -> None:
    event(f"{_walk(estate, order, ['go-on'] * ahead + actions)} grants")
