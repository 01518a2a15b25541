"""``python -m campaigns.load``: whole visits over the real API, with more and more holders."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from campaigns.benchmarks.sampling import Series
from campaigns.benchmarks.table import WIDTH, Row, Unit
from campaigns.load.replay import RecordedVisits, Replay, Took, UseCases
from campaigns.load.service import (
    SERVER_SETTINGS,
    LoadedEstate,
    cpu_of,
    cpu_of_a_mail,
    loaded_estate,
)
from campaigns.load.stub_mail import CodeMailbox
from campaigns.load.visits import Load, at_once, on_monday
from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.keys import KeyRing
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import ANSWERS
from tests.support.database import running_postgres

WRITERS = 16
OF_THE_MOST = 0.6
"""The most arrivals a second, of the visits a second that the fewest holders get at once."""


@dataclass
class Measured:
    """What was measured with one number of holders, round by round."""

    estate: LoadedEstate
    use_cases: UseCases
    recorded: RecordedVisits
    alone: list[Took] = field(default_factory=list)
    together: list[Load] = field(default_factory=list)
    replayed: list[Took] = field(default_factory=list)
    monday: list[Load] = field(default_factory=list)

    @property
    def holders(self) -> int:
        return int(self.estate.name.rpartition("_")[2])


def main() -> int:
    """Print what a visit takes with each number of holders."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.load", description=__doc__)
    parser.add_argument("--holders", default="1000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--visits", type=int, default=96, help="at once, in each round")
    parser.add_argument("--replicas", type=int, default=1, help="of the authority")
    parser.add_argument("--seconds", type=float, default=40, help="of arrivals, in each round")
    args = parser.parse_args()
    sizes = [int(each) for each in args.holders.split(",")]
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    _say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine}")
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="kiosk-load-")))
        mailbox = CodeMailbox(folder / "mail")
        ends.callback(mailbox.close)
        server = ends.enter_context(running_postgres(SERVER_SETTINGS))
        server.execute("CREATE EXTENSION pg_stat_statements")
        measured, replays = [], []
        for size in sizes:
            estate = loaded_estate(server, folder, mailbox, size)
            _say(f"{size:,} holders were written in {estate.filled_s:.0f} s")
            copy = ends.enter_context(estate.copied())
            use_cases = UseCases(estate)
            ends.callback(use_cases.close)
            recorded = use_cases.recorded(args.rounds * args.visits)
            measured.append(Measured(estate, use_cases, recorded))
            replays.append(Replay(estate, copy, WRITERS))
            ends.callback(replays[-1].close)
            ends.enter_context(estate.serving(args.replicas))
            at_once(estate, WRITERS, 2 * WRITERS)  # what is built and opened once
        for number in range(args.rounds):
            # In turns, so that whatever else the machine does meets all alike.
            turns = list(zip(measured, replays, strict=True))
            for each, replay in turns if number % 2 else reversed(turns):
                slot = slice(number * args.visits, (number + 1) * args.visits)
                each.replayed.append(replay.run(each.recorded.visits[slot]))
                each.alone.append(each.use_cases.at_once(WRITERS, args.visits))
                each.together.append(at_once(each.estate, WRITERS, args.visits))
            most = OF_THE_MOST * measured[0].together[0].a_second
            for each, _ in turns if number % 2 else reversed(turns):
                each.monday.append(on_monday(each.estate, args.seconds, most, seed=number))
        apart = Apart.measured(measured[0].estate)
        for line in _report(measured, apart):
            _say(line)
    return 0


@dataclass(frozen=True)
class Apart:
    """The CPU, in seconds, of what no statement is to blame for."""

    argon2_s: float
    mail_s: float

    @classmethod
    def measured(cls, estate: LoadedEstate) -> Apart:
        """Measure both as the product does them: mail in another process than its relay."""
        ring = KeyRing.load(Path(estate.settings.keys.file))
        given = {number: Sensitive(text) for number, text in list(ANSWERS.items())[:3]}
        hasher = AnswerHasher(ring)
        (kept,) = hasher.hash_sets("holder", given, 3)
        hashed = cpu_of(lambda: hasher.check("holder", given, kept))
        relay = Mailbox(estate.folder / "relay")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
            mailed = apart.submit(cpu_of_a_mail, relay.start()).result()
        relay.stop()
        return cls(hashed, mailed)


# The report.


