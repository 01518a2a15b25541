"""docs/database.md on a real server with TLS and passwords, and what is said of each mistake."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from trustme import CA

from kiosk.authority.administration import checks
from kiosk.authority.store.database import Store
from kiosk.contract.findings import Condition
from kiosk.system.sockets import free_ports
from tests.support.database import MACS, PostgresServer, SetClock, as_account
from tests.support.fresh_root import CHECKOUT, commands, run_in_fresh_root, shell_blocks

pytestmark = pytest.mark.postgresql

GUIDE = CHECKOUT / "docs" / "database.md"
ESTATE = CHECKOUT / "docs" / "estate.md"
NAME = "localhost"


@dataclass(frozen=True)
class Site:
    """The server, and a machine's settings for it as documented."""

    url: str
    port: int
    folder: Path
    """The server's, with its socket."""
    etc: Path

    def finding(self, *changes: tuple[str, str]) -> tuple[Condition, str, str]:
        """Return what the doctor says of the documented address with ``changes`` in it."""
        url = self.url
        for was, now in changes:
            assert was in url
            url = url.replace(was, now)
        store = Store(url, SetClock(), MACS, busy_timeout_s=10)
        found = checks.check_database(store, None, url, has_keys=False)
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
            on_server, on_machine, *_ = shell_blocks(GUIDE)
            here = {"PGHOST": str(server.folder), "PGPORT": str(port)}
            _run(commands(on_server), etc, here)
            _run(commands(on_machine), etc, here, port)
            yield Site(_documented_url(etc, port), port, server.folder, etc)
        finally:
            server.stop()


def _as_documented(server: PostgresServer, etc: Path) -> int:
    """Give the server a certificate and the documented lines; return its port."""
    data, lines = server.folder / "data", re.findall(r"^hostssl .*$", GUIDE.read_text(), re.M)
    [port] = free_ports(1)
    authority = CA()
    certificate = authority.issue_cert(NAME)
    (etc / "home").mkdir()
    authority.cert_pem.write_to_path(etc / "home" / "database-ca.pem")
    _write(data / "server.crt", certificate.cert_chain_pems[0].bytes())
    _write(data / "server.key", certificate.private_key_pem.bytes())
    let_in = "\n".join(lines).replace("192.0.2.0/24", "127.0.0.1/32")
    _write(data / "pg_hba.conf", f"local all all trust\n{let_in}\n".encode())
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
    text = text.replace(AS_KIOSK, "").replace("/etc/kiosk", str(etc))
    return _at_server(text, port)


def _at_server(text: str, port: int) -> str:
    text = text.replace("db.trust.example:5432", f"{NAME}:{port}")
    return text.replace("db.trust.example", f"{NAME}:{port}")


def _run(lines: list[str], etc: Path, environ: dict[str, str], port: int = 0) -> None:
    script = "\n".join(_here(line, etc, port) for line in lines)
    if not as_account():
        script = script.replace("runuser -u postgres --", "env")
    subprocess.run(
        ["sh", "-eux", "-c", script], check=True, cwd=etc / "home", env=os.environ | environ
    )


def _documented_url(etc: Path, port: int) -> str:
    _, _, set_up, *_ = shell_blocks(GUIDE)
    (url,) = re.findall(r'store\.url="(.*)"', _here(set_up, etc, port))
    return str(url)


def test_as_documented_it_opens_and_takes_the_schema(site: Site, tmp_path: Path) -> None:
    condition, found, advice = site.finding()
    assert (condition, found) == (Condition.FAIL, "it answers, and has no tables yet")
    assert advice.startswith("`kiosk setup authority` makes them for a new service")
    store = Store(site.url, SetClock(), MACS)
    store.migrate()
    assert site.finding() == (Condition.OK, "answers, schema 0002 is current", "")
    store.close()


@pytest.mark.parametrize(
    ("was", "now", "found"),
    [
        ("kiosk@localhost", "kiosk:wrong@localhost", "refused the password"),
        ("kiosk@localhost", "nobody:x@localhost", "does not let this machine or role in"),
        ("/kiosk?", "/other?", "does not let this machine or role in"),
        ("verify-full", "disable", "does not let this machine or role in"),
        ("database-ca.pem", "no-such.pem", "certificate of the database server cannot be verified"),
        ("@localhost:", "@localhost:1/kiosk?application_name=", "does not answer"),
        ("sslrootcert", "sslcert=/&sslrootcert", "with which this account logs in cannot be used"),
        ("verify-full", "verifyfull", "address has a wrong name or value"),
        ("sslmode", "sslmod=require&sslmode", "address has a wrong name or value"),
        ("sslmode", "options=-c%20no_such%3D1&sslmode", "address has a wrong name or value"),
        ("sslmode", "connect_timeout=soon&sslmode", "address has a wrong name or value"),
        ("sslmode", "keepalives_idle=soon&sslmode", "address has a wrong name or value"),
        ("@localhost:", "@localhost:9", "address has a wrong name or value"),
    ],
)
def test_mistake_has_words_of_its_own(site: Site, was: str, now: str, found: str) -> None:
    condition, said, advice = site.finding((was, now))
    assert condition is Condition.FAIL
    assert found in said
    assert "docs/database.md" in advice


