"""What whoever reaches the monitoring port is told of trouble; the log has the rest."""

from __future__ import annotations

import asyncio
import logging

import pytest

from kiosk.app.composition.serving import ProcessMonitor
from kiosk.authority.errors import KeyMissing, KeysUnavailable, RowAltered, StoreError
from kiosk.contract.errors import KioskError

DATABASE = "the database cannot be used: the log of this process says why"
KEYS = "the keys cannot be used: the log of this process says why"


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (StoreError("/srv/kiosk/kiosk.db is gone", "SQLITE_CANTOPEN"), DATABASE),
        (RowAltered("station", "ward 7"), DATABASE),
        (KeyMissing("key file: /srv/kiosk/keys.toml holds no key 'seal-00'"), KEYS),
        (KeysUnavailable("the token 'kiosk-1': CKR_PIN_INCORRECT"), KEYS),
    ],
)
def test_trouble_is_a_sentence_to_strangers_and_whole_in_the_log(
    trouble: KioskError, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    monitored = ProcessMonitor(asyncio.Event())
    with caplog.at_level(logging.ERROR):
        monitored.cannot_open(trouble)
    assert monitored.not_ready() == sentence
    assert str(trouble) in caplog.text
