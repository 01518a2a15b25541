"""A person's registration, cards and codes in lines of plain words."""

from __future__ import annotations

from textual.content import Content

from kiosk.administration.views.people import CardLine, CodeLine, RegistrationLine
from screens.admin.dialogs.card_entries import last_day
from screens.admin.times import Times
from screens.widgets.prose import printable

_GROUP = 4


def registration_lines(registration: RegistrationLine | None, times: Times) -> list[Content]:
    """Say since when, with which address and questions, and how many tries are spent."""
    if registration is None:
        return [Content("○ Not registered. They register at a station, with card and PIN.")]
    r = registration
    confirmed = "confirmed" if r.confirmed else "not confirmed yet: the next code does that"
    lines = [
        _line(
            "✓" if r.confirmed else "○",
            f"Since {times.day(r.registered_at)}, codes go to {r.email} ({confirmed})",
        ),
        _line("•", f"Wrong tries: {r.failures} of {r.failures_allowed}"),
    ]
    if r.blocked_at is not None:
        lines.append(_grave(f"Blocked since {times.at(r.blocked_at)}"))
    return lines + [_quiet(f"  asks: {question}") for question in r.questions]


def card_lines(cards: tuple[CardLine, ...]) -> list[Content]:
    """Say of each card what it is, until when it works, and what is wrong with it."""
    if not cards:
        return [Content("□ None. Without a card there is nothing to unlock.")]
    return [_card(card) for card in cards]


def code_lines(codes: tuple[CodeLine, ...], times: Times) -> list[Content]:
    """Say of each code that is waited for how it was given, and until when it works."""
    return [_code(code, times) for code in codes]


def _card(card: CardLine) -> Content:
    name = f"{card.driver} {_grouped(card.identifier)}"
    if card.revoked:
        return _quiet(f"– {name}, revoked")
    expires = f"until {last_day(card.expires_at)}" if card.expires_at else "no end"
    secret = "unblock secret set" if card.has_secret else "no unblock secret"
    sign = "!" if card.trouble else "✓"
    line = _line(sign, f"{name}\n  {expires}, {secret}")
    return line + _grave_below(card.trouble) if card.trouble else line


def _code(code: CodeLine, times: Times) -> Content:
    until = f"works until {times.clock(code.expires_at)}"
    if code.by_mail:
        return _line("•", f"By mail, {times.at(code.issued_at)}, {until}")
    line = _line(
        "•", f"By word of mouth, from {code.issued_by}, {times.at(code.issued_at)}, {until}"
    )
    if not code.waits_for_second:
        return line
    return line + _grave_below("Does not work yet: a second member of staff has to agree.")


def _line(sign: str, text: str) -> Content:
    return Content(f"{sign} {printable(text)}")


def _quiet(text: str) -> Content:
    return Content.assemble((printable(text), "$quiet"))


def _grave(text: str) -> Content:
    return Content.assemble((f"✗ {printable(text)}", "bold $alarm"))


def _grave_below(text: str) -> Content:
    return Content.assemble((f"\n  {printable(text)}", "bold $alarm"))


def _grouped(identifier: str) -> str:
    return " ".join(identifier[i : i + _GROUP] for i in range(0, len(identifier), _GROUP))
