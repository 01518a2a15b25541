"""Two PostgreSQL servers under Patroni and etcd, by the configuration in ``docs/patroni``.

The programs are Debian's, unpacked and not installed, so that no service of theirs is started.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from campaigns.failover.servers import wait_until
from kiosk.system.sockets import free_ports
from tests.support.database import SERVER_ACCOUNT, as_account, find_programs, kill_server, migrated
from tests.support.fresh_root import shell_blocks

DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION, OF_ETCD = DOCS / "patroni" / "patroni.yml", DOCS / "patroni" / "etcd"
PACKAGES = (
    "patroni",
    "etcd-server",
    "python3-click",
    "python3-dateutil",
    "python3-dnspython",
    "python3-etcd",
    "python3-prettytable",
    "python3-psutil",
    "python3-psycopg2",
    "python3-urllib3",
    "python3-wcwidth",
    "python3-ydiff",
)
_PASSWORD = "choose-a-long-one"
_ANSWERS_S = 10


def unpacked(place: Path) -> Path:
    """Return the folder into which Debian's packages are unpacked, once."""
    root = place / "root"
    if not root.exists():
        place.mkdir(parents=True, exist_ok=True)
        # apt's own account need not be able to write here.
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"]
        subprocess.run([*download, *PACKAGES], cwd=place, check=True)
        begun = place / "begun"
        for package in place.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(begun)], check=True)
        begun.rename(root)
    return root


class Etcd:
    """One etcd, with a CA and certificates that the documented lines make."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, (self.port, peer) = folder, free_ports(2)
        (lines,) = (block for block in shell_blocks(DOCS / "estate.md") if "etcd-ca.key" in block)
        lines = lines.replace("192.0.2.1$n", "127.0.0.1")
        subprocess.run(["sh", "-euc", lines], cwd=folder, check=True, capture_output=True)
        text = OF_ETCD.read_text().replace("192.0.2.11:2379", f"127.0.0.1:{self.port}")
        text = text.replace("192.0.2.11:2380", f"127.0.0.1:{peer}")
        text = re.sub(r",db2=.*", "", text)
        of_file = dict(
            line.split("=", 1)
            for line in self.with_certificates(text, folder).splitlines()
            if not line.startswith("#")
        )
        self.process = subprocess.Popen(
            [str(root / "usr/bin/etcd")],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "ETCD_DATA_DIR": str(folder / "data"), **of_file},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def with_certificates(self, text: str, folder: Path) -> str:
        """Return a configuration with the certificates in a folder, into which they are copied."""
        for place, name in (
            ("/etc/ssl/kiosk/etcd-ca.pem", "etcd-ca.pem"),
            ("/etc/ssl/kiosk/etcd.pem", "db1.pem"),
            ("/etc/ssl/private/kiosk-etcd.key", "db1.key"),
        ):
            assert place in text, place
            text = text.replace(place, str(folder / name))
            if folder != self.folder:
                shutil.copy(self.folder / name, folder)
        return text

    def trusts(self, certificate: Path | None = None) -> ssl.SSLContext:
        """Return TLS that trusts the CA, and shows a certificate if any."""
        context = ssl.create_default_context(cafile=self.folder / "etcd-ca.pem")
        if certificate is not None:
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        return context

    def answers(self, certificate: Path | None) -> bool:
        """Return whether it answers somebody; raises ``URLError`` where it is not there."""
        url, context = f"https://127.0.0.1:{self.port}/v3/kv/range", self.trusts(certificate)
        asked = urllib.request.Request(url, b'{"key": "AA=="}')
        try:
            with urllib.request.urlopen(asked, timeout=_ANSWERS_S, context=context):
                return True
        except (ssl.SSLError, ConnectionResetError):
            return False
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLError | ConnectionResetError):
                return False
            raise


class Node:
    """One server with its Patroni."""

    def __init__(self, folder: Path, name: str, root: Path, etcd: Etcd) -> None:
        self.folder, self.name = folder, name
        self._trusts = etcd.trusts
        self.port, self.rest = free_ports(2)
        self._root = root
        text = CONFIGURATION.read_text()
        for old, new in (
            ("name: db1", f"name: {name}"),
            ("192.0.2.11:8008", f"127.0.0.1:{self.rest}"),
            ("192.0.2.11:2379,192.0.2.12:2379,192.0.2.13:2379", f"127.0.0.1:{etcd.port}"),
            ("192.0.2.11:5432", f"127.0.0.1:{self.port}"),
            ("192.0.2.0/24", "127.0.0.1/32"),
            ("/usr/lib/postgresql/17/bin", str(find_programs())),
            ("/var/lib/postgresql/kiosk", str(folder)),
            ("/var/run/postgresql", str(folder)),
            ("hostssl", "host"),
            ('ssl: "on"', 'ssl: "off"'),
        ):
            assert old in text, old
            text = text.replace(old, new)
        (folder / "config.yml").write_text(etcd.with_certificates(text, folder))
        _give(folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Patroni, which starts the server."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(self._root / "usr/lib/python3/dist-packages"),
        }
        command = ["/usr/bin/python3", str(self._root / "usr/bin/patroni"), "config.yml"]
        with (self.folder / "patroni.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*as_account(), *command],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End Patroni and every process of the server by SIGKILL, as if the machine had stopped."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        kill_server(self.folder / "data")

    def stop(self) -> None:
        """End Patroni, which ends the server."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def members(self) -> dict[str, str]:
        """Return the roles of the servers that run, as Patroni sees them here."""
        url = f"https://127.0.0.1:{self.rest}/cluster"
        try:
            with urllib.request.urlopen(url, timeout=_ANSWERS_S, context=self._trusts()) as answer:
                found = json.load(answer)["members"]
        except OSError:
            return {}
        return {m["name"]: m["role"] for m in found if m["state"] in ("running", "streaming")}

    def status_for(self, certificate: Path | None) -> int:
        """Return what Patroni answers to somebody without its password who changes a setting."""
        body = json.dumps({"postgresql": {"parameters": {"archive_command": "id"}}}).encode()
        url = f"https://127.0.0.1:{self.rest}/config"
        asked = urllib.request.Request(url, body, method="PATCH")
        context = self._trusts(certificate)
        try:
            with urllib.request.urlopen(asked, timeout=_ANSWERS_S, context=context) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


