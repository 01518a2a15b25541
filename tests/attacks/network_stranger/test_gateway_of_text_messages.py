"""Before: somebody between authority and gateway, or in the gateway's place, was sent the codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace

from kiosk.authority.errors import MailError, MailNotTrusted
from kiosk.authority.texts.senders import open_texts
from kiosk.config.settings import TextSettings
from tests.support.database import SetClock
from tests.support.gateway import Gateway, gateway

CLOCK = SetClock()


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path / "stranger", lambda: CLOCK.now().timestamp()) as made:
        yield made


def send(settings: TextSettings) -> None:
    sender = open_texts(settings, {}, CLOCK)
    assert sender is not None
    sender.send("+447400123456", "7093 5218 is your code")


def test_stranger_with_a_certificate_of_their_own_gets_no_code(
    stranger: Gateway, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.pem"
    trustme.CA().cert_pem.write_to_path(trusted)
    for settings in (stranger.notify_settings(), stranger.gateway_settings()):
        with pytest.raises(MailNotTrusted):
            send(replace(settings, ca_file=str(trusted)))
    assert stranger.requests == []


def test_code_is_not_sent_on_to_where_a_gateway_points(stranger: Gateway) -> None:
    for settings in (stranger.notify_settings(), stranger.gateway_settings()):
        stranger.answers.append((307, {}))
        with pytest.raises(MailError):
            send(settings)
    assert [one.path for one in stranger.requests] == ["/v2/notifications/sms", "/send"]
