"""Whatever page is up when the card comes out: the first page follows, and nothing is left."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Iterator
from typing import get_args
from weakref import WeakSet

from textual.pilot import Pilot
from textual.widget import Widget

from kiosk.contract.messages import Heartbeat, VisitId
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.executor import Actions
from screens.kiosk.entry_pages import DigitsPage, TextPage
from tests.e2e.in_process_station import (
    CANARY,
    ObservedStation,
    only_what_is_new,
    survivors,
    with_canaries,
)
from tests.screens.idle_app import still
from tests.screens.kiosk.samples import Sample, samples
from tests.screens.pilots import type_keys
from tests.screens.svg import screen_svg
from tests.station.fakes import FakeAuthority, FakeCards

HOLD_S = 0.03
TURNS = 15


def _pages() -> Iterator[tuple[str, Sample]]:
    """Yield every page of a visit, and each of those under "are you still there"."""
    asked: set[type] = set()
    for name, sample in samples().items():
        state = sample.state
        if s.visit_of(state) is None or name.endswith(("-dark", "-keys-only")):
            continue
        yield name, sample
        if isinstance(state, s.HolderState | s.LastPage) and type(state) not in asked:
            asked.add(type(state))
            yield f"still-there-{name}", Sample(s.StillThere(state))


def test_there_is_a_page_of_every_kind() -> None:
    states = [sample.state for _, sample in _pages()]
    kinds = {type(state) for state in states}
    factors = set(s.FactorPage.__subclasses__())
    assert kinds == {*get_args(s.State)} - {s.Attract, s.OutOfService, s.FactorPage} | factors
    assert {one.work for one in states if isinstance(one, s.Working)} == set(s.Work)
    under = {type(one.inner) for one in states if isinstance(one, s.StillThere)}
    inner = {*get_args(s.HolderState), *get_args(s.LastPage)}
    assert under == inner - {s.FactorPage} | factors


async def test_pulling_the_card_leaves_the_first_page_and_nothing_of_the_visit() -> None:
    observed = ObservedStation()
    async with observed.app.run_test(size=(80, 24)) as pilot:
        # After a card whose PIN was being set the first page says so, and nothing of the visit.
        first = {}
        for pulled in (*s.PulledFrom, None):
            await observed.app.show(s.Attract(pulled))
            await still()
            first[pulled] = screen_svg(observed.app)
        for number, (name, sample) in enumerate(_pages(), 1):
            visit = VisitId(f"{number:032x}")
            with only_what_is_new():
                seen = await _fill(observed, pilot, sample, visit)
                await observed.pull()
                await still()
                assert observed.app.is_first_page, name
                assert isinstance(observed.loop.state, s.Attract)
                assert screen_svg(observed.app) == first[observed.loop.state.pulled], name
                assert await _left(observed, seen, visit) == [], name


async def _fill(
    observed: ObservedStation, pilot: Pilot[int], sample: Sample, visit: VisitId
) -> WeakSet[Widget]:
    """Show a page, write on it and change how it looks; return its widgets."""
    await observed.sit(with_canaries(sample.state, visit))
    keys = [*sample.keys]
    if not isinstance(sample.state, s.StillThere):
        writes = isinstance(observed.app.screen, DigitsPage | TextPage)
        keys += [*(CANARY if writes else ""), "f3", "f2"]
    await type_keys(pilot, keys)
    assert s.visit_of(observed.loop.state) == visit
    return WeakSet(observed.app.widgets())


async def _left(observed: ObservedStation, seen: WeakSet[Widget], visit: VisitId) -> list[str]:
    """Return what is left once the pages that were taken down have ended their own tasks."""
    for _ in range(20):
        await still(1)  # asyncio keeps a cancelled timer until it would have gone off
        left = survivors(seen, observed.app, visit)
        if not left:
            break
        gc.unfreeze()  # a page that was built ahead is older than its visit
    return left


async def test_a_page_that_was_held_back_does_not_come_after_the_card_is_out() -> None:
    observed = ObservedStation(Actions(FakeAuthority(), FakeCards(), Heartbeat()), HOLD_S)
    app, chance = observed.app, random.Random(4)
    async with app.run_test(size=(80, 24)):
        await still()
        for _ in range(TURNS):
            await observed.insert()
            await app.until(s.ConfirmOwner)
            observed.loop.submit(e.Confirmed(s.visit_of(observed.loop.state) or VisitId("")))
            await app.until(s.AskQuestion)
            await asyncio.sleep(chance.uniform(0, 1.5 * HOLD_S))
            await observed.pull()
            app.pages.clear()
            await still(2 * HOLD_S)  # by then it would have come
            assert app.is_first_page
            assert app.pages == []
    assert observed.faults == []