class PatroniPair:
    """As ``Pair``, but it is Patroni that promotes and that makes a standby of what comes back."""

    def __init__(self, nodes: tuple[Node, Node]) -> None:
        self._nodes = nodes
        self.primary = nodes[0]
        self._killed: Node | None = None
        hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in nodes)
        self.url = f"postgresql://kiosk:{_PASSWORD}@/kiosk?{hosts}&target_session_attrs=read-write"

    def replicate(self) -> None:
        """Start what does not run, and wait for its being the synchronous standby."""
        if self._killed is not None:
            self._killed.start()
            self._killed = None
        wait_until(
            lambda: any(
                sorted(n.members().values()) == ["leader", "sync_standby"] for n in self._nodes
            )
        )
        (self.primary,) = self._leaders()

    def kill_primary(self) -> None:
        """Kill it with its Patroni."""
        self.primary.kill()
        self._killed = self.primary

    def promote(self) -> None:
        """Wait until Patroni has let the other take its place."""
        wait_until(lambda: any(node is not self._killed for node in self._leaders()))
        (self.primary,) = (node for node in self._leaders() if node is not self._killed)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the primary by itself, past the program."""
        where = f"postgresql://kiosk:{_PASSWORD}@127.0.0.1:{self.primary.port}/kiosk"
        with psycopg.connect(where, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def _leaders(self) -> list[Node]:
        return [node for node in self._nodes if node.members().get(node.name) == "leader"]


@contextmanager
def servers_under_patroni(place: Path) -> Iterator[PatroniPair]:
    """Start etcd and both servers, with a migrated database; packages are unpacked in ``place``."""
    root = unpacked(place.resolve())
    with ExitStack() as ends:
        folders = [
            Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="kiosk-pg-")))
            for _ in range(3)
        ]
        etcd = Etcd(folders[2], root)
        ends.callback(etcd.process.wait)
        ends.callback(etcd.process.terminate)
        nodes = Node(folders[0], "db1", root, etcd), Node(folders[1], "db2", root, etcd)
        for node in nodes:
            ends.callback(node.stop)
            node.start()
        pair = PatroniPair(nodes)
        pair.replicate()
        assert all(node.status_for(None) == 403 for node in nodes)
        assert all(node.status_for(folders[2] / "db1.pem") == 401 for node in nodes)
        assert etcd.answers(folders[2] / "db1.pem")
        assert not etcd.answers(None)
        owner = f"postgresql://postgres:{_PASSWORD}@127.0.0.1:{pair.primary.port}/postgres"
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE kiosk LOGIN PASSWORD '{_PASSWORD}'")
            connection.execute("CREATE DATABASE kiosk OWNER kiosk TEMPLATE template0")
        migrated(pair.url)
        yield pair


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, SERVER_ACCOUNT, SERVER_ACCOUNT)
