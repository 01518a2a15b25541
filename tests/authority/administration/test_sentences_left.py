"""What of staff's sentences the authority still composes, counted by module.

What it sends to staff is a code with facts, which ``screens/words/staff`` says. A module that still
holds sentences is listed here, with how many: the number only goes down, but where ``kiosk doctor``
learns to look at something new.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import kiosk.authority

CATALOGUES: Final = {"audit/events.py", "audit/sentences.py", "wording.py"}
"""A sentence stands beside its code there: the exports and reports of the authority say it, too."""

COMPOSED: Final[dict[str, int]] = {
    "administration/checks.py": 151,
    "administration/people_file.py": 29,
    "administration/policy.py": 21,
    "administration/fields.py": 18,
    "administration/verification.py": 16,
    "administration/key_copies.py": 20,
    "administration/import_people.py": 8,
    "errors.py": 6,
    "administration/audit_log.py": 4,
    "administration/audit_archive.py": 3,
    "administration/proposals.py": 2,
    "administration/staff.py": 2,
    "administration/views.py": 2,
    "audit/siem.py": 2,
    "administration/caretaker.py": 1,
    "administration/files.py": 1,
    "administration/office.py": 1,
    "administration/reports.py": 1,
    "audit/anchors.py": 1,
}
"""The others: most are findings of ``kiosk doctor`` (checks, verification, keys), and what is wrong
with a line of an imported file or a setting (people_file, fields, import_people, policy)."""

ROOT: Final = Path(next(iter(kiosk.authority.__path__)))
TO_STAFF: Final = (
    "administration",
    "audit",
    "errors.py",
    "notices.py",
    "refusals.py",
    "wording.py",
)
"""Folders and modules of the authority whose texts can reach staff.

The others speak to holders (``mail/words.py``), to stations, or in the log.
"""
REFUSALS: Final = {"NotTaken", "NotFound", "NotPermitted", "CellRefused", "ImportRefused"}
SENTENCE: Final = re.compile(r"[A-Za-z]{2,}[,:;]? [a-z]{2,}")


def modules() -> Iterator[Path]:
    for name in TO_STAFF:
        path = ROOT / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else (path,)


def sentences(source: str) -> Iterator[str]:
    """Yield each literal of several words, but not docstrings, logs and errors of programs."""
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        match todo.pop():
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
                pass
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name))) if name not in REFUSALS:
                pass
            case ast.Constant(value=str() as text) if SENTENCE.search(text):
                yield text
            case ast.JoinedStr(values=values) as node:
                parts = [each.value if isinstance(each, ast.Constant) else "…" for each in values]
                if SENTENCE.search("".join(map(str, parts))):
                    yield ast.unparse(node)
            case node:
                todo += ast.iter_child_nodes(node)


def test_what_staff_read_is_composed_in_fewer_places_each_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = {
        str(path.relative_to(ROOT)): many
        for path in modules()
        if (many := sum(1 for _ in sentences(path.read_text())))
    }
    lines = [
        f"{many:4} {'beside its code' if name in CATALOGUES else 'composed':15} {name}"
        for name, many in sorted(counted.items(), key=lambda one: -one[1])
    ]
    composed = sum(many for name, many in counted.items() if name not in CATALOGUES)
    with capsys.disabled():
        heading = "what the authority says to staff, in literal sentences:"
        sys.stdout.write("\n".join(("", heading, *lines, f"{composed:4} composed in all", "")))
    for name in CATALOGUES:
        del counted[name]
    more = {name: many for name, many in counted.items() if many > COMPOSED.get(name, 0)}
    assert not more, "make it a code with facts, which screens/words/staff says"
    fewer = {name: many for name, many in COMPOSED.items() if many > counted.get(name, 0)}
    assert not fewer, "list fewer of them"


@pytest.mark.parametrize(
    ("source", "many"),
    [
        ('"""What it does is this."""\n', 0),
        ('log.info("nothing was sent to them")\n', 0),
        ('raise ValueError("this was no number at all")\n', 0),
        ('raise NotTaken("name", "this is no name")\n', 1),
        ('said = f"{name} was changed since {when}"\n', 1),
        ('name = "station-silent"\n', 0),
    ],
)
def test_a_sentence_in_a_module_is_counted(source: str, many: int) -> None:
    assert len(list(sentences(source))) == many
