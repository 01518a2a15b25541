"""The program with a third factor, for tests alone: what a factor takes, and that it is enough.

The rules are in ``rules.txt`` and the walks of its holders in ``walks.txt``: both are modules of
the copy, and of no use here, where there is no such factor.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]

_MESSAGES: Final = "kiosk/contract/messages.py"
_FACTORS: Final = "kiosk/authority/visit/factors/__init__.py"
_STEP: Final = "kiosk/station/step.py"
_PAGES: Final = "screens/kiosk/visit_pages.py"
_WORDS: Final = "screens/words/choices.py"

NEW: Final = {
    "kiosk/authority/visit/factors/it.py": "rules.txt",
    "tests/authority/visit/test_it.py": "walks.txt",
}
"""The files that a factor adds."""

EDITS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        _MESSAGES,
        '    EMAIL_CODE = "email-code"\n',
        '    EMAIL_CODE = "email-code"\n    IT = "it"\n',
    ),
    (
        _MESSAGES,
        "FactorEntry = Answers | Code | EnteredSavedCode\n",
        (
            "class Word(Reported, frozen=True):\n    word: Sensitive\n\n\n"
            "FactorEntry = Answers | Code | EnteredSavedCode | Word\n"
        ),
    ),
    (
        _MESSAGES,
        "FactorTask = AnswerQuestions | EnterCode | EnterSavedCode\n",
        (
            "class SayIt(CountedTask, frozen=True):\n    tries_left: int\n\n\n"
            "FactorTask = AnswerQuestions | EnterCode | EnterSavedCode | SayIt\n"
        ),
    ),
    (
        _FACTORS,
        "from kiosk.authority.visit.factors.questions",
        (
            "from kiosk.authority.visit.factors.it import ItRules\n"
            "from kiosk.authority.visit.factors.questions"
        ),
    ),
    (
        _FACTORS,
        "    Factor.EMAIL_CODE: EmailCodeRules(),\n",
        "    Factor.EMAIL_CODE: EmailCodeRules(),\n    Factor.IT: ItRules(),\n",
    ),
    (_STEP, "    Code: s.Work", "    Word: s.Work.CHECKING_CODE,\n    Code: s.Work"),
    (_STEP, "    VisitOpened,\n", "    VisitOpened,\n    Word,\n"),
    (
        _PAGES,
        "    EnterCode: codes.CodeEntryPage,\n",
        "    EnterCode: codes.CodeEntryPage,\n    SayIt: codes.CodeEntryPage,\n",
    ),
    (_PAGES, "EnterSavedCode, FactorTask\n", "EnterSavedCode, FactorTask, SayIt\n"),
    (
        _WORDS,
        '    Factor.EMAIL_CODE: Text("Email I can read"),\n',
        '    Factor.EMAIL_CODE: Text("Email I can read"),\n    Factor.IT: Text("It"),\n',
    ),
)
"""The lines that a factor adds to files: its words are those of the page, too."""


def with_third_factor(root: Path) -> Path:
    """Make a copy of the program in ``root`` that has it; raises where a line is not there once."""
    for name in ("kiosk", "screens", "hardware", "tests", "campaigns"):
        unwanted = shutil.ignore_patterns("__pycache__", "__snapshots__")
        shutil.copytree(ROOT / name, root / name, ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", root)
    for name, source in NEW.items():
        shutil.copy(HERE / source, root / name)
    for name, before, after in EDITS:
        text = (root / name).read_text()
        if text.count(before) != 1:
            raise ValueError(f"{name}: {before!r} is there {text.count(before)} times")
        (root / name).write_text(text.replace(before, after))
    return root


def files_that_know() -> set[str]:
    """Return the files that have to know of a factor, but for those of its tests."""
    return {name for name, *_ in EDITS} | {name for name in NEW if not name.startswith("tests/")}