def test_a_file_of_passwords_that_the_address_names_counts_before_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: the owner's password, exported for an upgrade, was tried for staff as well."""
    monkeypatch.setenv("PGPASSWORD", "another")
    _, found, _ = site.finding()
    assert found.startswith(("it answers", "answers"))
    assert "refused the password" in site.finding(("kiosk@localhost", "kiosk:wrong@localhost"))[1]
    named = re.sub(r"passfile=[^&]*&", "", site.url)
    _, found, _ = site.finding((site.url, named))
    assert "refused the password" in found


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_of_passwords_that_others_may_read_is_named(
    site: Site, capfd: pytest.CaptureFixture[str], mode: int
) -> None:
    """Before: libpq warned at each connection, and what was said was a refused password."""
    passwords = site.etc / "database-password"
    passwords.chmod(mode)
    try:
        condition, found, advice = site.finding()
    finally:
        passwords.chmod(0o600)
    assert condition is Condition.FAIL
    assert found == f"{passwords} may be read by others, and so counts for nothing: chmod 0600 it"
    assert "docs/database.md" in advice
    assert capfd.readouterr().err == ""


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
    store = CHECKOUT / "kiosk" / "authority" / "store"
    source = "".join((store / name).read_text() for name in ("engine.py", "database.py"))
    assert len(table) == 13
    assert all(sentence in source for sentence in table)


STAFFS_WORK = [
    "kiosk stations enrol 'West Wing 2' --site Wexbridge --reason 'new station'",
    "kiosk people add 900000000001 'Jo Smith' --reason new",
    "kiosk people leaver 900000000001 --reason 'left'",
]
AS_KIOSK = "runuser -u kiosk -- "


def test_an_estate_with_roles_is_made_by_the_documented_lines(site: Site, tmp_path: Path) -> None:
    """On a machine whose root closes its home, as Debian's does."""
    _, on_machine, set_up, make_roles, as_owner, on_each, *_ = shell_blocks(GUIDE)
    roles, *_ = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    here = {"PGHOST": str(site.folder), "PGPORT": str(site.port)}
    _run(commands(make_roles), site.etc, here, site.port)
    roles = _at_server(roles, site.port)
    only_url = "".join(line for line in roles.splitlines(True) if "staff_url" not in line)
    ports = "listen = '127.0.0.1:1'\nenrol_listen = '127.0.0.1:2'\naddresses = ['localhost:1']\n"
    listening = f"[authority]\n{ports}"
    doctor = f"{AS_KIOSK}kiosk doctor | grep -e database -e staff"
    purge = (
        f'{AS_KIOSK}env KIOSK_STORE__URL="$(. /etc/default/kiosk-purge; echo $KIOSK_STORE__URL)" '
    )
    (upgrade,) = (commands(block) for block in shell_blocks(ESTATE) if "/opt/" in block)
    lines = [
        "mkdir -m 0700 /home/root; cd /home/root; export HOME=/home/root",
        "cp /lines/database-ca.pem /lines/owner-password .; echo 127.0.0.1 localhost >/etc/hosts",
        "put() { install -o kiosk -g kiosk -m 0600 /lines/$1 /etc/kiosk/kiosk.toml; }",
        *commands(on_machine),
        "echo part owner",
        *commands(set_up),
        f"{AS_KIOSK}kiosk store roles",
        *commands(as_owner),
        *commands(on_each),
        f"echo part without; put without; {doctor}",
        *(f"! {AS_KIOSK}{line} 2>&1" for line in STAFFS_WORK[:2]),
        f"echo part with; put with; {doctor}",
        *(f"{AS_KIOSK}{line} 2>&1" for line in STAFFS_WORK),
        # The newer version is this one, and its package was unpacked.
        "ln -s /usr/lib/unlock-kiosk-authority /opt/kiosk-new",
        *upgrade[2:],
        f"echo part purge; {purge} kiosk audit export --format chain; {purge} kiosk purge",
        "grep -c kiosk:choose /etc/kiosk/database-password || true",
    ]
    done = run_in_fresh_root(
        tmp_path,
        [_at_server(line, site.port) for line in lines],
        {
            "database-ca.pem": (site.etc / "home" / "database-ca.pem").read_text(),
            "owner-password": "choose-a-long-one\n",
            "without": only_url + listening,
            "with": roles + listening,
        },
        forks=True,
    )
    said = {
        name: [line for line in text.splitlines() if not line.startswith("$ ")]
        for name, _, text in (part.partition("\n") for part in done.stdout.split("\npart ")[1:])
    }
    assert done.returncode == 0, done.stdout[-3000:]
    made_or_kept = (
        f"        database    localhost:{site.port}/kiosk"  # other tests may have made it
    )
    assert any(line.endswith(made_or_kept) for line in said["owner"])
    assert "kiosk_authority, kiosk_staff, kiosk_retention, kiosk_report" in "".join(said["owner"])
    database, staff, *refused = said["without"]
    assert database.endswith("answers, schema 0002 is current")
    assert "they can look, and change nothing; name an account of theirs as `staff_url`" in staff
    assert set(refused) == {
        "kiosk: the role may not do this in the database",
        'docs/database.md says what to do, under "When it does not work"',
    }
    assert "✓ ok    staff       its role in the database may do the work of staff" in said["with"]
    # The upgrade exports the owner's password, which is not that of staff.
    assert not any(line.startswith("✗ fail  staff") for line in said["with"])
    assert any(
        "kiosk setup station --enrol" in line or "localhost:1" in line for line in said["with"]
    )
    assert sum("(reference " in line for line in said["with"]) >= 2
    assert said["purge"][-1] == "0"
    assert any(line.startswith("rows of the audit") for line in said["purge"])
