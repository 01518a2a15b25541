"""Canary secrets are looked for in everything that the authority leaves behind."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable

import pytest

from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    ProvePin,
    Purpose,
    UnblockDone,
    UnblockUnknown,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import fold, folded_words
from tests.authority.station_visit import ANSWERS, StationVisit, wrong_code
from tests.authority.world import EMAIL, PUK, World

SECRET_ANSWERS = {5: "Zanzibar Lane", 6: "Qwertz", 7: "Pelikan 4711", 8: "Wombat"}


def _forms(text: str) -> tuple[str, ...]:
    return text, text.lower(), fold(text), " ".join(folded_words(text))


def _canaries(codes: Iterable[str]) -> set[bytes]:
    texts = {*ANSWERS.values(), *SECRET_ANSWERS.values(), "canary wrong", PUK, *codes}
    return {form.encode() for text in texts for form in _forms(text)}


def _everything(world: World) -> None:
    """Live through every flow, with failures on the way."""
    card = world.add_card(world.add_holder())
    station_visit = world.insert(card)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.REGISTER), ProvePin
    )
    station_visit.verify_pin()
    given = tuple(Answer(one, Sensitive(text)) for one, text in SECRET_ANSWERS.items())
    refused = (*given[:3], Answer(8, Sensitive("Zanzibar Lane")))
    station_visit.authority.save_questions(station_visit.visit, refused)
    station_visit.authority.save_questions(station_visit.visit, given)
    station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    station_visit.enter(wrong_code(world.relay.code))
    station_visit.enter(world.relay.code)
    station_visit.pull()

    holder = world.add_holder(number="2", name="Other")
    world.register(holder)
    card = world.add_card(holder)
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    station_visit.answer(task, wrong=True)
    station_visit.answer(task)
    station_visit.send()
    station_visit.enter(wrong_code(world.relay.code))
    station_visit.pull()
    back = world.insert(card, blocked=True)
    back.enter(world.relay.code)
    back.authority.record_outcome(back.visit, back.grant().journal, UnblockUnknown())
    world.clock.forward(hours=1)
    last = world.insert(card, blocked=True)
    last.to_new_pin()
    last.authority.record_outcome(last.visit, last.grant().journal, UnblockDone())


def test_nothing_is_found_in_the_database_audit_outbox_or_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _everything(world)
    canaries = _canaries(message.text for message in world.relay.sent)
    assert len(world.relay.sent) == 3
    files = [path for path in world.folder.iterdir() if path.name.startswith("kiosk.db")]
    assert any(path.name.endswith("-wal") and path.stat().st_size for path in files)
    raw = b"".join(path.read_bytes() for path in files)
    assert EMAIL.encode() in raw
    spoken = "".join(map(repr, world.events())) + "".join(map(repr, world.outbox())) + caplog.text
    for canary in canaries:
        assert canary not in raw
        assert canary.decode() not in spoken


def test_no_code_or_address_is_in_the_audit(world: World) -> None:
    _everything(world)
    details = " ".join(repr(event.detail) for event in world.events())
    assert EMAIL not in details
    assert "Asha" not in details
    assert "trust.nhs.uk" not in details


class _Boom(Exception):
    """Raised on purpose, where the secret is nearest."""


def _boom(*_: object, **__: object) -> object:
    raise _Boom


def _unlocking(world: World) -> tuple[StationVisit, AnswerQuestions]:
    station_visit = world.insert(world.registered_card(), blocked=True)
    return station_visit, station_visit.questions()


def _answering(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    station_visit, task = _unlocking(world)
    monkeypatch.setattr("kiosk.authority.crypto.hashing.verify_secret", _boom)
    return lambda: station_visit.answer(task)


def _composing(world: World) -> Callable[[], object]:
    station_visit, task = _unlocking(world)
    station_visit.answer(task)
    object.__setattr__(world.parts, "compose", _boom)
    return station_visit.send


def _mailing(world: World) -> Callable[[], object]:
    station_visit, task = _unlocking(world)
    station_visit.answer(task)
    world.relay.on_send = _boom
    return station_visit.send


def _entering(world: World) -> Callable[[], object]:
    station_visit, task = _unlocking(world)
    station_visit.answer(task)
    station_visit.send()
    object.__setattr__(world.parts.codes, "matches", _boom)
    code = world.relay.code
    return lambda: station_visit.enter(code)


def _releasing(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    station_visit, task = _unlocking(world)
    station_visit.answer(task)
    station_visit.send()
    station_visit.enter(world.relay.code)
    monkeypatch.setattr("kiosk.authority.unblock.release._write_down", _boom)
    return station_visit.grant


def _saving(world: World) -> Callable[[], object]:
    station_visit = world.insert(world.add_card(world.add_holder()))
    station_visit.authority.choose(station_visit.visit, Purpose.REGISTER)
    station_visit.verify_pin()
    object.__setattr__(world.hasher, "_hash", _boom)
    given = tuple(Answer(one, Sensitive(text)) for one, text in SECRET_ANSWERS.items())
    return lambda: station_visit.authority.save_questions(station_visit.visit, given)


@pytest.mark.parametrize(
    "step", ["answering", "composing", "mailing", "entering", "releasing", "saving"]
)
def test_a_traceback_with_its_locals_shows_no_secret(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    steps: dict[str, Callable[[], Callable[[], object]]] = {
        "answering": lambda: _answering(world, monkeypatch),
        "composing": lambda: _composing(world),
        "mailing": lambda: _mailing(world),
        "entering": lambda: _entering(world),
        "releasing": lambda: _releasing(world, monkeypatch),
        "saving": lambda: _saving(world),
    }
    call = steps[step]()
    with pytest.raises(_Boom) as caught:
        call()
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = "".join(
        line
        for frame in frames.stack
        if "/kiosk/" in frame.filename
        for line in (frame.line or "", *(frame.locals or {}).values())
    )
    assert "/kiosk/authority/" in "".join(frame.filename for frame in frames.stack)
    for canary in _canaries(message.text for message in world.relay.sent):
        assert canary.decode() not in shown
