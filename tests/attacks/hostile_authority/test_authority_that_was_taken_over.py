"""Before: with the next certificate it gave each station a library, or no way to any authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from kiosk.app.cli.enrol import Credential, EnrolmentFailed
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.config.loading import load_settings
from kiosk.contract.enrolment import Enrolled
from kiosk.contract.sensitive import Sensitive

ADDRESS = (
    'x:1"]\ncertificate = "/a"\nca = "/b"\n'
    '[pkcs11]\nmodule = "/var/lib/kiosk-station/evil.so"\n[siem]\nkey = "/a"\n#'
)


CA, OTHER_CA = StationCa(KeyRing.fresh()), StationCa(KeyRing.fresh())


def issued(ca: StationCa = CA) -> tuple[Sensitive, Enrolled]:
    key = ec.generate_private_key(ec.SECP256R1())
    made = ca.issue(key.public_key(), "West Wing 2", datetime.now(UTC), timedelta(days=90))
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = made.public_bytes(Encoding.PEM).decode()
    addresses = ("authority.example:8443",)
    return Sensitive(own.decode()), Enrolled("West Wing 2", certificate, ca.pem, addresses)


@pytest.mark.parametrize(
    "addresses",
    [(ADDRESS,), ("authority.example",), ("a.example:8443", "\x7f:1"), ("\U0001f512:1",), ()],
)
def test_renewal_gives_a_station_addresses_and_no_other_settings(
    tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    """With a wrong one the station could not start, or renew its certificate, any more."""
    credential = Credential(tmp_path)
    key, good = issued()
    credential.write(key, good)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(EnrolmentFailed, match=r"nothing was changed here.*corrected there"):
        credential.write(key, replace(good, addresses=addresses))
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    settings = load_settings(None, {"STATE_DIRECTORY": str(tmp_path)})
    assert settings.authority.addresses == good.addresses


@pytest.mark.parametrize(
    "sent",
    [
        {"certificate": issued()[1].certificate},
        {"certificate": ""},
        {"certificate": CA.pem},
        {"ca": OTHER_CA.pem},
        {"ca": ""},
        {"ca": CA.pem[:-40]},
    ],
)
def test_a_credential_that_does_not_fit_replaces_none(tmp_path: Path, sent: dict[str, str]) -> None:
    credential = Credential(tmp_path)
    credential.write(*issued())
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    key, good = issued()
    with pytest.raises(EnrolmentFailed, match="nothing was changed here"):
        credential.write(key, replace(good, **sent))
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    credential.write(key, replace(good, ca=OTHER_CA.pem + good.ca))
