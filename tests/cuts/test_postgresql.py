"""The same cuts with the store on PostgreSQL, where they are others than on SQLite.

A station that is killed leaves a connection behind, in whatever transaction it was: the
server sees it die and lets go of its locks, or the next station would wait for the card in
vain. All commits are cut in every way, and around the two commands that change the card
whatever strikes it; the other commands meet no transaction that SQLite would not meet.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import COMMIT, Fault
from tests.cuts.databases import PostgresBase
from tests.cuts.families import ON_APDUS
from tests.cuts.runs import Stations
from tests.cuts.single_cuts import cut_everywhere, cuts_of, whole_unblock
from tests.support.campaigns import WHOLE
from tests.support.database import running_postgres
from tests.support.printed import Printed

pytestmark = pytest.mark.postgresql

CUT = {COMMIT, "2C", "24"}


@pytest.fixture(scope="module")
def base() -> Iterator[PostgresBase]:
    with running_postgres() as server:
        yield PostgresBase(server.fresh())


def test_no_cut_loses_a_card_or_keeps_others_from_it(
    base: PostgresBase, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    estate = open_estate("piv", blocked=True, base=base)
    assert estate.comes("A") is None
    start = estate.keep("start")
    whole = whole_unblock(estate, stations, changes=True)
    cuts = [cut for cut in cuts_of(whole, ON_APDUS) if whole[cut.step] in CUT]
    killed = [cut for cut in cuts if cut.fault is Fault.KILL]
    others = [cut for cut in cuts if cut.fault is not Fault.KILL]
    ends = cut_everywhere(estate, stations, killed, start, each=True)
    ends += cut_everywhere(estate, stations, others, start)
    assert ends.total() == 7 * 2 * (len(ON_APDUS) if WHOLE else 2)
    printed(
        f"{ends.total()} cut points on PostgreSQL (commits, 2C, 24; {', '.join(ON_APDUS)}) "
        f"of a PIV card, its PIN blocked: {dict(ends)}"
    )
