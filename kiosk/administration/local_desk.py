"""The desk as an object in this process, put together for one actor."""

from __future__ import annotations

from functools import cached_property

from kiosk.administration.audit_desk import LocalAuditDesk
from kiosk.administration.cards_desk import LocalCardsDesk
from kiosk.administration.codes_desk import LocalCodesDesk
from kiosk.administration.imports_desk import LocalImportDesk
from kiosk.administration.office import Office
from kiosk.administration.people_desk import LocalPeopleDesk
from kiosk.administration.policy_desk import LocalPolicyDesk
from kiosk.administration.proposals_desk import LocalProposalsDesk
from kiosk.administration.questions_desk import LocalQuestionsDesk
from kiosk.administration.reports_desk import LocalReportsDesk
from kiosk.administration.staff_desk import LocalStaffDesk
from kiosk.administration.stations_desk import LocalStationsDesk
from kiosk.administration.today_desk import LocalTodayDesk
from kiosk.administration.views.acting import Actor


class LocalAdminDesk:
    """Implements ``kiosk.administration.desk.AdminDesk`` on one office."""

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
        """Stations."""
        return LocalStationsDesk(self._office)

    @cached_property
    def audit(self) -> LocalAuditDesk:
        """The audit."""
        return LocalAuditDesk(self._office)

    @cached_property
    def questions(self) -> LocalQuestionsDesk:
        """Security questions."""
        return LocalQuestionsDesk(self._office)

    @cached_property
    def policy(self) -> LocalPolicyDesk:
        """The policy."""
        return LocalPolicyDesk(self._office)

    @cached_property
    def staff(self) -> LocalStaffDesk:
        """Members of staff."""
        return LocalStaffDesk(self._office)

    @cached_property
    def imports(self) -> LocalImportDesk:
        """Imports."""
        return LocalImportDesk(self._office)

    @cached_property
    def reports(self) -> LocalReportsDesk:
        """Reports."""
        return LocalReportsDesk(self._office)
