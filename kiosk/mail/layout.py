"""Laying a letter out: as plain text, and as HTML that needs no picture and no style sheet.

The HTML sets no background and no text colour, so that a mail reader's dark mode stays
legible; the accent only draws lines. Everything that comes from data is escaped here.
"""

from __future__ import annotations

import textwrap
from html import escape
from typing import assert_never

from kiosk.config.sections import ServiceSettings
from kiosk.mail import words
from kiosk.mail.letter import Block, Digits, Facts, Letter, Paragraph

_WIDTH = 72

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
_PARAGRAPH = '<p style="margin:0 0 16px">{text}</p>'
_DIGITS = """\
<div style="border:2px solid {accent};border-radius:6px;padding:12px 16px;margin:0 0 16px">
{label}<br>
<strong style="font-family:Consolas,Menlo,monospace;font-size:32px;letter-spacing:2px;\
white-space:nowrap">{grouped}</strong>
</div>"""
_FACTS = '<p style="margin:0 0 16px">{rows}</p>'
_FACT = "{name}: <strong>{value}</strong>"


def as_text(letter: Letter, service: ServiceSettings) -> str:
    """Return the text part: lines of at most 72 characters, blocks apart by an empty line."""
    parts = [
        _wrapped(words.GREETING.format(reader=letter.reader)),
        *(_text_block(block) for block in letter.blocks),
        "-- \n" + _wrapped(words.help_line(service)),
        _wrapped(words.sent_by(service)),
    ]
    return "\n\n".join(parts) + "\n"


def as_html(letter: Letter, service: ServiceSettings) -> str:
    """Return the HTML part; it says the same."""
    greeting = Paragraph(words.GREETING.format(reader=letter.reader))
    return _PAGE.format(
        subject=escape(letter.subject),
        accent=escape(service.accent),
        service=escape(service.name),
        trust=escape(service.trust),
        body="\n".join(_html_block(b, service.accent) for b in (greeting, *letter.blocks)),
        help=escape(words.help_line(service)),
        sent_by=escape(words.sent_by(service)),
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _text_block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _wrapped(text)
        case Digits(label, grouped):
            return f"{label}:\n\n    {grouped}"
        case Facts(rows):
            return "\n".join(f"{name}: {value}" for name, value in rows)
        case _:
            assert_never(block)


def _html_block(block: Block, accent: str) -> str:
    match block:
        case Paragraph(text):
            return _PARAGRAPH.format(text=escape(text))
        case Digits(label, grouped):
            unbroken = escape(grouped).replace(" ", "&nbsp;")
            return _DIGITS.format(accent=escape(accent), label=escape(label), grouped=unbroken)
        case Facts(rows):
            lines = [_FACT.format(name=escape(name), value=escape(value)) for name, value in rows]
            return _FACTS.format(rows="<br>\n".join(lines))
        case _:
            assert_never(block)
