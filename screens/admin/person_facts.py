"""A person's registration, cards and codes in lines of plain words."""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.administration.views.people import (
    AddressChangeLine,
    CardLine,
    CodeLine,
    RegistrationLine,
)
from kiosk.administration.views.proposals import ProposalLine
from kiosk.roles import Action
from screens.admin.dialogs.card_entries import last_day
from screens.admin.points import Point
from screens.admin.times import Times

GRAVE = "bold $alarm"
QUIET = "$quiet"
_GROUP = 4


def registration_points(registration: RegistrationLine | None, times: Times) -> list[Point]:
    """Say since when, where codes go, and how many tries are spent."""
    if registration is None:
        return [Point("Not registered. They do it at a station, with card and PIN.", "○")]
    return list(_registered(registration, times))


def change_points(change: AddressChangeLine | None, times: Times) -> list[Point]:
    """Say of a change of address that waits from where to where, and when it counts."""
    if change is None:
        return []
    counts = times.at(change.counts_from)
    return [
        Point(f"Change of address: {change.old} to {change.masked}, counts {counts}", "!"),
        Point("Stop it if they did not ask for it.", style=QUIET),
    ]


def question_points(registration: RegistrationLine | None) -> list[Point]:
    """Return the questions that they answer."""
    return [Point(question, "•") for question in registration.questions] if registration else []


def card_points(cards: tuple[CardLine, ...]) -> list[Point]:
    """Say of each card what it is, until when it works, and what is wrong with it."""
    if not cards:
        return [Point("None. Without a card there is nothing to unlock.", "□")]
    return [point for card in cards for point in _card(card)]


def code_points(codes: tuple[CodeLine, ...], times: Times) -> list[Point]:
    """Say of each code that is waited for how it was given, and until when it works."""
    return [point for code in codes for point in _code(code, times)]


def proposal_points(proposals: tuple[ProposalLine, ...], times: Times) -> list[Point]:
    """Say what was proposed and waits, by whom and why; a code is told of among the codes."""
    return [
        point
        for line in proposals
        if line.action is not Action.ISSUE_CODE
        for point in _proposal(line, times)
    ]


def _proposal(line: ProposalLine, times: Times) -> Iterator[Point]:
    yield Point(line.told, "!")
    by = "you" if line.is_mine else line.proposed_by
    reason = line.reason.rstrip(".")
    yield Point(f"Proposed by {by}, {times.at(line.proposed_at)}. Reason: {reason}.", style=QUIET)
    if line.why_not and not line.is_mine:
        yield Point(line.why_not, style=QUIET)


def _registered(line: RegistrationLine, times: Times) -> Iterator[Point]:
    yield Point(f"Since {times.day(line.registered_at)}; codes go to {line.email}", "✓")
    if not line.confirmed:
        yield Point("This address is not confirmed yet: the next code that is sent does it.", "!")
    if line.paused_until is not None:
        until = times.at(line.paused_until)
        yield Point(f"No answers with a card that cannot prove itself until {until}", "!", GRAVE)
    tries = f"{line.failures} of {line.failures_allowed} tries failed"
    if line.blocked_at is None:
        yield Point(tries, "•")
    else:
        yield Point(f"Blocked {times.at(line.blocked_at)}: {tries}", "✗", GRAVE)


def _card(card: CardLine) -> Iterator[Point]:
    name = f"{card.driver} {_grouped(card.identifier)}"
    if card.revoked:
        yield Point(f"{name}, revoked", "–", QUIET)
        return
    yield Point(name, "!" if card.trouble else "✓")
    expires = f"expires {last_day(card.expires_at)}" if card.expires_at else "never expires"
    secret = "unblock secret set" if card.has_secret else "no unblock secret"
    yield Point(f"{expires}, {secret}", style=QUIET)
    if card.has_key:
        yield Point("has to prove itself by its recorded key", style=QUIET)
    if card.has_pin_key:
        yield Point("proves its PIN by its recorded key", style=QUIET)
    if card.last_pin_proven is not None:
        how = "proven" if card.last_pin_proven else "only claimed"
        yield Point(f"the PIN that was entered last was {how}", style=QUIET)
    if card.trouble:
        yield Point(card.trouble, style=GRAVE)


def _code(code: CodeLine, times: Times) -> Iterator[Point]:
    until = f"until {times.clock(code.expires_at)}"
    if code.by_mail:
        yield Point(f"Sent by mail {times.at(code.issued_at)}, works {until}", "•")
        return
    given = f"Given by {code.issued_by} by word of mouth, {times.at(code.issued_at)}"
    if not code.waits_for_second:
        yield Point(f"{given}, works {until}", "✓")
        return
    yield Point(f"{given}", "!")
    before = f"before {times.clock(code.expires_at)}"
    yield Point(f"A second member of staff has to agree {before}: only then it works.", style=GRAVE)


def _grouped(identifier: str) -> str:
    return " ".join(identifier[i : i + _GROUP] for i in range(0, len(identifier), _GROUP))
