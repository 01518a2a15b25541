"""A unit of work: one transaction that rolls back unless it was committed.

::

    with store.begin() as uow:
        charge = uow.registrations.charge(holder_id, attempt, 3)
        uow.audit.append(kind="attempt-charged", reference=visit.reference)
        uow.commit()

Leaving the block without ``commit``, or by an exception, undoes everything. Every call
raises ``StoreBusy`` (somebody else held the database; nothing was changed, try again) or
``StoreError``, never a library's own exception. After an error nothing can be committed.
"""

from __future__ import annotations

from datetime import datetime

from kiosk.store.audit_chain import LinkMacs
from kiosk.store.gateway import Gateway
from kiosk.store.repositories.address_changes import AddressChanges
from kiosk.store.repositories.audit import Audit
from kiosk.store.repositories.audit_trail import AuditTrail
from kiosk.store.repositories.cards import Cards
from kiosk.store.repositories.codes import EmailCodes
from kiosk.store.repositories.kept_secrets import KeptSecrets
from kiosk.store.repositories.mac_rows import MacRows
from kiosk.store.repositories.people import Cardholders, SecurityQuestions
from kiosk.store.repositories.people_lists import PeopleLists
from kiosk.store.repositories.policy import PolicyChanges
from kiosk.store.repositories.proposals import ProposedActs
from kiosk.store.repositories.registrations import Registrations
from kiosk.store.repositories.search import SearchTerms
from kiosk.store.repositories.services import KnownKeys, Outbox, Stations
from kiosk.store.repositories.staff import ActionNotes, Staff
from kiosk.store.repositories.statistics import Statistics
from kiosk.store.repositories.stop_numbers import StopNumbers
from kiosk.store.repositories.visits import PendingChanges, UnblockJournal, Visits
from kiosk.store.repositories.watch import Alarms, Chores


class UnitOfWork:
    """One transaction and the repositories that work in it; made by ``Store``.

    ``now`` is the time that the transaction began: one moment for all it writes.
    """

    def __init__(self, gateway: Gateway, now: datetime, macs: LinkMacs | None = None) -> None:
        self.now = now
        self.holders = Cardholders(gateway)
        self.questions = SecurityQuestions(gateway)
        self.cards = Cards(gateway)
        self.kept = KeptSecrets(gateway)
        self.registrations = Registrations(gateway, now)
        self.codes = EmailCodes(gateway, now)
        self.visits = Visits(gateway)
        self.pending = PendingChanges(gateway)
        self.address_changes = AddressChanges(gateway, now)
        self.stop_numbers = StopNumbers(gateway, now)
        self.journal = UnblockJournal(gateway)
        self.audit = Audit(gateway, now, macs)
        self.trail = AuditTrail(gateway)
        self.outbox = Outbox(gateway, now)
        self.stations = Stations(gateway)
        self.known_keys = KnownKeys(gateway, now)
        self.staff = Staff(gateway)
        self.notes = ActionNotes(gateway)
        self.policy_changes = PolicyChanges(gateway)
        self.proposals = ProposedActs(gateway, now)
        self.search = SearchTerms(gateway)
        self.lists = PeopleLists(gateway, now)
        self.alarms = Alarms(gateway, now)
        self.chores = Chores(gateway, now)
        self.statistics = Statistics(gateway, now)
        self.mac_rows = MacRows(gateway)
        self._gateway = gateway

    def commit(self) -> None:
        """Write the audit, make all of it durable, and end the unit of work.

        Refused (``StoreError``) when an earlier call failed, even if that was caught, and
        in a reading one. When the server is lost in the very commit, nobody knows whether
        it took place: what is repeated must be harmless, as charges and journal are.
        """
        self.audit.write()
        self._gateway.commit()
