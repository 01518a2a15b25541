"""The store itself: one engine, and the transactions on it.

::

    with store.begin() as uow:
        charge = uow.registrations.attempts(holder_id, 3).charge(attempt)
        uow.audit.append(kind="attempt-charged", reference=visit.reference)
        uow.commit()

Leaving the block without ``commit``, or by an exception, undoes everything. Every call raises
``StoreBusy`` (another writer held the database; nothing was changed, try again) or ``StoreError``,
never a library's exception. After an error nothing can be committed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Connection, text, update
from sqlalchemy.pool import QueuePool

from kiosk.authority.errors import KeyMissing, StoreError
from kiosk.authority.records import AuditHead, AuditQuery, Scalar
from kiosk.authority.store.audit_chain import OLDER_ENDED
from kiosk.authority.store.engine import (
    NO_SUCH_TABLE,
    READ_ONLY,
    empty_sqlite_log,
    make_sqlite_file,
    open_engine,
    parse_url,
    refused,
)
from kiosk.authority.store.gateway import LEAST_PROGRAM, Gateway, Repository
from kiosk.authority.store.grants import privileges_lacking
from kiosk.authority.store.repositories.addresses import AddressRecords
from kiosk.authority.store.repositories.audit import Audit, AuditTrail
from kiosk.authority.store.repositories.cards import CardRecords, KeptSecrets
from kiosk.authority.store.repositories.codes import EmailCodes, StopNumbers
from kiosk.authority.store.repositories.mac_rows import MacRows
from kiosk.authority.store.repositories.past import PastRows
from kiosk.authority.store.repositories.people import (
    Cardholders,
    PeopleLists,
    Registrations,
    SecurityQuestions,
)
from kiosk.authority.store.repositories.search import SearchTerms
from kiosk.authority.store.repositories.services import (
    Alarms,
    AuditFeeds,
    Enrolments,
    Jobs,
    KnownKeys,
    Outbox,
    PolicyChanges,
    Restores,
    StationKeys,
    Stations,
)
from kiosk.authority.store.repositories.staff import ActionNotes, ProposedActs, Staff
from kiosk.authority.store.repositories.statistics import Monitored, Statistics
from kiosk.authority.store.repositories.visits import (
    PendingChanges,
    Proofs,
    UnblockJournal,
    VisitRecords,
    Visits,
)
from kiosk.authority.store.tables import REVISION, MacRow, ServedProgramRow
from kiosk.contract.errors import ConfigError
from kiosk.contract.ports import Clock

if TYPE_CHECKING:
    from kiosk.authority.crypto.keys import KeyRing
    from kiosk.authority.crypto.macs import AuditMacs, KeyedRowMacs

_OTHER_OWNER = """
SELECT current_user, (
    SELECT pg_get_userbyid(relowner) FROM pg_class
    WHERE oid = to_regclass('public.audit_event') AND NOT pg_has_role(relowner, 'USAGE')
)"""
_SESSIONS_ELSEWHERE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
AND application_name IN ('kiosk', current_setting('application_name'))
"""

_TAKES_WRITES = """
SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on', EXISTS (
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'
    AND state_change < pg_catalog.clock_timestamp() - make_interval(secs => :waits_s)
)"""
COMMIT_WAITS_S = 20.0
"""How long commits may wait for a standby: no station waits for longer. Of others' sessions the
server shows none that waits."""

CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of a database server and of this machine may differ while it serves."""

_NO_STANDBY = (
    "commits wait for a synchronous standby: start it, or take it out of "
    "synchronous_standby_names on the database server"
)
_LEAST_ROOM = 2**20
"""Bytes that a disk has free where something can be written for a while."""


class SchemaFit(Enum):
    """Whether this program can work with the schema of a database."""

    MISSING = auto()
    OLDER = auto()
    """It lacks what this program needs."""
    CURRENT = auto()
    SHARED = auto()
    """It is this program's, and older ones can work with it as well: an upgrade is under way."""
    NEWER = auto()
    """It is of a newer program, and still serves this one."""
    TOO_NEW = auto()
    """A newer program has removed what this one needs."""

    @property
    def serves(self) -> bool:
        return self in (SchemaFit.CURRENT, SchemaFit.SHARED, SchemaFit.NEWER)


