"""The repositories: each reads and writes the rows of one aggregate."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.authority.store.gateway import Gateway


class Repository:
    """Works in the transaction of ``gateway``, which began at ``now``."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now
