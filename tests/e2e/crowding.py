"""A process of its own at an estate: twenty people give wrong answers in one visit at once.

``python -m tests.e2e.crowding CONFIG VISIT QUESTION...`` puts the authority together as
the program does, says ``ready`` and waits for a line. Then it prints how many sets were
looked at, and what came of each call.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kiosk.app.composition.authority import BuiltAuthority
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.records import JointHash
from kiosk.config.loading import load_settings
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import Answer, Answers, VisitId
from kiosk.contract.ports import Authority
from kiosk.contract.sensitive import Sensitive

CALLERS = 20


def count_looks() -> Counter[str]:
    """Count from now on how many sets are looked at in this process."""
    counted: Counter[str] = Counter()
    lock, check = threading.Lock(), AnswerHasher.check

    def counting(
        self: AnswerHasher, owner: str, given: Mapping[int, Sensitive], kept: JointHash
    ) -> bool:
        with lock:
            counted["looks"] += 1
        return check(self, owner, given, kept)

    AnswerHasher.check = counting  # type: ignore[assignment,method-assign]
    return counted


def crowd(authority: Authority, visit: VisitId, questions: Sequence[str]) -> Counter[str]:
    """Let all give their answers at the same moment; count what each was told."""
    wrong = tuple(Answer(int(one), Sensitive("no idea")) for one in questions)
    gate = threading.Barrier(CALLERS)

    def one(number: int) -> str:
        gate.wait()
        try:
            return type(authority.submit(visit, f"{os.getpid()}-{number}", Answers(wrong))).__name__
        except StepRefused:
            return "StepRefused"
        except AuthorityUnavailable:  # three are being checked
            return "Refusal"

    with ThreadPoolExecutor(CALLERS) as pool:
        return Counter(pool.map(one, range(CALLERS)))


def main() -> None:
    """Be ready, wait, and say what happened."""
    config, visit, *questions = sys.argv[1:]
    counted = count_looks()
    built = BuiltAuthority(load_settings(Path(config), os.environ), os.environ)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    told = crowd(built.authority, VisitId(visit), questions)
    built.close()
    sys.stdout.write(f"{counted['looks']} {told['FactorWrong']} {told['Refusal']}\n")


if __name__ == "__main__":
    main()