LEVEL_S = 30.0
"""How long the level is reused: it only rises."""


class _Level:
    """Reads the newest revision that every program which serves knows.

    It is the oldest program's, as ``served_program`` has it. Somebody who writes the database could
    put that back, so that a newer program left out what protects a holder, or an older one served
    again: the audit has it, too.
    """

    def __init__(self, clock: Clock, macs: AuditMacs | None) -> None:
        self._clock = clock
        self._macs = macs
        self._known, self._until = "", float("-inf")

    def read(self, gateway: Gateway) -> str:
        now = self._clock.monotonic()
        if now >= self._until:
            least = str(gateway.scalar(LEAST_PROGRAM) or "")
            audit = Audit(gateway, self._clock.now(), [], self._macs)
            levels = _levels(audit, AuditQuery(kind=OLDER_ENDED))
            self._known = max(self._known, "" if " " in least else least, *levels)
            self._until = now + LEVEL_S
        return self._known


def _levels(audit: Audit, query: AuditQuery) -> list[str]:
    return [str(event.detail.get("level", "")) for event in audit.verified(query)]


class Store:
    """Owns the connections to one database; safe to use from several threads.

    ``url`` is an SQLAlchemy URL: ``sqlite:////var/lib/kiosk/kiosk.db`` or
    ``postgresql://user@host/name``; ``ConfigError`` for any other. Nothing is opened until the
    first call. ``macs`` makes and checks the MACs of rows that grant access. ``busy_timeout_s``
    bounds every wait for another writer. After a fork the child creates another store. On
    PostgreSQL the times are the server's, unless a test sets a clock; ``machine_clock`` is always
    the machine's. ``audit_macs`` make the MACs of the audit's rows: rows that are written without
    them are rejected by every service.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        macs: KeyedRowMacs,
        *,
        busy_timeout_s: float = 5.0,
        pool_size: int = 5,
        audit_macs: AuditMacs | None = None,
    ) -> None:
        address = parse_url(url)
        self._busy_timeout_s = busy_timeout_s
        self.machine_clock = clock
        self.macs = macs
        self._audit_macs = audit_macs
        self._heads: list[AuditHead] = []
        self._level = _Level(clock, audit_macs)
        self._engine, self._clock = open_engine(address, busy_timeout_s, pool_size, clock)
        is_file = self._engine.dialect.name == "sqlite"
        self.file = Path(str(address.database)) if is_file else None

    def __repr__(self) -> str:
        return f"Store({self._engine.url!r})"

    def use_keys(self, ring: KeyRing) -> None:
        """Make and check MACs with keys that are already loaded: their file may go away."""
        self.macs.use(ring)
        if self._audit_macs is not None:
            self._audit_macs.use(ring)

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Return a unit of work that may write; it begins when its ``with`` block does.

        On SQLite it is then the only writer (BEGIN IMMEDIATE). Keep it short and never wait for a
        card, a mail relay or Argon2 inside.
        """
        with self._gateway(writes=True) as gateway:
            yield UnitOfWork(gateway, self._clock.now(), self._heads, self._audit_macs)

    @contextmanager
    def read(self, *, once: bool = False) -> Iterator[UnitOfWork]:
        """Return a unit of work that sees one snapshot and cannot write.

        ``once``: for a single prepared statement.
        """
        with self._gateway(writes=False, once=once) as gateway:
            yield UnitOfWork(gateway, self._clock.now(), self._heads, self._audit_macs)

    def record_event(
        self,
        kind: str,
        *,
        detail: Mapping[str, Scalar],
        actor: str | None = None,
        reference: str = "",
    ) -> None:
        """Add one event to the audit, in a transaction that does nothing else."""
        with self.begin() as uow:
            uow.audit.append(kind=kind, reference=reference, actor=actor, detail=detail)
            uow.commit()

    @contextmanager
    def record_at_end(
        self, kind: str, *, detail: Callable[[], Mapping[str, Scalar]], actor: str | None = None
    ) -> Iterator[None]:
        """Add one event after the block, also where it ends early; none for an empty ``detail``."""
        errors: tuple[type[StoreError], ...] = (StoreError,)
        try:
            yield
            errors = ()
        finally:
            with suppress(*errors):  # the caller has to learn what ended the block
                if found := detail():
                    self.record_event(kind, actor=actor, detail=found)

    def migrate(self, end_visits: Callable[[UnitOfWork], None] | None = None) -> str:
        """Migrate the schema, creating the SQLite file (mode 0600); return its revision.

        ``end_visits`` ends those that are open, in the same transaction, where a migration lets no
        visit go on; such a one raises ``StoreError`` without it.
        """
        from kiosk.authority.store import schema  # Alembic is loaded only where it is needed

        def end(connection: Connection) -> None:
            if end_visits is None:
                raise StoreError("`kiosk setup authority` migrates a database in use", "schema")
            gateway = Gateway(self._engine, self.macs, self._level.read, writes=True)
            gateway.join(connection)
            uow = UnitOfWork(gateway, self._clock.now(), [], self._audit_macs)
            end_visits(uow)
            uow.audit.write()

        if self.file is not None:
            make_sqlite_file(self.file)
        return schema.migrate(self._engine, self.macs, end)

    def is_made(self) -> bool:
        """Return whether there is a schema, of any program; raises ``StoreError`` if unanswered."""
        if self.file is not None and not self.file.exists():
            return False
        return self._asked("SELECT version_num FROM alembic_version") is not None

    def sessions_elsewhere(self) -> int:
        """Count this program's other sessions at a database server."""
        with self._gateway(writes=False) as gateway:
            return int(gateway.scalar(text(_SESSIONS_ELSEWHERE)))

    def schema(self) -> tuple[SchemaFit, str]:
        """Return whether the schema fits this program, and its revision, empty where there is none.

        Raises ``StoreError`` when the database gives no answer; cheap enough to be called often.
        """
        found = self._asked(
            "SELECT version_num, least_program FROM alembic_version, served_program"
        )
        if not found:
            return SchemaFit.MISSING, ""
        ((revision, least_program),) = found
        if revision < REVISION:
            return SchemaFit.OLDER, revision
        if least_program > REVISION:
            return SchemaFit.TOO_NEW, revision
        if revision > REVISION:
            return SchemaFit.TOO_NEW if self._was_ended() else SchemaFit.NEWER, revision
        return SchemaFit.CURRENT if least_program == REVISION else SchemaFit.SHARED, revision

    def _was_ended(self) -> bool:
        """Return whether the audit says that no program as old as this one serves any more."""
        try:
            with self.read() as uow:
                return uow.level > REVISION
        except (KeyMissing, ConfigError):  # who has no keys serves nobody
            return False

    def schema_serves(self) -> bool:
        fit, _ = self.schema()
        return fit.serves

    def end_older_programs(self, kind: str, actor: str) -> bool:
        """Let no program serve that is older than this one; return False where none could before.

        What this one added to the tables is written from then on, as the event of ``kind`` says for
        good (``OLDER_ENDED``). Raises ``ConfigError`` where the
        schema is another program's, and to a role of a server that is not the owner.
        """
        fit, revision = self.schema()
        if fit is SchemaFit.CURRENT:
            return False
        if fit is not SchemaFit.SHARED:
            raise ConfigError(
                f"the schema is {revision or 'not made'}, and this program's is {REVISION}: "
                "run this command of the version that `kiosk setup authority` was run of last"
            )
        with self._gateway(writes=True) as gateway:
            self._need_owner(gateway)
            uow = UnitOfWork(gateway, self._clock.now(), self._heads, self._audit_macs)
            gateway.run(update(ServedProgramRow).values(least_program=REVISION))
            detail = {"level": REVISION}
            uow.audit.append(kind=kind, reference="", actor=actor, detail=detail)
            uow.commit()
        self._level = _Level(self.machine_clock, self._audit_macs)
        return True

    def keep_level(self, kind: str, every: timedelta) -> None:
        """Record again ``every`` so often, as ``kind``, that no program serves that is older.

        A database that was made by this program has no event of an upgrade's end, and an event is
        purged one day. Nobody asks for it where this program writes nothing that waits for it.
        """
        if not any(kind.since for kind in MacRow.__subclasses__()):
            return
        with self.read() as uow:
            if uow.level < REVISION:
                return
            said = _levels(uow.audit, AuditQuery(kind=kind, since=uow.now - every))
        if REVISION not in said:
            self.record_event(kind, detail={"level": REVISION, "kept": True})

    def check_writable(self) -> None:
        """Raise ``StoreError`` where nothing can be written; it writes nothing to find out.

        The disk of a server is not looked at: the server says that it is full when it is written.
        """
        if self.file is None:
            with self._gateway(writes=False) as gateway:
                asked = gateway.tuples(text(_TAKES_WRITES), {"waits_s": COMMIT_WAITS_S})
            ((reads_only, commits_wait),) = asked
            if reads_only:
                raise refused(READ_ONLY)
            if commits_wait:
                raise StoreError(_NO_STANDBY, "standby")
        elif not os.access(self.file, os.W_OK):
            raise StoreError(f"{self.file}: this account may not write to it", "SQLITE_READONLY")
        elif (free := shutil.disk_usage(self.file.parent).free) < _LEAST_ROOM:
            left = f"the disk has {free // 1024} KiB left: make room on it"
            raise StoreError(f"{self.file.parent}: {left}", "SQLITE_FULL")

    @property
    def clocks_apart(self) -> timedelta:
        """How far the server's clock is from the machine's; none where that is too little."""
        apart: timedelta = abs(getattr(self._clock, "apart", timedelta()))
        return apart if apart >= CLOCKS_APART else timedelta()

    def need_right_clock(self) -> None:
        """Raise ``StoreError`` where one of the two clocks is wrong, once a connection was used.

        By a server that was put back, codes and visits would live on.
        """
        if apart := self.clocks_apart:
            minutes = f"{apart // timedelta(minutes=1)} minutes"
            raise StoreError(
                f"the clocks of the database server and of this machine differ by {minutes}: "
                "set the one that is wrong",
                "clock",
            )

    def out_of_service(self) -> str:
        """Return why no program may serve with this database while it is copied to a server."""
        found = self._asked("SELECT least_program FROM served_program")
        least = str(found[0][0]) if found else ""
        return least if " " in least else ""

    def run_as_owner(self, statements: Iterable[str]) -> None:
        """Run statements that only the owner of a PostgreSQL database may run; all or none.

        Raises ``ConfigError`` for SQLite and for another role, of whom PostgreSQL takes a GRANT or
        REVOKE with a mere warning, and ``StoreError`` where one is refused.
        """
        if self.file is not None:
            raise ConfigError("a database file has no roles: its account and mode protect it")
        with self._gateway(writes=True) as gateway:
            self._need_owner(gateway)
            for statement in statements:
                gateway.write(text(statement))
            gateway.commit()

    def _need_owner(self, gateway: Gateway) -> None:
        if self.file is not None:
            return
        ((role, owner),) = gateway.tuples(text(_OTHER_OWNER))
        if owner:
            raise ConfigError(
                f"the role {role} is not the owner of the tables, {owner}, and can give "
                "nobody a right: let $KIOSK_STORE__URL be the owner's address, as "
                "docs/database.md says"
            )

    def lacking(self, wanted: Mapping[str, str]) -> tuple[str, ...]:
        """Return the tables on which this role lacks what is ``wanted`` (from ``grants``)."""
        if self.file is not None:
            return ()  # it has no roles
        with self._gateway(writes=False) as gateway:
            found = gateway.tuples(text(privileges_lacking(wanted)))
        return tuple(name for (name,) in found)

    def empty_log(self) -> bool:
        """Write SQLite's log back and truncate it, so that no deleted row stays in it.

        Deleted rows of the file itself are already overwritten (``secure_delete``). Returns False
        where somebody reads or writes; the call has to be repeated then. PostgreSQL removes deleted
        rows itself. Raises ``StoreError``.
        """
        return self.file is None or empty_sqlite_log(self._engine, self._busy_timeout_s)

    def connections(self) -> tuple[int, int]:
        """Return how many connections are in use, and how many are open."""
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)  # noqa: S101 - both databases have it
        return pool.checkedout(), pool.checkedout() + pool.checkedin()

    def close(self) -> None:
        self._engine.dispose()

    def _asked(self, statement: str) -> Sequence[Sequence[Any]] | None:
        """Return the rows of a query of the schema's state; None where it has no such table."""
        try:
            with self._gateway(writes=False) as gateway:
                return gateway.tuples(text(statement))
        except StoreError as error:
            if error.code not in NO_SUCH_TABLE:
                raise
        return None

    @contextmanager
    def _gateway(self, *, writes: bool, once: bool = False) -> Iterator[Gateway]:
        gateway = Gateway(self._engine, self.macs, self._level.read, writes=writes, once=once)
        gateway.begin()
        try:
            yield gateway
        finally:
            gateway.end()


