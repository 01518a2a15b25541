"""Draws ``docs/one-unlock.md`` from a recording of one unlock.

What the page says of a function stands in ``WAYPOINTS`` and ``RETURNS``, and in the order in
which an unlock calls them it is printed. A function that is not called any more is an error. What
comes again is printed once, by ``REPEATED`` and ``ALIKE``: it is an error if it comes elsewhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from campaigns.one_unlock.pulled import table as pulled_cards
from campaigns.one_unlock.recording import Call, Place, Recording, place_of
from hardware.apdu import CommandApdu
from hardware.card_access import PcscCards, Watchdog
from hardware.connection import Connection
from hardware.drivers.piv import PivSession
from kiosk.authority.audit import events as audit
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.mail.smtp import SmtpMailer
from kiosk.authority.notices import notify_holder
from kiosk.authority.service import LocalAuthority
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.attempts import AttemptCounter
from kiosk.authority.store.repositories.cards import CardRecords
from kiosk.authority.store.repositories.codes import EmailCodes
from kiosk.authority.store.repositories.people import Registrations
from kiosk.authority.store.repositories.visits import UnblockJournal
from kiosk.authority.unblock import card_secret, outcome, release
from kiosk.authority.visit import attempts, card_evidence, lifecycle, tasks
from kiosk.authority.visit import context as visits
from kiosk.authority.visit.factors import email_code, questions
from kiosk.contract.ports import Authority
from kiosk.station.commands import SubmitEntry
from kiosk.station.events import CardIn
from kiosk.station.executor import Actions
from kiosk.station.loop import IdleTimes, StationLoop
from kiosk.station.states import Reading, Working
from kiosk.station.step import step
from kiosk.station.unblock import RETRIES_S, PinWork, outcome_of
from screens.kiosk.app import screen_for
from screens.kiosk.ends import NotReachedPage
from screens.kiosk.page import Page

STEP, PERFORM, PAGE = place_of(step), place_of(Actions.perform), place_of(screen_for)
RECORD, COMMIT, SEND = (
    place_of(audit.record),
    place_of(UnitOfWork.commit),
    place_of(Connection.send),
)
HOLD, HELD = place_of(Watchdog.run), place_of(Watchdog._do)
KEEP = frozenset({STEP, PERFORM, PAGE, RECORD, SEND})

WAYPOINTS: Mapping[Place, str] = {
    place_of(function): words
    for function, words in (
        # 1: the card goes in
        (PcscCards.read, "The card is held exclusively and read without a PIN."),
        (card_evidence.draw, "Draws a challenge for the card authentication key (PIV slot 9E)."),
        (PcscCards.hold, "Holds the card exclusively, and makes sure that it is the same one."),
        (PivSession.prove, "The card signs the challenge with that key, which needs no PIN."),
        (card_evidence.judge, "Verifies the signature. A challenge is used up by one answer."),
        (
            outcome.record_outcome_by_card,
            "Settles an earlier unblock that was cut, if there is one.",
        ),
        (
            lifecycle._offers,
            "Computes what this card may do here: to unlock, as its PIN is blocked.",
        ),
        # 2: it is mine
        (
            tasks.next_task,
            (
                "Computes from the records which step is next; so do sections {SubmitAnswers} to "
                "{SubmitCode}."
            ),
        ),
        (
            questions.draw_questions,
            "Draws three of the four questions. They stay the same until success.",
        ),
        # 3: the answers
        (
            attempts.evaluate,
            "**Charges and commits; only then checks**; then commits the verdict.",
        ),
        (
            questions._charge,
            "Makes sure that these are the questions that were asked, then charges the attempt.",
        ),
        (attempts.charge_attempt, "Has the attempt counted, and audits that."),
        (
            AttemptCounter.charge,
            (
                "One charge for each attempt: one that is sent again is not charged again. Its "
                "`_take` is the function of the next row: `Registrations.attempts` chose that."
            ),
        ),
        (
            Registrations._charge_failure,
            (
                "**A wrong answer is charged here**: one `UPDATE` counts every set before anybody "
                "looks, and a wrong one stays counted. "
                "With a card that is known by name only it is `_charge_unproven`, the function "
                "below it, which leads to a pause and not to a block."
            ),
        ),
        (attempts._is_right, "Has what was charged checked, unless it has its verdict."),
        (AnswerHasher.check, "Argon2id over all answers together, with a pepper."),
        (questions._right, "Right answers. Wrong ones go to `_wrong`, and their charge stays."),
        (attempts.Charged.conclude, "Writes the verdict, once."),
        (Registrations._give_back, "Gives back this one charge."),
        # 4: the code is sent
        (email_code._draft, "Draws a code, and the number that stops what it is for."),
        (EmailCodes.draft, "Writes its keyed hash down; the code itself is never stored."),
        (SmtpMailer.send, "Sends it by verified TLS; no transaction is open."),
        (email_code._activate, "Only now can the code be entered."),
        # 5: the code is entered
        (email_code._charge, "Makes sure that a code is due, then charges the entry."),
        (CodeMac.matches, "Compares the keyed hash in constant time."),
        # 6: the PIN is set
        (
            PinWork._unblock_once,
            (
                "One exclusive connection to the card, up to the change of the PUK; `_steps` makes "
                "the calls."
            ),
        ),
        (
            release._need_gate,
            "Computes from the records that every factor was passed; `release` does so again.",
        ),
        (card_secret.open_next, "Opens the sealed PUK, for this card and this purpose only."),
        (release._spend, "Every proof of the way is spent; so the code is used up."),
        (UnblockJournal.open, "Writes the intent into the unblock journal."),
        (
            CardRecords.charge_secret_try,
            "Charges one try of the PUK; the last one is never released.",
        ),
        (CardRecords.secret_seen, "Marks the PUK as seen: it has to be rotated."),
        (PivSession.unblock, "**The PUK and the new PIN go to the card**, in one command."),
        (notify_holder, "Writes the notice into the outbox: the mails that wait to be sent."),
        (
            card_secret._draw,
            "Draws another PUK, and keeps it sealed beside the one that the card has.",
        ),
        (PivSession.change_secret, "The old PUK and the new one go to the card."),
        (PivSession.try_out, "The card signs once with its new PIN; its holder reads the result."),
        (card_secret._make_current, "The new PUK is the current one; the old one is kept, sealed."),
    )
}
RETURNS: Mapping[Place, str] = {
    place_of(release.release): (
        "**The PUK leaves the authority here**, as a `Grant`, after the commit. A repeated call "
        "gets the same grant."
    ),
    place_of(
        card_secret.rotate_secret
    ): "**The new PUK leaves the authority here**, after the commit.",
}
EVERY_CALL = tuple(
    place_of(function)
    for function in (
        LocalAuthority._decide,
        visits.enter,
        visits.VisitContext.need,
    )
)
"""Named in the text above the steps."""

REPEATED: Mapping[Place, Sequence[str]] = {
    place_of(tasks.next_task): ("Choose", "SubmitAnswers", "Prepare", "SubmitCode"),
    place_of(card_evidence.draw): ("OpenVisit", "UnblockPin"),
    place_of(release._need_gate): ("UnblockPin", "UnblockPin"),
}
"""The commands that call it; only the first call is printed."""

ALIKE: Mapping[Place, Place] = {
    place_of(of_code): place_of(of_answers)
    for of_code, of_answers in (
        (email_code._charge, questions._charge),
        (EmailCodes._charge_try, Registrations._charge_failure),
        (CodeMac.matches, AnswerHasher.check),
        (email_code._right, questions._right),
        (EmailCodes._give_back, Registrations._give_back),
    )
}
"""A code is checked as answers are: what stands at the same place of the two steps."""

EVALUATE = place_of(attempts.evaluate)
AS_ANSWERS = (
    "As in [section {SubmitAnswers}]({to_SubmitAnswers}), "
    "with `EmailCodes._charge_try` as the charge."
)
NOT_AGAIN = frozenset(
    place_of(function)
    for function in (
        attempts.charge_attempt,
        AttemptCounter.charge,
        attempts._is_right,
        attempts.Charged.conclude,
    )
)
"""Not printed of the code's step."""

