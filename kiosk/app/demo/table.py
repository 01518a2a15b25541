"""The table in front of the demo's station: three cards, one slot, and a mailbox."""

from __future__ import annotations

from hardware.virtual.link import CardLink
from hardware.virtual.pcscd import Slot
from kiosk.app.demo.estate import DemoPerson
from kiosk.app.demo.mailbox import Mailbox
from screens.demo.app import DemoCard, DemoMail


class Table:
    """Implements ``DemoControls``; ``skip`` messages were there before the story."""

    def __init__(
        self, actors: tuple[DemoPerson, ...], slot: Slot, mailbox: Mailbox, skip: int
    ) -> None:
        self._cards = tuple(actor.shown for actor in actors)
        self._links = tuple(CardLink(actor.chip, slot) for actor in actors)
        self._mailbox = mailbox
        self._skip = skip

    @property
    def cards(self) -> tuple[DemoCard, ...]:
        """The cards, in the order of their keys."""
        return self._cards

    @property
    def inserted(self) -> int | None:
        """Which card is in."""
        return next((i for i, link in enumerate(self._links) if link.inserted), None)

    def insert(self, index: int) -> None:
        """Push a card in, in place of the one that is in."""
        if self.inserted != index:
            self.remove()
            self._links[index].insert()

    def remove(self) -> None:
        """Take the card out."""
        for link in self._links:
            if link.inserted:
                link.remove()

    def mail(self) -> tuple[DemoMail, ...]:
        """What has arrived since the story began, oldest first."""
        arrived = self._mailbox.messages()[self._skip :]
        return tuple(DemoMail(", ".join(m.to), m.subject, m.text) for m in arrived)
