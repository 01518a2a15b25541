"""Messages, and the port that sends them: codes are never queued, notices hold no secret."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from html import escape
from typing import Protocol

from kiosk.authority.errors import NoticeUnknown
from kiosk.authority.mail import words
from kiosk.authority.wording import counted
from kiosk.config.settings import ServiceSettings
from kiosk.contract.messages import Purpose
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import in_groups


@dataclass(frozen=True, slots=True)
class Message:
    """One mail; ``text`` and ``html`` have the same content. ``secret``: it is never queued."""

    to: str
    subject: str
    text: str
    html: str
    secret: bool = False

    def __repr__(self) -> str:
        return f"Message(to=…, subject={self.subject!r})"


class Mailer(Protocol):
    """Hands one message to the relay."""

    def send(self, message: Message) -> None:
        """Return when the relay accepted it; raise a ``MailError`` otherwise."""

    def check(self) -> None:
        """Connect, verify and log in without sending; raise a ``MailError`` otherwise."""


# The layout of a letter: as plain text, and as HTML that needs no picture and no style sheet.
#
# The words are plain values without a template language, so a name from a people file can never
# become markup or an instruction: everything that comes from data is escaped here. The HTML sets no
# background and no text colour, so that a mail reader's dark mode stays legible; the accent only
# draws lines.

WIDTH = 72

_PAGE = """\
<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no">
<title>{subject}</title>
</head>
<body style="margin:0;padding:16px;font-family:Arial,Helvetica,sans-serif;\
font-size:17px;line-height:1.5">
<div style="max-width:34em;margin:0 auto">
<div style="border-bottom:4px solid {accent};padding-bottom:8px;margin-bottom:20px">
<strong>{service}</strong><br>{trust}
</div>
{body}
<div style="border-top:1px solid {accent};padding-top:12px;margin-top:24px;font-size:15px">
{help}<br>{sent_by}
</div>
</div>
</body>
</html>
"""
_PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
_DIGITS = """\
<div style="border:2px solid {accent};border-radius:6px;padding:12px 16px;margin:0 0 16px">
{label}<br>
<strong style="font-family:Consolas,Menlo,monospace;font-size:32px;letter-spacing:2px;\
white-space:nowrap">{grouped}</strong>
</div>"""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a letter, with the same content as text and as HTML."""

    text: str = field(repr=False)
    html: str = field(repr=False)


def _paragraph(text: str) -> Block:
    return Block(_wrapped(text), _PARAGRAPH.format(escape(text)))


def _digits(label: str, grouped: str, accent: str) -> Block:
    """Show a code, large; ``label`` says what it is."""
    unbroken = escape(grouped).replace(" ", "&nbsp;")
    html = _DIGITS.format(accent=escape(accent), label=escape(label), grouped=unbroken)
    return Block(f"{label}:\n\n    {grouped}", html)


def _list(rows: Sequence[tuple[str, str]]) -> Block:
    lines = [f"{escape(name)}: <strong>{escape(value)}</strong>" for name, value in rows]
    text = "\n".join(f"{name}: {value}" for name, value in rows)
    return Block(text, _PARAGRAPH.format("<br>\n".join(lines)))


