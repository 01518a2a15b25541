"""For which days a report is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kiosk.administration.desk_of_service import ReportsDesk
from kiosk.administration.views.service import Report, Span
from kiosk.errors import NotTaken
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form


@dataclass(frozen=True, slots=True)
class Days:
    """The first and the last day, both counted."""

    first: date
    last: date


def ask_days(desk: ReportsDesk, span: Span, now: Days) -> Form[Report]:
    """Ask for the days, and make the report of them."""

    def send(values: Mapping[str, str]) -> Report:
        return desk.make(span, _day("first", values["first"]), _day("last", values["last"]))

    return Form(
        "Days of the report",
        "Both days are counted.",
        (
            Entry("first", "First day", str(now.first), "Like 2026-03-04."),
            Entry("last", "Last day", str(now.last), "Like 2026-03-31."),
        ),
        send,
        button="Show",
    )


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotTaken(name, "Write it as year, month and day: 2026-03-04.") from None
