"""``python -m campaigns.mutants``: take each defence away, and look whether its test fails."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from campaigns.mutants.catalogue import ROOT, Catalogue, Mutant
from campaigns.mutants.worker import Outcome, Result, Task, work

_SPAWN = multiprocessing.get_context("spawn")


class Campaign:
    """Runs tasks in several processes at the same time, each with a copy of the checkout."""

    def __init__(self, root: Path, processes: int, limit: float) -> None:
        """Use that many ``processes``; each run of tests may take ``limit`` seconds."""
        self._root, self._processes, self._limit = root, processes, limit

    def run(self, tasks: Sequence[Task]) -> Generator[tuple[Task, Result], None, None]:
        """Yield each task with its result, as they end."""
        waiting = list(reversed(tasks))
        with self._workers(min(self._processes, len(tasks))) as links:
            at_work: dict[Connection, Task] = {}
            for link in links:
                at_work[link] = waiting.pop()
                link.send(at_work[link])
            while at_work:
                for link in cast(list[Connection], wait(list(at_work))):
                    try:
                        result = link.recv()
                    except (EOFError, OSError):
                        raise ChildProcessError("a process of the campaign has died") from None
                    yield at_work.pop(link), result
                    if waiting:
                        at_work[link] = waiting.pop()
                        link.send(at_work[link])

    @contextmanager
    def _workers(self, count: int) -> Iterator[list[Connection]]:
        """Have processes with their copies; end them, and remove the copies, in any case.

        The copies are below the checkout: sshd runs no program below a folder that all may write.
        """
        build = self._root / "build"
        build.mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="mutants-", dir=build))
        place.chmod(0o755)  # the tests' other accounts run programs of it
        processes, links = [], []
        try:
            for number in range(count):
                ours, theirs = _SPAWN.Pipe()
                own = place / str(number)
                own.mkdir()
                worker = _SPAWN.Process(target=work, args=(theirs, self._root, own, self._limit))
                worker.start()
                theirs.close()  # with the process its end is closed, and we hear of it
                processes.append(worker)
                links.append(ours)
            yield links
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # it is ending already
            for worker in processes:
                worker.terminate()
            for worker in processes:
                worker.join()
            shutil.rmtree(place)
            if not any(build.iterdir()):
                build.rmdir()


def tasks_for(catalogue: Catalogue, mutants: Sequence[Mutant]) -> list[Task]:
    """Return the tests of these mutants, unchanged first: without that a failure says nothing."""
    changed = [Task(catalogue.row_of(each).test, each) for each in mutants]
    return [*dict.fromkeys(Task(each.test) for each in changed), *changed]


def line_of(task: Task, result: Result) -> str:
    """Return what is printed of one: a line, and where it is not as it should be what was seen."""
    named, seen = task.test.removeprefix("tests/attacks/"), f"\n{' ' * 18}{result.seen}"
    took = f"{result.seconds:>6.0f} s  {named}"
    if task.mutant is None:
        passed = result.outcome is Outcome.PASSED
        return f"passed  {took}, unchanged" if passed else f"FAILS   {took}, unchanged{seen}"
    outcome = "SURVIVED" if result.outcome is Outcome.PASSED else result.outcome.value
    line = f"{outcome:<8}{took}: {task.mutant.why}"
    noticed = result.outcome is Outcome.NOTICED
    return line if noticed else f"{line}\n{' ' * 18}{task.mutant.file}{seen}"


def main() -> int:
    """Print how each ended and how many were noticed; return 1 where one was not."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.mutants", description=__doc__)
    parser.add_argument("--rows", nargs="*", default=[], metavar="WORD", help="those about WORD")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--minutes", type=float, default=30, help="after which a test counts as hung"
    )
    args = parser.parse_args()
    catalogue = Catalogue()
    mutants = catalogue.about(args.rows)
    if not mutants:
        print("no row is about that")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)  # a shell's background job begins with SIGINT ignored
    results: dict[Task, Result] = {}
    try:
        campaign = Campaign(ROOT, args.processes, args.minutes * 60)
        with closing(campaign.run(tasks_for(catalogue, mutants))) as ended:
            for task, result in ended:
                results[task] = result
                print(line_of(task, result), flush=True)
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    return _conclude(results)


def _conclude(results: dict[Task, Result]) -> int:
    changed = [each for each in results if each.mutant]
    noticed = sum(
        results[each].outcome is Outcome.NOTICED
        and results[Task(each.test)].outcome is Outcome.PASSED
        for each in changed
    )
    print()
    for task, result in results.items():
        wanted = Outcome.NOTICED if task.mutant else Outcome.PASSED
        if result.outcome is not wanted:
            print(line_of(task, result))
    print(f"{noticed} of {len(changed)} defences noticed")
    return noticed < len(changed)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
