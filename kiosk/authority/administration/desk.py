"""The desk: what the screens and the command line ask of the administration, for one actor.

Calls block and may come from several threads. Each asks the table of ``kiosk.authority.roles``
first, for the actor's role as the store has it at that moment. They raise

- ``NotPermitted`` (audited) where the role may not, or the member was removed since,
- ``NotTaken``, naming the field, for what was entered wrongly; nothing is changed,
- ``ConcurrentChange`` where somebody else was first; it says what they did,
- ``NotFound`` for what does not exist (any more),
- ``StoreError`` where the database does not answer.

What changes anything is audited in the same transaction, with its grounds.
"""

from __future__ import annotations

from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.decisions import ProposalsDesk
from kiosk.authority.administration.import_people import ImportDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.policy import PolicyDesk, QuestionsDesk
from kiosk.authority.administration.reports import ReportsDesk
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.administration.today import TodayDesk


class AdminDesk:
    def __init__(self, office: Office) -> None:
        self.me = office.actor
        self.service = office.means.service
        self.number_digits = office.means.number_digits
        self.today = TodayDesk(office)
        self.people = PeopleDesk(office)
        self.cards = CardsDesk(office)
        self.codes = CodesDesk(office)
        self.proposals = ProposalsDesk(office)
        self.stations = StationsDesk(office)
        self.audit = AuditDesk(office)
        self.questions = QuestionsDesk(office)
        self.policy = PolicyDesk(office)
        self.staff = StaffDesk(office)
        self.imports = ImportDesk(office)
        self.reports = ReportsDesk(office)
