"""The audit at a collector: every row, in the order of its chain, however connections end."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from kiosk.authority.audit import siem
from kiosk.authority.audit.rows import chain_of, read_row_name
from kiosk.authority.audit.siem import (
    BODIES,
    Collector,
    CollectorAway,
    SiemWorker,
    cef_body,
    collector_context,
    json_body,
    syslog_message,
)
from kiosk.authority.records import AuditEvent
from kiosk.authority.store.database import Store
from kiosk.contract.errors import ConfigError
from tests.support.database import TestDatabase
from tests.support.rsyslog import Rsyslog

EVENT = AuditEvent(
    seq=17,
    at=datetime(2026, 11, 26, 4, 5, 6, 789, tzinfo=UTC),
    kind="refused",
    reference="ABCD-EFGH",
    visit_id="f" * 32,
    card_id=None,
    holder_id="h1",
    station="West Wing | 2 = Küche",
    actor=None,
    detail={"reason": "card-expired"},
    previous="0" * 64,
    hash="a" * 64,
)
HEADER = re.compile(r"<(\d+)>1 (\S+) (\S+) kiosk - (\S+) - (.*)")


# --- one row ---------------------------------------------------------------------------------


def test_a_row_is_a_message_of_rfc_5424_with_its_length_before_it() -> None:
    framed = syslog_message(EVENT, "replica 1\n", json_body(EVENT))
    length, _, message = framed.partition(b" ")
    assert int(length) == len(message)
    found = HEADER.fullmatch(message.decode())
    assert found is not None
    assert found.groups()[:4] == ("108", "2026-11-26T04:05:06.000789Z", "replica1", "refused")
    assert json.loads(found[5]) == {
        "row": "17",
        "at": "2026-11-26T04:05:06.000789+00:00",
        "kind": "refused",
        "message": "Turned away: the card has expired.",
        "grave": True,
        "reference": "ABCD-EFGH",
        "visit": "f" * 32,
        "holder": "h1",
        "station": "West Wing | 2 = Küche",
        "detail": {"reason": "card-expired"},
        "hash": "a" * 64,
    }
    assert b"<110>1 " in syslog_message(replace(EVENT, kind="visit-opened"), "h", "")


def test_a_row_in_the_common_event_format_is_escaped() -> None:
    said = cef_body(replace(EVENT, kind="a|b\\c", station="x=y\nz"))
    assert said.startswith("CEF:0|Unlock Kiosk|unlock-kiosk|")
    assert "|a\\|b\\\\c|a\\|b\\\\c|3|externalId=17 rt=1795665906000 shost=x\\=y\\nz " in said
    assert "cs1Label=reference cs1=ABCD-EFGH" in said
    assert "\n" not in said


# --- the collector ---------------------------------------------------------------------------


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    made = Rsyslog(tmp_path / "rsyslog")
    yield made
    made.stop()


def test_a_file_that_cannot_be_used_is_named(rsyslog: Rsyslog, tmp_path: Path) -> None:
    """Before: "ca, certificate and key cannot be used", whichever it was."""
    absent = tmp_path / "absent.pem"
    for files, named in (
        ((absent, None, None), f"siem.ca {absent}: No such file"),
        ((rsyslog.ca, absent, None), f"siem.certificate {absent}: No such file"),
        ((None, rsyslog.ca, absent), f"siem.certificate {rsyslog.ca} and siem.key {absent}: "),
    ):
        with pytest.raises(ConfigError, match=re.escape(named)):
            collector_context(*files)


def worker(
    store: Store, collector: Rsyslog, form: str = "json", *, closes_tls: bool = True
) -> SiemWorker:
    context = collector_context(collector.ca, None, None)
    where = Collector("localhost", collector.port, context, closes_tls)
    return SiemWorker(store, where, BODIES[form])


def append(store: Store, count: int, kind: str = "visit-opened") -> None:
    for number in range(count):
        with store.begin() as uow:
            uow.audit.append(kind=kind, reference=f"R{number}", detail={"n": number})
            uow.commit()


def written(store: Store) -> dict[int, list[int]]:
    """Return the rows of each chain."""
    with store.read() as uow:
        rows = uow.feeds.rows_after({}, 100_000)
    return by_chain([row.seq for row in rows])


def by_chain(rows: Sequence[int]) -> dict[int, list[int]]:
    chains: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        chains[chain_of(row)].append(row)
    return dict(chains)


def rows_of(messages: Sequence[str]) -> list[int]:
    bodies = (HEADER.fullmatch(message) for message in messages)
    rows = [read_row_name(json.loads(body[5])["row"]) for body in bodies if body]
    assert len(rows) == len(messages)
    return [row for row in rows if row is not None]


def without_doubles(rows: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(rows))


def await_rows(collector: Rsyslog, count: int) -> list[int]:
    """Wait until rsyslog has written so many different rows: it reads and writes on two threads."""
    while len(set(rows := rows_of(collector.received))) < count:
        threading.Event().wait(0.05)
    return rows


def test_a_collector_that_was_away_has_every_row_once_in_order(
    store: Store, rsyslog: Rsyslog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siem, "BATCH", 7)
    rsyslog.start()
    sender = worker(store, rsyslog)
    append(store, 10)
    assert sender.send_waiting() == 10
    rsyslog.stop()
    append(store, 20)
    for _ in range(3):
        with pytest.raises(CollectorAway):
            sender.send_waiting()
    append(store, 5)
    rsyslog.start()
    assert sender.send_waiting() == 25
    assert sender.send_waiting() == 0
    assert await_rows(rsyslog, 35) == [row for rows in written(store).values() for row in rows]


def test_rows_of_writers_that_overlap_arrive_once_from_several_replicas(
    store: Store, database: TestDatabase, rsyslog: Rsyslog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the turn sends; a chain's rows never overtake each other."""
    monkeypatch.setattr(siem, "BATCH", 9)
    rsyslog.start()
    stores = [store, database.store(), database.store()]
    over = threading.Event()

    def send(own: Store) -> int:
        sender, sent = worker(own, rsyslog), 0
        while not over.is_set():
            sent += sender.send_waiting()
        return sent

    with ThreadPoolExecutor(8) as pool:
        senders = [pool.submit(send, own) for own in stores]
        writers = [pool.submit(append, own, 25) for own in (*stores, stores[0])]
        for each in writers:
            each.result()
        rows = await_rows(rsyslog, 100)
        over.set()
        sent = sum(each.result() for each in senders)
    sent += worker(store, rsyslog).send_waiting()
    assert sent == 100
    assert by_chain(rows) == written(store)


