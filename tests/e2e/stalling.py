"""The installed program, which never comes back from looking at a set of answers.

``python stalling.py PIPE kiosk-arguments``: it says so in the named pipe PIPE, once, and
looks for ever. What was charged before the look is committed by then.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from kiosk.__main__ import main
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.records import JointHash
from kiosk.contract.sensitive import Sensitive


def stall(pipe: Path) -> None:
    """Put the stall in."""

    def check_authority(
        _: AnswerHasher, owner: str, answers: Mapping[int, Sensitive], kept: JointHash
    ) -> bool:
        pipe.write_text(f"looking at {len(answers)}\n")
        threading.Event().wait()
        return False

    AnswerHasher.check = check_authority  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    stall(Path(sys.argv.pop(1)))
    sys.exit(main())
