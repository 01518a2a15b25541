"""PKCS#11 for real, on SoftHSM: every request to the module's process, and every commit.

The process of the module crashes, or gives no answer in time, or the station is killed. There
is nothing that could be torn out or reset. SoftHSM locks no PIN, so the journal can never
tell from the token what became of an unblock: it is always another try, with the other secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.world import World
from tests.cuts.cutter import COMMIT, Cutter
from tests.cuts.databases import SqliteBase
from tests.cuts.estate import Estate
from tests.cuts.families import ON_REQUESTS, TOKEN, families
from tests.cuts.modules import ModuleLine
from tests.cuts.runs import Stations
from tests.cuts.single_cuts import cut_everywhere, cuts_of, whole_unblock
from tests.cuts.softhsm import TokenReaderCard
from tests.support.printed import Printed


@pytest.fixture
def estate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estate]:
    world, reader_card = World(folder), TokenReaderCard(folder / TOKEN)
    ModuleLine(Cutter(), reader_card.heard).install(monkeypatch)
    cards = reader_card.token.cards()
    yield Estate(world, SqliteBase(folder), families()["pkcs11"], reader_card, cards, blocked=False)
    reader_card.close()
    world.store.close()


def test_no_cut_loses_a_token(estate: Estate, stations: Stations, printed: Printed) -> None:
    assert estate.comes("A") is None
    start = estate.keep("start")
    whole = whole_unblock(estate, stations, changes=True)
    steps = Counter(whole)
    changes = {"init-pin": 1, "change-so": 1, "login-to-sign": 1}
    assert steps == {"look": 3, **changes, "sign": 1, COMMIT: 5}
    ends = cut_everywhere(estate, stations, cuts_of(whole, ON_REQUESTS), start)
    told = f"{ends.total()} cut points ({', '.join(ON_REQUESTS)}) of a PKCS#11 token in SoftHSM"
    printed(f"{told}: {dict(ends)}")
