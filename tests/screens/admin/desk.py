"""A fake ``AdminDesk`` in memory, written by hand: it remembers, judges roles and can fail.

``FakeDesk(role).asked.of("stations.retire")`` is what was asked; ``asked.raises(name, error)``
lets the next call of that name fail; ``desk.estate`` can be changed behind the screens' back,
as another member of staff would.
"""

from __future__ import annotations

import threading

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import Actor
from kiosk.authority.roles import Role
from tests.screens.admin.cards_desk import FakeCardsDesk, FakeCodesDesk, FakeProposalsDesk
from tests.screens.admin.estate import Estate, estate
from tests.screens.admin.fake_calls import Asked
from tests.screens.admin.people_desk import FakePeopleDesk
from tests.screens.admin.record_desks import FakeAuditDesk, FakeImportDesk, FakeReportsDesk
from tests.screens.admin.service_desks import (
    FakePolicyDesk,
    FakeQuestionsDesk,
    FakeStaffDesk,
    FakeStationsDesk,
    FakeTodayDesk,
)

NAMES = {
    Role.MANAGER: "Mo Farrow",
    Role.AGENT: "Ann Archer",
    Role.HELPER: "Hal Penn",
    Role.AUDITOR: "Odd Bjerke",
}


class FakeDesk(AdminDesk):
    """Everything, for one actor."""

    audit: FakeAuditDesk
    codes: FakeCodesDesk
    imports: FakeImportDesk

    def __init__(self, role: Role = Role.MANAGER, of: Estate | None = None) -> None:
        self.estate = of or estate()
        self.asked = Asked(Actor(NAMES[role], role, f"staff-{role.value}", "SHA256:abc"))
        self.me = self.asked.me
        self.service = "Smartcard self-service"
        self.number_digits = 12
        both = self.estate, self.asked
        self.today = FakeTodayDesk(*both)
        self.people = FakePeopleDesk(*both)
        self.cards = FakeCardsDesk(*both)
        self.codes = FakeCodesDesk(*both)
        self.proposals = FakeProposalsDesk(*both)
        self.stations = FakeStationsDesk(*both)
        self.audit = FakeAuditDesk(*both)
        self.questions = FakeQuestionsDesk(*both)
        self.policy = FakePolicyDesk(*both)
        self.staff = FakeStaffDesk(*both)
        self.imports = FakeImportDesk(*both)
        self.reports = FakeReportsDesk(*both)

    def hold(self) -> None:
        """Let the next long work wait at its half."""
        self.audit.hold = self.imports.hold = threading.Event()

    def let_go(self) -> None:
        """Let it go on."""
        for slow in (self.audit, self.imports):
            if slow.hold is not None:
                slow.hold.set()
