"""Lists of people by how they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kiosk.administration.office import Office
from kiosk.administration.search import lines_of
from kiosk.administration.views.people import PeoplePage
from kiosk.administration.views.service import MOST_COUNTED
from kiosk.people_groups import PeopleGroup, PeopleOrder, Place
from kiosk.roles import Action

MOST = 500
"""People that a page has at most, whatever is asked for."""


def page_of_people(
    office: Office,
    group: PeopleGroup,
    order: PeopleOrder,
    *,
    descending: bool,
    after: Place | None,
    limit: int,
) -> PeoplePage:
    """Return a page; the number of statements does not depend on how many it has."""
    most = min(limit, MOST)
    with office.look(Action.SEE_PEOPLE) as uow:
        rows = uow.lists.page(group, order, descending=descending, after=after, limit=most + 1)
        shown = rows[:most]
        lines = lines_of(uow, [row.holder_id for row in shown], office.means.policy())
        people = tuple(replace(lines[row.holder_id], date=row.date) for row in shown)
        return PeoplePage(people, shown[-1].place if len(rows) > most else None)


def count_people(office: Office) -> Mapping[PeopleGroup, int]:
    """Count each group, up to ``MOST_COUNTED``."""
    with office.look(Action.SEE_PEOPLE) as uow:
        return {group: uow.lists.count(group, MOST_COUNTED) for group in PeopleGroup}
