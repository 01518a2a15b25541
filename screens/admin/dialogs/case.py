"""Whom the dialogs of a person's page are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.acting import Seen
from kiosk.administration.views.people import Person


@dataclass(frozen=True, slots=True)
class Case:
    """The person as the page shows them at the moment of asking, not as it once did.

    So a dialog that was told that somebody else was first acts, sent again, on what is so
    now. ``person_now`` raises ``NothingThere`` where there is nobody any more.
    """

    desk: AdminDesk
    person_now: Callable[[], Person]

    @property
    def person(self) -> Person:
        """Return them."""
        return self.person_now()

    @property
    def seen(self) -> Seen:
        """Return what an act has to name."""
        return self.person.seen

    @property
    def who(self) -> str:
        """Return name and number, for a sentence."""
        person = self.person
        return f"{person.name} ({person.number})"
