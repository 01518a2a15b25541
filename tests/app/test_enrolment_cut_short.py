"""A station whose power fails while it writes the certificate that it has just been given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kiosk.app.cli import enrol as enrolment
from kiosk.app.cli.enrol import Credential
from kiosk.app.composition.renewal import dates_of
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.config.loading import load_settings
from kiosk.contract.enrolment import Enrolled
from kiosk.contract.sensitive import Sensitive
from kiosk.system.files import replace_text

ADDRESS = "authority.example:8443"


@pytest.mark.parametrize("written", [0, 1, 2])
def test_station_with_a_certificate_knows_the_authority_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """By the certificate it is enrolled: the image asks for no line, and had no address."""
    ca, key = StationCa(KeyRing.fresh()), ec.generate_private_key(ec.SECP256R1())
    made = ca.issue(key.public_key(), "Ward 7", datetime.now(UTC), timedelta(days=90))
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    certificate = made.public_bytes(Encoding.PEM).decode()
    enrolled = Enrolled("Ward 7", certificate, ca.pem, (ADDRESS,))
    credential, left = Credential(tmp_path), written

    def cut_short(path: Path, text: str, mode: int) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        replace_text(path, text, mode)

    monkeypatch.setattr(enrolment, "replace_text", cut_short)
    with pytest.raises(KeyboardInterrupt):
        credential.write(Sensitive(own), enrolled)
    assert dates_of(credential.file) is None

    monkeypatch.undo()
    credential.write(Sensitive(own), enrolled)
    settings = load_settings(None, {"STATE_DIRECTORY": str(tmp_path)})
    assert settings.authority.addresses == (ADDRESS,)
    assert dates_of(credential.file) is not None
