"""Names of tests hold their subject: ``make one T="words"`` finds a test by them."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]

_TEST = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)

# A pronoun, or a word that goes on where the test above ended.
_BEGINS = re.compile(
    r"test_(it|its|they|their|this|that|these|those|so|and|nor|but|then|each|another|one|whoever)_"
)


def test_names_of_tests_begin_with_their_subject() -> None:
    names = {
        f"{file.relative_to(TESTS)}: {name}"
        for file in TESTS.rglob("*.py")
        for name in _TEST.findall(file.read_text())
        if _BEGINS.match(name) or "_told" in name
    }
    assert names == set()