def test_nothing_is_missed_while_the_collector_is_killed_again_and_again(
    store: Store, rsyslog: Rsyslog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kernel's buffers are lost with it; rows that it wrote and did not confirm come twice."""
    monkeypatch.setattr(siem, "BATCH", 10)
    rsyslog.start()
    sender = worker(store, rsyslog)
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            with suppress(CollectorAway):
                sender.send_waiting()

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        for number in range(6):
            append(store, 20)
            await_rows(rsyslog, 20 * number + 10)
            rsyslog.stop((signal.SIGKILL, signal.SIGTERM)[number % 2])
            append(store, 1)
            rsyslog.start()
        over.set()
        sending.result()
    while sender.send_waiting():
        pass
    rsyslog.stop()
    assert by_chain(without_doubles(rows_of(rsyslog.received))) == written(store)


def test_a_collector_that_never_answers_close_notify_is_named_with_the_setting(
    store: Store, tmp_path: Path
) -> None:
    collector = Rsyslog(tmp_path / "gtls", "gtls")
    collector.start()
    try:
        append(store, 3)
        with pytest.raises(CollectorAway, match="confirmed_by"):
            worker(store, collector).send_waiting()
        assert worker(store, collector, closes_tls=False).send_waiting() == 3
        assert without_doubles(await_rows(collector, 3)) == [1, 2, 3]
    finally:
        collector.stop()


def test_a_collector_of_another_ca_gets_nothing(store: Store, rsyslog: Rsyslog) -> None:
    rsyslog.start()
    append(store, 1)
    trustme.CA().cert_pem.write_to_path(rsyslog.ca)
    with pytest.raises(CollectorAway, match="its certificate is not good"):
        worker(store, rsyslog).send_waiting()
    assert rsyslog.received == []


def test_a_process_that_died_gives_way_when_its_lease_is_over(
    store: Store, database: TestDatabase, rsyslog: Rsyslog
) -> None:
    rsyslog.start()
    append(store, 2)
    with store.begin() as uow:
        assert uow.feeds.claim(siem.FEED, "another", siem.LEASE) == {}
        uow.commit()
    sender = worker(store, rsyslog)
    assert sender.send_waiting() == 0
    database.clock.forward(seconds=siem.LEASE.total_seconds())
    assert sender.send_waiting() == 2
    with store.begin() as uow:
        assert not uow.feeds.move(siem.FEED, "another", {1: 1})


# --- collectors that end too early -----------------------------------------------------------


@dataclass
class EarlyCollector:
    """Takes one connection, and ends it by ``how`` after it has read ``reads`` bytes."""

    folder: Path
    how: Callable[[ssl.SSLSocket], None]
    reads: int

    def __post_init__(self) -> None:
        authority = trustme.CA()
        self.ca = self.folder / "early.pem"
        self.ca.write_bytes(authority.cert_pem.bytes())
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)
        self.listening = socket.create_server(("localhost", 0))
        self.port = self.listening.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self.listening.accept()
        with self.context.wrap_socket(connection, server_side=True) as secured:
            left = self.reads
            while left > 0:
                left -= len(secured.recv(left))
            with suppress(OSError):
                self.how(secured)

    def close(self) -> None:
        self.thread.join()
        self.listening.close()


