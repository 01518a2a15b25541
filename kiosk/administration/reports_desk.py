"""Reports: what was done from one day to another, as a table and as a file."""

from __future__ import annotations

from datetime import date, timedelta

from kiosk.administration.export_files import new_file
from kiosk.administration.kinds import StaffKind
from kiosk.administration.office import Office
from kiosk.administration.reports import as_csv, report_of
from kiosk.administration.views.service import Report, Span, Written
from kiosk.errors import NotTaken
from kiosk.roles import Action

LONGEST = timedelta(days=2 * 365)
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)


class LocalReportsDesk:
    """Implements ``ReportsDesk``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def make(self, span: Span, first: date, last: date) -> Report:
        """Count what was done from ``first`` to ``last``, both counted."""
        _check(first, last)
        with self._office.look(Action.SEE_REPORTS) as uow:
            return report_of(uow, span, first, last, self._office.means.zone)

    def export(self, span: Span, first: date, last: date) -> Written:
        """Write that as CSV into the exports folder."""
        _check(first, last)
        with self._office.look(Action.EXPORT_REPORT) as uow:
            report = report_of(uow, span, first, last, self._office.means.zone)
        name = f"report-by-{span.value}-{first}-to-{last}"
        with new_file(self._office.means.exports, name, "csv") as (path, file):
            file.write(as_csv(report).encode())
            self._office.record(
                Action.EXPORT_REPORT,
                StaffKind.REPORT_EXPORTED,
                span=span.value,
                first=str(first),
                last=str(last),
                rows=len(report.rows),
                file=path.name,
            )
        return Written(str(path), len(report.rows))


def _check(first: date, last: date) -> None:
    if last < first:
        raise NotTaken("last", "The last day is before the first.")
    if first < EARLIEST:
        raise NotTaken("first", f"There is nothing to report before {EARLIEST.year}.")
    if last > LATEST:
        raise NotTaken("last", f"Nobody plans beyond {LATEST.year}.")
    if last - first > LONGEST:
        raise NotTaken("first", "A report spans at most two years.")
