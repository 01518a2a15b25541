"""Messages, and the port that sends them: codes are never queued, notices hold no secret."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from html import escape
from io import BytesIO
from typing import Protocol

import segno
from segno import QRCode

from kiosk.authority.errors import NoticeUnknown
from kiosk.authority.mail import staff_words, words
from kiosk.config.settings import ServiceSettings
from kiosk.contract.language import (
    ENGLISH,
    MONTHS,
    WEEKDAYS,
    Language,
    Text,
    is_from_the_right,
    spoken,
)
from kiosk.contract.messages import NOT_ME, Purpose
from kiosk.contract.policy import is_number
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import in_groups

PICTURE = "code.png"


@dataclass(frozen=True, slots=True)
class Message:
    """One mail; ``text`` and ``html`` have the same content. ``secret``: it is never queued.

    ``picture`` is a PNG that the HTML shows as ``cid:`` and ``PICTURE``; empty for none. ``tag`` is
    what its return path has of it; empty where nobody wants to know that it came back. A text
    message, which goes to a number, has ``text`` alone.
    """

    to: str
    subject: str
    text: str
    html: str
    secret: bool = False
    picture: bytes = b""
    tag: str = ""

    def __repr__(self) -> str:
        return f"Message(to=…, subject={self.subject!r})"


class Mailer(Protocol):
    """Hands one message to the relay, or to the gateway of text messages."""

    def send(self, message: Message) -> None:
        """Return when it was accepted; raise a ``MailError`` otherwise."""

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
<html lang="{language}"{direction}>
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
<strong dir="ltr" style="font-family:Consolas,Menlo,monospace;font-size:32px;letter-spacing:2px;\
white-space:nowrap">{grouped}</strong>{scan}
</div>"""
_SCAN = """\
<br><img src="cid:{picture}" width="{side}" height="{side}" alt="{alt}" \
style="margin:12px 0 4px"><br>
<span style="font-size:15px">{hint}</span>"""
_SCALE, _BORDER = 6, 4
"""Pixels of a module, and the modules of the quiet zone (ISO/IEC 18004, 5.3.8)."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a letter, with the same content as text and as HTML."""

    text: str = field(repr=False)
    html: str = field(repr=False)


def _paragraph(text: str) -> Block:
    return Block(_wrapped(text), _PARAGRAPH.format(escape(text)))


def _qr_code(scan: Sensitive) -> QRCode:
    return segno.make(scan.reveal(), error="m", micro=False, boost_error=False)


def _digits(label: str, digits: str, accent: str, language: Language, scan: str = "") -> Block:
    """Show a code, large; ``label`` says what it is, ``scan`` is the HTML of its picture."""
    unbroken = escape(in_groups(digits)).replace(" ", "&nbsp;")
    html = _DIGITS.format(accent=escape(accent), label=escape(label), grouped=unbroken, scan=scan)
    return Block(f"{label}:\n\n    {_grouped(digits, language)}", html)


def _grouped(digits: str, language: Language) -> str:
    """Write digits in groups, whose order letters around that run from right to left would turn."""
    grouped = in_groups(digits)
    return f"\u2066{grouped}\u2069" if is_from_the_right(language) else grouped


def _list(rows: Sequence[tuple[str, str]]) -> Block:
    lines = [f"{escape(name)}: <strong>{escape(value)}</strong>" for name, value in rows]
    text = "\n".join(f"{name}: {value}" for name, value in rows)
    return Block(text, _PARAGRAPH.format("<br>\n".join(lines)))


