"""Making the messages: codes, which are never queued, and notices, which hold no secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from kiosk.config.sections import ServiceSettings
from kiosk.dialogue import Purpose
from kiosk.errors import MailRefused
from kiosk.mail import words
from kiosk.mail.layout import as_html, as_text
from kiosk.mail.letter import Digits, Facts, Letter, Paragraph, in_groups
from kiosk.mail.staff_words import TO_STAFF
from kiosk.ports import Message
from kiosk.sensitive import Sensitive

TEMPLATES = frozenset(words.TO_HOLDERS | TO_STAFF)
"""The names of all notices."""


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

    ``proves_owner``: it goes to a known address, to show that its reader asks for a change.
    """
    subject = words.CODE_SUBJECTS.get(purpose, words.CODE_SUBJECT)
    intro = words.CODE_INTROS.get(purpose, words.CODE_INTRO)
    if proves_owner:
        subject, intro = words.OWNER_SUBJECT, words.OWNER_INTROS.get(purpose, words.OWNER_INTRO)
    not_you = words.CODE_NOT_YOU.format(call=words.call(service))
    if stop_number:
        not_you = words.stop(stop_number, service)
    life = words.ONE_MINUTE if minutes == 1 else words.CODE_LIFE.format(minutes=minutes)
    letter = Letter(
        subject,
        holder_name,
        (
            Paragraph(intro),
            Digits(words.CODE_LABEL, in_groups(code.reveal())),
            Paragraph(life),
            Paragraph(words.CODE_IS_YOURS),
            Paragraph(not_you),
        ),
    )
    return _message(to, letter, service, secret=True)


def compose_notice(
    *,
    to: str,
    template: str,
    params: Mapping[str, object],
    service: ServiceSettings,
    zone: tzinfo | None = None,
) -> Message:
    """Return the notice named ``template``; times are told in ``zone`` (default: this machine's).

    ``params`` may hold what ``words.FACTS`` names, times in ISO 8601 and UTC; one that is
    missing is not told. Raises ``MailRefused`` for a template that there is not: no retry
    will make one.
    """
    told = {name: _told(name, value, zone) for name, value in params.items() if value}
    if template in TO_STAFF:
        letter = _to_staff(TO_STAFF[template], told)
    elif template in words.TO_HOLDERS:
        letter = _to_holder(words.TO_HOLDERS[template], told, service)
    else:
        raise MailRefused(f"there is no notice named {template!r}")
    return _message(to, letter, service, secret=False)


def compose_report(
    *,
    to: str,
    told: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    service: ServiceSettings,
) -> Message:
    """Return a report as a letter to staff; ``told`` says what it counts, and from when to when.

    The first of ``columns`` names the rows, the others are counts.
    """
    facts = tuple((row[0], _counts(columns[1:], row[1:])) for row in rows)
    letter = Letter(words.REPORT, words.STAFF, (Paragraph(told), Facts(facts)))
    return _message(to, letter, service, secret=False)


def _counts(columns: Sequence[str], counts: Sequence[str]) -> str:
    return ", ".join(f"{count} {name.lower()}" for name, count in zip(columns, counts, strict=True))


def _to_holder(notice: words.Notice, told: Mapping[str, str], service: ServiceSettings) -> Letter:
    facts = _facts(told, without="holder_name")
    doubt = notice.doubt.format(call=words.call(service))
    if number := told.get(words.STOP_NUMBER):
        doubt = words.stop(number, service)
    return Letter(
        notice.subject,
        told.get("holder_name", words.HOLDER),
        (Paragraph(notice.told), *facts, Paragraph(notice.next), Paragraph(doubt)),
    )


def _to_staff(notice: words.Notice, told: Mapping[str, str]) -> Letter:
    return Letter(
        notice.subject,
        words.STAFF,
        (Paragraph(notice.told), *_facts(told), Paragraph(notice.next)),
    )


def _facts(told: Mapping[str, str], without: str = "") -> tuple[Facts, ...]:
    rows = tuple(
        (label, told[name])
        for name, label in words.FACTS.items()
        if name in told and name != without
    )
    return (Facts(rows),) if rows else ()


def _told(name: str, value: object, zone: tzinfo | None) -> str:
    text = " ".join(str(value).split())
    return _time(text, zone) if name in words.TIMES else text


def _time(iso: str, zone: tzinfo | None) -> str:
    """Tell a moment the way people do; a text that is no moment is told as it is."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    local = aware.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y at %H:%M %Z}"


def _message(to: str, letter: Letter, service: ServiceSettings, *, secret: bool) -> Message:
    subject = f"{letter.subject} - {service.trust}"
    text, html = as_text(letter, service), as_html(letter, service)
    return Message(to=to, subject=subject, text=text, html=html, secret=secret)
