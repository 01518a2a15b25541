"""The image's definition, by its files; `make test-image` builds and starts it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from kiosk.app.config.loading import ENROLMENT
from tests.support.fresh_root import CHECKOUT
from tests.systemd.test_units import STATION, run, value

IMAGE = CHECKOUT / "image"
USR_LIB = IMAGE / "mkosi.extra" / "usr" / "lib"
UNITS = sorted((USR_LIB / "systemd" / "system").glob("kiosk-*.service"))
ENROL, SETUP = (
    USR_LIB / "systemd" / "system" / f"kiosk-{name}.service" for name in ("enrol", "setup")
)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_of_the_image_has_no_mistake(unit: Path, tmp_path: Path) -> None:
    text = re.sub(r"/usr/lib/unlock-kiosk-\w+/bin/python", sys.executable, unit.read_text())
    text = re.sub(r"ExecStart=/usr/bin/kiosk", "ExecStart=/bin/true", text)
    (tmp_path / unit.name).write_text(text)
    said = run("systemd-analyze", "verify", "--man=no", tmp_path / unit.name).stdout
    assert [line for line in said.splitlines() if unit.name in line] == []


def test_the_line_is_asked_for_by_the_stations_account_until_it_is_enrolled() -> None:
    assert value(ENROL, "User") == value(STATION, "User")
    assert value(ENROL, "DeviceAllow") == value(STATION, "DeviceAllow")
    assert value(ENROL, "ConditionPathExists") == f"!/var/lib/kiosk-station/{ENROLMENT}"
    said = run("systemd-analyze", "security", "--offline=true", ENROL).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found
    assert float(found[1]) <= 2.0
