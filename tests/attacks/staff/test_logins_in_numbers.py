"""Before: one member of staff logged in until the sessions' memory was used up, and nobody else
could; and connections without a session stayed for as long as their client liked, in no audit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from kiosk.app.cli.admin import take_place
from kiosk.authority.records import new_id
from tests.support.sshd import DROP_IN, SSHD, make_key

FIVE = 5
"""What docs/security.md promises, written anew: with the program's number it passed with 500."""


def test_sixth_session_of_a_member_is_refused_and_the_others_keep_theirs() -> None:
    member, other = new_id(), new_id()
    places = [take_place(member) for _ in range(FIVE)]
    assert all(places)
    assert take_place(member) is None
    theirs = take_place(other)
    assert theirs is not None
    theirs.close()
    for place in places:
        assert place is not None
        place.close()  # as the kernel does at the end of a process
    again = take_place(member)
    assert again is not None
    again.close()


def test_a_connection_without_a_session_ends(tmp_path: Path) -> None:
    asked = "user=ra,host=h,addr=127.0.0.1"
    host = make_key(tmp_path / "host")
    command = [str(SSHD), "-T", "-f", str(DROP_IN), "-C", asked, "-h", str(host)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "unusedconnectiontimeout 30" in said
