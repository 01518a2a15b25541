"""Every page of the application, in the order of the bar; a new one is added here only."""

from __future__ import annotations

from collections.abc import Sequence

from kiosk.roles import Role, may
from screens.admin.audit import AuditRows
from screens.admin.cards import CardsPage
from screens.admin.imports import ImportPage
from screens.admin.page import Page
from screens.admin.people import PeoplePage
from screens.admin.people_lists import PeopleLists
from screens.admin.person import AboutPerson
from screens.admin.policy import PolicyPage
from screens.admin.questions import QuestionsPage
from screens.admin.reports import ReportsPage
from screens.admin.staff import StaffPage
from screens.admin.stations import StationsPage
from screens.admin.today import TodayPage
from screens.admin.waiting import WaitingPage

_ORDER = (
    "Today",
    "People",
    "Waiting",
    "Stations",
    "Audit",
    "Questions",
    "Policy",
    "Staff",
    "Import",
    "Reports",
)
"""The bar; a page keeps its key whoever is logged in."""


def every_page() -> tuple[type[Page], ...]:
    """Return all there are."""
    return (
        TodayPage,
        PeoplePage,
        PeopleLists,
        AboutPerson,
        CardsPage,
        WaitingPage,
        StationsPage,
        AuditRows,
        QuestionsPage,
        PolicyPage,
        StaffPage,
        ImportPage,
        ReportsPage,
    )


def pages_for(role: Role, pages: Sequence[type[Page]]) -> dict[str, type[Page]]:
    """Return by name those that ``role`` may see."""
    return {page.NAME: page for page in pages if may(role, page.NEEDS)}


def key_of(name: str) -> int:
    """Return the number of a page's function key, 1 to 10."""
    return _ORDER.index(name) + 1
