"""The stations: their state, enrolment and retirement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import Done, StationLetIn, StationLine, StationState
from kiosk.authority.roles import Action
from kiosk.contract.messages import LONGEST_STATION_NAME, ReaderState
from screens.admin.dialogs.dialog import ShownOnce
from screens.admin.dialogs.form import REASON, REPLACES, Entry, Form, grounds_of, waits
from screens.admin.page import LinesPage
from screens.admin.times import Times
from screens.admin.widgets import Cell, Column, TableLine
from screens.widgets.prose import Prose


class StationsPage(LinesPage[StationLine]):
    NAME = "Stations"
    EMPTY = "No station has been heard of yet. One appears here with its first heartbeat."
    NEEDS = Action.SEE_STATIONS
    REFRESH_S = 10.0
    COLUMNS = (
        Column("State", 13, 1),
        Column("Station", 14, 3),
        Column("Site", 11, 3),
        Column("Heard of", 11, 1),
        Column("Last visit", 11, 1),
        Column("Version", 7),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "enrol", "Add"),
        Binding("r", "retire", "Retire"),
        Binding("b", "reinstate", "Bring back"),
        Binding("p", "lift_pauses", "Lift pauses"),
    ]

    def shown(self) -> None:
        self.ask(self.desk.stations.every, self._show)

    def _show(self, lines: tuple[StationLine, ...]) -> None:
        serving = [line for line in lines if line.state is not StationState.RETIRED]
        up = [line for line in serving if line.state is StationState.UP]
        blind = sum(line.reader != ReaderState.READY for line in up)
        title = f"{len(up)} of {len(serving)} stations up" if serving else "Stations"
        self._title.say(f"{title}, {blind} of them cannot read cards" if blind else title)
        self.show_lines(lines)

    def row_of(self, line: StationLine) -> TableLine:
        times = self.times
        visit = times.ago(line.last_visit_at) if line.last_visit_at else "never"
        heard = times.ago(line.last_seen_at) if line.last_seen_at else "never"
        state, _ = _state(line, times)
        cells = (state, line.name, line.site, heard, visit, line.version)
        return TableLine(line.name, cells)

    def explained(self, line: StationLine) -> str:
        _, words = _state(line, self.times)
        return f"{line.name} {words}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "enrol":
            return self.permits(Action.ENROL_STATION)
        if action == "lift_pauses":
            return self.marked is not None and self.permits(Action.LIFT_PAUSES)
        if action not in ("retire", "reinstate"):
            return True
        needs = Action.RETIRE_STATION if action == "retire" else Action.REINSTATE_STATION
        if self.marked is None or not self.permits(needs):
            return False
        return (self.marked.state is StationState.RETIRED) == (action == "reinstate")

    def action_enrol(self) -> None:
        """Ask for its name, filled in with that of a marked one that does not serve."""
        line = self.marked
        if line is not None and line.state is StationState.UP:
            line = None  # to put a new machine in the place of one that serves, its name is typed
        self.put(enrol(self.desk, line.name if line else "", line.site if line else ""))

    def was_done(self, done: Done) -> None:
        if done.let_in is None:
            super().was_done(done)
            return
        self.app.push_screen(LineShown(done.let_in, self.times))
        self.shown()

    def action_retire(self) -> None:
        name = self._table.marked
        self.put(
            Form(
                f"Retire {name}",
                "It serves nobody any more, at once: a visit that is under way ends. It can be "
                "brought back.",
                (REASON,),
                lambda values: self.desk.stations.retire(name, grounds_of(values)),
                button="Retire",
                danger=True,
            )
        )

    def action_reinstate(self) -> None:
        name = self._table.marked
        self.put(
            Form(
                f"Bring {name} back",
                "It serves people again, from its next heartbeat on.",
                (REASON,),
                lambda values: self.desk.stations.reinstate(name, grounds_of(values)),
                button="Bring back",
                ahead=waits(self.desk, Action.REINSTATE_STATION),
            )
        )

    def action_lift_pauses(self) -> None:
        name = self._table.marked
        self.put(
            Form(
                f"Lift the pauses that {name} made",
                "Whoever is paused by wrong answers that were given at this station may answer "
                "again at once, at any station, and gets a mail. A station in wrong hands is "
                "retired first.",
                (REASON,),
                lambda values: self.desk.stations.lift_pauses(name, grounds_of(values)),
                button="Lift the pauses",
            )
        )


def _state(line: StationLine, times: Times) -> tuple[Cell, str]:
    """Return a station's state for the table, and in words that follow its name."""
    ends_at = line.certificate_until if line.certificate_late else None
    match line.state:
        case StationState.RETIRED:
            words = "is retired: it shows that it is out of service, and serves nobody."
            return ("– retired", "quiet"), words
        case StationState.NOT_STARTED:
            words = (
                "was let in and has not started yet. Start it there: it is up with its first "
                "heartbeat."
            )
            return ("○ not started", "ink"), words
        case StationState.SILENT:
            words = (
                "has not been heard of for more than two minutes. Look whether it has power and "
                "network; nobody can use it until it is heard of again."
            )
            if ends_at is not None:
                words += (
                    f" Its certificate was not renewed and is good until {times.at(ends_at)}: if "
                    "that is over, let it in again (a)."
                )
            return ("✗ silent", "alarm"), words
        case StationState.UP if line.reader != ReaderState.READY:
            reader = line.reader or "unknown"
            words = (
                f"is there, but cannot read cards ({reader}). Look after its reader and the cable."
            )
            return (f"! {reader}", "alarm"), words
        case StationState.UP if ends_at is not None:
            words = (
                f"is up, but its certificate was not renewed: after {times.at(ends_at)} nobody can "
                "use it. Tell the administrator: at the station its log and “kiosk doctor” say why."
            )
            return ("! certificate", "alarm"), words
        case StationState.UP:
            return ("✓ ready", "done"), "is up and reads cards."


