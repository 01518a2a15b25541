"""A second process that races for attempts: its arguments are URL, WHAT and SUBJECT.

It says ``ready``, waits for a line, lets twenty threads try at once, and prints how many
were charged.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from kiosk.authority.records import Charge, new_id
from kiosk.authority.store.database import Store, UnitOfWork
from tests.support.database import MACS, SetClock

CALLERS = 20


def charge_answers(uow: UnitOfWork, holder_id: str) -> Charge | None:
    return uow.registrations.attempts(holder_id, 3).charge(new_id())


def charge_code(uow: UnitOfWork, code_id: str) -> Charge | None:
    return uow.codes.entries(code_id).charge(new_id())


KINDS = {"answers": charge_answers, "code": charge_code}


def race(store: Store, charge: Callable[[UnitOfWork, str], Charge | None], subject: str) -> int:
    """Let twenty threads charge at the same moment; return how many were let through."""
    gate = threading.Barrier(CALLERS)

    def one(_: int) -> bool:
        gate.wait()
        with store.begin() as uow:
            charged = charge(uow, subject)
            uow.commit()
        return charged is not None and charged.fresh

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(one, range(CALLERS)))


def main() -> None:
    url, kind, subject = sys.argv[1:]
    store = Store(url, SetClock(), MACS, busy_timeout_s=30, pool_size=CALLERS)
    store.schema_serves()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    print(race(store, KINDS[kind], subject), flush=True)  # noqa: T201
    store.close()


if __name__ == "__main__":
    main()