def _letter(
    to: str,
    subject: str,
    greeting: str,
    blocks: Sequence[Block],
    service: ServiceSettings,
    language: Language,
    *,
    secret: bool,
) -> Message:
    """Lay out a letter; ``service`` is in ``language``, too.

    Lines of the text have at most 72 characters, and an empty line is between its blocks.
    """
    blocks = (_paragraph(greeting), *blocks)
    ask = _with_contact(words.HELP, service, language)
    sent_by = words.SENT_BY.in_language(language, service=service.name, trust=service.trust)
    parts = [*(block.text for block in blocks), "-- \n" + _wrapped(ask), _wrapped(sent_by)]
    html = _PAGE.format(
        language=escape(spoken(language)),
        direction=' dir="rtl"' if is_from_the_right(language) else "",
        subject=escape(subject),
        accent=escape(service.accent),
        service=escape(service.name),
        trust=escape(service.trust),
        body="\n".join(block.html for block in blocks),
        help=escape(ask),
        sent_by=escape(sent_by),
    )
    # A line break in a translation would end the header.
    subject = " ".join(f"{subject} - {service.trust}".split())
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
    language: Language | None = None,
    proves_owner: bool = False,
    stop_number: str = "",
    scan: Sensitive | None = None,
    shows_qr: bool = True,
) -> Message:
    """Return the message that carries ``code`` to its holder; it is marked secret.

    ``scan`` are the digits of the QR code, which the HTML shows besides where ``shows_qr``.

    ``language`` None is that of the service. ``proves_owner``: it goes to a recorded address, to
    show that its reader wants the change. To a number goes a text message, which has code and life
    alone.
    """
    language = language or service.language
    service = service.in_language(language)
    if is_number(to):
        said = {"code": _grouped(code.reveal(), language), "service": service.name}
        text = words.TEXT_CODE.in_language(language, minutes, **said)
        return Message(to, "", text, "", secret=True)
    subject = words.CODE_SUBJECTS.get(purpose, words.CODE_SUBJECT)
    intro = words.CODE_INTROS.get(purpose, words.CODE_INTRO)
    if proves_owner:
        subject, intro = words.OWNER_SUBJECT, words.OWNER_INTROS.get(purpose, words.OWNER_INTRO)
    if stop_number:
        not_you = _stop(words.STOP, stop_number, service, language)
    else:
        not_you = _call(words.CODE_NOT_YOU, service, language)
    unlocks = purpose is Purpose.UNLOCK and not proves_owner
    life = words.UNLOCK_CODE_LIFE if unlocks else words.CODE_LIFE
    label = words.CODE_LABEL.in_language(language)
    shown, picture = "", BytesIO()
    if scan is not None and shows_qr:
        qr_code = _qr_code(scan)
        qr_code.save(picture, kind="png", scale=_SCALE, border=_BORDER)
        side = qr_code.symbol_size(_SCALE, _BORDER)[0]
        alt, hint = (escape(one.in_language(language)) for one in (words.SCAN_ALT, words.SCAN_HINT))
        shown = _SCAN.format(picture=PICTURE, side=side, alt=alt, hint=hint)
    blocks = (
        _paragraph(intro.in_language(language)),
        _digits(label, code.reveal(), service.accent, language, shown),
        _paragraph(life.in_language(language, minutes)),
        _paragraph(words.CODE_IS_YOURS.in_language(language)),
        _paragraph(not_you),
    )
    subject_line, greeting = subject.in_language(language), _greeting(holder_name, language)
    letter = _letter(to, subject_line, greeting, blocks, service, language, secret=True)
    return replace(letter, picture=picture.getvalue())


