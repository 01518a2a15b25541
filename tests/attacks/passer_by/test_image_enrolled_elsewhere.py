"""Before: who stood first at a new station of the image enrolled it to an authority of their own.

The station showed their pages under the estate's name, and its holders typed their PINs there.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.cli.enrol import ESTATES_CA, AuthorityUnreached, EnrolmentFailed, enrol
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.contract.enrolment import EnrolmentLine, draw_number, draw_secret
from tests.support.fresh_root import CHECKOUT

OURS, FORMER, THEIRS = (StationCa(KeyRing.fresh()) for _ in range(3))


class Listener:
    """A port that says whether anybody connected."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def was_called(self) -> bool:
        try:
            self._socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def line_of(ca: StationCa, listener: Listener) -> EnrolmentLine:
    return EnrolmentLine((listener.address,), draw_number(), draw_secret(), ca.fingerprint)


@pytest.mark.parametrize("pinned", [OURS.pem, OURS.pem + FORMER.pem], ids=["one CA", "two CAs"])
def test_a_line_of_another_authority_is_refused_before_anything_is_sent(
    pinned: str, listener: Listener, tmp_path: Path
) -> None:
    (tmp_path / "estate-ca.pem").write_text(pinned)
    state = tmp_path / "state"
    with pytest.raises(EnrolmentFailed, match="built for another authority"):
        enrol(line_of(THEIRS, listener), state, tmp_path / "estate-ca.pem")
    assert not listener.was_called()
    assert not state.exists() or list(state.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["", "-----BEGIN CERTIFICATE-----\n", OURS.pem[:-90], "é"],
    ids=["empty", "begun", "cut off", "no PEM"],
)
def test_no_line_is_taken_where_the_pinned_ca_cannot_be_read(
    text: str, listener: Listener, tmp_path: Path
) -> None:
    (tmp_path / "estate-ca.pem").write_text(text)
    with pytest.raises(EnrolmentFailed, match=r"estate-ca\.pem"):
        enrol(line_of(OURS, listener), tmp_path / "state", tmp_path / "estate-ca.pem")
    assert not listener.was_called()


@pytest.mark.parametrize("pinned", [OURS.pem, FORMER.pem + OURS.pem], ids=["one CA", "two CAs"])
def test_a_line_of_the_pinned_authority_goes_on_to_its_address(
    pinned: str, listener: Listener, tmp_path: Path
) -> None:
    """Whether what answers there is that authority: test_false_authority_at_enrolment.py."""
    (tmp_path / "estate-ca.pem").write_text(pinned)
    listener.close()
    with pytest.raises(AuthorityUnreached, match=listener.address):
        enrol(line_of(OURS, listener), tmp_path / "state", tmp_path / "estate-ca.pem")


def test_the_command_looks_where_the_build_of_the_image_puts_the_ca(
    listener: Listener,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build = (CHECKOUT / ".ci" / "build-image").read_text()
    assert f":{ESTATES_CA}" in build
    (tmp_path / "estate-ca.pem").write_text(OURS.pem)
    monkeypatch.setattr("kiosk.app.cli.enrol.ESTATES_CA", tmp_path / "estate-ca.pem")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    words = line_of(THEIRS, listener).text().reveal().split()
    assert main(("enrol", *words)) == 1
    assert "built for another authority" in capsys.readouterr().err
    assert not listener.was_called()