PORT_CALLS = frozenset(name for name in vars(Authority) if not name.startswith("_"))

INSTRUCTIONS = {
    0x20: "VERIFY",
    0x24: "CHANGE REFERENCE DATA",
    0x2C: "RESET RETRY COUNTER",
    0x87: "GENERAL AUTHENTICATE",
    0xA4: "SELECT",
    0xC0: "GET RESPONSE",
    0xCB: "GET DATA",
    0xF7: "GET METADATA",
}
TITLES = {
    "OpenVisit": "The card goes in",
    "Choose": "It is my card",
    "SubmitAnswers": "The questions",
    "Prepare": "A code is mailed",
    "SubmitCode": "The code is entered",
    "UnblockPin": "The new PIN",
    "EndVisit": "The end",
}


PROSE = Path(__file__).with_name("page.md")
"""What stands around the steps."""


Moves = list[tuple[str, str, str]]
"""State, event, next state."""


@dataclass(frozen=True, slots=True)
class Turn:
    """From one command to the next: the pages that led to it, and what it did.

    ``command`` names it among those of its ``kind``, which submits the entries of every factor.
    """

    moves: Moves
    command: str
    kind: str
    work: Call


class OneUnlock:
    """A recording, read as commands in their order."""

    def __init__(self, recording: Recording) -> None:
        calls = sorted(recording.walk(), key=lambda call: call.number)
        _join_card_work(calls)
        self._turns, self._last = _turns(calls)
        self._pages = {
            type(call.arguments["state"]).__name__: type(call.result)
            for call in calls
            if call.place == PAGE
        }
        self._front = {
            place
            for place in recording.places
            if place.file.startswith(("screens/", "kiosk/station/"))
        }
        self._work = {call.place for turn in self._turns for call in turn.work.walk()}

    def page(self) -> str:
        """Return the page."""
        missing = {*WAYPOINTS, *RETURNS, *EVERY_CALL, *ALIKE} - self._work
        if missing:
            raise LookupError(f"an unlock does not call: {', '.join(sorted(map(str, missing)))}")
        numbered = list(enumerate(self._turns, 1))
        references = _references({turn.command: number for number, turn in numbered})
        again = self._repeated()
        self._check_alike()
        steps = [
            _section(number, turn, self._pages, _words_of(turn, again, references))
            for number, turn in numbered
        ]
        steps.append(_way(self._last, self._pages) + "\n")
        pulled = pulled_cards().format(**references)
        return PROSE.read_text().format(steps="\n".join(steps), pulled=pulled, **references)

    def _repeated(self) -> frozenset[int]:
        """Return the numbers of the calls that are not printed again."""
        again: set[int] = set()
        for place, commands in REPEATED.items():
            calls = [
                (turn.command, call.number)
                for turn in self._turns
                for call in turn.work.walk()
                if call.place == place
            ]
            found = [command for command, _ in calls]
            if found != list(commands):
                raise LookupError(f"{place} is called in {', '.join(found)}")
            again |= {number for _, number in calls[1:]}
        return frozenset(again)

    def _check_alike(self) -> None:
        """Raise ``LookupError`` where a code is not checked as answers are."""
        shown = {*WAYPOINTS, *ALIKE, COMMIT}
        of_answers, of_code = (
            [
                ALIKE.get(call.place, call.place)
                for turn in self._turns
                if turn.command == command
                for call in turn.work.walk()
                if call.place in shown
            ]
            for command in ("SubmitAnswers", "SubmitCode")
        )
        if of_code != of_answers:
            raise LookupError("a code is not checked as answers are: print its step in full")

    def run_through(self) -> tuple[int, int]:
        """Return how many files and functions it takes; the virtual card is not counted."""
        places = {place for place in self._work | self._front if "/virtual/" not in place.file}
        return len({place.file for place in places}), len(places)