# The dialog for an enrolment, and the line to type at the station.


def enrol(desk: AdminDesk, name: str, site: str) -> Form[Done]:
    return Form(
        "Let a station in",
        "Makes a line that is typed at the station. Once it is used, what had this name "
        "before serves nobody any more.",
        (
            Entry(
                "name",
                "Name",
                name,
                REPLACES if name else "",
                most=LONGEST_STATION_NAME,
                replaces=True,
            ),
            Entry(
                "site",
                "Site",
                site,
                REPLACES if site else "May stay empty.",
                most=LONGEST_STATION_NAME,
                replaces=True,
                required=False,
            ),
            REASON,
        ),
        lambda values: desk.stations.enrol(values["name"], values["site"], grounds_of(values)),
        button="Make the line",
        ahead=waits(
            desk,
            Action.ENROL_STATION,
            "A second member of staff has to agree first, and is shown the line then.",
        ),
    )


class LineShown(ShownOnce):
    """Shows the line in the two pieces that are typed: the command with the address, the code."""

    def __init__(self, let_in: StationLetIn, times: Times) -> None:
        super().__init__(
            f"A line for {let_in.station}",
            "Type this at the station as root, all on one line, with the quotation marks. A "
            "station of the image asks for what is between them.",
            let_in.line,
            terms="It works once. Case does not matter, and a typing error is noticed there.",
            how_long="Works until",
            over="The line does not work any more. Close this, and make another one.",
            expires_at=let_in.expires_at,
            reference=let_in.reference,
            times=times,
        )
        self._command = Prose("", "code-plain")
        self._code = Prose("", "code-plain")

    def for_secret(self) -> Iterator[Widget]:
        yield self._command
        yield self._code

    def show_secret(self, secret: str) -> None:
        addresses, code = secret.split() if secret else ("", "")
        self._command.say(f'kiosk setup station --enrol "{addresses}' if secret else "")
        self._code.say(f'{code}"' if secret else "")
