"""When a station's certificate is renewed, by its own dates."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kiosk.app.composition.renewal import AGAIN_S, Renewal, dates_of
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.config.loading import ENROLMENT

NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)
LIFE = timedelta(days=90)
SETTINGS = Path("station.toml")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = StationCa(KeyRing.fresh()).issue(key.public_key(), "Level 7", NOW, LIFE)
    path = tmp_path / "station.pem"
    path.write_bytes(own + made.public_bytes(Encoding.PEM))
    return path


def tries(renewal: Renewal, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Have its processes noted in place of started."""
    started: list[object] = []

    class Ended:
        returncode = 1

        def __init__(self, *_: object, **__: object) -> None:
            started.append(self)

        def poll(self) -> int:
            return self.returncode

        def communicate(self) -> tuple[bytes, None]:
            return b"", None

    monkeypatch.setattr("kiosk.app.composition.renewal.child.start", Ended)
    return started


def due(file: Path, state: Path) -> Renewal:
    (state / ENROLMENT).touch()
    environ = {"STATE_DIRECTORY": str(state)}
    return Renewal(file, SETTINGS, environ, lambda: NOW + 2 * LIFE / 3, lambda: 0.0)


def test_renewal_is_due_in_the_last_third_of_a_certificate(file: Path, tmp_path: Path) -> None:
    dates = dates_of(file)
    assert dates is not None
    assert abs(dates.due_at - (NOW + 2 * LIFE / 3)) < timedelta(minutes=10)
    assert dates.ends_at == NOW + LIFE
    assert dates_of(tmp_path / "none") is None
    file.write_text("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n")
    assert dates_of(file) is None


def test_due_renewal_is_tried_and_again_after_a_while(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ENROLMENT).touch()
    time, seconds = [NOW + timedelta(days=59)], [0.0]
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    renewal = Renewal(file, SETTINGS, environ, lambda: time[0], lambda: seconds[0])
    started = tries(renewal, monkeypatch)
    renewal.renew_if_due()
    assert started == []
    time[0] += timedelta(days=2)
    for _ in range(5):
        renewal.renew_if_due()
    assert len(started) == 1
    seconds[0] += AGAIN_S
    renewal.renew_if_due()
    assert len(started) == 2
    assert not renewal.is_done
    file.with_suffix(".new").write_bytes(file.read_bytes())
    file.with_suffix(".new").replace(file)
    assert renewal.is_done


def test_a_process_that_renews_it_is_not_waited_for(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Running:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def poll(self) -> None:
            return None

        def communicate(self) -> None:
            raise AssertionError

    monkeypatch.setattr("kiosk.app.composition.renewal.child.start", Running)
    renewal = due(file, tmp_path)
    for _ in range(3):
        renewal.renew_if_due()


def test_without_a_process_to_renew_it_in_the_station_serves_on(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before: the check of the authority ended with a fault, and the station was out of service."""
    (tmp_path / ENROLMENT).touch()
    environ, seconds = {"STATE_DIRECTORY": str(tmp_path)}, [0.0]
    renewal = Renewal(file, SETTINGS, environ, lambda: NOW + 2 * LIFE / 3, lambda: seconds[0])

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with monkeypatch.context() as patch:
        patch.setattr("kiosk.app.composition.renewal.child.start", refuse)
        renewal.renew_if_due()
    (line,) = caplog.messages
    assert line.endswith(
        "not renewed: no process can be started (Resource temporarily unavailable)"
    )
    started = tries(renewal, monkeypatch)
    seconds[0] += AGAIN_S
    renewal.renew_if_due()
    assert len(started) == 1


@pytest.mark.parametrize("is_enrolled", [False, True])
def test_a_certificate_that_the_authority_did_not_issue_is_left_alone(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_enrolled: bool
) -> None:
    """The station of the second one was enrolled before its site had a CA."""
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    if is_enrolled:
        (tmp_path / ENROLMENT).touch()
        file = file.rename(tmp_path / "of-the-site.pem")
    renewal = Renewal(file, SETTINGS, environ, lambda: NOW + LIFE, lambda: 0.0)
    started = tries(renewal, monkeypatch)
    renewal.renew_if_due()
    assert started == []