def _turns(calls: Sequence[Call]) -> tuple[list[Turn], Moves]:
    """Return the commands in their order, and what happens after the last one."""
    performed = [call for call in calls if call.place == PERFORM]
    turns: list[Turn] = []
    moves: Moves = []
    for call in calls:
        if call.place != STEP:
            continue
        before, event, after = call.arguments["state"], call.arguments["event"], call.result
        if isinstance(event, CardIn):
            moves = []  # what came before: the station took note of its reader
        if after.state != before:
            moves.append((_kind(before), _kind(event), _kind(after.state)))
        for command in after.commands:
            work = performed[len(turns)]
            if work.arguments["command"] != command:
                raise LookupError(f"{_kind(command)} was not carried out in its turn")
            turns.append(Turn(moves, _name_of(command), _kind(command), work))
            moves = []
    return turns, moves


def _join_card_work(calls: Sequence[Call]) -> None:
    """Put what a thread did with the card below the call that waited for it."""
    waiting = [call for call in calls if call.place == HOLD]
    done = [call for call in calls if call.place == HELD]
    for wait, work in zip(waiting, done, strict=True):
        wait.calls.append(work)


def _references(at: Mapping[str, int]) -> dict[str, object]:
    files = {
        "events": "kiosk/station/events.py",
        "commands": "kiosk/station/commands.py",
        "rules": "kiosk/authority/visit/rules.py",
        "stylesheet": "screens/kiosk/kiosk.tcss",
        "messages": "kiosk/contract/messages.py",
        "ports": "kiosk/contract/ports.py",
        "states": "kiosk/station/states.py",
        "flow_samples": "tests/station/samples.py",
        "pages": "screens/kiosk",
        "visit_pages": "screens/kiosk/visit_pages.py",
        "visit_context": "kiosk/authority/visit/context.py",
        "connection": "hardware/connection.py",
        "words": "screens/words",
        "samples": "tests/screens/kiosk/samples.py",
        "stories": "tests/screens/kiosk/stories.py",
        "entry_pages": "screens/kiosk/entry_pages.py",
        "routes": "kiosk/contract/routes.py",
        "cuts": "tests/cuts",
        "journal": "docs/unblock-journal.md",
        "client": "kiosk/station/client.py",
        "server": "kiosk/authority/server.py",
        "example_file": _file_of(NotReachedPage),
        "page_base": _file_of(Page),
    }
    functions: dict[str, Callable[..., object]] = {
        "loop": StationLoop.run,
        "step": step,
        "executor": Actions.perform,
        "service": LocalAuthority._decide,
        "tasks": tasks.next_task,
        "context": visits.enter,
        "station_unblock": outcome_of,
    }
    files |= {name: place_of(function).file for name, function in functions.items()}
    return {
        **{name: _link(file) for name, file in files.items()},
        "example": NotReachedPage.__name__,
        "retries": f"{sum(RETRIES_S):g}",
        "notice": f"{IdleTimes().idle_s:g}",
        **at,
        **{f"to_{command}": f"#{_anchor(number, command)}" for command, number in at.items()},
    }


