"""What is asked before a station is let in, and the line that is then typed at it."""

from __future__ import annotations

from textual.app import ComposeResult

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import StationLetIn
from kiosk.contract.messages import LONGEST_NAME
from kiosk.contract.sensitive import Sensitive
from screens.admin.dialogs.form import Entry, Form, grounds_entries, grounds_of
from screens.admin.dialogs.shown_once import ShownOnce
from screens.admin.times import Times
from screens.widgets.prose import Prose


def enrol(desk: AdminDesk, name: str, site: str) -> Form[StationLetIn]:
    """Ask for its name and site; those of the marked one are there already."""
    return Form(
        "Let a station in",
        "Makes a line that is typed at the station. Once it is used, what had this name "
        "before serves nobody any more.",
        (
            Entry("name", "Name", initial=name, most=LONGEST_NAME),
            Entry("site", "Site", initial=site, most=LONGEST_NAME, required=False),
            *grounds_entries(identifies=False),
        ),
        lambda values: desk.stations.enrol(values["name"], values["site"], grounds_of(values)),
        button="Make the line",
    )


class LineShown(ShownOnce):
    """Shows the line in two pieces, as they are typed: the command with the address, the code."""

    def __init__(self, let_in: StationLetIn, times: Times) -> None:
        super().__init__(
            f"A line for {let_in.station}",
            "Type this at the station, in a terminal of its administrator, all on one line.",
            terms="It works once. Case does not matter, and a typing error is noticed there.",
            how_long="Works until",
            over="The line does not work any more. Close this, and make another one.",
            expires_at=let_in.expires_at,
            reference=let_in.reference,
            times=times,
        )
        self._line: Sensitive | None = let_in.line
        self._command = Prose("", "code-plain")
        self._code = Prose("", "code-plain")

    def secret(self) -> ComposeResult:
        """Compose where the line stands."""
        yield self._command
        yield self._code

    def put_up(self) -> None:
        """Show it."""
        if self._line is not None:
            addresses, code = self._line.reveal().split()
            self._command.say(f"kiosk enrol {addresses}")
            self._code.say(code)

    def take_down(self) -> None:
        """Forget it."""
        self._line = None
        self._command.say("")
        self._code.say("")
