"""Before: with the next certificate it could give each station a library to load."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.app.enrolment import Credential
from kiosk.config.loading import load_settings
from kiosk.contract.enrolment import Enrolled
from kiosk.contract.errors import ConfigError
from kiosk.contract.sensitive import Sensitive

ADDRESS = (
    'x:1"]\ncertificate = "/a"\nca = "/b"\n'
    '[pkcs11]\nmodule = "/var/lib/kiosk-station/evil.so"\n[siem]\nkey = "/a"\n#'
)


def test_it_gives_a_station_addresses_and_no_other_settings(tmp_path: Path) -> None:
    enrolled = Enrolled("West Wing 2", "a certificate", "a CA", (ADDRESS,))
    Credential(tmp_path).write(Sensitive("a key"), enrolled)
    with pytest.raises(ConfigError, match=r"authority.addresses"):
        load_settings(None, {"STATE_DIRECTORY": str(tmp_path)})
