"""A station whose master keys are in a token: opened as the settings say, and let go of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.app.composition.opening import open_store
from kiosk.app.composition.station import LocalExecutor
from kiosk.app.setup.authority import make_keys
from kiosk.config.loading import load_settings
from kiosk.config.settings import Settings
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import ReaderState
from kiosk.contract.ports import SystemClock
from kiosk.station.states import Outage
from tests.authority.crypto.token.hsm import Hsm, workers
from tests.hardware.pkcs11.tokens import PIN, SOFTHSM


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    hsm = Hsm(tmp_path / "softhsm")
    hsm.masters().add()
    hsm.close()
    (tmp_path / "token-pin").write_text(f"{PIN.reveal()}\n")
    return {
        **hsm.environ,
        "STATE_DIRECTORY": str(tmp_path),
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "KIOSK_MAIL__PORT": "1",
        "KIOSK_SECRETS__SOURCE": "derived",
        "KIOSK_SECRETS__MODULE": str(SOFTHSM),
        "KIOSK_SECRETS__TOKEN": "kiosk",
        "KIOSK_SECRETS__PIN_FILE": "token-pin",
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> Iterator[Settings]:
    settings = load_settings(None, environ)
    make_keys(Path(settings.keys.file))
    store = open_store(settings, SystemClock(), environ)
    store.migrate()
    yield settings
    store.close()


def test_a_station_is_out_of_order_while_its_token_is_away(
    settings: Settings, environ: dict[str, str]
) -> None:
    executor = LocalExecutor(settings, environ)
    assert executor.check_authority(ReaderState.READY, idle=True) is None
    (worker,) = workers()
    executor.close()
    assert not worker.is_running()
    pin = Path(environ["CREDENTIALS_DIRECTORY"]) / "token-pin"
    pin.rename(pin.with_name("elsewhere"))
    without = LocalExecutor(settings, environ)
    assert without.check_authority(ReaderState.READY, idle=True) is Outage.AUTHORITY_AWAY
    pin.with_name("elsewhere").rename(pin)
    assert without.check_authority(ReaderState.READY, idle=True) is None
    without.close()
    assert not workers()


@pytest.mark.parametrize("left_out", ["token", "pin_file"])
def test_a_module_needs_its_token_and_its_pin(environ: dict[str, str], left_out: str) -> None:
    environ[f"KIOSK_SECRETS__{left_out.upper()}"] = ""
    with pytest.raises(ConfigError, match=rf"secrets\.{left_out}.*has to be given"):
        load_settings(None, environ)


@pytest.mark.parametrize("given", ["token", "pin_file"])
def test_a_token_without_its_module_is_not_passed_over(given: str) -> None:
    with pytest.raises(ConfigError, match=r"secrets\.module.*has to be given"):
        load_settings(None, {f"KIOSK_SECRETS__{given.upper()}": "kiosk"})
