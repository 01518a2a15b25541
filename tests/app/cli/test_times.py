"""Times that commands print for people: the machine's own, as in the RA application."""

from __future__ import annotations

import re
import time
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.authority import wording
from kiosk.authority.records import Station
from tests.app.cli.estate import JO, Estate
from tests.app.cli.samples import GOOD, Kiosk, people, two_members

_TIME = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\S*(?: [A-Z]\w*)?")
BECAUSE = "--reason", "rang up"


@pytest.fixture(autouse=True)
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as there:
        there.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def test_printed_time_names_its_zone() -> None:
    moment = datetime(2026, 12, 31, 15, 30, 5, tzinfo=UTC)
    assert wording.local_time(moment) == "2027-01-01 00:30 JST"
    assert wording.local_time(moment, seconds=True) == "2027-01-01 00:30:05 JST"


def test_command_prints_the_time_of_this_machine(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: some printed UTC, and some the machine's time without saying so."""
    assert kiosk("import", people(place, GOOD)) == 0
    two_members(kiosk, place)
    estate = Estate()
    estate.register()
    with estate.store.begin() as uow:
        uow.stations.enrolled(Station("Ward 7", uow.now))
        uow.stations.seen(Station("Ward 8", uow.now, "0.1.0", "ready"))
        uow.commit()
    kiosk("policy", "set", "four_eyes", "true", *BECAUSE)
    sure = *BECAUSE, "--identified-by", "badge"
    assert kiosk("people", "correct-email", JO, "jo@nhs.uk", *sure) == 0
    for command, count in (
        (("people", "show", JO), 3),
        (("proposals", "list"), 1),
        (("stations", "list"), 2),
        (("audit", "list"), 5),
        (("policy", "list"), 1),
    ):
        assert kiosk(*command) == 0
        found = _TIME.findall(capsys.readouterr().out)
        assert len(found) >= count, command
        assert [one for one in found if not one.endswith(" JST")] == [], command


def test_a_card_ends_on_the_day_that_was_imported(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: the list named the day after it, on which the card does not work."""
    now = datetime.now(UTC)
    last = now.replace(day=monthrange(now.year, now.month)[1])
    columns = "holder_number,name,email,card_id,unblock_secret,expires"
    line = f"{JO},Jo Smith,,{1:032x},48271593,{last:%Y-%m-%d}"
    assert kiosk("import", people(place, f"{columns}\n{line}\n")) == 0
    assert kiosk("people", "list", "--standing", "expiring") == 0
    assert f"{last:%Y-%m-%d}" in capsys.readouterr().out.split()
