"""A whole real estate in one directory: service, reader, cards, relay, database, program.

Nothing is stood in for but the reader_card and the paper: the cards are virtual, the mail goes
no further than this machine. The station is the installed program in a real terminal::

    def test_something(world: World) -> None:
        ada = world.ada
        world.register(ada)                  # by the authority alone, as of yesterday
        station = world.station()            # returns when it waits for a card
        world.insert(ada)
        station.see("Hello, Ada Quill.")
        station.press("1")
        world.read_code(ada.email)           # of the next mail to her that has one
        world.remove(ada)
        world.verified_by_others(ada, pin)   # by yubico-piv-tool and OpenSC

Everything that was started ends with the ``world`` fixture, by its process id.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hardware.virtual.link import CardLink
from kiosk.app.demo.mailbox import Mailbox, ReceivedMail
from kiosk.config.loading import load_settings
from kiosk.config.settings import Settings
from kiosk.contract.messages import CardId
from screens.words import waiting
from tests.e2e.files import Tables, write_card, write_people, write_settings
from tests.e2e.people import Person, person
from tests.e2e.registered import ANSWERS, register
from tests.e2e.station import PreparedStation, Station
from tests.support.clients import Clients
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Seat
from tests.support.prepared import prepared_program

PROGRAM = Path(sys.executable).with_name("kiosk")
HASTY = (Path(sys.executable), Path(__file__).with_name("quick_pages.py"))
SECONDS = 300.0
CODE = re.compile(r"Your code:\s+(\d{4}) (\d{4})\b")


class World:
    """One estate in ``folder`` on the private ``pcscd``; ``settings`` go over ``SETTINGS``."""

    def __init__(self, folder: Path, pcscd: HotplugPcscd, settings: Tables | None = None) -> None:
        self.folder = folder
        self.pcscd = pcscd
        self.clients = Clients(pcscd)
        self.state = folder / "state"
        self.config = folder / "kiosk.toml"
        self.people_file = folder / "people.csv"
        self.mailbox = Mailbox(folder / "mail")
        self.ada = person("900100200301", "Ada Quill", "73915480", "73918264")
        self.ben = person("900100200302", "Ben Carter", "61820395", "50283746")
        self.stations: list[Station] = []
        self.said: list[subprocess.CompletedProcess[str]] = []
        self._seats: dict[str, Seat] = {}
        self._read: dict[str, int] = {}
        self.more_environ: dict[str, str] = {}
        self._settings = settings or {}

    # --- from nothing to an estate, and back -------------------------------------------

    def open(self, template: Path | None = None) -> None:
        """Start the relay, write the settings, and set up by the installed program.

        ``template`` is the state of another world that was opened so: it is copied.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_settings(self.config, self.mailbox.start(), self._settings)
        write_people(self.people_file, (self.ada, self.ben))
        if template is not None:
            shutil.copytree(template, self.state)
            return
        self.state.mkdir(mode=0o700)
        for words in (("setup", "authority"), ("import", str(self.people_file))):
            command = [str(PROGRAM), *words, "--config", str(self.config)]
            subprocess.run(command, env=self.environ, cwd=self.folder, check=True)

    def close(self) -> None:
        """End every station, take every card out, stop the relay."""
        for station in self.stations:
            station.close()
        for seat in self._seats.values():
            seat.link.remove()
        self.mailbox.stop()

    def take_in(self, whose: Person, card: CardId) -> None:
        """Import somebody more; ``card`` is of any family."""
        more = self.folder / "more.csv"
        write_card(more, whose, card)
        self.kiosk("import", str(more), check=True)

    # --- the installed program ---------------------------------------------------------

    @property
    def environ(self) -> dict[str, str]:
        """What the program finds in its environment."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "STATE_DIRECTORY": str(self.state),
            "TMPDIR": str(self.state),
            **self.pcscd.env,
            **self.more_environ,
        }

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.state / "kiosk.db"

    @property
    def log(self) -> Path:
        """Where the stations write their log."""
        return self.state / "station.log"

    def kiosk(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run one command of the program to its end; ``check`` wants it done."""
        line = [*words, "--config", str(self.config)]
        done = prepared_program().run(line, self.environ, self.folder, SECONDS)
        self.said.append(done)
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
        return done

    def station(
        self,
        columns: int = 80,
        rows: int = 24,
        slot: int = 0,
        name: str = "Main entrance",
        environ: Mapping[str, str] = {},
        ready: bool = True,
        program: Sequence[Path] | type[PreparedStation] = (PROGRAM,),
    ) -> Station:
        """Start ``kiosk run`` on one slot of the reader; returns when it waits for a card.

        With ``ready`` False it returns at once. ``program`` stands in for the installed one, or
        is forked.
        """
        own = {
            "KIOSK_STATION__NAME": name,
            "KIOSK_PCSC__READER": self.pcscd.reader_names[slot],
        }
        words = ["run", "--config", self.config, "--log", self.log]
        seen = {**self.environ, **own, **environ}
        forked = PreparedStation if program is HASTY else program
        station = (
            forked(words, seen, columns, rows, self.folder)
            if isinstance(forked, type)
            else Station([*forked, *words], seen, columns, rows, self.folder)
        )
        self.stations.append(station)
        if ready:
            station.see(waiting.ATTRACT_TITLE)
        return station

    # --- cards -------------------------------------------------------------------------

    def insert(self, whose: Person, slot: int = 0) -> Seat:
        """Push a person's card in; returns when pcscd shows it."""
        reader = self.pcscd.reader_names[slot]
        seat = Seat(reader, CardLink(whose.card, self.pcscd.slots[slot]))
        self._seats[whose.number] = seat
        seat.insert()
        return seat

    def remove(self, whose: Person) -> None:
        """Pull it out; returns when pcscd shows an empty slot."""
        self._seats.pop(whose.number).remove()

    def block(self, whose: Person) -> None:
        """Spend every try of the PIN at their desk, in the second reader, by yubico-piv-tool.

        No station may watch that reader: it would read the card at the same moments.
        """
        reader = self.insert(whose, slot=1).reader
        for _ in range(whose.card.state.pin.limit):
            self.clients.yubico(reader, "-a", "verify-pin", "-P", "000000")
        self.remove(whose)
        assert whose.card.state.pin.left == 0, "the card is not blocked"

    def verified_by_others(self, whose: Person, pin: str) -> bool:
        """Ask yubico-piv-tool and OpenSC about a card that is in; a wrong PIN costs two tries."""
        return self.clients.verifies(self._seats[whose.number].reader, pin)

    # --- mail --------------------------------------------------------------------------

    def read_code(self, to: str) -> str:
        """Return the code of the next mail to an address that has one; waits for it."""
        while True:
            at = self._read.get(to, 0)
            mail = self._mails(at + 1)[at]
            self._read[to] = at + 1
            found = CODE.search(mail.text)
            if found and to in mail.to:
                return "".join(found.groups())

    def wait_for_mail(self, to: str, subject: str) -> ReceivedMail:
        """Return the newest mail whose subject begins so, to an address; waits for the first."""
        arrived: tuple[ReceivedMail, ...] = ()
        while not (fit := [m for m in arrived if to in m.to and m.subject.startswith(subject)]):
            arrived = self._mails(len(arrived) + 1)
        return fit[-1]

    def _mails(self, count: int) -> tuple[ReceivedMail, ...]:
        """Wait for so many mails; the failure shows what was on the stations."""
        try:
            return self.mailbox.wait_for(count, timeout_s=SECONDS)
        except TimeoutError as none:
            shown = "\n\n".join(str(station.history) for station in self.stations)
            raise AssertionError(f"{none}; on the stations:\n{shown}") from None

    # --- short cuts --------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings as the program reads them."""
        return load_settings(self.config, self.environ)

    def register(
        self, whose: Person, answers: Mapping[int, str] = ANSWERS, *, full_cost: bool = False
    ) -> None:
        """Register by the authority alone, as of yesterday; their ``answers`` are set."""
        register(self.settings, self.environ, whose, answers, self.read_code, full_cost=full_cost)
