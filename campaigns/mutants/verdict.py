"""A plugin of pytest that writes down how the first test failed: ``-p`` and ``--verdict FILE``."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest


class Failure(msgspec.Struct, frozen=True):
    """The first failure of a run."""

    test: str
    phase: str
    errors: tuple[str, ...]
    """The names of the error's classes, of the error itself first."""
    message: str

    @property
    def is_an_assertion(self) -> bool:
        """Say whether the test itself found something that it did not expect."""
        return self.phase == "call" and bool({"AssertionError", "Failed"} & {*self.errors})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the file to write to."""
    parser.addoption("--verdict", type=Path, required=True)


@pytest.hookimpl
def pytest_exception_interact(
    node: pytest.Item | pytest.Collector,
    call: pytest.CallInfo[object],
    report: pytest.TestReport | pytest.CollectReport,
) -> None:
    """Write the first failure down, of a test or while the tests are collected."""
    file: Path = node.config.getoption("--verdict")
    if call.excinfo is None or file.exists():
        return
    error = _told_apart(call.excinfo.value)
    message = str(error).strip().partition("\n")[0]
    names = tuple(each.__name__ for each in type(error).__mro__)
    when = report.when if isinstance(report, pytest.TestReport) else "collect"
    file.write_bytes(msgspec.json.encode(Failure(node.nodeid, when or "", names, message)))


def _told_apart(error: BaseException) -> BaseException:
    """Return an error of a group, as Hypothesis raises it for several: an assertion, if any is."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    each = [_told_apart(one) for one in error.exceptions]
    return next((one for one in each if isinstance(one, AssertionError)), each[0])
