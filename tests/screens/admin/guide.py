"""Draws the pictures of ``docs/ra-guide.md``: ``python -m tests.screens.admin.guide DIRECTORY``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.screens import idle_app
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people_samples import people_samples
from tests.screens.admin.pilots import running
from tests.screens.admin.record_samples import record_samples
from tests.screens.admin.samples import Sample, live_through, samples
from tests.screens.svg import stretched

SIZE = (100, 30)

GUIDE = {
    "ra-today": "today",
    "ra-find": "people-found",
    "ra-reference": "people-reference",
    "ra-blocked": "person-blocked",
    "ra-lift-block": "lift-block",
    "ra-code": "code-shown",
    "ra-agree": "waiting",
    "ra-stations": "stations",
    "ra-audit": "audit",
    "ra-questions": "questions",
    "ra-policy": "policy",
    "ra-staff": "staff",
    "ra-import": "import",
    "ra-reports": "reports",
    "ra-actions": "actions",
}
"""The guide's pictures, and the samples that they show."""


def every_sample() -> dict[str, Sample]:
    """Return the samples of all pages, by name."""
    return {**samples(), **people_samples(), **record_samples()}


async def drawn(name: str) -> str:
    """Return one picture of the guide as SVG."""
    sample = every_sample()[GUIDE[name]]
    desk = FakeDesk(sample.role)
    sample.arrange(desk)
    async with running(desk, size=SIZE, dark=sample.dark) as run:
        await live_through(run, sample)
        return stretched(run.app.export_screenshot())


def main(folder: Path) -> None:
    """Draw all of them into ``folder``."""
    for name in GUIDE:
        (folder / f"{name}.svg").write_text(idle_app.run(drawn(name)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
