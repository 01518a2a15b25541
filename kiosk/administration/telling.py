"""Staff are told of an alarm by mail: queued in the transaction that raises it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from kiosk.administration.alarms import AlarmKind, Trouble
from kiosk.config.notices import NoticeSettings, addresses
from kiosk.store.records import Scalar, new_id
from kiosk.store.service_records import OutboxMessage
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.watch_records import Alarm

_HOLDER = "holder_id"


class StaffMail:
    """Knows who is told of which kind of alarm; ``ra_email`` is whom the settings call "ra"."""

    def __init__(self, notices: NoticeSettings, ra_email: str) -> None:
        lists = {
            AlarmKind.CARD_NOT_GENUINE: notices.card_not_genuine,
            AlarmKind.FAILURES_AT_STATION: notices.many_failures,
            AlarmKind.FAILURES_OF_PERSON: notices.many_failures,
            AlarmKind.STATION_SILENT: notices.station_silent,
            AlarmKind.MAIL_HELD_UP: notices.mail_held_up,
            AlarmKind.ROW_ALTERED: notices.row_altered,
            AlarmKind.AUDIT_BROKEN: notices.audit_broken,
        }
        self._told = {kind: addresses(words, ra_email) for kind, words in lists.items()}

    def began(self, uow: UnitOfWork, fresh: tuple[Trouble, ...]) -> None:
        """Tell of what is new; that mail is held up can be told only afterwards.

        A power cut silences many stations at once: they are named in one notice.
        """
        silent = [each for each in fresh if each.kind is AlarmKind.STATION_SILENT]
        if silent:
            stations = ", ".join(each.subject for each in silent)
            self._queue(uow, AlarmKind.STATION_SILENT, {"station": stations})
        for each in fresh:
            if each.kind not in (AlarmKind.STATION_SILENT, AlarmKind.MAIL_HELD_UP):
                self._queue(uow, each.kind, each.detail)

    def ended(self, uow: UnitOfWork, alarm: Alarm) -> None:
        """Tell of the one that could not be told of before."""
        if alarm.kind == AlarmKind.MAIL_HELD_UP:
            self._queue(uow, AlarmKind.MAIL_HELD_UP, alarm.detail | {"until": _iso(uow.now)})

    def _queue(self, uow: UnitOfWork, kind: AlarmKind, detail: Mapping[str, Scalar]) -> None:
        holder_id = detail.get(_HOLDER)
        known = uow.holders.by_ids([holder_id]) if isinstance(holder_id, str) else {}
        holder = known.get(str(holder_id))
        params = {name: value for name, value in detail.items() if name != _HOLDER}
        if holder is not None:
            params |= {"holder_name": holder.name, "holder_number": holder.number}
        if "until" not in params:
            params["when"] = _iso(uow.now)
        for to in self._told[kind]:
            message = OutboxMessage(new_id(), to, kind.value, params, uow.now, uow.now)
            uow.outbox.add(replace(message, holder_id=holder.id if holder else None))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
