"""Before: any certificate of the CA was a station's, and no station could be ended by its row.

Whoever has a stolen, live station calls the authority with its certificate, by no client of ours.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kiosk.authority.connections import Limits
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.records import Card, new_id
from kiosk.authority.stations import StationIdentity
from kiosk.contract.enrolment import RENEW, WITHOUT_CERTIFICATE
from kiosk.contract.messages import (
    CardChallenge,
    CardReport,
    JournalId,
    PinState,
    UnblockDone,
    VisitId,
)
from kiosk.contract.policy import Policy
from kiosk.contract.routes import OPENAPI, encode, routes
from tests.attacks.certified import Client, Estate, Recorded
from tests.authority.station_visit import ANSWERS
from tests.authority.test_enrolment import Key
from tests.authority.visit.test_genuine import report_of
from tests.authority.world import EMAIL, PUK
from tests.contract.test_wirings import calls_about

ROOMY = Limits(calls_a_second=10_000, burst=10_000)
BEGINS = {"begin", "prove", "choose", "end", "refuse"}
"""Calls that a visit may begin or end with; the others follow from what was passed."""
ABOUT_NO_VISIT = {"heartbeat", "station_standing"}


@pytest.fixture
def estate(folder: Path) -> Iterator[Estate]:
    made = Estate(folder, ROOMY)
    yield made
    made.close()


@pytest.fixture
def thief(estate: Estate) -> Client:
    """Have the certificate of station B."""
    return estate.client(estate.certificate("B"))


def bodies(visit: VisitId, report: CardReport, journal: JournalId) -> dict[str, bytes]:
    """Return each call about a visit, as bytes."""
    recorded = Recorded()
    for call in calls_about(visit, report, journal).values():
        call(recorded)
    return recorded.bodies


def secrets_in(heard: list[bytes]) -> list[str]:
    """Return what no answer may hold before every factor was passed."""
    canaries = (EMAIL, PUK, *ANSWERS.values())
    return [one for one in canaries if any(one.encode() in each for each in heard)]


def test_stolen_station_opens_visits_at_a_rate_while_others_are_served(
    folder: Path,
) -> None:
    """A thousand visits as fast as eight connections go, over the limits as they ship."""
    estate = Estate(folder)
    estate.policy = Policy()
    card = estate.registered_card()
    report = encode(report_of(card, estate.known_reader_card(card)))
    certificate = estate.certificate("B")
    answers: Counter[str] = Counter()

    def flood() -> None:
        client = estate.client(certificate)
        for _ in range(125):
            body = b'{"visit": "%s", "report": %s}' % (new_id().encode(), report)
            status, reply = client.replay("begin", body)
            answers[reply.get("reason", reply["is"]) if status == 200 else str(status)] += 1

    floods = [threading.Thread(target=flood) for _ in range(Limits().connections_each)]
    for each in floods:
        each.start()
    station_visit = estate.insert(card, blocked=True, station="A")
    station_visit.to_new_pin()
    grant = station_visit.grant()
    station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
    for each in floods:
        each.join()
    estate.close()
    assert sum(answers.values()) == 1000
    assert 0 < answers["CardChallenge"] <= estate.policy.visits_a_minute
    assert set(answers) <= {"CardChallenge", "station-limited", "429", "503"}
    assert estate.kinds().count("station-limited") == 1


def test_stolen_station_learns_a_cards_status_and_nothing_of_its_holder(
    estate: Estate, thief: Client
) -> None:
    card = estate.registered_card()
    visit = VisitId(new_id())
    unknown = {"driver": "piv", "identifier": "0f" * 16}
    named = {"card": unknown, "pin": {"blocked": True}}
    status, refused = thief.ask("begin", visit=visit, report=named)
    assert (status, refused["is"], refused["reason"]) == (200, "Refusal", "unknown-card")
    station_visit = estate.insert(card, blocked=True, station="C")
    opened = json.loads(encode(station_visit.opened))
    shown = {"holder_name", "language", "offers", "resumed", "blocked", "ways"}
    assert set(opened) == {"is", "visit", *shown}
    report = json.loads(encode(report_of(card, station_visit.reader_card)))
    visit = VisitId(new_id())
    assert thief.ask("begin", visit=visit, report=report)[0] == 200
    for call, body in bodies(
        visit, report_of(card, station_visit.reader_card), JournalId("e" * 32)
    ).items():
        thief.replay(call, body)
    assert secrets_in(thief.heard) == []


def test_no_step_is_skipped(estate: Estate, thief: Client) -> None:
    card = estate.registered_card()
    report = report_of(card, estate.known_reader_card(card))
    for call in set(routes()) - BEGINS - ABOUT_NO_VISIT:
        visit = VisitId(new_id())
        calls = bodies(visit, report, JournalId("e" * 32))
        thief.replay("begin", calls["begin"])
        assert thief.replay(call, calls[call])[0] == 409, call
    assert estate.relay.sent == []
    assert secrets_in(thief.heard) == []


def test_no_step_is_skipped_once_the_card_has_proven_itself(estate: Estate, thief: Client) -> None:
    """Its answers are due: with the card of an accomplice, any station gets so far."""
    card = estate.registered_card()
    visit, _ = begun(estate, thief, card)
    assert thief.ask("choose", visit=visit, purpose="unlock")[1]["is"] == "AnswerQuestions"
    calls = bodies(visit, report_of(card, estate.known_reader_card(card)), JournalId("e" * 32))
    for call in set(routes()) - BEGINS - ABOUT_NO_VISIT - {"answer"}:
        assert thief.replay(call, calls[call])[0] == 409, call
    assert estate.relay.sent == []
    assert secrets_in(thief.heard) == []


def test_the_visit_of_another_station_is_of_no_use(estate: Estate, thief: Client) -> None:
    """Every factor is passed there and a grant is out: the id alone brings nothing."""
    card = estate.registered_card()
    station_visit = estate.insert(card, blocked=True, station="A")
    station_visit.to_new_pin()
    grant = station_visit.grant()
    before = estate.visit(station_visit), estate.card(card), estate.registration(card)
    report = report_of(card, station_visit.reader_card)
    for call, body in bodies(station_visit.visit, report, grant.journal).items():
        assert thief.replay(call, body)[0] == 409, call
    assert (estate.visit(station_visit), estate.card(card), estate.registration(card)) == before
    assert secrets_in(thief.heard) == []


def begun(estate: Estate, thief: Client, card: Card) -> tuple[VisitId, Any]:
    """Put a blocked card into the stolen station; return the visit and the answer."""
    visit, reader_card, recorded = VisitId(new_id()), estate.known_reader_card(card), Recorded()
    shown = report_of(card, reader_card)
    report = CardReport(shown.card, PinState(True), certificate=reader_card.shows)
    recorded.begin(visit, report)
    _, reply = thief.replay("begin", recorded.bodies["begin"])
    if reply["is"] == "CardChallenge":
        # The same challenge again, as the message that the card signs.
        challenge = estate.authority.seen_by(StationIdentity("B")).begin(visit, report)
        assert isinstance(challenge, CardChallenge)
        recorded.prove(visit, reader_card.answer(challenge))
        _, reply = thief.replay("prove", recorded.bodies["prove"])
    return visit, reply


def answered(thief: Client, visit: VisitId, *, right: bool) -> Any:
    """Answer the questions of a visit; return the answer to that."""
    _, task = thief.ask("choose", visit=visit, purpose="unlock")
    answers = [
        {"question": each["id"], "text": ANSWERS[each["id"]] if right else "?"}
        for each in task["questions"]
    ]
    entry = {"is": "Answers", "answers": answers}
    return thief.ask("submit", visit=visit, attempt=new_id(), entry=entry)[1]


def passed(estate: Estate, thief: Client, card: Card) -> tuple[VisitId, str]:
    """Pass the questions with a card in the stolen station; return the route of its code, too."""
    visit, _ = begun(estate, thief, card)
    task = answered(thief, visit, right=True)
    assert task["is"] == "SendCode"
    return visit, task["routes"][0]["id"]


def test_what_is_sent_again_counts_once(estate: Estate, thief: Client) -> None:
    card = estate.registered_card()
    visit, route = passed(estate, thief, card)
    sent = {"visit": visit, "attempt": "2", "factor": "email-code", "route": route}
    send = json.dumps(sent).encode()
    for _ in range(20):
        assert thief.replay("prepare", send)[1]["is"] == "EnterCode"
    assert len(estate.relay.sent) == 1
    entry = {"is": "Code", "digits": "00000000"}
    wrong = json.dumps({"visit": visit, "attempt": "3", "entry": entry}).encode()
    left = {thief.replay("submit", wrong)[1]["again"]["tries_left"] for _ in range(20)}
    assert left == {4}
    entry = {"is": "Code", "digits": estate.relay.code.reveal()}
    thief.ask("submit", visit=visit, attempt="4", entry=entry)
    ends = json.dumps({"visit": visit, "how": "left"}).encode()
    assert thief.replay("end", ends)[0] == 200
    assert thief.ask("release", visit=visit, attempt="5")[0] == 409
    assert secrets_in(thief.heard) == []


def test_three_wrong_sets_are_charged_however_they_are_sent(estate: Estate, thief: Client) -> None:
    card = estate.registered_card()
    reasons = []
    for _ in range(6):
        visit, reply = begun(estate, thief, card)
        if reply["is"] == "VisitOpened":
            reply = answered(thief, visit, right=False)
        reasons.append(reply.get("reason", reply["is"]))
    assert reasons == ["FactorWrong"] * 2 + ["registration-blocked"] * 4
    assert estate.registration(card).failures == 3


def test_a_code_opens_the_card_that_it_was_mailed_for_alone(estate: Estate, thief: Client) -> None:
    mine = estate.registered_card()
    first, route = passed(estate, thief, mine)
    thief.ask("prepare", visit=first, attempt="2", factor="email-code", route=route)
    of_mine = estate.relay.code.reveal()
    other = estate.add_holder(id=new_id(), number="900123456780")
    estate.register(other)
    card = estate.add_card(other)
    second, route = passed(estate, thief, card)
    _, sent = thief.ask("prepare", visit=second, attempt="2", factor="email-code", route=route)
    assert sent["is"] == "EnterCode"
    if estate.relay.code.reveal() != of_mine:
        entry = {"is": "Code", "digits": of_mine}
        _, reply = thief.ask("submit", visit=second, attempt="3", entry=entry)
        assert (reply["is"], reply["again"]["tries_left"]) == ("FactorWrong", 4)
    assert thief.ask("release", visit=second, attempt="4")[0] == 409
    assert secrets_in(thief.heard) == []


def test_nothing_else_is_served_to_it(estate: Estate, thief: Client) -> None:
    for path in (
        *WITHOUT_CERTIFICATE,
        "/",
        "/metrics",
        "/readyz",
        "/v2/people",
        "/v2/seen_by",
        "/v2/reach_keys",
        "/v2/__class__",
        "/v2/../v2/health/..",
        "/v1/begin",
    ):
        assert thief.send(path, b"{}")[0] == 404, path
    _, document = thief.send(OPENAPI, b"", "GET")
    served = {route.path for route in routes().values()} | {RENEW.path}
    assert set(document["paths"]) - set(WITHOUT_CERTIFICATE) == served
    visit = new_id()
    for more in ({"station": "A"}, {"site": "A"}, {"uid": 0}):
        assert thief.ask("choose", visit=visit, purpose="unlock", **more)[0] == 400


def test_stolen_station_renews_neither_early_nor_once_retired(
    estate: Estate, thief: Client
) -> None:
    assert thief.ask("renew", request=Key().request)[0] == 409
    assert thief.ask("renew", request=Key().request, station="A")[0] == 400
    estate.clock.forward(days=61)
    with estate.store.begin() as uow:
        assert uow.stations.retire("B", uow.now)
        uow.commit()
    assert thief.ask("renew", request=Key().request)[0] == 409


def test_retiring_it_counts_on_the_connection_that_it_keeps(estate: Estate, thief: Client) -> None:
    card = estate.registered_card()
    visit, route = passed(estate, thief, card)
    with estate.store.begin() as uow:
        assert uow.stations.retire("B", uow.now)
        uow.commit()
    for call, fields in (
        ("prepare", {"visit": visit, "attempt": "2", "factor": "email-code", "route": route}),
        ("release", {"visit": visit, "attempt": "3"}),
        ("begin", {"visit": new_id(), "report": {"card": CARD, "pin": {"blocked": True}}}),
    ):
        status, reply = thief.ask(call, **fields)
        assert status == 409 or reply.get("reason") == "station-retired", call
    assert estate.relay.sent == []


CARD = {"driver": "piv", "identifier": "0f" * 16}


def test_who_enrols_in_its_place_ends_it_on_the_connection_that_it_keeps(
    estate: Estate, thief: Client
) -> None:
    assert thief.ask("choose", visit=new_id(), purpose="unlock")[0] == 409
    estate.certificate("B")
    assert thief.ask("choose", visit=new_id(), purpose="unlock")[0] == 403


def test_stolen_certificate_runs_out_on_an_open_connection(estate: Estate, thief: Client) -> None:
    assert thief.ask("choose", visit=new_id(), purpose="unlock")[0] == 409
    estate.served.ahead = timedelta(days=91)
    assert thief.ask("choose", visit=new_id(), purpose="unlock")[0] == 403


def test_no_other_certificate_is_taken(estate: Estate) -> None:
    """None, one of another CA, one of ours that is no row, and the authority's own."""
    other = StationCa(KeyRing.fresh())
    for certificate in (
        None,
        estate.certificate("B", other, is_row=False),
        estate.folder / "authority.pem",
    ):
        client = estate.client(certificate)
        with pytest.raises((OSError, http.client.HTTPException)):
            client.ask("choose", visit=new_id(), purpose="unlock")
    stranger = estate.client(estate.certificate("B", is_row=False))
    assert stranger.ask("choose", visit=new_id(), purpose="unlock")[0] == 403


def test_ten_megabytes_and_a_slow_body_hold_up_nobody(folder: Path) -> None:
    estate = Estate(folder, Limits(calls_a_second=1000, burst=1000, body_s=0.5))
    certificate = estate.certificate("B")
    slow = estate.client(certificate)
    slow._line.putrequest("POST", "/v2/choose")
    slow._line.putheader("Content-Length", "2")
    slow._line.endheaders()
    large = estate.client(certificate)
    with suppress(TimeoutError, ConnectionError, http.client.HTTPException):
        # It may be closed before all of it was sent.
        assert large.send("/v2/choose", b" " * 10_000_000)[0] == 413
    card = estate.registered_card()
    station_visit = estate.insert(card, blocked=True, station="A")
    station_visit.to_new_pin()
    assert slow._line.getresponse().status == 408
    estate.close()
