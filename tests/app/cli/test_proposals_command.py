"""What waits for a second member of staff, from the command line, on a real store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.app.cli.staff import waiting_id
from kiosk.app.cli.tools import print_done_as_json, print_result
from kiosk.authority.administration.deeds import LineMade
from kiosk.authority.administration.views import Done, StationLetIn
from kiosk.authority.errors import NotFound
from kiosk.authority.wording import local_time
from kiosk.contract.sensitive import Sensitive
from tests.app.cli.estate import JO, Estate
from tests.app.cli.samples import Kiosk, two_members
from tests.support.refusals import refused

Capsys = pytest.CaptureFixture[str]
BECAUSE = "--reason", "rang up"
SURE = *BECAUSE, "--identified-by", "badge, in person"


def test_who_agrees_on_the_command_line_is_shown_a_line_once(capsys: Capsys) -> None:
    at = datetime(2030, 5, 17, 9, 45, tzinfo=UTC)
    let_in = StationLetIn("Ward 7", Sensitive("authority.example:8444 7QKX-3M2P"), at, "7KQ4-9ZXM")
    done = Done(LineMade("Ward 7"), "7KQ4-9ZXM", let_in=let_in)
    print_result(done)
    shown = capsys.readouterr().out
    assert 'kiosk setup station --enrol "authority.example:8444 7QKX-3M2P"' in shown
    assert f"until {at.astimezone():%H:%M}, once (reference 7KQ4-9ZXM)" in shown
    print_done_as_json(done)
    found = json.loads(capsys.readouterr().out)
    assert (found["station"], found["line"]) == ("Ward 7", "authority.example:8444 7QKX-3M2P")


def test_what_the_command_line_does_waits_and_it_does_not_agree_with_itself(
    kiosk: Kiosk, estate: Estate, place: Path, capsys: Capsys
) -> None:
    two_members(kiosk, place)
    kiosk("policy", "set", "four_eyes", "true", *BECAUSE)
    assert kiosk("people", "correct-email", JO, "jo@nhs.uk", *SURE) == 0
    assert "Nothing is changed yet" in capsys.readouterr().out
    assert kiosk("proposals", "list", "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["sentence"], line["about"]) == (
        "Correct the email address from jo@nhs.net to jo@nhs.uk.",
        "Jo Smith",
    )
    assert line["action"] == "correct-email"
    assert line["why_not"].startswith("You proposed this yourself")
    assert line["facts"] == {
        "what": {"code": "ToCorrectAddress", "known": ["jo@nhs.net"], "email": "jo@nhs.uk"},
        "why_not": {"code": "OWN_PROPOSAL"},
    }
    assert kiosk("proposals", "list") == 0
    shown = capsys.readouterr().out
    assert f"about Jo Smith ({JO})" in shown
    assert line["proposal_id"] in shown
    assert kiosk("people", "show", JO) == 0
    until = local_time(datetime.fromisoformat(line["expires_at"]))
    assert f"waits for a second member of staff, until {until}: " in capsys.readouterr().out
    assert "rang up" in shown
    assert "identified by: badge, in person" in shown
    assert kiosk("proposals", "agree", line["proposal_id"], *BECAUSE) == 1
    assert "You proposed this yourself" in capsys.readouterr().err
    assert kiosk("proposals", "decline", line["proposal_id"][:8], *BECAUSE, "--json") == 0
    assert json.loads(capsys.readouterr().out)["sentence"].startswith("It is taken back")
    assert kiosk("proposals", "agree", line["proposal_id"], *BECAUSE) == 1
    assert "took it back" in capsys.readouterr().err
    assert kiosk("proposals", "list") == 0
    assert capsys.readouterr().out == "nothing waits\n"


def test_a_beginning_that_two_share_names_neither() -> None:
    with refused(NotFound, match="2 of those that wait begin with '4f1c': give more"):
        waiting_id("4f1c", ["4f1c0a9e", "4f1c7777", "aa"])
    assert waiting_id("4F1C0", ["4f1c0a9e", "4f1c7777"]) == "4f1c0a9e"


def test_without_two_members_it_acts_alone(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    kiosk("policy", "set", "four_eyes", "true", *BECAUSE)
    assert kiosk("people", "correct-email", JO, "jo@nhs.uk", *SURE) == 0
    assert "The address is corrected." in capsys.readouterr().out
