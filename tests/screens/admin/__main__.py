"""Looks at the RA application without a service: ``python -m tests.screens.admin [ROLE]``.

``python -m tests.screens.admin --picture FILE.svg WIDTHxHEIGHT ROLE [KEY...]`` presses keys
and draws what shows then; a KEY in quotes with spaces is typed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kiosk.authority.roles import Role
from screens.admin.app import FAREWELLS, AdminApp
from screens.admin.times import Times
from screens.terminal.colours import has_few_colours
from screens.terminal.lockdown import lock_terminal
from tests.screens import idle_app
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.admin.pilots import running


async def draw(file: Path, size: str, role: str, keys: Sequence[str]) -> None:
    """Draw one picture."""
    width, height = map(int, size.split("x"))
    async with running(FakeDesk(Role(role)), size=(width, height)) as run:
        for key in keys:
            await (run.type(key) if " " in key else run.press(key))
        file.write_text(run.app.export_screenshot())


def main(arguments: Sequence[str]) -> None:
    """Draw, or run."""
    if arguments[:1] == ["--picture"]:
        idle_app.run(draw(Path(arguments[1]), arguments[2], arguments[3], arguments[4:]))
        return
    desk = FakeDesk(Role(arguments[0]) if arguments else Role.MANAGER)
    faults: list[BaseException] = []
    lock_terminal(faults.append)
    end = AdminApp(
        desk, faults.append, times=Times(lambda: NOW), few_colours=has_few_colours(os.environ)
    ).run()
    sys.stdout.write(f"{FAREWELLS[end]}\n")
    for fault in faults:
        raise fault


if __name__ == "__main__":
    main(sys.argv[1:])
