"""A second process that writes until it is killed: its arguments are URL and MODE.

``acknowledged`` prints the number of each event once it is committed. ``inside`` prints
``inside`` in the middle of a transaction and stays there.
"""

from __future__ import annotations

import sys

from kiosk.authority.store.database import Store
from tests.support.database import MACS, SetClock


def acknowledged(store: Store) -> None:
    while True:
        with store.begin() as uow:
            (head,) = uow.audit.heads()
            number = head.seq + 1
            uow.audit.append(kind="step", reference="K", detail={"n": number})
            uow.commit()
        print(number, flush=True)  # noqa: T201


def inside(store: Store) -> None:
    with store.begin() as uow:
        uow.audit.append(kind="half", reference="K")
        uow.audit.write()
        print("inside", flush=True)  # noqa: T201
        sys.stdin.read()


def main() -> None:
    url, mode = sys.argv[1:]
    {"acknowledged": acknowledged, "inside": inside}[mode](Store(url, SetClock(), MACS))


if __name__ == "__main__":
    main()
