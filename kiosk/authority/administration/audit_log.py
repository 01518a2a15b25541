"""The audit as staff filter, read, verify, redact and export it."""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import UTC
from typing import IO

from kiosk.authority.administration import reports
from kiosk.authority.administration.acts import RedactAudit
from kiosk.authority.administration.deeds import RowRedacted
from kiosk.authority.administration.fields import LONGEST_NAME
from kiosk.authority.administration.files import (
    CSV_BEGINS,
    csv_line,
    need_room,
    recorded,
    write_file,
)
from kiosk.authority.administration.office import COMMAND_LINE, Desk, note_id_of, staff_names
from kiosk.authority.administration.proposals import Proposal
from kiosk.authority.administration.views import (
    AuditFilter,
    AuditLine,
    AuditPage,
    Done,
    ExportFormat,
    Grounds,
    Progress,
    Written,
)
from kiosk.authority.audit.events import EVENTS, StaffKind, audit_message
from kiosk.authority.errors import NotFound, NotTaken, StoreError
from kiosk.authority.records import (
    ActionNote,
    AuditEvent,
    AuditQuery,
    AuditVerdict,
    Card,
    Scalar,
    Sought,
)
from kiosk.authority.refusals import (
    FilterTooLong,
    NobodyNamedSo,
    NoSuchKindOfRow,
    NoSuchRow,
    PlainRefusal,
)
from kiosk.authority.roles import Action
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.staff import REDACTED_TEXT
from kiosk.authority.wording import quoted
from kiosk.contract.messages import read_reference

log = logging.getLogger(__name__)

# What staff enter into the filter of the audit, in the terms of the audit.

_ID = re.compile(r"[0-9a-f]{32}")


def query_of(uow: UnitOfWork, only: AuditFilter) -> AuditQuery:
    """Look up the persons of a filter; raises ``NotTaken`` for what is unknown."""
    for name, at in (("since", only.since), ("until", only.until)):
        if at is None:
            continue
        if at.utcoffset() is None:
            raise NotTaken(name, PlainRefusal.NO_TIME_ZONE)
        try:
            at.astimezone(UTC)
        except OverflowError:
            raise NotTaken(name, PlainRefusal.NO_SUCH_MOMENT) from None
    if only.since is not None and only.until is not None and only.since >= only.until:
        raise NotTaken("until", PlainRefusal.END_BEFORE_BEGINNING)
    for name in ("station", "staff", "kind"):
        text = getattr(only, name)  # an export writes it into the audit
        if len(text) > LONGEST_NAME or not text.isprintable():
            raise NotTaken(name, FilterTooLong(LONGEST_NAME))
    holder_id = _holder(uow, only.person.strip())
    station = only.station.strip() or None
    if (
        station
        and all(each.name != station for each in uow.stations.every())
        and not uow.trail.newest(AuditQuery(station=station), limit=1)  # a deleted one counts
    ):
        raise NotTaken(
            "station",
            PlainRefusal.STATION_OF_NO_ROW,
        )
    kind = only.kind.strip() or None
    if (
        kind
        and kind not in EVENTS
        and not uow.trail.newest(AuditQuery(kind=kind), limit=1)  # a newer program's counts
    ):
        near = difflib.get_close_matches(kind, EVENTS, n=1)
        raise NotTaken("kind", NoSuchKindOfRow(near[0] if near else ""))
    actors = _actors(uow, only.staff.strip())
    sought = None if only.counted is None else reports.COUNTED[only.counted]
    if sought is not None and only.reason:
        sought = tuple(Sought(each.kind, reports.REASON, only.reason) for each in sought)
    reference = None
    if text := only.reference.strip():
        reference = read_reference(text)
        if reference is None:
            raise NotTaken("reference", PlainRefusal.NO_REFERENCE)
    return AuditQuery(
        holder_id=holder_id,
        station=station,
        actors=actors,
        kind=kind,
        sought=sought,
        reference=reference,
        since=only.since,
        until=only.until,
    )


def _holder(uow: UnitOfWork, text: str) -> str | None:
    """Return a holder's id; an erased holder is still found by the id in the audit."""
    if not text:
        return None
    number = "".join(text.split())
    known = uow.holders.by_numbers((text, number))
    if found := known.get(text) or known.get(number):
        return found.id
    if _ID.fullmatch(text.lower()):
        return text.lower()
    raise NotTaken(
        "person",
        PlainRefusal.NUMBER_OF_NOBODY,
    )


