"""The caretaker runs the jobs that need no staff: alarms, checks of the audit, and old rows.

Any number of processes may run it; each job that is due is done by one of them.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from kiosk.authority.administration.alarms import (
    PAST,
    WATCH,
    WATCH_EVERY,
    AlarmKind,
    Detail,
    RaisedAlarm,
    altered_since,
    problems,
    utc_text,
)
from kiosk.authority.administration.office import expire
from kiosk.authority.administration.verification import anchor_line
from kiosk.authority.audit import put_back
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.audit.events import AuditKind, ServiceKind, altered
from kiosk.authority.audit.rows import chain_of
from kiosk.authority.crypto.revocation import RevocationLists
from kiosk.authority.errors import (
    AuditNotIntact,
    ProgramTooOld,
    RowAltered,
    StoreError,
    ValueUnreadable,
)
from kiosk.authority.mail import staff_words
from kiosk.authority.mail.bounces import Bounces
from kiosk.authority.notices import left_this_hour
from kiosk.authority.records import (
    Alarm,
    AuditAnchor,
    AuditHead,
    OutboxMessage,
    Scalar,
    new_id,
)
from kiosk.authority.reminders import remind
from kiosk.authority.retention import DAILY, held_until, months, purge_records
from kiosk.authority.store.audit_chain import FIRST, first_head
from kiosk.authority.store.database import SchemaFit, Store, UnitOfWork
from kiosk.authority.store.repositories.mac_rows import TABLES
from kiosk.authority.texts.receipts import Receipts
from kiosk.authority.visit.pin_change import report_lost_changes
from kiosk.authority.visit.registration import apply_due_changes
from kiosk.config.settings import DEFAULTS, NoticeSettings, RetentionSettings, addresses
from kiosk.contract.log_context import TroubleLog
from kiosk.contract.policy import Policy

log = logging.getLogger(__name__)

# Staff get a mail about an alarm: queued in the transaction that raises it.

_HOLDER = "holder_id"

_OF_PEOPLE: Final = frozenset({AlarmKind.CARD_NOT_GENUINE, AlarmKind.FAILURES_OF_PERSON})
"""Alarms that a station can cause for one card or person after the other.

Their mails are limited; all of them are on the page Today.
"""


class StaffMail:
    """The recipients of each kind of alarm; ``ra_email`` is the address behind "ra"."""

    def __init__(self, notices: NoticeSettings, ra_email: str) -> None:
        lists = {
            AlarmKind.CARD_NOT_GENUINE: notices.card_not_genuine,
            AlarmKind.FAILURES_AT_STATION: notices.many_failures,
            AlarmKind.FAILURES_OF_PERSON: notices.many_failures,
            AlarmKind.ANSWERS_LIMITED: notices.many_failures,
            AlarmKind.STATION_SILENT: notices.station_silent,
            AlarmKind.MAIL_HELD_UP: notices.mail_held_up,
            AlarmKind.ROW_ALTERED: notices.row_altered,
            AlarmKind.AUDIT_BROKEN: notices.audit_broken,
            AlarmKind.CLOCKS_DIFFER: notices.clocks_differ,
            AlarmKind.LIST_NOT_CURRENT: notices.list_not_current,
        }
        self._recipients = {kind: addresses(words, ra_email) for kind, words in lists.items()}

    def began(self, uow: UnitOfWork, fresh: tuple[RaisedAlarm, ...]) -> None:
        """Queue mails about new alarms; a mail that mail is held up can only be sent afterwards.

        A power cut silences many stations at once: one notice names them all.
        """
        silent = [each for each in fresh if each.kind is AlarmKind.STATION_SILENT]
        if silent:
            stations = ", ".join(each.subject for each in silent)
            self._queue(uow, AlarmKind.STATION_SILENT, {"station": stations})
        for each in fresh:
            if each.kind not in (AlarmKind.STATION_SILENT, AlarmKind.MAIL_HELD_UP):
                self._queue(uow, each.kind, each.detail)

    def ended(self, uow: UnitOfWork, alarm: Alarm) -> None:
        """Queue a mail about the one that could not be mailed before."""
        if alarm.kind == AlarmKind.MAIL_HELD_UP:
            self._queue(uow, AlarmKind.MAIL_HELD_UP, alarm.detail | {"until": utc_text(uow.now)})

    def _queue(self, uow: UnitOfWork, kind: AlarmKind, detail: Mapping[str, Scalar]) -> None:
        holder_id = detail.get(_HOLDER)
        known = uow.holders.by_ids([holder_id]) if isinstance(holder_id, str) else {}
        holder = known.get(str(holder_id))
        params = {name: value for name, value in detail.items() if name != _HOLDER}
        if holder is not None:
            params |= {"holder_name": holder.name, "holder_number": holder.number}
        if "until" not in params:
            params["when"] = utc_text(uow.now)
        for to in self._recipients[kind]:
            shown = params
            if kind in _OF_PEOPLE:
                left = left_this_hour(uow, to, kind)
                if left <= 0:
                    continue
                shown = params | {"others": staff_words.OTHERS} if left == 1 else params
            message = OutboxMessage(new_id(), to, kind.value, shown, uow.now, uow.now)
            uow.outbox.add(replace(message, holder_id=holder.id if holder else None))


DAY = timedelta(days=1)
MINUTE_S = 60.0
VERIFY: Final = "verify"
CHECK_ROWS: Final = "check-rows"

ROWS_A_RUN = 2000
"""Rows of the audit that one run verifies: a tenth of a second's work."""

