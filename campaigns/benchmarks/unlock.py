"""All that the machine does in a whole unlock, against what cannot be done without."""

from __future__ import annotations

import itertools
import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from argon2.low_level import Type, hash_secret, verify_secret

from campaigns.benchmarks.bare import BareCard, establish
from campaigns.benchmarks.estate import Installation
from campaigns.benchmarks.on_card import cards
from campaigns.benchmarks.sampling import Take, interleave, timed
from campaigns.benchmarks.table import Row
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.app.demo.estate import ANSWERS
from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.connections import Limits
from kiosk.authority.crypto.hashing import Cost
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.mail.compose import Message
from kiosk.authority.service import LocalAuthority
from kiosk.authority.unblock.stored_secrets import open_current
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    CardId,
    Code,
    EnterCode,
    Factor,
    Finished,
    Heartbeat,
    Purpose,
    SendCode,
    SetPin,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import Authority, CardAddress, SystemClock
from kiosk.contract.sensitive import Sensitive
from kiosk.station.client import HttpAuthority
from kiosk.station.commands import (
    Choose,
    Command,
    EndVisit,
    OpenVisit,
    Prepare,
    SubmitEntry,
    UnblockPin,
)
from kiosk.station.events import CardRead, Replied
from kiosk.station.executor import Actions
from tests.contract.wirings import ListedStations, Served

T = TypeVar("T")

ROUNDS = 25
_PINS = ("739154", "582936")
_CODE = re.compile(r"Your code:\s+(\d{4}) (\d{4})\b")
_LIFE = timedelta(hours=2)
NO_LIMIT = Limits(calls_a_second=1e6, burst=1e6)

_HOW = (
    "Ours: every command of an unlock, as the station carries them out, on the real authority "
    "(SQLite with synchronous FULL, on this machine's disk): read the card, begin, prove it, "
    "choose, answer, send the code, enter it, challenge the card, release, unblock, settle, draw "
    "another PUK, change it, record it, end; the card signs twice. The other: one Argon2id of "
    "the same cost, and the same card read and unblocked by the bare loop, its PUK left as it is. "
    "The mail that carries the code is {mail}; the notice that follows is queued and goes out "
    "later."
)

_WHY = (
    "the authority's twelve calls commit fifteen durable transactions, each of which waits for the "
    "disk, and their statements go through SQLAlchemy."
)


def rows(installation: Installation) -> Iterator[Row]:
    """Unlock the card again and again, two hours apart."""
    clock = _Clock()
    built = BuiltAuthority(installation.settings, {}, clock)
    built.outbox.stop()
    installation.card.insert()
    try:
        pigeon = _Pigeon()
        parts = built.authority._parts
        by_hand = LocalAuthority(replace(parts, mailer=pigeon))
        without = _Unlocks(installation, clock, by_hand, lambda: pigeon.message.text)
        mailed = _Unlocks(installation, clock, built.authority, lambda: _last(installation.mailbox))
        served = Served(by_hand, ListedStations({os.getuid(): parts.station.name}), NO_LIMIT)
        client = HttpAuthority([served.on_socket(installation.directory / "unlock.sock")])
        wired = _Unlocks(installation, clock, client.port, lambda: pigeon.message.text)
        takes = {
            "without": without.once,
            "wired": wired.once,
            "mailed": mailed.once,
            "floor": _floor(installation, parts),
        }
        taken = interleave(ROUNDS, takes, warm_up=2)
        client.close()
        served.close()
    finally:
        installation.card.remove()
        built.close()
    against = "Argon2 and the card"
    name = "machine's part of a whole unlock"
    for key, said, mail, aim in (
        ("without", ", mail left out", "handed over in memory", 1.5),
        ("wired", ", mail left out, over the socket", "handed over in memory", 1.5),
        ("mailed", ", mail included", "sent by SMTP, with TLS and login, on this machine", None),
    ):
        how = _HOW.format(mail=mail)
        yield Row(name + said, taken[key], against, taken["floor"], how, aim=aim, why=_WHY)


def _floor(installation: Installation, parts: Dependencies) -> Take:
    card, cost = installation.card, Cost()
    context = establish()
    pins, secret = itertools.cycle(_PINS), b"a digest of the answers, 32 bytes"
    digest = hash_secret(
        secret, b"sixteen bytes it", cost.passes, cost.memory_kib, cost.lanes, 32, Type.ID
    )

    def work(bare: BareCard) -> None:
        verify_secret(digest, secret, Type.ID)
        bare.read()
        bare.unblock(next(pins))

    def take() -> float:
        """Look up, before the time runs, the PUK that the last unlock of ours left on the card."""
        bare = BareCard(context, card.reader, card.guid, _puk(parts, card.guid))
        return timed(lambda: work(bare))()

    return take


def _puk(parts: Dependencies, guid: bytes) -> str:
    """Return the PUK that the card has by now."""
    with parts.store.read() as uow:
        known = uow.cards.find(CardId("piv", guid.hex()))
        if known is None or known.card.sealed_secret is None:
            raise LookupError("the card of the benchmark has no secret")
        return open_current(parts.sealer, known.card, known.card.sealed_secret).reveal()


class _Clock(SystemClock):
    """The machine's, moved on between two unlocks: codes are limited by the hour."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class _Pigeon:
    """A mailer that takes no time."""

    message: Message

    def send(self, message: Message) -> None:
        self.message = message

    def check(self) -> None:
        """There is always a pigeon."""


def _last(mailbox: Mailbox) -> str:
    return mailbox.messages()[-1].text


class _Unlocks:
    """Unlocks the installation's card through one authority; ``letter`` is the last mail's text."""

    def __init__(
        self,
        installation: Installation,
        clock: _Clock,
        authority: Authority,
        letter: Callable[[], str],
    ) -> None:
        self._actions = Actions(authority, cards(), Heartbeat())
        self._reader = installation.card.reader
        self._clock = clock
        self._letter = letter
        self._pins = itertools.cycle(_PINS)

    def once(self) -> float:
        """Return the seconds of one unlock, with the moment of reading the code in the mail."""
        self._clock.ahead += _LIFE
        return timed(lambda: self._unlock(VisitId(uuid.uuid4().hex)))()

    def _unlock(self, visit: VisitId) -> None:
        opened = self._actions.perform(OpenVisit(visit, self._reader))
        if not isinstance(opened, CardRead):
            raise TypeError(f"the visit was not opened: {opened}")
        at = CardAddress(self._reader, opened.report.card)
        asked = self._ask(Choose(visit, Purpose.UNLOCK), AnswerQuestions)
        answers = tuple(Answer(one.id, Sensitive(ANSWERS[one.id])) for one in asked.questions)
        task = self._ask(SubmitEntry(visit, uuid.uuid4().hex, Answers(answers)), SendCode)
        self._ask(Prepare(visit, "1", Factor.EMAIL_CODE, task.routes[0].id), EnterCode)
        found = _CODE.search(self._letter())
        code = Sensitive("".join(found.groups()) if found else "")
        self._ask(SubmitEntry(visit, uuid.uuid4().hex, Code(code)), SetPin)
        self._ask(UnblockPin(visit, at, Sensitive(next(self._pins)), uuid.uuid4().hex), Finished)
        self._actions.perform(EndVisit(visit, VisitEnd.FINISHED))

    def _ask(self, command: Command, kind: type[T]) -> T:
        """Perform one command; raises ``TypeError`` unless the answer is of ``kind``."""
        result = self._actions.perform(command)
        if not isinstance(result, Replied) or not isinstance(result.reply, kind):
            raise TypeError(f"{type(command).__name__} came back as {result}")
        return result.reply