def _actors(uow: UnitOfWork, text: str) -> tuple[str, ...] | None:
    """Return the ids of all with a word in their name that begins like this."""
    if not text:
        return None
    if text.lower().startswith(COMMAND_LINE):
        return (text,)
    sought = text.casefold()
    found = tuple(
        member.id
        for member in uow.staff.every()
        if member.id == text or f" {sought}" in f" {member.name.casefold()}"
    )
    if not found:
        raise NotTaken("staff", NobodyNamedSo(COMMAND_LINE))
    return found


# Rows of the audit as staff read them: names for ids, words for kinds, and the reasons.

ERASED = "(erased)"

BATCH = 500
"""Rows at a time, at most."""

_OF_NOTE = frozenset({"note", "note_sha256"})
_REPLACED = "replaces"


class AuditLines:
    """Makes lines of up to ``BATCH`` events at a time; staff are looked up once."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._name_of = staff_names(uow)
        self._redacted = uow.audit.redacted_notes()

    def of(self, events: Sequence[AuditEvent]) -> tuple[AuditLine, ...]:
        ids = {event.holder_id for event in events if event.holder_id}
        holders = self._uow.holders.by_ids(ids)
        cards = self._uow.cards.by_ids(
            {
                card_id
                for event in events
                for card_id in (event.card_id, event.detail.get(_REPLACED))
                if isinstance(card_id, str)
            }
        )
        notes = self._uow.notes.by_ids(tuple({*map(note_id_of, events)} - {""}))
        lines = []
        for event in events:
            holder = holders.get(event.holder_id or "")
            erased = "" if event.holder_id is None else ERASED
            grounds = _grounds(event, notes.get(note_id_of(event)), self._redacted)
            lines.append(
                AuditLine(
                    seq=event.seq,
                    at=event.at,
                    kind=event.kind,
                    sentence=audit_message(event),
                    number=holder.number if holder else "",
                    name=holder.name if holder else erased,
                    card=_card(event.card_id, cards),
                    station=event.station or "",
                    who=self._name_of(event.actor),
                    reference=event.reference,
                    details=(*grounds, *_rest(event, self._name_of, cards)),
                )
            )
        return tuple(lines)


def _card(card_id: str | None, cards: Mapping[str, Card]) -> str:
    if card_id is None:
        return ""
    card = cards.get(card_id)
    return f"{card.driver} {card.identifier}" if card else ERASED


def _grounds(event: AuditEvent, note: ActionNote | None, redacted: Container[str]) -> Iterator[str]:
    """Return the grounds; the audit's digest shows a note that was altered afterwards."""
    if not note_id_of(event):
        return
    if note is None:
        yield "reason erased"
        return
    if note.reason == REDACTED_TEXT and note.id in redacted:
        yield "reason redacted"
        return
    if note.digest != event.detail.get("note_sha256"):
        yield "the reason was ALTERED after it was written"
    yield f"reason: {quoted(note.reason)}"
    if note.identified_by:
        yield f"identified by: {quoted(note.identified_by)}"


_OF_STAFF = frozenset({"staff", "given_by", "agreed_by", "proposed_by"})


def _rest(
    event: AuditEvent, name_of: Callable[[str | None], str], cards: Mapping[str, Card]
) -> Iterator[str]:
    for name, value in event.detail.items():
        if name in _OF_STAFF and value:
            yield f"{name.replace('_', ' ')}: {name_of(str(value))}"
        elif name == _REPLACED:
            yield f"replaces: {_card(str(value), cards)}"
        elif name not in _OF_NOTE and value not in (None, ""):
            words = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            yield f"{name.replace('_', ' ')}: {words}"


# The audit as a file: CSV for a spreadsheet, or JSON lines for a program.

COLUMNS = (
    "seq", "at", "kind", "sentence", "person", "card", "station", "who", "reference", "detail",
)  # fmt: skip


def columns_of(line: AuditLine) -> dict[str, object]:
    """Return a row with number and name in one: a spreadsheet would round a number alone."""
    return {name: getattr(line, name) for name in COLUMNS}


def write_rows(
    uow: UnitOfWork, query: AuditQuery, file: IO[bytes], how: ExportFormat, progress: Progress
) -> tuple[int, str]:
    """Write the result of a query, oldest first, as it comes out of the database.

    Progress is in rows. Return how many there are, and the SHA-256 of what was written.
    """
    digest, rows, total = hashlib.sha256(), 0, uow.trail.count(query)

    def put(text: str) -> None:
        digest.update(text.encode())
        file.write(text.encode())

    if how is ExportFormat.CSV:
        put(CSV_BEGINS + csv_line(COLUMNS))
    progress(0, total)
    lines, after = AuditLines(uow), None
    while events := uow.trail.oldest(query, after, BATCH):
        for line in lines.of(events):
            values = columns_of(line) | {"at": line.at.astimezone(UTC).isoformat()}
            if how is ExportFormat.CSV:
                put(csv_line(list(values.values())))
            else:
                put(json.dumps(values, ensure_ascii=False) + "\n")
        rows += len(events)
        progress(rows, total)
        after = events[-1].seq
    return rows, digest.hexdigest()