ROWS_SIGNED_A_RUN = 20_000
"""Rows that one run verifies before it signs the last one; an estate writes fewer a minute."""

RUNS_A_PASS = 1200
"""In a long audit each run verifies more rows, so that so many runs finish within a day."""


class Caretaker:
    """The store's clock gives the time; ``limits`` are the thresholds and recipients."""

    def __init__(
        self,
        store: Store,
        signer: AnchorSigner,
        limits: NoticeSettings,
        ra_email: str,
        *,
        retention: RetentionSettings = DEFAULTS.retention,
        bounces: Bounces | None = None,
        receipts: Receipts | None = None,
        lists: RevocationLists | None = None,
        policy: Callable[[], Policy] = Policy,
    ) -> None:
        self._store = store
        self._signer = signer
        self._limits = limits
        self._mail = StaffMail(limits, ra_email)
        self._retention = retention
        self._policy = policy
        self._signed: dict[int, AuditAnchor] = {}
        self._lists = lists
        self._bounces = bounces
        self._receipts = receipts

    def run(self) -> bool:
        """Do the jobs that are due; return False where another process ran within the minute.

        Raises ``StoreError``; a later run does the rest. A value that cannot be read keeps one job
        from its work: the others are done before it is raised. A program that is too old for the
        database would take what a newer one wrote for altered: it does nothing.
        """
        if self._store.schema()[0] is SchemaFit.TOO_NEW:
            raise ProgramTooOld
        unread: StoreError | None = None
        try:  # by each process, also where another one does the jobs
            self._watch_lists()
            self._take_bounces()
            if self._receipts is not None:
                self._receipts.take_in()
        except ValueUnreadable as error:
            unread = error
        if not self._claim_run():
            return False
        for job in (
            self._watch,
            self._expire,
            self._verify,
            self._check_rows,
            self._run_daily,
            self._remind,
            # Each minute, for people who were erased while somebody read.
            self._store.empty_log,
        ):
            try:
                job()
            except RowAltered as error:  # the others go on, and the next run tells staff
                self._note((error,))
            except ValueUnreadable as error:
                unread = unread or error
        if unread is not None:
            raise unread
        return True

    def _claim_run(self) -> bool:
        with self._store.begin() as uow:
            mine = uow.jobs.claim(WATCH, WATCH_EVERY)
            if mine:
                uow.stations.mend_times()
            uow.commit()
        return mine

    def _watch(self) -> None:
        with self._store.read() as uow:
            found, kinds, unread = problems(uow, self._limits)
            standing, now = uow.alarms.standing(), uow.now
        found, kinds = (
            (*found, *self._wrong_clocks(standing, now)),
            kinds | {AlarmKind.CLOCKS_DIFFER},
        )
        if found or any(alarm.kind in kinds for alarm in standing):
            self._raise_and_clear(kinds, found)
        if unread is not None:
            raise unread

    def _watch_lists(self) -> None:
        """Tell of lists of revoked certificates that this process cannot use, or that are past.

        Each process knows of its own lists alone, and ends no other machine's alarm within a day.
        """
        kind, here = AlarmKind.LIST_NOT_CURRENT, socket.gethostname()
        with self._store.read() as uow:
            standing, now = uow.alarms.standing(), uow.now
        wrong: dict[str, str] = {}
        if self._lists is not None:
            wrong |= {str(file): because for file, because in self._lists.faults().items()}
            past = (each.issuer for each in self._lists.known() if each.is_past(now))
            wrong |= dict.fromkeys(past, PAST)
        found = [
            RaisedAlarm(kind, f"{here} {name}", {"machine": here, "list": name, "finding": because})
            for name, because in wrong.items()
        ]
        old = [alarm for alarm in standing if alarm.kind == kind]
        for alarm in old:
            is_mine = self._lists is not None and alarm.detail.get("machine") == here
            if not is_mine and now - alarm.since < DAY:
                subject = alarm.name.partition(":")[2]
                found.append(RaisedAlarm(kind, subject, alarm.detail))
        if {each.name for each in found} != {alarm.name for alarm in old}:
            self._raise_and_clear({kind}, tuple(found))

    def _take_bounces(self) -> None:
        """Take in mail that came back to the maildir of this machine."""
        if self._bounces is None:
            return
        try:
            self._bounces.take_in_folder()
        except OSError as error:
            log.warning("the maildir of bounces: %s", error)

    def _wrong_clocks(self, standing: Iterable[Alarm], now: datetime) -> Iterator[RaisedAlarm]:
        """Yield whether this machine's clock is not that of the database server.

        Each machine knows of itself alone, and ends no other one's alarm within a day.
        """
        kind, here = AlarmKind.CLOCKS_DIFFER, socket.gethostname()
        if apart := self._store.clocks_apart:
            minutes = apart // timedelta(minutes=1)
            yield RaisedAlarm(kind, here, {"machine": here, "minutes": minutes})
        for alarm in standing:
            machine = alarm.detail.get("machine")
            if alarm.kind == kind and machine != here and now - alarm.since < DAY:
                yield RaisedAlarm(kind, str(machine), alarm.detail)

    def _raise_and_clear(
        self,
        kinds: Collection[str],
        found: tuple[RaisedAlarm, ...],
        also: Callable[[UnitOfWork], None] = lambda _: None,
        *,
        audited: bool = True,
    ) -> None:
        """Make the alarms of these kinds equal to the findings, in one transaction with ``also``.

        Staff get a mail about new and ended alarms, and they are audited; a broken audit that
        accepts no rows does not prevent an alarm.
        """
        names = {each.name for each in found}
        try:
            with self._store.begin() as uow:
                fresh = tuple(
                    each for each in found if uow.alarms.begin(each.name, each.kind, each.detail)
                )
                self._mail.began(uow, fresh)
                past = [
                    alarm
                    for alarm in uow.alarms.standing()
                    if alarm.kind in kinds
                    and alarm.name not in names
                    and uow.alarms.end(alarm.name)
                ]
                for alarm in past:
                    self._mail.ended(uow, alarm)
                if audited:
                    for each in fresh:
                        _record_alarm(uow, ServiceKind.ALARM_RAISED, each.kind, each.detail)
                    for alarm in past:
                        _record_alarm(uow, ServiceKind.ALARM_OVER, alarm.kind, alarm.detail)
                also(uow)
                uow.commit()
        except StoreError as error:
            if not audited:
                raise
            log.warning("the audit takes no note of alarms: %s", error)
            self._raise_and_clear(kinds, found, also, audited=False)
            return
        for each in fresh:
            log.warning("alarm %s", each.name)
        for alarm in past:
            log.warning("alarm %s is over", alarm.name)

    def _expire(self) -> None:
        with self._store.read() as uow:
            if not uow.proposals.overdue():
                return
        with self._store.begin() as uow:
            expire(uow, uow.proposals.overdue())
            uow.commit()

    # --- the audit ---

    def _sign(self) -> tuple[RaisedAlarm, ...]:
        """Verify the newest rows and sign each head that moved; raise an alarm for a misfit.

        The anchors are logged as well: the log may be kept out of reach of the database's owner,
        and ``kiosk audit verify --anchors`` reads it. A long audit that was never signed is signed
        in pieces.
        """
        try:
            signed = sign_heads(
                self._store,
                self._signer,
                most=ROWS_SIGNED_A_RUN,
                expected=tuple(self._signed.values()),
            )
        except AuditNotIntact as broken:
            log.warning("no head of the audit is signed: %s", broken)
            found = (_trouble(broken.row, broken.because),)
            self._raise_and_clear((), found)
            return found
        for anchor in signed:
            self._signed[chain_of(anchor.seq)] = anchor
            log.info("audit anchor %s", anchor_line(anchor))
        return ()

    def _verify(self) -> None:
        """Sign the heads, and verify a piece of the audit: all of it once a day.

        A run goes on from where the last one ended, one chain after the other, and stops at the end
        of a chain. Alarms end with the last piece, except those why no head was signed just now.
        """
        found = self._sign()
        with self._store.read() as uow:
            job = uow.jobs.get(VERIFY)
            after = AuditHead(*json.loads(job.reached)) if job and job.reached else FIRST
            begins = after == FIRST
            if begins and not uow.jobs.is_due(VERIFY, DAY):
                return
            rows = uow.audit.count_rows()
            most = max(ROWS_A_RUN, rows // RUNS_A_PASS)
            piece = uow.audit.verify_piece(after, most, self._signer.check)
            chain = chain_of(after.seq)
            over = piece.fault is not None or (piece.over and chain >= uow.audit.chains().stop - 1)
        reached = first_head(chain + 1) if piece.over else piece.last

        def reach(uow: UnitOfWork) -> None:
            if begins:
                uow.jobs.claim(VERIFY, DAY)
            uow.jobs.reach(VERIFY, "" if over else json.dumps([reached.seq, reached.hash]))

        if over:
            if piece.fault is not None:
                found = (*found, _trouble(piece.fault.seq, piece.fault.because))
            self._raise_and_clear({AlarmKind.AUDIT_BROKEN}, found, also=reach)
        else:
            with self._store.begin() as uow:
                reach(uow)
                uow.commit()

    # --- rows that grant access ---

    def _check_rows(self) -> None:
        """Check a piece of all rows that have a MAC: each of them once a day.

        At the end what they say is compared with the audit.
        """
        with self._store.read() as uow:
            job = uow.jobs.get(CHECK_ROWS)
            table, key = json.loads(job.reached) if job and job.reached else (TABLES[0], None)
            if table not in TABLES:  # another version of the program checked it
                table, key = TABLES[0], None
            after = tuple(key) if key else None
            begins = (table, after) == (TABLES[0], None)
            if begins and not uow.jobs.is_due(CHECK_ROWS, DAY):
                return
            piece = uow.mac_rows.check(table, after, ROWS_A_RUN)
        self._note(RowAltered(table, row) for row in piece.altered)
        if piece.last is None and table == TABLES[-1]:
            following = ""
            self._note(put_back.find(self._store))
        elif piece.last is None:
            following = json.dumps([TABLES[TABLES.index(table) + 1], None])
        else:
            following = json.dumps([table, piece.last])
        with self._store.begin() as uow:
            if begins:
                uow.jobs.claim(CHECK_ROWS, DAY)
            uow.jobs.reach(CHECK_ROWS, following)
            uow.commit()

    def _note(self, errors: Iterable[RowAltered]) -> None:
        """Audit altered rows that were not audited today; alarms follow from that."""
        found = list(errors)
        if not found:
            return
        with self._store.begin() as uow:
            known = altered_since(uow, uow.now - DAY)
            for error in found:
                if (error.table, error.row) not in known:
                    detail = altered(error)
                    uow.audit.append(kind=AuditKind.ROW_ALTERED.value, reference="", detail=detail)
            uow.commit()

    def _remind(self) -> None:
        self._note(remind(self._store, self._policy().remind_before))

    # --- old rows ---

    def _run_daily(self) -> None:
        """Once a day in the estate: apply what waited, tell of what was lost, delete old rows.

        These are not deleted while the clock may be wrong.
        """
        with self._store.read() as uow:
            if not uow.jobs.is_due(DAILY, DAY):
                return
            held = held_until(uow)
        self._note(apply_due_changes(self._store))
        self._note(report_lost_changes(self._store))
        half = months(self._retention.audit_months) / 2
        self._store.keep_level(ServiceKind.OLDER_ENDED.value, half)
        if held is None:
            purge_records(self._store, self._retention)
        else:
            log.warning(
                "the service was off, or its clock was set: nothing that is past is deleted "
                "before %s UTC; see whether the clock is right",
                f"{held:%Y-%m-%d %H:%M}",
            )
        with self._store.begin() as uow:
            uow.jobs.claim(DAILY, DAY)
            uow.jobs.reach(DAILY, held.isoformat() if held else "")
            uow.commit()


class EveryMinute:
    """Runs the caretaker once a minute, however often it is called."""

    def __init__(
        self, run: Callable[[], object], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._run = run
        self._monotonic = monotonic
        self._due = monotonic()
        self._trouble = TroubleLog(log)

    def run_if_due(self) -> None:
        """Run where it is due; where the database is away, it stays due, and is logged once."""
        if self._monotonic() < self._due:
            return
        before, self._due = self._due, self._monotonic() + MINUTE_S
        try:
            self._run()
        except StoreError as error:
            self._due = before
            self._trouble.note(f"the caretaker cannot run: {error}")
        else:
            self._trouble.note("")


def _record_alarm(uow: UnitOfWork, kind: ServiceKind, alarm: str, raised: Detail) -> None:
    holder, station = raised.get(_HOLDER), raised.get("station")
    detail = {name: value for name, value in raised.items() if name not in (_HOLDER, "reference")}
    uow.audit.append(
        kind=kind.value,
        reference=str(raised.get("reference") or ""),
        holder_id=holder if isinstance(holder, str) else None,
        station=station if isinstance(station, str) else None,
        detail={"alarm": alarm, **detail},
    )


def _trouble(row: int, because: str) -> RaisedAlarm:
    detail: Detail = {"row": row, "finding": because}
    return RaisedAlarm(AlarmKind.AUDIT_BROKEN, str(row), detail)
