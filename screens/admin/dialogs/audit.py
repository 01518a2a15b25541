"""What is asked about the audit: what to show, and how to write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kiosk.administration.desk_of_service import AuditDesk
from kiosk.administration.views.audit import AuditFilter, AuditPage, ExportFormat
from kiosk.errors import NotTaken
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form
from screens.admin.times import Times

_CSV = "CSV, for a spreadsheet"
_JSON = "JSON lines, for a program"
_FORMATS = {_CSV: ExportFormat.CSV, _JSON: ExportFormat.JSON_LINES}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown now, and the newest page of it."""

    only: AuditFilter
    page: AuditPage


def ask_filter(desk: AuditDesk, now: AuditFilter, times: Times) -> Form[Shown]:
    """Ask what to show; what the desk does not know is said beside its field."""

    def send(values: Mapping[str, str]) -> Shown:
        only = AuditFilter(
            person=values["person"],
            station=values["station"],
            staff=values["staff"],
            kind=now.kind,
            reference=values["reference"],
            since=_moment("since", values["since"], times.beginning),
            until=_moment("until", values["until"], times.ending),
        )
        return Shown(only, desk.page(only))

    return Form(
        "Show only",
        "Rows that fit all that is filled in; an empty field does not narrow.",
        (
            _entry("person", "Person", now.person, "Their holder number."),
            _entry("station", "Station", now.station, "Its whole name."),
            _entry("staff", "Staff", now.staff, "A name, or the beginning of one."),
            _entry("reference", "Reference", now.reference, "As it stood on the screen."),
            _entry("since", "From", times.typed(now.since), "Like 2026-03-04 or 2026-03-04 09:30."),
            _entry(
                "until", "Before", times.typed(now.until), "The same; a whole day is counted in."
            ),
        ),
        send,
        button="Show",
    )


def ask_format() -> Form[ExportFormat]:
    """Ask how the file is to be written."""
    return Form(
        "Export what is shown",
        "It is written on the service's machine, oldest row first, and the audit says that "
        "you took it.",
        (
            Entry(
                "format",
                "Format",
                _CSV,
                "Up and Down choose.",
                choices=tuple(_FORMATS),
                closed=True,
            ),
        ),
        lambda values: _FORMATS[values["format"]],
        button="Export",
    )


def _entry(name: str, label: str, initial: str, hint: str) -> Entry:
    return Entry(name, label, initial, hint, required=False)


def _moment(name: str, text: str, read: Callable[[str], datetime | None]) -> datetime | None:
    if not text:
        return None
    moment = read(text)
    if moment is None:
        raise NotTaken(name, "Write it like 2026-03-04, or like 2026-03-04 09:30.")
    return moment
