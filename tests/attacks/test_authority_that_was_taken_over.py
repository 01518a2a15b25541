"""Before: with the next certificate it could give each station a library to load."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kiosk.app.enrolment import Credential, EnrolmentFailed
from kiosk.config.loading import load_settings
from kiosk.contract.enrolment import Enrolled
from kiosk.contract.sensitive import Sensitive

ADDRESS = (
    'x:1"]\ncertificate = "/a"\nca = "/b"\n'
    '[pkcs11]\nmodule = "/var/lib/kiosk-station/evil.so"\n[siem]\nkey = "/a"\n#'
)


@pytest.mark.parametrize(
    "addresses",
    [(ADDRESS,), ("authority.example",), ("a.example:8443", "\x7f:1"), ("\U0001f512:1",), ()],
)
def test_it_gives_a_station_addresses_and_no_other_settings(
    tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    """With a wrong one the station could not start, or renew its certificate, any more."""
    credential = Credential(tmp_path)
    good = Enrolled("West Wing 2", "a certificate", "a CA", ("authority.example:8443",))
    credential.write(Sensitive("a key"), good)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(EnrolmentFailed, match=r"nothing was changed here.*corrected there"):
        credential.write(Sensitive("another"), replace(good, addresses=addresses))
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    settings = load_settings(None, {"STATE_DIRECTORY": str(tmp_path)})
    assert settings.authority.addresses == good.addresses
