"""Two PostgreSQL servers under Patroni and etcd, by the configuration in ``docs/patroni``.

The programs are Debian's, unpacked and not installed, so that no service of theirs is started.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.failover.servers import wait_until
from tests.support.database import SERVER_ACCOUNT, as_account, find_programs, kill_server, migrated

CONFIGURATION = Path(__file__).parents[2] / "docs" / "patroni" / "patroni.yml"
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


class Node:
    """One server with its Patroni."""

    def __init__(self, folder: Path, name: str, root: Path, etcd: int) -> None:
        self.folder, self.name = folder, name
        self.port, self.rest = _free_port(), _free_port()
        self._root = root
        text = CONFIGURATION.read_text()
        for old, new in (
            ("name: db1", f"name: {name}"),
            ("192.0.2.11:8008", f"127.0.0.1:{self.rest}"),
            ("192.0.2.11:2379,192.0.2.12:2379,192.0.2.13:2379", f"127.0.0.1:{etcd}"),
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
        (folder / "config.yml").write_text(text)
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
        url = f"http://127.0.0.1:{self.rest}/cluster"
        try:
            with urllib.request.urlopen(url, timeout=_ANSWERS_S) as answer:
                found = json.load(answer)["members"]
        except OSError:
            return {}
        return {m["name"]: m["role"] for m in found if m["state"] in ("running", "streaming")}


def refuses_a_stranger(rest: int) -> bool:
    """Return whether Patroni lets nobody without its password change the configuration."""
    body = json.dumps({"postgresql": {"parameters": {"archive_command": "id"}}}).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{rest}/config", body, method="PATCH")
    try:
        with urllib.request.urlopen(asked, timeout=_ANSWERS_S):
            return False
    except urllib.error.HTTPError as error:
        return error.code == 401


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
        etcd = _free_port()
        peers = f"http://127.0.0.1:{_free_port()}"
        clients = f"http://127.0.0.1:{etcd}"
        options = ["--name", "e1", "--data-dir", str(folders[2]), "--listen-client-urls", clients]
        options += ["--advertise-client-urls", clients, "--listen-peer-urls", peers]
        options += ["--initial-advertise-peer-urls", peers, "--initial-cluster", f"e1={peers}"]
        store = subprocess.Popen(
            [str(root / "usr/bin/etcd"), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends.callback(store.wait)
        ends.callback(store.terminate)
        nodes = Node(folders[0], "db1", root, etcd), Node(folders[1], "db2", root, etcd)
        for node in nodes:
            ends.callback(node.stop)
            node.start()
        pair = PatroniPair(nodes)
        pair.replicate()
        assert all(refuses_a_stranger(node.rest) for node in nodes)
        owner = f"postgresql://postgres:{_PASSWORD}@127.0.0.1:{pair.primary.port}/postgres"
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE kiosk LOGIN PASSWORD '{_PASSWORD}'")
            connection.execute("CREATE DATABASE kiosk OWNER kiosk TEMPLATE template0")
        migrated(pair.url)
        yield pair


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, SERVER_ACCOUNT, SERVER_ACCOUNT)
