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
from kiosk.administration.proposals import Proposal
from kiosk.administration.told import WORDS
from kiosk.administration.views.acting import Done, Grounds
from kiosk.administration.views.audit import (
    AuditFilter,
    AuditPage,
    ChainVerdict,
    ExportFormat,
)
from kiosk.administration.views.service import Written
from kiosk.errors import NothingThere, NotTaken, StoreError
from kiosk.roles import Action
from kiosk.store.audit_records import AuditEvent, AuditQuery, AuditVerdict
from kiosk.store.records import Scalar
from kiosk.store.unit_of_work import UnitOfWork

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

    def redact(self, row: int, grounds: Grounds, *, whole: bool = False) -> Done:
        """Take the reason of a row out of the audit, and with ``whole`` its detail as well.

        It always waits for a second member of staff. The digests stay, so that the chain
        fits. Raises ``NothingThere`` and ``NotTaken``.
        """
        proposal = Proposal("audit.redact", {"row": row, "whole": whole})
        with self._office.act(Action.REDACT_AUDIT, grounds, proposal=proposal, always=True) as act:
            uow = act.uow
            event = _redactable(uow, row)
            note = str(event.detail.get("note") or "")
            had_reason = bool(note) and uow.notes.redact(note)
            had_detail = whole and uow.audit.redact_detail(row)
            if not had_reason and not had_detail:
                raise NotTaken("row", _NOTHING_TO_REDACT if whole else _NO_REASON)
            what, of_note = "detail" if had_detail else "reason", note if had_reason else None
            act.tell(StaffKind.AUDIT_REDACTED, row=row, what=what, of_note=of_note)
        self._office.means.store.empty_log()
        return act.done(f"The text of row {row} is gone. Its digest stays, and the chain fits.")

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


_NO_REASON = "This row has no reason that could be taken out. Its detail goes as a whole."
_NOTHING_TO_REDACT = "There is no text in this row any more."


def _redactable(uow: UnitOfWork, row: int) -> AuditEvent:
    event = uow.audit.get(row)
    if event is None:
        raise NothingThere(f"There is no row {row} in the audit.")
    if event.kind == StaffKind.AUDIT_REDACTED:
        raise NotTaken("row", "This row says what was taken out of another one, and stays.")
    return event


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