Words = Callable[[Call], str | None]
"""What the page says of a call; None: it is not shown."""


def _words_of(turn: Turn, again: frozenset[int], references: Mapping[str, object]) -> Words:
    said = WAYPOINTS
    if turn.command == "SubmitCode":
        said = {**said, EVALUATE: AS_ANSWERS}
        said = {place: words for place, words in said.items() if place not in NOT_AGAIN}

    def words(call: Call) -> str | None:
        known = None if call.number in again else said.get(call.place)
        return None if known is None else known.format(**references)

    return words


def _section(number: int, turn: Turn, pages: Mapping[str, type], words: Words) -> str:
    way = _way(turn.moves, pages)
    if not way:
        way = "No page: the authority's reply leads on."
    return "\n".join(
        [
            f"## {number}. {TITLES[turn.command]}",
            "",
            f"{way} The command is `{turn.kind}`.",
            "",
            "| file | function | what it does |",
            "| --- | --- | --- |",
            *(f"| {' | '.join(row)} |" for row in _rows(turn.work, words)),
            "",
        ]
    )


def _way(moves: Moves, pages: Mapping[str, type]) -> str:
    """Say which pages led on, by which event; of the waiting page there is nothing to say."""
    said = []
    for (before, event), group in groupby(moves, key=lambda each: (each[0], each[1])):
        if before in (Reading.__name__, Working.__name__):
            continue
        page, times = pages[before], len(list(group))
        again = f" {times} times" if times > 1 else ""
        shown = f"`{page.__name__}` in {_link(_file_of(page))} shows `{before}`"
        said.append(f"{shown}, and `{event}` comes{again}.")
    return "\n".join(said)