def _letter(
    to: str,
    subject: str,
    reader: str,
    blocks: Sequence[Block],
    service: ServiceSettings,
    *,
    secret: bool,
) -> Message:
    """Lay out a letter to ``reader``, the name in the salutation.

    Lines of the text have at most 72 characters, and an empty line is between its blocks.
    """
    blocks = (_paragraph(words.GREETING.format(reader=reader)), *blocks)
    ask = words.HELP.format(contact=service.ra_contact, hours=service.ra_hours)
    sent_by = words.SENT_BY.format(service=service.name, trust=service.trust)
    parts = [*(block.text for block in blocks), "-- \n" + _wrapped(ask), _wrapped(sent_by)]
    html = _PAGE.format(
        subject=escape(subject),
        accent=escape(service.accent),
        service=escape(service.name),
        trust=escape(service.trust),
        body="\n".join(block.html for block in blocks),
        help=escape(ask),
        sent_by=escape(sent_by),
    )
    subject = f"{subject} - {service.trust}"
    return Message(to, subject, "\n\n".join(parts) + "\n", html, secret)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def compose_code(
    *,
    to: str,
    purpose: Purpose,
    holder_name: str,
    code: Sensitive,
    minutes: int,
    service: ServiceSettings,
    proves_owner: bool = False,
    stop_number: str = "",
) -> Message:
    """Return the message that carries ``code`` to its holder; it is marked secret.

    ``proves_owner``: it goes to a recorded address, to show that its reader wants the change.
    """
    subject = words.CODE_SUBJECTS.get(purpose, words.CODE_SUBJECT)
    intro = words.CODE_INTROS.get(purpose, words.CODE_INTRO)
    if proves_owner:
        subject, intro = words.OWNER_SUBJECT, words.OWNER_INTROS.get(purpose, words.OWNER_INTRO)
    not_you = words.CODE_NOT_YOU.format(call=_call(service))
    if stop_number:
        not_you = _stop(stop_number, service)
    unlocks = purpose is Purpose.UNLOCK and not proves_owner
    life = words.UNLOCK_CODE_LIFE if unlocks else words.CODE_LIFE
    blocks = (
        _paragraph(intro),
        _digits(words.CODE_LABEL, in_groups(code.reveal()), service.accent),
        _paragraph(life.format(minutes=counted(minutes, "minute"))),
        _paragraph(words.CODE_IS_YOURS),
        _paragraph(not_you),
    )
    return _letter(to, subject, holder_name, blocks, service, secret=True)


def compose_notice(
    *,
    to: str,
    template: str,
    params: Mapping[str, object],
    service: ServiceSettings,
    zone: tzinfo | None = None,
) -> Message:
    """Return the notice ``template`` with times in ``zone`` (default: this machine's).

    ``params`` may hold the names in ``words.FACTS``, times in ISO 8601 and UTC; a missing one is
    left out. Raises ``NoticeUnknown``.
    """
    shown = {name: _shown(name, value, zone) for name, value in params.items() if value}
    if notice := words.TO_STAFF.get(template):
        reader, facts, doubts = words.STAFF, _facts(shown), []
    elif notice := words.TO_HOLDERS.get(template):
        reader = shown.get("holder_name", words.HOLDER)
        facts = _facts(shown, without="holder_name")
        doubt = notice.doubt.format(call=_call(service))
        if number := shown.get(words.STOP_NUMBER):
            doubt = _stop(number, service, notice.stop)
        doubts = [_paragraph(doubt)]
    else:
        raise NoticeUnknown(f"this version has no notice named {template!r}")
    blocks = (_paragraph(notice.opening), *facts, _paragraph(notice.next), *doubts)
    return _letter(to, notice.subject, reader, blocks, service, secret=False)


def compose_report(
    *,
    to: str,
    opening: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    service: ServiceSettings,
) -> Message:
    """Return a report as a letter to staff; ``opening`` describes the counts and their period.

    The first of ``columns`` names the rows, the others are counts.
    """
    facts = tuple(
        (
            first,
            ", ".join(f"{n} {name.lower()}" for n, name in zip(counts, columns[1:], strict=True)),
        )
        for first, *counts in rows
    )
    blocks = _paragraph(opening), _list(facts)
    return _letter(to, words.REPORT, words.STAFF, blocks, service, secret=False)


def _facts(shown: Mapping[str, str], without: str = "") -> tuple[Block, ...]:
    rows = tuple(
        (label, shown[name])
        for name, label in words.FACTS.items()
        if name in shown and name != without
    )
    return (_list(rows),) if rows else ()


def _shown(name: str, value: object, zone: tzinfo | None) -> str:
    """Format a time for people; any other text keeps its words."""
    text = " ".join(str(value).split())
    if name not in words.TIMES:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    local = aware.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y at %H:%M %Z}"


def _call(service: ServiceSettings) -> str:
    return words.CALL.format(contact=service.ra_contact, hours=service.ra_hours)


def _stop(number: str, service: ServiceSettings, text: str = words.STOP) -> str:
    return text.format(number=in_groups(number), contact=service.ra_contact, hours=service.ra_hours)
