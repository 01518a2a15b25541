"""Many people: importing them, and searching among them as one types."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaigns.benchmarks.crowd import Crowd, searches
from campaigns.benchmarks.estate import Installation
from campaigns.benchmarks.sampling import Series, timed
from campaigns.benchmarks.table import Row, Unit
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.contract.ports import SystemClock
from tests.authority.administration.desk.offices import means_of, office_of
from tests.support.database import MACS

MANY, FEW = 200_000, 1_000
SEARCHES = 500
ROUNDS = 5
TABLES = ("cardholder", "card", "search_term")

IMPORT_HOW = (
    "One file of {many:,} people with a card and an unblock secret each, into an empty database "
    "(SQLite, synchronous FULL), in a process of its own, once: seconds of the processor. "
    "{against}"
)
SEARCH_HOW = (
    f"The same {SEARCHES} searches among both, in turns, {ROUNDS} times after one that is not "
    "counted; a search took the median of its times. They are beginnings of names, numbers, "
    "addresses and cards of any length, two words, pairs that hardly anybody has, and misses. "
    "Each is a whole call of the desk: the role is asked, up to 50 people come back with how "
    "they stand."
)


@dataclass(frozen=True, slots=True)
class Took:
    """What an import took: seconds of the processor, and memory."""

    seconds: float
    peak_kib: float


@dataclass(frozen=True, slots=True)
class Estate:
    """One database, and the file that its people come from."""

    folder: Path
    size: int

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.folder / "kiosk.db"

    @property
    def _people(self) -> Path:
        return self.folder / "people.csv"

    def prepare(self) -> None:
        """Write the file and make an empty database."""
        self.folder.mkdir()
        Crowd(self.size).write(self._people)
        store = self.store()
        store.migrate()
        store.close()

    def store(self) -> Store:
        """Open the database."""
        return Store(f"sqlite:///{self.database}", SystemClock(), MACS)

    def take(self, how: str) -> Took:
        """Import, dry or for real, in a process of its own."""
        program = [sys.executable, "-m", "campaigns.benchmarks.people_import"]
        arguments = [how, str(self._people), f"sqlite:///{self.database}"]
        done = subprocess.run([*program, *arguments], check=True, capture_output=True, text=True)
        seconds, peak = done.stdout.split()
        return Took(float(seconds), float(peak))


def rows(installation: Installation) -> Iterator[Row]:
    """Import many and few, and search among both."""
    many, few = (
        Estate(installation.directory / "many", MANY),
        Estate(installation.directory / "few", FEW),
    )
    for estate in (many, few):
        estate.prepare()
    yield from _imports(many, few)
    yield from _searches(many, few)


def _imports(many: Estate, few: Estate) -> Iterator[Row]:
    dry, real = many.take("dry"), many.take("real")
    little, bare = few.take("real"), _copied(many)
    yield Row(
        what=f"import of {MANY:,} people",
        ours=Series((real.seconds,)),
        against="the same rows, written barely",
        theirs=Series((bare,)),
        unit=Unit.SECONDS,
        how=IMPORT_HOW.format(
            many=MANY,
            against="The other: Python's sqlite3 writing what came of it, people, cards and search "
            "terms, into another empty database: nothing read, checked, compared or sealed.",
        ),
    )
    yield Row(
        what=f"dry run of {MANY:,} people",
        ours=Series((dry.seconds,)),
        against="for real",
        theirs=Series((real.seconds,)),
        unit=Unit.SECONDS,
        how="All of it but the writing.",
    )
    yield Row(
        what=f"peak memory of importing {MANY:,} people",
        ours=Series((real.peak_kib,)),
        against=f"{FEW:,} people",
        theirs=Series((little.peak_kib,)),
        unit=Unit.MEBIBYTES,
        how="VmHWM at the end, the interpreter and its libraries included. What grows is what a "
        "later line could contradict: numbers, cards, and the lines that they were on.",
    )


def _copied(estate: Estate) -> float:
    """Write the same rows into another empty database; return the processor's seconds."""
    other = Estate(estate.folder / "copy", FEW)
    other.prepare()
    began = time.process_time()
    with sqlite3.connect(estate.database) as source, sqlite3.connect(other.database) as target:
        target.execute("PRAGMA synchronous = FULL")
        for table in TABLES:
            found = source.execute(f"SELECT * FROM {table}")
            marks = ", ".join("?" * len(found.description))
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", found)
    return time.process_time() - began


def _searches(many: Estate, few: Estate) -> Iterator[Row]:
    of_many, of_few = _timed(_office(many), _office(few), searches(Crowd(FEW), SEARCHES))
    yield Row(
        what=f"slowest of {SEARCHES} searches among {MANY:,} people",
        ours=max(of_many, key=_median),
        against=f"among {FEW:,}",
        theirs=max(of_few, key=_median),
        aim=3.0,
        how=SEARCH_HOW,
        why="two words that many have and hardly anybody both: every holder of the rarer one is "
        "looked at.",
    )
    yield Row(
        what=f"search among {MANY:,} people, the middle one",
        ours=Series(tuple(map(_median, of_many))),
        against=f"among {FEW:,}",
        theirs=Series(tuple(map(_median, of_few))),
        aim=2.0,
        how=f"The same {SEARCHES} searches, the middle one of either side.",
    )


def _timed(many: Office, few: Office, typed: Sequence[str]) -> tuple[list[Series], list[Series]]:
    """Search for each among both, in turns; return what each search took."""
    times: list[list[tuple[float, float]]] = [[] for _ in typed]
    for _ in range(1 + ROUNDS):
        for text, pairs in zip(typed, times, strict=True):
            pairs.append((_seconds(many, text), _seconds(few, text)))
    of_many = [Series(tuple(ours for ours, _ in pairs[1:])) for pairs in times]
    return of_many, [Series(tuple(theirs for _, theirs in pairs[1:])) for pairs in times]


def _median(series: Series) -> float:
    return series.median


def _office(estate: Estate) -> Office:
    means = means_of(estate.store(), SystemClock(), estate.folder)
    return office_of(means, Role.AGENT)


def _seconds(office: Office, text: str) -> float:
    return timed(lambda: PeopleDesk(office).search(text, 50))()
