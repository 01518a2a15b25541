"""The audit as staff look at it, verify it and take it away."""

from __future__ import annotations

import logging

from kiosk.administration.audit_chain import verify_within
from kiosk.administration.audit_export import AuditExport
from kiosk.administration.audit_filter import query_of
from kiosk.administration.audit_lines import BATCH, AuditLines
from kiosk.administration.export_files import new_file
from kiosk.administration.kinds import StaffKind
from kiosk.administration.office import Office
from kiosk.administration.progress import Progress
from kiosk.administration.told import WORDS
from kiosk.administration.views.audit import (
    AuditFilter,
    AuditPage,
    ChainVerdict,
    ExportFormat,
)
from kiosk.administration.views.service import Written
from kiosk.errors import StoreError
from kiosk.roles import Action
from kiosk.store.audit_records import AuditQuery, AuditVerdict
from kiosk.store.records import Scalar

log = logging.getLogger(__name__)


class LocalAuditDesk:
    """Implements ``AuditDesk``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def page(self, only: AuditFilter, before: int | None = None, limit: int = 100) -> AuditPage:
        """Return rows, newest first, from before row ``before`` (None: the newest)."""
        limit = min(max(limit, 1), BATCH)
        with self._office.look(Action.SEE_AUDIT) as uow:
            events = uow.trail.newest(query_of(uow, only), before, limit + 1)
            shown = events[:limit]
            lines = AuditLines(uow).of(shown)
        return AuditPage(lines, shown[-1].seq if len(events) > limit else None)

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Return the kinds of rows there can be, each with what it means in plain words."""
        with self._office.look(Action.SEE_AUDIT):
            return tuple((str(kind), words) for kind, words in WORDS.items())

    def verify(self, progress: Progress) -> ChainVerdict:
        """Walk the whole chain; progress is told in rows."""
        with self._office.look(Action.VERIFY_AUDIT) as uow:
            verdict = verify_within(uow, self._office.means.signer, (), progress)
        self._tell_of(verdict)
        fault = verdict.fault
        return ChainVerdict(
            rows=verdict.rows,
            anchors=verdict.anchors,
            anchored_to=verdict.anchored_to,
            fault=fault.because if fault else "",
            fault_row=fault.seq if fault else None,
        )

    def export(self, only: AuditFilter, how: ExportFormat, progress: Progress) -> Written:
        """Write what the filter shows, oldest first, into the exports folder.

        A file that could not be audited is not left behind.
        """
        means = self._office.means
        with self._office.look(Action.EXPORT_AUDIT) as uow:
            query = query_of(uow, only)
        name = f"audit-{means.clock.now().astimezone(means.zone):%Y%m%d-%H%M%S}"
        with new_file(means.exports, name, how.value) as (path, file):
            export = AuditExport(file, how)
            with self._office.look(Action.EXPORT_AUDIT) as uow:
                export.write(uow, query, progress)
            self._office.record(
                Action.EXPORT_AUDIT,
                StaffKind.AUDIT_EXPORTED,
                file=path.name,
                rows=export.rows,
                sha256=export.digest,
                **_told_of(query),
            )
        return Written(str(path), export.rows)

    def _tell_of(self, verdict: AuditVerdict) -> None:
        """Audit it, where that can be: a damage that forbids it must not hide the verdict."""
        fault = verdict.fault
        found: dict[str, Scalar] = {"rows": verdict.rows, "intact": verdict.intact}
        if fault is not None:
            found |= {"fault": fault.kind.value, "fault_row": fault.seq}
        try:
            self._office.record(Action.VERIFY_AUDIT, StaffKind.AUDIT_VERIFIED, **found)
        except StoreError as error:
            if fault is None:
                raise
            log.warning("a broken audit takes no note of that (%s)", error.code)


def _told_of(query: AuditQuery) -> dict[str, Scalar]:
    """Say by ids alone what was asked for."""
    times = {"since": query.since, "until": query.until}
    told: dict[str, Scalar] = {
        "of_holder": query.holder_id,
        "of_station": query.station,
        "of_staff": ", ".join(query.actors) if query.actors else None,
        "of_kind": query.kind,
        "of_reference": query.reference,
        **{name: at.isoformat() if at else None for name, at in times.items()},
    }
    return {name: value for name, value in told.items() if value is not None}
