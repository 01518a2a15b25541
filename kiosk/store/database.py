"""The store itself: one engine, and the transactions on it."""

from __future__ import annotations

from kiosk.ports import Clock
from kiosk.store.unit_of_work import UnitOfWork


class Store:
    """Owns the connections to one database; safe to use from several threads.

    ``url`` is an SQLAlchemy one: ``sqlite:////var/lib/kiosk/kiosk.db`` or
    ``postgresql://user@host/name``. Nothing is opened until the first call.
    """

    def __init__(self, url: str, clock: Clock, *, busy_timeout_s: float = 5.0) -> None:
        raise NotImplementedError

    def begin(self) -> UnitOfWork:
        """Return a unit of work that may write; it begins when its ``with`` block does.

        On SQLite it is the only writer from there on (BEGIN IMMEDIATE). Keep it short and
        never wait for a card, a mail relay or Argon2 inside.
        """
        raise NotImplementedError

    def read(self) -> UnitOfWork:
        """Return one that sees a single moment of the database and cannot write."""
        raise NotImplementedError

    def ping(self) -> None:
        """Ask the database for an answer; raise ``StoreError`` when there is none."""
        raise NotImplementedError

    def migrate(self) -> str:
        """Bring the schema up to date, making the SQLite file (mode 0600); return its revision."""
        raise NotImplementedError

    def schema_is_current(self) -> bool:
        """Say whether the schema is the one that this program was written for."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of every connection."""
        raise NotImplementedError