def says_goodbye(secured: ssl.SSLSocket) -> None:
    """Send close_notify without having read ours, as a program that is stopped does."""
    with suppress(OSError):
        secured.unwrap()
    # Long enough, as a rule, for a sender that believes it to be gone before the reset.
    threading.Event().wait(0.3)


def vanishes(secured: ssl.SSLSocket) -> None:
    secured.close()


def answers(secured: ssl.SSLSocket) -> None:
    secured.sendall(b"hello")
    while secured.recv(65536):
        pass


def chatters(secured: ssl.SSLSocket) -> None:
    """Go on sending after both have said goodbye, for much longer than anybody should listen."""
    while secured.recv(65536):
        pass
    plain = secured.unwrap()
    for _ in range(300):
        plain.sendall(b"still here")
        threading.Event().wait(0.02)


def test_a_collector_that_never_ends_is_left_at_the_deadline(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more would be sent to any collector."""
    monkeypatch.setattr(siem, "DEADLINE_S", 1.0)
    append(store, 1)
    early = EarlyCollector(tmp_path, chatters, reads=1)
    where = Collector("localhost", early.port, collector_context(early.ca, None, None))
    with pytest.raises(CollectorAway, match="in time"):
        SiemWorker(store, where, json_body).send_waiting()
    early.close()


@pytest.mark.parametrize("how", [says_goodbye, vanishes, answers])
def test_what_was_not_read_whole_counts_as_not_sent(
    store: Store, rsyslog: Rsyslog, tmp_path: Path, how: Callable[[ssl.SSLSocket], None]
) -> None:
    append(store, 100)
    for closes_tls in (True, False):
        early = EarlyCollector(tmp_path, how, reads=500)
        context = collector_context(early.ca, None, None)
        where = Collector("localhost", early.port, context, closes_tls)
        with pytest.raises(CollectorAway):
            SiemWorker(store, where, json_body).send_waiting()
        early.close()
    rsyslog.start()
    assert worker(store, rsyslog).send_waiting() == 100
    assert by_chain(await_rows(rsyslog, 100)) == written(store)
