"""The tables of the reports: by day, by week, by site, and by reason of refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final, TypeVar

from kiosk.administration import counted
from kiosk.administration.csv_text import csv_text
from kiosk.administration.days import by_day, each_day, span_of
from kiosk.administration.reasons import reason_words
from kiosk.administration.views.service import Report, Span
from kiosk.store.repositories.statistics import Sought
from kiosk.store.unit_of_work import UnitOfWork

TOTAL: Final = "Total"
NO_SITE: Final = "(no site)"
COLUMNS: Final = ("Unlocked", "Registered", "Refused")
SOUGHT: Final = (counted.UNLOCKED, counted.REGISTERED, counted.REFUSED)

Row = tuple[str, ...]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Asked:
    """The days that a report is of, and where they begin and end."""

    uow: UnitOfWork
    first: date
    last: date
    zone: tzinfo

    def by_day(self, sought: tuple[Sought, ...]) -> Counter[date]:
        """Count events by day."""
        span = span_of(self.first, self.last, self.zone)
        return by_day(self.uow.statistics.by_quarter(sought, *span), self.zone)

    def by_station(self, sought: tuple[Sought, ...]) -> Counter[str]:
        """Count events by station."""
        span = span_of(self.first, self.last, self.zone)
        return self.uow.statistics.by_station(sought, *span)

    def by_reason(self) -> Counter[str]:
        """Count refusals by why."""
        span = span_of(self.first, self.last, self.zone)
        return self.uow.statistics.by_detail(counted.REFUSED, counted.REASON, *span)


def report_of(uow: UnitOfWork, span: Span, first: date, last: date, zone: tzinfo) -> Report:
    """Return the table of ``span``; its last row holds the totals."""
    columns, rows = _TABLES[span](Asked(uow, first, last, zone))
    return Report(span, first, last, columns, rows)


def as_csv(report: Report) -> str:
    """Return a report as CSV text, its columns' names first."""
    return csv_text(report.columns, report.rows)


def _days(asked: Asked) -> tuple[Row, tuple[Row, ...]]:
    counts = [asked.by_day(sought) for sought in SOUGHT]
    names = {day: (day.isoformat(),) for day in each_day(asked.first, asked.last)}
    return ("Day", *COLUMNS), _table(names, counts)


def _weeks(asked: Asked) -> tuple[Row, tuple[Row, ...]]:
    """A week is an ISO one; the first and the last may be cut, so their days are told."""
    weeks: dict[str, list[date]] = {}
    for day in each_day(asked.first, asked.last):
        weeks.setdefault(_week(day), []).append(day)
    counts = [_folded(asked.by_day(sought), _week) for sought in SOUGHT]
    names = {week: (week, str(days[0]), str(days[-1])) for week, days in weeks.items()}
    return ("Week", "From", "To", *COLUMNS), _table(names, counts)


def _sites(asked: Asked) -> tuple[Row, tuple[Row, ...]]:
    """A station stands where it last said that it does."""
    sites = {each.name: each.site or NO_SITE for each in asked.uow.stations.every()}
    counts = [
        _folded(asked.by_station(sought), lambda name: sites.get(name, NO_SITE))
        for sought in SOUGHT
    ]
    seen = sorted({*sites.values(), *(site for count in counts for site in count)})
    return ("Site", *COLUMNS), _table({site: (site,) for site in seen}, counts)


def _reasons(asked: Asked) -> tuple[Row, tuple[Row, ...]]:
    refused = _folded(asked.by_reason(), reason_words)
    names = {words: (words,) for words in sorted(refused, key=lambda each: (-refused[each], each))}
    return ("Reason", "Refused"), _table(names, [refused])


_TABLES: Final[dict[Span, Callable[[Asked], tuple[Row, tuple[Row, ...]]]]] = {
    Span.DAY: _days,
    Span.WEEK: _weeks,
    Span.SITE: _sites,
    Span.REASON: _reasons,
}


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _folded(counts: Mapping[Key, int], name: Callable[[Key], str]) -> Counter[str]:
    folded: Counter[str] = Counter()
    for key, count in counts.items():
        folded[name(key)] += count
    return folded


def _table(names: Mapping[Key, Row], counts: Iterable[Counter[Key]]) -> tuple[Row, ...]:
    """Return a row for each name, and the totals."""
    columns = list(counts)
    rows = [(*row, *(str(count[key]) for count in columns)) for key, row in names.items()]
    head = next(iter(names.values()), (TOTAL,))
    totals = (TOTAL, *("" for _ in head[1:]), *(str(count.total()) for count in columns))
    return (*rows, totals)