def compose_notice(
    *,
    to: str,
    template: str,
    params: Mapping[str, object],
    service: ServiceSettings,
    language: Language | None = None,
    zone: tzinfo | None = None,
) -> Message:
    """Return the notice ``template`` with times in ``zone`` (default: this machine's).

    ``language`` None is that of the service; notices to staff are in English. ``params`` may hold
    the names in ``words.FACTS``, times in ISO 8601 and UTC; a missing one is left out. Raises
    ``NoticeUnknown``.
    """
    if for_staff := staff_words.TO_STAFF.get(template):
        shown = _all_shown(params, ENGLISH, zone)
        paragraphs = _paragraph(for_staff.opening), *_facts(shown, ENGLISH)
        blocks = (*paragraphs, _paragraph(for_staff.next))
        return _staff_letter(to, for_staff.subject, blocks, service)
    notice = words.TO_HOLDERS.get(template)
    if notice is None:
        raise NoticeUnknown(f"this version has no notice named {template!r}")
    language = language or service.language
    service = service.in_language(language)
    shown = _all_shown(params, language, zone)
    if is_number(to):
        return Message(to, "", _text_notice(notice, shown, service, language), "")
    if number := shown.get(words.STOP_NUMBER):
        doubt = _stop(notice.stop, number, service, language)
    else:
        doubt = _call(notice.doubt, service, language)
    blocks = (
        _paragraph(notice.opening.in_language(language)),
        *_facts(shown, language, without="holder_name"),
        _paragraph(notice.next.in_language(language)),
        _paragraph(doubt),
    )
    greeting = _greeting(shown.get("holder_name", ""), language)
    subject = notice.subject.in_language(language)
    return _letter(to, subject, greeting, blocks, service, language, secret=False)


def _text_notice(
    notice: words.NoticeWords,
    shown: Mapping[str, str],
    service: ServiceSettings,
    language: Language,
) -> str:
    """Return a notice in two segments of a text message; the time is the telephone's to show."""
    said = words.TEXT_NOTICE.in_language(
        language,
        service=service.name,
        subject=notice.subject,
        reference=shown.get("reference", ""),
    )
    doubt = words.TEXT_CALL
    if number := shown.get(words.STOP_NUMBER):
        doubt = words.TEXT_STOP if notice.stop is words.STOP else words.TEXT_STOP_BY_CALL
    number = _grouped(number, language) if number else ""
    more = doubt.in_language(language, contact=service.ra_contact, number=number, choice=NOT_ME)
    return f"{said} {more}"


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
    return _staff_letter(to, staff_words.REPORT, blocks, service)


def _staff_letter(
    to: str, subject: str, blocks: Sequence[Block], service: ServiceSettings
) -> Message:
    service = service.in_language(ENGLISH)
    greeting = staff_words.GREETING
    return _letter(to, subject, greeting, blocks, service, ENGLISH, secret=False)


def _greeting(name: str, language: Language) -> str:
    if not name:
        return words.GREETING_WITHOUT_NAME.in_language(language)
    return words.GREETING.in_language(language, name=name)


def _facts(shown: Mapping[str, str], language: Language, without: str = "") -> tuple[Block, ...]:
    rows = tuple(
        (label.in_language(language), shown[name])
        for name, label in words.FACTS.items()
        if name in shown and name != without
    )
    return (_list(rows),) if rows else ()


def _all_shown(
    params: Mapping[str, object], language: Language, zone: tzinfo | None
) -> dict[str, str]:
    return {name: _shown(name, value, language, zone) for name, value in params.items() if value}


def _shown(name: str, value: object, language: Language, zone: tzinfo | None) -> str:
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
    return words.WHEN.in_language(
        language,
        weekday=WEEKDAYS[local.weekday()],
        day=local.day,
        month=MONTHS[local.month - 1],
        year=local.year,
        time=f"{local:%H:%M}",
        zone=f"{local:%Z}",
    )


def _with_contact(
    sentence: Text, service: ServiceSettings, language: Language, **named: object
) -> str:
    contact = {"contact": service.ra_contact, "hours": service.ra_hours}
    return sentence.in_language(language, **contact, **named)


def _call(doubt: Text, service: ServiceSettings, language: Language) -> str:
    return f"{doubt.in_language(language)} {_with_contact(words.CALL, service, language)}"


def _stop(sentence: Text, number: str, service: ServiceSettings, language: Language) -> str:
    named = {"number": _grouped(number, language), "choice": NOT_ME}
    return _with_contact(sentence, service, language, **named)
