"""The fake desk's audit, imports and reports."""

from __future__ import annotations

import threading
from datetime import date

from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.deeds import PlainDeed
from kiosk.authority.administration.import_people import ImportDesk, ImportResult
from kiosk.authority.administration.reports import ReportsDesk
from kiosk.authority.administration.views import (
    AuditFilter,
    AuditLine,
    AuditPage,
    Done,
    ExportFormat,
    Grounds,
    ImportFile,
    Progress,
    Report,
    Span,
    Written,
)
from kiosk.authority.audit.events import Count
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.records import AuditVerdict
from kiosk.authority.roles import Action
from tests.screens.admin.estate import Estate
from tests.screens.admin.fake_calls import REFERENCE, Asked

_PATIENCE_S = 60


class Slow:
    """Long work: told in ten parts. ``hold`` lets a test stop it after a part, and go on."""

    def __init__(self, estate: Estate, asked: Asked) -> None:
        self._estate = estate
        self._asked = asked
        self.hold: threading.Event | None = None
        """Where it is set, the work waits for it at its half."""

    def _work(self, progress: Progress, total: int) -> None:
        for part in range(11):
            progress(total * part // 10, total)
            if part == 5 and self.hold is not None:
                self.hold.wait(_PATIENCE_S)


class FakeAuditDesk(Slow, AuditDesk):
    """Filters, verifies and exports."""

    def page(self, only: AuditFilter, before: int | None = None, limit: int = 100) -> AuditPage:
        self._asked.hear(Action.SEE_AUDIT, "audit.page", only, before)
        if only.person and not any(_number(row) == only.person for row in self._estate.audit):
            raise NotTaken("person", "Nobody has this number.")
        rows = [row for row in self._estate.audit if _shows(only, row)]
        rows = [row for row in rows if before is None or row.seq < before]
        older = rows[limit - 1].seq if len(rows) > limit else None
        return AuditPage(tuple(rows[:limit]), older)

    def kinds(self) -> tuple[tuple[str, str], ...]:
        # The store comes with it: a program of a test that shows no audit starts in half the time.
        from kiosk.authority.audit.events import EVENTS

        self._asked.hear(Action.SEE_AUDIT, "audit.kinds")
        return tuple((kind, spec.sentence) for kind, spec in EVENTS.items())

    def verify(self, progress: Progress) -> AuditVerdict:
        self._asked.hear(Action.VERIFY_AUDIT, "audit.verify")
        self._work(progress, len(self._estate.audit))
        return self._estate.chain

    def export(self, only: AuditFilter, how: ExportFormat, progress: Progress) -> Written:
        self._asked.hear(Action.EXPORT_AUDIT, "audit.export", only, how)
        rows = [row for row in self._estate.audit if _shows(only, row)]
        self._work(progress, len(rows))
        return Written(f"/var/lib/kiosk/exports/audit-20260304.{how.value}", len(rows))

    def redact(self, row: int, grounds: Grounds, *, whole: bool = False) -> Done:
        self._asked.hear(Action.REDACT_AUDIT, "audit.redact", row, grounds, whole)
        return Done(PlainDeed.PROPOSED, "7KQ4-9ZXM", waits=True)


DIGEST = "5d" * 32


class FakeImportDesk(Slow, ImportDesk):
    """Knows what each of its files would do; a bad one has ``problems``."""

    problems = 2
    erased = 0
    outside = 0
    changed = 0
    cards_changed = 0
    elsewhere = 0
    mailed = 0
    waits = False

    def files(self) -> tuple[ImportFile, ...]:
        self._asked.hear(Action.IMPORT_PEOPLE, "imports.files")
        return tuple(self._estate.files)

    def rehearse(self, name: str, progress: Progress) -> ImportResult:
        self._asked.hear(Action.IMPORT_PEOPLE, "imports.rehearse", name)
        return self._done(name, progress)

    def run(
        self,
        name: str,
        grounds: Grounds,
        progress: Progress,
        *,
        digest: str = "",
        plan: str = "",
    ) -> ImportResult:
        self._asked.hear(Action.IMPORT_PEOPLE, "imports.run", name, grounds.reason)
        if digest != DIGEST:
            raise ConcurrentChange("The file was changed since it was tried or proposed.")
        return self._done(name, progress)

    def _done(self, name: str, progress: Progress) -> ImportResult:
        size = next((file.size for file in self._estate.files if file.name == name), None)
        if size is None:
            raise NotFound(f"There is no file {name} any more.")
        self._work(progress, size)
        if "bad" in name:
            return ImportResult(problems=tuple(map(_problem, range(self.problems))))
        return ImportResult(
            1200, 1130, 48, 1150, 20, 1150, reference=REFERENCE,
            erased_before=_people(self.erased, "Jo Smith"),
            outside_domains=_people(self.outside, "jo.smith@mail.example"),
            changes=_people(self.changed, "name Jo Smith → Jo Smythe"),
            card_changes=_people(
                self.cards_changed, "card ending in 40d1: unblock_secret replaced"
            ),
            codes_elsewhere=self.elsewhere,
            people_mailed=self.mailed, waits=self.waits, digest=DIGEST,
        )  # fmt: skip


def _people(many: int, words: str) -> tuple[tuple[int, str], ...]:
    numbers = range(1, many + 1)
    return tuple((number + 1, f"{900000000000 + number} {words}") for number in numbers)


class FakeReportsDesk(ReportsDesk):
    """Counts the same for every span."""

    def __init__(self, estate: Estate, asked: Asked) -> None:
        self._estate = estate
        self._asked = asked

    def make(self, span: Span, first: date, last: date) -> Report:
        self._asked.hear(Action.SEE_REPORTS, "reports.make", span, first, last)
        days = [day for day in self._estate.today.days if first <= day.day <= last]
        counts = [(d.unlocked, d.registered, d.refused) for d in days]
        rows = [(f"{d.day}", *map(str, c)) for d, c in zip(days, counts, strict=True)]
        total = ("Total", *(str(sum(column)) for column in zip(*counts, strict=True)))
        columns = (span.value.title(), "Unlocked", "Registered", "Refused")
        return Report(span, first, last, columns, (*rows, total) if rows else ())

    def export(self, span: Span, first: date, last: date) -> Written:
        self._asked.hear(Action.EXPORT_REPORT, "reports.export", span, first, last)
        rows = len(self.make(span, first, last).rows)
        return Written(f"/var/lib/kiosk/exports/report-{span.value}-{first}.csv", rows)

    def mail(self, span: Span, first: date, last: date, to: str) -> str:
        self._asked.hear(Action.EXPORT_REPORT, "reports.mail", span, first, last, to)
        return to


def _problem(number: int) -> tuple[int, str]:
    reasons = ("email: not an address", "holder_number: has 11 digits, and needs 12")
    return 3 + 14 * number, reasons[number % 2]


def _number(row: AuditLine) -> str:
    return row.person.split(" ", 1)[0]


_COUNTED = {
    Count.UNLOCKED: {"unblock-done"},
    Count.REGISTERED: {"registered"},
    Count.REFUSED: {"refused", "refused-at-station"},
}


def _shows(only: AuditFilter, row: AuditLine) -> bool:
    wanted = (
        (only.person, _number(row)),
        (only.station, row.station),
        (only.staff, row.who),
        (only.kind, row.kind),
        (only.reference, row.reference),
    )
    since = only.since is None or row.at >= only.since
    until = only.until is None or row.at < only.until
    counted = only.counted is None or row.kind in _COUNTED[only.counted]
    return since and until and counted and all(not want or want == has for want, has in wanted)
