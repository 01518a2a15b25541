"""A registration without a station, for stories that begin after it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta

from hardware.virtual.piv import SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.authority.stations import StationIdentity
from kiosk.config.settings import Settings
from kiosk.contract.messages import (
    Answer,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    ChooseQuestions,
    Code,
    EnterCode,
    Factor,
    Finished,
    PinChallenge,
    PinProof,
    PinState,
    Purpose,
    SendCode,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import Authority, SystemClock
from kiosk.contract.sensitive import Sensitive
from tests.e2e.people import Person
from tests.support.hashes import cheap_hashes
from tests.support.routes import route_of

ANSWERS = {1: "Mrs Vane", 2: "Dumplings", 3: "Hobbs", 4: "Bicycle"}
"""By question id."""


class Yesterday(SystemClock):
    """Long enough ago not to count against today's codes."""

    def now(self) -> datetime:
        return super().now() - timedelta(days=1)


def register(
    settings: Settings,
    environ: Mapping[str, str],
    whose: Person,
    answers: Mapping[int, str],
    read_code: Callable[[str], str],
    *,
    full_cost: bool = False,
) -> None:
    """Register at the authority, as of yesterday, and remember the answers.

    With ``full_cost`` their hashes take as long to check as those of a station's registration.
    """
    with nullcontext() if full_cost else cheap_hashes():
        built = BuiltAuthority(settings, environ, Yesterday())
    try:
        at = built.authority.seen_by(StationIdentity("short cut"))
        _walk_through(at, whose, answers, read_code)
        built.outbox.drain_once()
    finally:
        built.close()


def _walk_through(
    authority: Authority,
    whose: Person,
    answers: Mapping[int, str],
    read_code: Callable[[str], str],
) -> None:
    visit = VisitId(uuid.uuid4().hex)
    card = CardId("piv", whose.card.state.guid.hex())
    chip = whose.card
    shown = chip.public_key(SLOT_CARD_AUTHENTICATION)
    opened = authority.begin(visit, CardReport(card, PinState(blocked=False), certificate=shown))
    if isinstance(opened, CardChallenge):
        signed = chip.sign(SLOT_CARD_AUTHENTICATION, opened.message)
        authority.prove(visit, CardProof(signed))
    authority.choose(visit, Purpose.REGISTER)
    to_sign = authority.pin_challenge(visit)
    assert isinstance(to_sign, PinChallenge), to_sign
    signature = chip.sign(SLOT_PIV_AUTHENTICATION, to_sign.message)
    proof = PinProof(signature, chip.public_key(SLOT_PIV_AUTHENTICATION))
    asked: object = authority.pin_verified(visit, proof)
    claimed = isinstance(asked, SendCode)
    if claimed:
        authority.prepare(visit, "owner", Factor.EMAIL_CODE, route_of(asked))
        asked = authority.submit(visit, "owner", Code(Sensitive(read_code(whose.email))))
    if isinstance(asked, ChooseQuestions):
        given = tuple(Answer(number, Sensitive(text)) for number, text in answers.items())
        authority.save_questions(visit, given)
        bank = {question.id: question.text for question in asked.bank}
        whose.answers = {bank[number]: text for number, text in answers.items()}
    waiting = authority.give_email(visit, whose.email, "short cut")
    if not claimed:
        assert isinstance(waiting, EnterCode), waiting
        done = authority.submit(visit, "short cut", Code(Sensitive(read_code(whose.email))))
        assert isinstance(done, Finished), done
    else:
        assert isinstance(waiting, Finished), waiting
    authority.end(visit, VisitEnd.FINISHED)
