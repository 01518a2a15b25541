"""A station that lives a visit has loaded nothing of the authority, nor what that stands on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hardware.virtual.piv import new_card
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert, client_environment

pytestmark = pytest.mark.hardware

PUK = "87654321"
"""What the stubbed authority releases."""
FORBIDDEN = (
    "cryptography",
    "kiosk.authority",
    "screens.admin",
    "sqlalchemy",
    "sqlmodel",
    "pydantic",
    "alembic",
    "argon2",
    "emails",
    "prometheus_client",
)


def test_an_unlock_needs_nothing_of_the_authority(insert: Insert, pcscd: HotplugPcscd) -> None:
    card = new_card(holder_name="Asha Patel", puk=PUK, blocked=True)
    insert(card)
    lived = subprocess.run(
        [sys.executable, "-m", "tests.app.composition.station_alone"],
        env=client_environment(pcscd),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert lived.returncode == 0, lived.stderr
    found = json.loads(lived.stdout)
    assert found["pages"][0] == "ConfirmOwnerPage"
    assert found["pages"][-1] == "SuccessPage"
    assert card.state.pin.left > 0
    assert [each for each in found["modules"] if each.startswith(FORBIDDEN)] == []
    # Each visit's process would load it, and compile a pattern, while the holder waits.
    assert "_strptime" not in found["modules"]