R = TypeVar("R", bound=Repository)


class _Made(Generic[R]):
    """Makes a repository when it is first used: a transaction uses a few of them."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, uow: UnitOfWork, _owner: type) -> R:
        made = uow.__dict__[self._name] = self._kind(uow._gateway, uow.now)  # noqa: SLF001
        return made


class UnitOfWork:
    """One transaction and its repositories, rolled back unless committed; made by ``Store``.

    ``now`` is the time that the transaction began: one time for all that it writes.
    """

    holders = _Made(Cardholders)
    questions = _Made(SecurityQuestions)
    cards = _Made(CardRecords)
    kept_secrets = _Made(KeptSecrets)
    registrations = _Made(Registrations)
    codes = _Made(EmailCodes)
    visits = _Made(Visits)
    visit_records = _Made(VisitRecords)
    proofs = _Made(Proofs)
    pending = _Made(PendingChanges)
    addresses = _Made(AddressRecords)
    stop_numbers = _Made(StopNumbers)
    journal = _Made(UnblockJournal)
    trail = _Made(AuditTrail)
    feeds = _Made(AuditFeeds)
    outbox = _Made(Outbox)
    stations = _Made(Stations)
    station_keys = _Made(StationKeys)
    enrolments = _Made(Enrolments)
    known_keys = _Made(KnownKeys)
    restores = _Made(Restores)
    staff = _Made(Staff)
    notes = _Made(ActionNotes)
    policy_changes = _Made(PolicyChanges)
    proposals = _Made(ProposedActs)
    search = _Made(SearchTerms)
    lists = _Made(PeopleLists)
    alarms = _Made(Alarms)
    jobs = _Made(Jobs)
    statistics = _Made(Statistics)
    mac_rows = _Made(MacRows)
    monitored = _Made(Monitored)
    past = _Made(PastRows)

    def __init__(
        self, gateway: Gateway, now: datetime, known: list[AuditHead], macs: AuditMacs | None = None
    ) -> None:
        self.now = now
        self._gateway = gateway
        self.audit = Audit(gateway, now, known, macs)

    @property
    def level(self) -> str:
        """The newest revision that every program which serves knows.

        What came later in rows with MACs is not written yet (``MacRow.since``): ask before you do.
        """
        return self._gateway.level

    def commit(self) -> None:
        """Write the audit, commit, and end the unit of work.

        Refused (``StoreError``) when an earlier call failed, even if that was caught, and in one
        that only reads. When the server is lost during the commit, it is unknown whether it took
        place: it must be harmless to repeat, as charges and journal are.
        """
        self.audit.write()
        self._gateway.commit()
        self.audit.committed()
