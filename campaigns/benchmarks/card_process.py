"""The virtual card in a process of its own, so that it shares no interpreter with its client.

Reads ``in`` and ``out`` from standard input, a line each, and answers ``done``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hardware.virtual.link import CardLink
from hardware.virtual.pcscd import Slot
from hardware.virtual.piv import VirtualCard
from tests.support.card_file import load


def main(kept: str, slot_server: str, number: str, reader: str) -> None:
    """Obey until standard input ends; the card's memory is not written back."""
    link = CardLink(VirtualCard(load(Path(kept))), Slot(Path(slot_server), int(number), reader))
    for line in sys.stdin:
        link.insert() if line.strip() == "in" else link.remove()
        sys.stdout.write("done\n")
        sys.stdout.flush()
    link.remove()


if __name__ == "__main__":
    main(*sys.argv[1:])
