"""A unit of work: one transaction that rolls back unless it was committed.

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

from datetime import datetime
from typing import TYPE_CHECKING

from kiosk.authority.store.gateway import Gateway
from kiosk.authority.store.repositories.audit import Audit, AuditTrail, KnownHeads
from kiosk.authority.store.repositories.cards import CardRecords, KeptSecrets
from kiosk.authority.store.repositories.codes import EmailCodes, StopNumbers
from kiosk.authority.store.repositories.feeds import AuditFeeds
from kiosk.authority.store.repositories.mac_rows import MacRows
from kiosk.authority.store.repositories.past import PastRows
from kiosk.authority.store.repositories.people import (
    AddressChanges,
    Cardholders,
    PeopleLists,
    Registrations,
    SecurityQuestions,
)
from kiosk.authority.store.repositories.search import SearchTerms
from kiosk.authority.store.repositories.services import (
    Alarms,
    Enrolments,
    Jobs,
    KnownKeys,
    Outbox,
    Restores,
    StationKeys,
    Stations,
)
from kiosk.authority.store.repositories.staff import ActionNotes, PolicyChanges, ProposedActs, Staff
from kiosk.authority.store.repositories.statistics import Monitored, Statistics
from kiosk.authority.store.repositories.visits import (
    PendingChanges,
    UnblockJournal,
    VisitRecords,
    Visits,
)

if TYPE_CHECKING:
    from kiosk.authority.crypto.macs import AuditMacs


class UnitOfWork:
    """One transaction and its repositories; made by ``Store``.

    ``now`` is the time that the transaction began: one time for all that it writes.
    """

    def __init__(
        self, gateway: Gateway, now: datetime, known: KnownHeads, macs: AuditMacs | None = None
    ) -> None:
        self.now = now
        self.holders = Cardholders(gateway, now)
        self.questions = SecurityQuestions(gateway, now)
        self.cards = CardRecords(gateway, now)
        self.kept_secrets = KeptSecrets(gateway, now)
        self.registrations = Registrations(gateway, now)
        self.codes = EmailCodes(gateway, now)
        self.visits = Visits(gateway, now)
        self.visit_records = VisitRecords(gateway, now)
        self.pending = PendingChanges(gateway, now)
        self.address_changes = AddressChanges(gateway, now)
        self.stop_numbers = StopNumbers(gateway, now)
        self.journal = UnblockJournal(gateway, now)
        self.audit = Audit(gateway, now, known, macs)
        self.trail = AuditTrail(gateway, now)
        self.feeds = AuditFeeds(gateway, now)
        self.outbox = Outbox(gateway, now)
        self.stations = Stations(gateway, now)
        self.station_keys = StationKeys(gateway, now)
        self.enrolments = Enrolments(gateway, now)
        self.known_keys = KnownKeys(gateway, now)
        self.restores = Restores(gateway, now)
        self.staff = Staff(gateway, now)
        self.notes = ActionNotes(gateway, now)
        self.policy_changes = PolicyChanges(gateway, now)
        self.proposals = ProposedActs(gateway, now)
        self.search = SearchTerms(gateway, now)
        self.lists = PeopleLists(gateway, now)
        self.alarms = Alarms(gateway, now)
        self.jobs = Jobs(gateway, now)
        self.statistics = Statistics(gateway, now)
        self.mac_rows = MacRows(gateway, now)
        self.monitored = Monitored(gateway, now)
        self.past = PastRows(gateway, now)
        self._gateway = gateway

    def commit(self) -> None:
        """Write the audit, commit, and end the unit of work.

        Refused (``StoreError``) when an earlier call failed, even if that was caught, and in one
        that only reads. When the server is lost during the commit, it is unknown whether it took
        place: it must be harmless to repeat, as charges and journal are.
        """
        self.audit.write()
        self._gateway.commit()
        self.audit.committed()
