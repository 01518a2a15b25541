"""Tables of the caretaker: alarms that stand, and chores that are done now and then."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from kiosk.store.records import Scalar
from kiosk.store.tables.base import Row
from kiosk.store.tables.columns import Scalars, UtcDateTime
from kiosk.store.tables.services import ROW_NUMBER


class AlarmRow(Row, table=True):
    """See ``Alarm``; one that is over is deleted."""

    __tablename__ = "alarm"
    name: str = Field(primary_key=True)
    kind: str
    since: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    detail: dict[str, Scalar] = Field(sa_type=Scalars)


class ChoreRow(Row, table=True):
    """See ``Chore``; ``seq`` and ``hash`` are the row that it has reached."""

    __tablename__ = "chore"
    name: str = Field(primary_key=True)
    since: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime = Field(sa_type=UtcDateTime)
    seq: int = Field(sa_type=ROW_NUMBER)
    hash: str