def _report(measured: Sequence[Measured], apart: Apart) -> Iterator[str]:
    yield (
        f"Counted apart: Argon2 of one set of answers, {apart.argon2_s * 1000:.0f} ms of CPU; "
        f"writing a mail and passing it to a relay, {apart.mail_s * 1000:.1f} ms"
    )
    for each in measured:
        yield from ("", f"{each.holders:,} holders".ljust(WIDTH, "-"))
        yield from _counts(each)
        for row in _rows(each):
            yield from row.lines()
    yield from ("", "Milliseconds of each call, as people arrive".ljust(WIDTH, "-"))
    yield from _calls(measured)
    if len(measured) > 1:
        for row in _growth(measured[0], measured[-1]):
            yield from row.lines()


def _counts(each: Measured) -> Iterator[str]:
    loads = [*each.together, *each.monday]
    visits = sum(load.visits for load in loads)
    spent = [load.spent for load in loads]
    statements = sum(one.statements for one in spent) / visits
    yield (
        f"a visit: {each.recorded.of_use_cases:.1f} round trips by the use cases, "
        f"{each.recorded.round_trips:.1f} with those for stations and notices; "
        f"{each.recorded.statements:.1f} statements with BEGIN and COMMIT, "
        f"{statements:.1f} without, {1000 * sum(one.statement_s for one in spent) / visits:.1f} "
        f"ms in them; {sum(one.mails for one in spent) / visits:.2f} mails"
    )
    database = sum(one.database_s for one in spent) / visits
    authority = sum(one.authority_s for one in spent) / visits
    stations = sum(one.stations_s for one in spent) / visits
    yield (
        f"CPU a visit: authority {authority * 1000:.1f} ms (the use cases alone "
        f"{1000 * each.recorded.use_cases_s / len(each.recorded.visits):.1f}), "
        f"database {database * 1000:.1f} ms, stations {stations * 1000:.1f} ms"
    )
    yield (
        f"visits a second: {_median(load.a_second for load in each.together):.2f} with {WRITERS} "
        f"at once; {_median(load.a_second for load in each.monday):.2f} as people arrive"
    )


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


def _rows(each: Measured) -> Iterator[Row]:
    yield Row(
        f"seconds a visit, {WRITERS} at once",
        Series(tuple(load.spent.seconds / load.visits for load in each.together)),
        "bare psycopg",
        Series(tuple(run.seconds / run.visits for run in each.replayed)),
        "Over TLS against the recorded statements of as many visits.",
        aim=1 / 0.6,
    )
    yield Row(
        f"the same by the use cases, {WRITERS} at once",
        Series(tuple(run.seconds / run.visits for run in each.alone)),
        "bare psycopg",
        Series(tuple(run.seconds / run.visits for run in each.replayed)),
        "Both in the measuring process: no HTTP, no stations and no mail.",
    )
    yield Row(
        "CPU of the authority a visit, mail and Argon2 apart",
        Series(tuple(load.spent.authority_s / load.visits for load in each.together)),
        "bare psycopg",
        Series(tuple(run.cpu_s / run.visits for run in each.replayed)),
        "Notices and the identification of stations included.",
        aim=2.5,
    )
    yield Row(
        "CPU of the database a visit",
        Series(tuple(load.spent.database_s / load.visits for load in each.together)),
        "bare psycopg",
        Series(tuple(run.database_s / run.visits for run in each.replayed)),
        "All processes of the server.",
    )


def _calls(measured: Sequence[Measured]) -> Iterator[str]:
    yield f"{'':<18}" + "".join(f"{each.holders:>12,} p50{'p99':>9}" for each in measured)
    for name in measured[0].monday[0].calls:
        yield f"{name:<18}" + "".join(
            "{:>16.1f}{:>9.1f}".format(*_percentiles(each.monday, name)) for each in measured
        )


def _percentiles(loads: Sequence[Load], name: str) -> tuple[float, float]:
    """Return p50 and p99 of a call in milliseconds."""
    took = sorted(1000 * one for load in loads for one in load.calls[name])
    return took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)]


def _growth(few: Measured, many: Measured) -> Iterator[Row]:
    yield Row(
        f"p99 of all calls, {many.holders:,} holders",
        Series(tuple(_p99(load) for load in many.monday)),
        f"{few.holders:,}",
        Series(tuple(_p99(load) for load in few.monday)),
        "As people arrive: the same arrivals in each round, the rounds in turns.",
        aim=1.2,
        unit=Unit.MILLISECONDS,
    )


def _p99(load: Load) -> float:
    took = sorted(one for each in load.calls.values() for one in each)
    return took[len(took) * 99 // 100]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