def _rows(work: Call, words: Words) -> Iterator[tuple[str, str, str]]:
    """Yield what is worth a line, in order; commands to the card that follow each other in one."""
    for is_card, lines in groupby(_lines(work, words), key=lambda each: each[0] == "card"):
        if not is_card:
            yield from lines
            continue
        sent = [name for _, name, _ in lines]
        yield "card", "", ", ".join(name + (f" ×{n}" if n > 1 else "") for name, n in _runs(sent))


def _runs(names: Sequence[str]) -> Iterator[tuple[str, int]]:
    for name, group in groupby(names):
        yield name, len(list(group))


def _lines(work: Call, words: Words) -> Iterator[tuple[str, str, str]]:
    audited: list[str] = []

    def follow(call: Call, outer: Call | None) -> Iterator[tuple[str, str, str]]:
        place = call.place
        if _is_port(call, outer):
            yield _port_row(call)
        if place == RECORD:
            audited.append(call.arguments["kind"].value)
        elif place == COMMIT:
            events = ", ".join(f"`{kind}`" for kind in audited) or "no audit event"
            yield "database", "**commit**", events
            audited.clear()
        elif place == SEND:
            yield "card", _instruction(call.arguments["command"]), ""
        elif (said := words(call)) is not None:
            yield _link(place.file), f"`{place.name}`", said
        for each in call.calls:
            yield from follow(each, call)
        if place in RETURNS:
            yield _link(place.file), f"`{place.name}`, its last `return`", RETURNS[place]

    yield from follow(work, None)


def _is_port(call: Call, outer: Call | None) -> bool:
    from_station = outer is not None and outer.place.file.startswith("kiosk/station/")
    return from_station and call.place.file.startswith("kiosk/authority/")


def _port_row(call: Call) -> tuple[str, str, str]:
    """Say which use case decides a call of the port, and what the port says of the call."""
    use_case = next(each for each in call.walk() if each.place.name in PORT_CALLS)
    name = use_case.place.name
    promise = inspect.getdoc(getattr(Authority, name)) or ""
    return _link(use_case.place.file), f"**port: `{name}`**", promise.partition("\n")[0]


def _instruction(command: CommandApdu) -> str:
    name = INSTRUCTIONS[command.header.ins]
    return f"{name} (no PIN: asks for its state)" if name == "VERIFY" and not command.body else name


def _file_of(page: type) -> str:
    return page.__module__.replace(".", "/") + ".py"


def _link(file: str) -> str:
    return f"[`{file}`]({_below_docs(file)})"


def _below_docs(file: str) -> str:
    return file.removeprefix("docs/") if file.startswith("docs/") else f"../{file}"


def _anchor(number: int, command: str) -> str:
    return f"{number}-{TITLES[command].lower().replace(' ', '-')}"


def _name_of(command: object) -> str:
    if isinstance(command, SubmitEntry):
        return f"Submit{_kind(command.entry)}"
    return _kind(command)


def _kind(thing: object) -> str:
    return type(thing).__name__
