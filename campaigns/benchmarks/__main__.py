"""``python -m campaigns.benchmarks [NAME ...]``: print the table, or the rows named."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from campaigns.benchmarks import insertion, on_card, people, repaint, sessions, start, unlock
from campaigns.benchmarks.bare import BareCard, establish
from campaigns.benchmarks.estate import Installation, built
from campaigns.benchmarks.table import WIDTH, Row

BENCHMARKS: dict[str, Callable[[Installation], Iterator[Row]]] = {
    "card": on_card.rows,
    "insertion": insertion.rows,
    "start": start.rows,
    "repaint": repaint.rows,
    "unlock": unlock.rows,
    "people": people.rows,
    "sessions": sessions.rows,
}


def main(names: Sequence[str]) -> int:
    """Run the benchmarks named, or all; a missed aim is a number, not a failure."""
    if unknown := set(names) - set(BENCHMARKS):
        _say(f"there is no benchmark {', '.join(sorted(unknown))}; there are: {_known()}")
        return 2
    with built() as installation:
        _say(_head(installation))
        for name in names or BENCHMARKS:
            for row in BENCHMARKS[name](installation):
                _say("\n".join(["", *row.lines()]))
    return 0


def _head(installation: Installation) -> str:
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    return "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine}",
            "Medians; samples of both sides are taken in turns in this run.",
            f"One command to the virtual card and back: {_command(installation) * 1000:.2f} ms.",
            "-" * WIDTH,
        ]
    )


def _command(installation: Installation) -> float:
    card = installation.card
    card.insert()
    took = BareCard(establish(), card.reader, card.guid, card.puk).seconds_a_command()
    card.remove()
    return took


def _known() -> str:
    return ", ".join(BENCHMARKS)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
