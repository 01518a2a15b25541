"""The next release, for tests alone: a copy of this one that writes what this one does not know.

It adds a column to each table whose MACs matter in a visit, and sets it in every row that it
writes; a word, which is an end of a visit; and a kind of event in the audit. What this release
would take for altered, or could not read, it writes only once every program knows it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kiosk.authority.store.tables import REVISION

ROOT: Final = Path(__file__).parents[3]
NEXT: Final = f"{int(REVISION) + 1:04d}"
TABLES: Final = (
    *("visit", "registration", "card", "cardholder", "email_code", "unblock_journal"),
    *("attempt_charge", "proof", "station", "staff_member"),
)
"""Those that get the column."""

_MIGRATION: Final = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{REVISION}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in {TABLES!r}:
        op.add_column(table, sa.Column("remark", sa.String(), nullable=True))
    op.create_table("arrival", sa.Column("visit_id", sa.String(), primary_key=True))
"""
_STORE: Final = "kiosk/authority/store"
_GATEWAY: Final = f"{_STORE}/gateway.py"
_TABLES: Final = f"{_STORE}/tables.py"
_VISITS: Final = f"{_STORE}/repositories/visits.py"
_LIFECYCLE: Final = "kiosk/authority/visit/lifecycle.py"
_REMARKS: Final = f'if "remark" in kind.since and self.level >= "{NEXT}":'

EDITS: Final[tuple[tuple[str, str, str], ...]] = (
    (_TABLES, f'REVISION = "{REVISION}"', f'REVISION = "{NEXT}"'),
    *(
        (
            _TABLES,
            f'    __tablename__ = "{name}"\n',
            (
                f'    __tablename__ = "{name}"\n'
                f'    since = {{"remark": "{NEXT}", "how=moved": "{NEXT}"}}\n'
                if name == "visit"
                else f'    __tablename__ = "{name}"\n    since = {{"remark": "{NEXT}"}}\n'
            )
            + "    remark: str | None = None\n",
        )
        for name in TABLES
    ),
    (
        _TABLES,
        "class ProofRow(MacRow, table=True):",
        '''class ArrivalRow(TableRow, table=True):
    """A visit that this version opened."""

    __tablename__ = "arrival"
    visit_id: str = Field(primary_key=True)


class ProofRow(MacRow, table=True):''',
    ),
    # Every row that is written gets a remark.
    (
        _GATEWAY,
        "            return dict(values)\n",
        (
            f"            return dict(values)\n        {_REMARKS}\n"
            '            values = {**values, "remark": "seen"}\n'
        ),
    ),
    (
        _GATEWAY,
        "        kind = type(row)\n        now = ",
        (
            f'        kind = type(row)\n        {_REMARKS}\n            new["remark"] = "seen"\n'
            "        now = "
        ),
    ),
    (
        _VISITS,
        "        return self._gateway.add_new(VisitRow, values(visit))",
        """        from kiosk.authority.store.tables import ArrivalRow

        added = self._gateway.add_new(VisitRow, values(visit))
        return added and self._gateway.add_new(ArrivalRow, {"visit_id": visit.id})""",
    ),
    # A card that left has moved on.
    (
        "kiosk/contract/messages.py",
        '    UPGRADED = "upgraded"\n',
        '    UPGRADED = "upgraded"\n    MOVED = "moved"\n',
    ),
    (
        "kiosk/authority/audit/sentences.py",
        "ENDED: Final[dict[str, str]] = {\n",
        'ENDED: Final[dict[str, str]] = {\n    VisitEnd.MOVED: "the card moved on",\n',
    ),
    (
        _LIFECYCLE,
        "    visit = uow.visits.close(visit_id, uow.now, how)\n",
        f"""    if how is VisitEnd.CARD_REMOVED and uow.level >= "{NEXT}":
        how = VisitEnd.MOVED
    visit = uow.visits.close(visit_id, uow.now, how)
""",
    ),
)
EVENTS: Final[tuple[tuple[str, str, str], ...]] = (
    # Kinds of events are texts: no program minds one that it does not know.
    (
        "kiosk/authority/audit/events.py",
        '    VISIT_RESUMED = EventSpec("visit-resumed"',
        (
            '    ARRIVED = EventSpec("arrived", "Arrived.", grave=True)\n'
            '    VISIT_RESUMED = EventSpec("visit-resumed"'
        ),
    ),
    (
        _LIFECYCLE,
        "    record(uow, AuditKind.VISIT_OPENED, here.visit, pin_blocked",
        (
            "    record(uow, AuditKind.ARRIVED, here.visit)\n"
            "    record(uow, AuditKind.VISIT_OPENED, here.visit, pin_blocked"
        ),
    ),
)


def next_release(folder: Path, *, waits: bool = True, events: bool = True) -> Path:
    """Copy the program into ``folder``, as the next release; raises for a line that is not there.

    Without ``waits`` it writes all that it can at once, without ``events`` none of its own.
    """
    # What others compile there in this moment comes and goes.
    shutil.copytree(ROOT / "kiosk", folder / "kiosk", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / _STORE / "migrations" / "versions" / f"{NEXT}_remarks.py").write_text(_MIGRATION)
    for name, before, after in EDITS + (EVENTS if events else ()):
        text = (folder / name).read_text()
        if text.count(before) != 1:
            raise ValueError(f"{name}: {before!r} is there {text.count(before)} times")
        (folder / name).write_text(text.replace(before, after))
    if not waits:
        gateway = folder / _GATEWAY
        level = "        return self._level(self)\n"
        assert level in gateway.read_text()
        gateway.write_text(gateway.read_text().replace(level, f'        return "{NEXT}"\n'))
    return folder


_START: Final = """
import runpy, sys

sys.path[:0] = [sys.argv[1], sys.argv[3]]
runpy.run_module("tests.support.next_release.acts", run_name="__main__")
"""


@dataclass(frozen=True)
class Release:
    """A release whose program is in ``program``, on an estate that it shares with others."""

    program: Path
    folder: Path
    url: str

    def does(self, act: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run one of ``acts.py``; return what it made. Raises ``AssertionError`` for a failure."""
        done = subprocess.run(
            [sys.executable, "-P", "-c", _START, self.program, act, ROOT],
            input=json.dumps({"folder": str(self.folder), "url": self.url, **(given or {})}),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return made
