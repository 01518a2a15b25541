"""docs/database.md on a real server with TLS and passwords, and what is said of each mistake."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from trustme import CA

from kiosk.authority.administration import checks
from kiosk.authority.store.database import Store
from kiosk.contract.findings import Condition
from tests.support.database import MACS, PostgresServer, SetClock, as_account
from tests.support.fresh_root import CHECKOUT, commands, shell_blocks

pytestmark = pytest.mark.postgresql

GUIDE = CHECKOUT / "docs" / "database.md"
NAME = "localhost"


@dataclass(frozen=True)
class Site:
    """The server, and a machine's settings for it as documented."""

    url: str

    def finding(self, *changes: tuple[str, str]) -> tuple[Condition, str, str]:
        """Return what the doctor says of the documented address with ``changes`` in it."""
        url = self.url
        for was, now in changes:
            assert was in url
            url = url.replace(was, now)
        store = Store(url, SetClock(), MACS, busy_timeout_s=10)
        found = checks.check_database(store, None, url)
        store.close()
        return found.condition, found.found, found.advice


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    etc = tmp_path_factory.mktemp("etc")
    # Not pytest's folder: its parents are closed to the server's account.
    with tempfile.TemporaryDirectory(prefix="kiosk-pg-") as name:
        server = PostgresServer(Path(name), owner="postgres")
        server.start()
        try:
            port = _as_documented(server, etc)
            on_server, on_machine = shell_blocks(GUIDE)
            here = {"PGHOST": str(server.folder), "PGPORT": str(port)}
            _run(commands(on_server), etc, here)
            _run(commands(on_machine), etc, here, port)
            yield Site(_documented_url(etc, port))
        finally:
            server.stop()


def _as_documented(server: PostgresServer, etc: Path) -> int:
    """Give the server a certificate and the documented line; return its port."""
    data, (line,) = server.folder / "data", re.findall(r"^hostssl .*$", GUIDE.read_text(), re.M)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    authority = CA()
    certificate = authority.issue_cert(NAME)
    (etc / "home").mkdir()
    authority.cert_pem.write_to_path(etc / "home" / "database-ca.pem")
    _write(data / "server.crt", certificate.cert_chain_pems[0].bytes())
    _write(data / "server.key", certificate.private_key_pem.bytes())
    line = line.replace("192.0.2.0/24", "127.0.0.1/32")
    _write(data / "pg_hba.conf", f"local all all trust\n{line}\n".encode())
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n")
    server.restart()
    return port


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    if as_account():
        subprocess.run(["chown", "postgres:", path], check=True)
    path.chmod(0o600)


def _here(text: str, etc: Path, port: int) -> str:
    """Put in this machine's account, folder and server."""
    text = text.replace("-o kiosk -g kiosk ", "").replace("db.trust.example:5432", f"{NAME}:{port}")
    return text.replace("db.trust.example", f"{NAME}:{port}").replace("/etc/kiosk", str(etc))


def _run(lines: list[str], etc: Path, environ: dict[str, str], port: int = 0) -> None:
    script = "\n".join(_here(line, etc, port) for line in lines)
    if not as_account():
        script = script.replace("runuser -u postgres --", "env")
    subprocess.run(
        ["sh", "-eux", "-c", script], check=True, cwd=etc / "home", env=os.environ | environ
    )


def _documented_url(etc: Path, port: int) -> str:
    toml, *_ = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    url: str = tomllib.loads(_here(toml, etc, port))["store"]["url"]
    return url


def test_as_documented_it_opens_and_takes_the_schema(site: Site, tmp_path: Path) -> None:
    condition, found, advice = site.finding()
    assert (condition, found) == (Condition.FAIL, "it answers, its schema is not current")
    assert advice == "run `kiosk setup`"
    store = Store(site.url, SetClock(), MACS)
    store.migrate()
    assert site.finding() == (Condition.OK, "answers, schema is current", "")
    store.close()


@pytest.mark.parametrize(
    ("was", "now", "found"),
    [
        ("kiosk@localhost", "kiosk:wrong@localhost", "refused the password"),
        ("kiosk@localhost", "nobody:x@localhost", "does not let this machine or role in"),
        ("/kiosk?", "/other?", "does not let this machine or role in"),
        ("verify-full", "disable", "does not let this machine or role in"),
        ("database-ca.pem", "no-such.pem", "certificate of the database server cannot be verified"),
        ("@localhost:", "@localhost:1", "does not answer"),
    ],
)
def test_each_mistake_has_words_of_its_own(site: Site, was: str, now: str, found: str) -> None:
    condition, said, advice = site.finding((was, now))
    assert condition is Condition.FAIL
    assert found in said
    assert "docs/database.md" in advice


@pytest.mark.parametrize("mode", ["require", "prefer", "verify-ca"])
def test_a_server_that_is_not_verified_is_a_warning(site: Site, mode: str) -> None:
    store = Store(site.url, SetClock(), MACS)
    store.migrate()
    store.close()
    condition, found, advice = site.finding(("verify-full", mode))
    assert condition is Condition.WARN
    assert "localhost" in found
    assert "sslmode=verify-full" in advice


def test_every_sentence_of_the_guide_is_one_that_is_said() -> None:
    table = re.findall(r"^\| (the [a-z ]+) \|", GUIDE.read_text(), re.M)
    source = (CHECKOUT / "kiosk" / "authority" / "store" / "engine.py").read_text()
    assert len(table) == 7
    assert all(sentence in source for sentence in table)
