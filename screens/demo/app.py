"""The station with the demo's strip below it; here, and only here, Ctrl+Q ends it."""

from __future__ import annotations

from dataclasses import replace

from textual import events

from kiosk.station.desk import Desk
from kiosk.station.states import State
from screens.demo.bench import Bench
from screens.demo.driver import DemoDriver
from screens.demo.mail_page import MailPage
from screens.demo.strip import DemoStrip
from screens.kiosk_app import KioskApp
from screens.look import Look
from screens.terminal.closed_app import OnFault


class DemoApp(KioskApp, inherit_bindings=False):
    """Shows the same pages as a station, and what is on the table in front of it."""

    def __init__(
        self, desk: Desk, look: Look, on_fault: OnFault, bench: Bench, ssh: str = ""
    ) -> None:
        self._bench = bench
        self.ra_wanted = False
        """Whether it ended so that the RA application be shown in its place."""
        strip = DemoStrip(bench, self._read_mail, self._leave_for_the_ra, ssh)
        super().__init__(desk, replace(look, strip=strip), on_fault, driver_class=DemoDriver)

    async def show(self, state: State) -> None:
        """Show the state; the mail that is open gives way to a new page."""
        if isinstance(self.screen, MailPage):
            await self.pop_screen()
        await super().show(state)

    async def on_event(self, event: events.Event) -> None:
        """End at Ctrl+Q."""
        if isinstance(event, events.Key) and event.key == "ctrl+q":
            self._close_soon()
            return
        await super().on_event(event)

    def _leave_for_the_ra(self) -> None:
        self.ra_wanted = True
        self._close_soon()

    def _read_mail(self) -> None:
        if not isinstance(self.screen, MailPage):
            self.push_screen(MailPage(self._bench.mail()))
