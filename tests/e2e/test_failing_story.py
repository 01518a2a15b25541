"""A story that fails has to show how it came to its last screen."""

from __future__ import annotations

import pytest

from tests.support.terminal import Terminal

PROGRAM = """
stty -echo
printf '\\033[2J\\033[HChoose\\n 1 milk\\n 2 tea\\n'
read -r what
printf '\\033[2J\\033[HSending\\n one %s\\n to you\\n' "$what"
read -r seen
printf '\\033[2J\\033[HNobody answered\\n so it\\n has ended\\n'
"""


@pytest.mark.terminal
def test_failure_shows_the_screens_and_keys_before_the_last_one() -> None:
    terminal = Terminal(["sh", "-c", PROGRAM], {"PATH": "/usr/bin:/bin"}, 40, 10)
    terminal.wait_for("tea")
    terminal.send("2")
    terminal.send("\r")
    terminal.wait_for("one 2")
    terminal.send("\r")
    terminal.wait_for("has ended")
    with pytest.raises(AssertionError, match="waited for") as failed:
        terminal.wait_for("the code")
    terminal.close()
    before = str(failed.value).partition("before it, since the start:\n")[2]
    parts = ["Choose", "keys: b'2\\r'", "Sending", "keys: b'\\r'", "Nobody answered"]
    assert sorted(map(before.index, parts)) == [before.index(part) for part in parts]
