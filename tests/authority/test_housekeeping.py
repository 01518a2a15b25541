"""What is past is forgotten, and what is not stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kiosk.authority.housekeeping import TOLD_AFTER, tidy
from kiosk.store.database import Store
from kiosk.store.service_records import OutboxMessage
from tests.support.database import SetClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def notice(name: str) -> OutboxMessage:
    return OutboxMessage(name, f"{name}@b.example", "unlocked", {}, START, START)


def test_old_notices_go_and_waiting_ones_stay(tmp_path: Path) -> None:
    clock = SetClock(START)
    store = Store(f"sqlite:///{tmp_path / 'kiosk.db'}", clock)
    store.migrate()
    with store.begin() as uow:
        uow.outbox.add(notice("sent"))
        uow.outbox.add(notice("waiting"))
        uow.outbox.mark_sent("sent")
        uow.commit()
    clock.forward(days=TOLD_AFTER.days + 1)
    tidy(store)
    with store.read() as uow:
        assert uow.outbox.get("sent") is None
        assert uow.outbox.get("waiting") is not None
    store.close()
