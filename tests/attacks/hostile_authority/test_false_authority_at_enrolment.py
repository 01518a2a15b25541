"""Before: what answers at the address would have been believed, sent the secret, and enrolled."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from kiosk.app.cli.enrol import EnrolmentFailed, enrol
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.contract.enrolment import EnrolmentLine, draw_number, draw_secret
from kiosk.contract.errors import AuthorityError

REAL, FALSE = StationCa(KeyRing.fresh()), StationCa(KeyRing.fresh())
SHOWN = {
    "its own CA": FALSE.pem,
    "its own CA, and the authority's behind it": FALSE.pem + REAL.pem,
    "the authority's CA, and its own behind it": REAL.pem + FALSE.pem,
    "the authority's CA": REAL.pem,
}


class FalseAuthority:
    """Serves any CA with a certificate of its own, and keeps every body that it is sent."""

    def __init__(self, folder: Path, ca: str) -> None:
        self.heard: list[bytes] = []
        self._ca = ca
        own, _ = FALSE.issue_own(("localhost",), datetime.now(UTC), timedelta(days=1))
        (folder / "own.pem").write_text(own)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "own.pem")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)

    async def _listen(self) -> int:
        self._http = web.Server(self._answer)
        self._listening = await self._loop.create_server(
            self._http, "localhost", 0, ssl=self._context
        )
        port: int = self._listening.sockets[0].getsockname()[1]
        return port

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.heard.append(await request.read())
        return web.json_response({"certificate": self._ca})

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._listening.close)
        asyncio.run_coroutine_threadsafe(self._http.shutdown(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(params=SHOWN)
def false(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FalseAuthority]:
    made = FalseAuthority(tmp_path, SHOWN[request.param])
    yield made
    made.close()


def test_false_authority_gets_no_secret_whatever_ca_it_shows(
    false: FalseAuthority, tmp_path: Path
) -> None:
    address = f"localhost:{false.port}"
    line = EnrolmentLine((address,), draw_number(), draw_secret(), REAL.fingerprint)
    state = tmp_path / "state"
    with pytest.raises((EnrolmentFailed, AuthorityError)) as raised:
        enrol(line, state)
    assert false.heard == [b"{}"]
    assert isinstance(raised.value, EnrolmentFailed)
    assert raised.match(r"not the authority that this line is of|no answer")
    assert list(state.iterdir()) == []