class AuditDesk(Desk):
    def page(self, only: AuditFilter, before: int | None = None, limit: int = 100) -> AuditPage:
        """Return rows, newest first, from before row ``before`` (None: the newest)."""
        limit = min(max(limit, 1), BATCH)
        with self._office.look(Action.SEE_AUDIT) as uow:
            events = uow.trail.newest(query_of(uow, only), before, limit + 1)
            shown = events[:limit]
            lines = AuditLines(uow).of(shown)
        return AuditPage(lines, shown[-1].seq if len(events) > limit else None)

    def kinds(self) -> tuple[tuple[str, str], ...]:
        with self._office.look(Action.SEE_AUDIT):
            return tuple((kind, spec.sentence) for kind, spec in EVENTS.items())

    def verify(self, progress: Progress) -> AuditVerdict:
        """Walk every chain; progress is in rows."""
        with self._office.look(Action.VERIFY_AUDIT) as uow:
            verdict = uow.audit.verify(progress=progress, check=self._office.means.signer.check)
        fault = verdict.fault
        found: dict[str, Scalar] = {"rows": verdict.rows, "intact": verdict.intact}
        if fault is not None:
            found |= {"fault": fault.kind.value, "fault_row": fault.seq}
        try:
            self._office.record(Action.VERIFY_AUDIT, StaffKind.AUDIT_VERIFIED, **found)
        except StoreError as error:
            if fault is None:
                raise
            # The damage that prevents the row must not hide the verdict.
            log.warning("a broken audit takes no note of that (%s)", error.code)
        return verdict

    def export(self, only: AuditFilter, how: ExportFormat, progress: Progress) -> Written:
        """Write the filtered rows, oldest first, into the exports folder.

        A file that was certainly not audited is deleted.
        """
        means = self._office.means
        with self._office.look(Action.EXPORT_AUDIT) as uow:
            query = query_of(uow, only)
        name = f"audit-{means.clock.now().astimezone(means.zone):%Y%m%d-%H%M%S}"

        def written(done: int, total: int) -> None:
            need_room(means.exports)
            progress(done, total)

        def write(file: IO[bytes]) -> tuple[int, str]:
            with self._office.look(Action.EXPORT_AUDIT) as uow:
                return write_rows(uow, query, file, how, written)

        path, (rows, digest) = write_file(means.exports, name, how.value, write)
        # Ids only: a name would stay in the audit when its person is erased.
        filtered: dict[str, Scalar] = {
            "of_holder": query.holder_id,
            "of_station": query.station,
            "of_staff": ", ".join(query.actors) if query.actors else None,
            "of_kind": query.kind,
            "of_counted": only.counted,
            "of_reason": only.reason or None,
            "of_reference": query.reference,
            "since": query.since.isoformat() if query.since else None,
            "until": query.until.isoformat() if query.until else None,
        }
        with recorded(path):
            self._office.record(
                Action.EXPORT_AUDIT,
                StaffKind.AUDIT_EXPORTED,
                file=path.name,
                rows=rows,
                sha256=digest,
                **{name: value for name, value in filtered.items() if value is not None},
            )
        return Written(str(path), rows)

    def redact(self, row: int, grounds: Grounds, *, whole: bool = False) -> Done:
        """Take the reason of a row out of the audit, and with ``whole`` its detail as well.

        It always waits for a second member of staff. The digests stay, so that the chain
        fits. Raises ``NotFound`` and ``NotTaken``.
        """
        proposal = Proposal(RedactAudit(row, whole=whole))
        with self._office.act(Action.REDACT_AUDIT, grounds, proposal=proposal) as act:
            uow = act.uow
            event = uow.audit.get(row)
            if event is None:
                raise NotFound(NoSuchRow(row))
            if event.kind == StaffKind.AUDIT_REDACTED:
                raise NotTaken("row", PlainRefusal.ROW_OF_REDACTION)
            note = note_id_of(event)
            had_reason = bool(note) and uow.notes.redact(note)
            had_detail = whole and uow.audit.redact_detail(row)
            if not had_reason and not had_detail:
                raise NotTaken(
                    "row",
                    PlainRefusal.ROW_WITHOUT_TEXT if whole else PlainRefusal.ROW_WITHOUT_REASON,
                )
            what, of_note = "detail" if had_detail else "reason", note if had_reason else None
            act.record(StaffKind.AUDIT_REDACTED, row=row, what=what, of_note=of_note)
        self._office.means.store.empty_log()
        return act.done(RowRedacted(row))
