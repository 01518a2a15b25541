"""The desk as an object in this process, put together for one actor."""

from __future__ import annotations

from functools import cached_property

from kiosk.authority.administration.audit_log import LocalAuditDesk
from kiosk.authority.administration.cards import LocalCardsDesk
from kiosk.authority.administration.codes import LocalCodesDesk
from kiosk.authority.administration.import_people import LocalImportDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import LocalPeopleDesk
from kiosk.authority.administration.policy import LocalPolicyDesk
from kiosk.authority.administration.proposed_acts import LocalProposalsDesk
from kiosk.authority.administration.questions import LocalQuestionsDesk
from kiosk.authority.administration.reports import LocalReportsDesk
from kiosk.authority.administration.staff import LocalStaffDesk
from kiosk.authority.administration.stations import LocalStationsDesk
from kiosk.authority.administration.today import LocalTodayDesk
from kiosk.authority.administration.views import Actor


class LocalAdminDesk:
    """Implements ``kiosk.authority.administration.desk.AdminDesk`` on one office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    @property
    def me(self) -> Actor:
        """Who asks."""
        return self._office.actor

    @property
    def service(self) -> str:
        """The service's name."""
        return self._office.means.service

    @cached_property
    def today(self) -> LocalTodayDesk:
        """The first page."""
        return LocalTodayDesk(self._office)

    @cached_property
    def people(self) -> LocalPeopleDesk:
        """People and registrations."""
        return LocalPeopleDesk(self._office)

    @cached_property
    def cards(self) -> LocalCardsDesk:
        """Cards and unblock secrets."""
        return LocalCardsDesk(self._office)

    @cached_property
    def codes(self) -> LocalCodesDesk:
        """Assisted unlock."""
        return LocalCodesDesk(self._office)

    @cached_property
    def proposals(self) -> LocalProposalsDesk:
        """What waits for a second member of staff."""
        return LocalProposalsDesk(self._office, LocalAdminDesk)

    @cached_property
    def stations(self) -> LocalStationsDesk:
        return LocalStationsDesk(self._office)

    @cached_property
    def audit(self) -> LocalAuditDesk:
        return LocalAuditDesk(self._office)

    @cached_property
    def questions(self) -> LocalQuestionsDesk:
        """Security questions."""
        return LocalQuestionsDesk(self._office)

    @cached_property
    def policy(self) -> LocalPolicyDesk:
        return LocalPolicyDesk(self._office)

    @cached_property
    def staff(self) -> LocalStaffDesk:
        """Members of staff."""
        return LocalStaffDesk(self._office)

    @cached_property
    def imports(self) -> LocalImportDesk:
        return LocalImportDesk(self._office)

    @cached_property
    def reports(self) -> LocalReportsDesk:
        return LocalReportsDesk(self._office)
