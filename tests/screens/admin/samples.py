"""What the RA application's pictures show: who is logged in, what they did, and what there is.

A step is a key; one that begins with ``=`` is pasted, one that begins with ``@`` clicked. After
one that begins with ``~`` the long work that it began is waited for at its half. ``SEND``
presses Enter until a form sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kiosk.authority.administration.views import Done, Grounds, RefusedFor
from kiosk.authority.errors import ConcurrentChange, NotTaken, StoreError
from kiosk.authority.facts import Noticed, StationSilent
from kiosk.authority.roles import Role
from screens.admin.app import IDLE_S, WARNING_S
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.estate import today
from tests.screens.admin.people import NOW
from tests.screens.admin.pilots import Run
from tests.screens.idle_app import still

SEND = "send"
Arrange = Callable[[FakeDesk], None]


def _as_it_is(_desk: FakeDesk) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Sample:
    """One state of the screen."""

    steps: tuple[str, ...] = ()
    role: Role = Role.MANAGER
    arrange: Arrange = _as_it_is
    dark: bool = False
    at_s: float = 0.0
    """Seconds without a key when the picture is taken."""


async def live_through(run: Run, sample: Sample) -> None:
    """Do what the sample says."""
    for step in sample.steps:
        if step.startswith("="):
            run.paste(step[1:])
            await run.settle()
        elif step.startswith("@"):
            await run.click(step[1:])
        elif step == SEND:
            await run.send()
        elif step.startswith("~"):
            await run.press_and_hold(step[1:])
        else:
            await run.press(step)
    if sample.at_s:
        run.clock.at = sample.at_s
        await still(60)
        await run.settle()


def samples() -> dict[str, Sample]:
    """Return all, by name."""
    return {
        "today": Sample(),
        "today-dark": Sample(dark=True),
        "today-quiet": Sample(role=Role.AUDITOR, arrange=_quiet),
        "today-many": Sample(("n",), arrange=_many),
        "today-alarms": Sample(("a",), arrange=_many),
        "today-away": Sample(arrange=_away),
        "stations": Sample(("f4", "@West Wing 2")),
        "stations-dark": Sample(("f4", "@Maternity"), dark=True),
        "stations-auditor": Sample(("f4",), Role.AUDITOR),
        "stations-add": Sample(("f4", "@West Wing 2", "a")),
        "stations-line": Sample(("f4", "@West Wing 2", "a", "tab", "tab", "=New display", "enter")),
        "stations-lift-pauses": Sample(("f4", "@West Wing 2", "p", "=Stolen, and retired")),
        "stations-none": Sample(("f4",), arrange=_no_stations),
        "stations-retired": Sample(("f4", "r", "=Doorway is rebuilt", "enter")),
        "retire": Sample(("f4", "r", "=Doorway is rebuilt")),
        "retire-empty": Sample(("f4", "r", "enter")),
        "retire-leaving": Sample(("f4", "r", "=Doorway", "escape")),
        "retire-not-taken": Sample(("f4", "r", "=no", "=ne", "enter"), arrange=_not_taken),
        "retire-second": Sample(("f4", "r", "=Doorway is rebuilt", "enter"), arrange=_second),
        "actions": Sample(("f4", "ctrl+p")),
        "help": Sample(("f4", "?")),
        "actions-typed": Sample(("f4", "ctrl+p", "=st")),
        "idle": Sample(at_s=IDLE_S - WARNING_S / 2),
    }


def _quiet(desk: FakeDesk) -> None:
    calm = replace(today(), refusals=(), stations_up=6, stations_down=(), alarms=(), mail_waiting=0)
    desk.estate.today = replace(calm, hours=(0,) * 24, median_s=None)


def _many(desk: FakeDesk) -> None:
    desk.estate.today = replace(
        today(),
        refusals=tuple(
            RefusedFor(f"r{n}", f"Reason {n} of a refusal", 40 - 3 * n) for n in range(11)
        ),
        stations_down=tuple(f"Ward {n} West, by the lifts" for n in range(1, 7)),
        alarms=tuple(
            Noticed(NOW, StationSilent(f"Ward {n} West", NOW.replace(hour=9, minute=10 * n)))
            for n in range(1, 6)
        ),
    )


def _away(desk: FakeDesk) -> None:
    desk.asked.raises("today.look", StoreError("away", "08006"))


def _no_stations(desk: FakeDesk) -> None:
    desk.estate.stations = []


def _not_taken(desk: FakeDesk) -> None:
    problem = NotTaken("reason", "Say why, in 3 to 300 characters.")
    desk.asked.raises("stations.retire", problem)


def _second(desk: FakeDesk) -> None:
    def retire(name: str, grounds: Grounds) -> Done:
        told = (f"Bo Banks retired {name} (reference B4XT-1QLM).",)
        raise ConcurrentChange(f"{name} was changed since you looked. Look again.", told)

    desk.stations.retire = retire  # type: ignore[method-assign]
