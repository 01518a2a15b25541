"""Numbers that a run prints at its end, also where the tests are spread over processes::

def test_something(printed: Printed) -> None:
    printed("[fuzz] 512 wrong answers")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_NAME = "printed"

Printed = Callable[[str], None]


@pytest.fixture
def printed(record_property: Callable[[str, object], None]) -> Printed:
    """Return what prints one line at the end of the run."""
    return lambda line: record_property(_NAME, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the lines of the tests that passed, in the order in which they ended."""
    reports = terminalreporter.stats.get("passed", ())
    for report in reports:
        for name, line in report.user_properties:
            if name == _NAME:
                terminalreporter.write_line(str(line))
