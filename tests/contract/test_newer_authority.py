"""A station that is older than its authority lives with words that it does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from threading import Thread

import pytest

from kiosk.contract.messages import (
    CardId,
    Finished,
    Heartbeat,
    Offer,
    Purpose,
    ReaderState,
    Reason,
    Refusal,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import CardAddress, CardCheck
from kiosk.contract.sensitive import Sensitive
from kiosk.station.client import OTHER_RELEASE, HttpAuthority
from kiosk.station.commands import Choose, OpenVisit, SaveQuestions, UnblockPin
from kiosk.station.events import CardRead, GaveUp, NoReply, Replied
from kiosk.station.executor import Actions
from kiosk.station.states import Outage
from screens.words.waiting import OUTAGES
from tests.station.fakes import FakeCards

VISIT = VisitId("0" * 31 + "a")
AT = CardAddress("R", CardId("piv", "11" * 16))
NEW = Sensitive("60514273")
REFUSED = {"is": "Refusal", "reason": "moon-is-full", "retry_at": None}


@dataclass
class Newer:
    """An authority of a later release: ``replies`` by call; ``asked`` what was sent to it."""

    replies: dict[str, object]
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    status: int = 200

    @contextmanager
    def served(self, path: Path) -> Iterator[Actions]:
        newer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = self.path.rpartition("/")[2]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                newer.asked.append((call, json.loads(body)))
                reply = json.dumps(newer.replies.get(call)).encode()
                self.send_response(newer.status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def address_string(self) -> str:
                return ""

            def log_message(self, *args: object) -> None:
                pass

        with ThreadingUnixStreamServer(str(path), Handler) as server:
            thread = Thread(target=server.serve_forever)
            thread.start()
            client = HttpAuthority([str(path)])
            try:
                yield Actions(client.port, FakeCards(), Heartbeat())
            finally:
                client.close()
                server.shutdown()
                thread.join()

    def refused_as(self) -> list[object]:
        return [named["reason"] for call, named in self.asked if call == "refuse"]


def opened(*purposes: str) -> dict[str, object]:
    offers = [{"is": "Offer", "purpose": one, "steps": 4} for one in purposes]
    return {"is": "VisitOpened", "visit": VISIT, "holder_name": "Asha", "offers": offers}


def test_a_reason_that_is_not_listed_is_a_refusal_all_the_same(tmp_path: Path) -> None:
    newer = Newer({"begin": REFUSED, "choose": REFUSED})
    with newer.served(tmp_path / "s") as actions:
        read = actions.perform(OpenVisit(VISIT, "R"))
        assert isinstance(read, CardRead)
        assert read.reply == Refusal(Reason.UNLISTED)
        chosen = actions.perform(Choose(VISIT, Purpose.UNLOCK))
        assert chosen == Replied(VISIT, Refusal(Reason.UNLISTED))
    assert not newer.refused_as(), "the authority wrote its own reason down"


def test_a_purpose_that_is_not_listed_is_not_offered(tmp_path: Path) -> None:
    newer = Newer({"begin": opened("unlock", "borrow-a-card")})
    with newer.served(tmp_path / "s") as actions:
        read = actions.perform(OpenVisit(VISIT, "R"))
    assert isinstance(read, CardRead)
    assert read.reply == VisitOpened(VISIT, "Asha", (Offer(Purpose.UNLOCK, 4),))


SAVE = SaveQuestions(VISIT, ())
CHOOSE = Choose(VISIT, Purpose.UNLOCK)
STEP = {"is": "Position", "index": 1, "count": 2}


@pytest.mark.parametrize(
    ("call", "reply", "command"),
    [
        ("begin", opened("borrow-a-card"), OpenVisit(VISIT, "R")),
        ("begin", {"is": "CardChallenge", "message": "", "key": "p-1024"}, OpenVisit(VISIT, "R")),
        ("choose", {"is": "LookIntoTheCamera", "position": STEP}, CHOOSE),
        ("choose", {"is": "Finished", "purpose": "borrow-a-card"}, CHOOSE),
        ("save_questions", {"is": "AnswersRefused", "question": 1, "problem": "dull"}, SAVE),
        ("challenge", {"is": "SmellChallenge"}, UnblockPin(VISIT, AT, NEW, "1")),
    ],
)
def test_anything_else_that_is_not_known_ends_with_a_page(
    tmp_path: Path, call: str, reply: object, command: OpenVisit | Choose
) -> None:
    newer = Newer({call: reply})
    with newer.served(tmp_path / "s") as actions:
        assert actions.perform(command) == GaveUp(VISIT, Reason.UNLISTED)
    assert newer.refused_as() == ["unlisted"]


def test_a_pin_that_was_set_is_called_set_whatever_the_answer(tmp_path: Path) -> None:
    replies: dict[str, object] = {
        "release": {"is": "Grant", "journal": VISIT, "secret": "12345678"},
        "record_outcome": {"is": "LookIntoTheCamera", "position": STEP},
    }
    with Newer(replies).served(tmp_path / "s") as actions:
        done = actions.perform(UnblockPin(VISIT, AT, NEW, "1"))
    assert done == Replied(VISIT, Finished(Purpose.UNLOCK), CardCheck())


def test_a_standing_that_is_not_known_keeps_the_station_closed(tmp_path: Path) -> None:
    with Newer({"heartbeat": "on-holiday"}).served(tmp_path / "s") as actions:
        outage = actions.check_authority(ReaderState.READY, idle=True)
    assert outage is Outage.AUTHORITY_AWAY


def test_authority_of_another_protocol_keeps_the_station_closed(tmp_path: Path) -> None:
    """It serves none of the paths that the station calls."""
    with Newer({}, status=404).served(tmp_path / "s") as actions:
        outage = actions.check_authority(ReaderState.READY, idle=True)
        assert outage is Outage.OTHER_RELEASE
        assert actions.perform(CHOOSE) == NoReply(VISIT)
    title, text = OUTAGES[outage]
    assert "not in service" in str(title)
    assert "different versions" in str(text)


def test_authority_of_another_protocol_is_named_by_the_station_s_checks(tmp_path: Path) -> None:
    older = ThreadingUnixStreamServer(str(tmp_path / "s"), NothingThere)
    thread = Thread(target=older.serve_forever)
    thread.start()
    client = HttpAuthority([str(tmp_path / "s")])
    try:
        ((_, trouble),) = client.reach()
    finally:
        client.close()
        older.shutdown()
        thread.join()
        older.server_close()
    assert trouble == OTHER_RELEASE


class NothingThere(BaseHTTPRequestHandler):
    """Has no page at any path."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self) -> str:
        return ""

    def log_message(self, *args: object) -> None:
        pass
