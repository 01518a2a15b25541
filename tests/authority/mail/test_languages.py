"""Every mail to a holder in another language: no sentence of it is left in English.

The language is the pseudo-language of ``tests.support.catalogues``, and what is data is written in
Cyrillic letters. So two Latin letters in a row without accents are a sentence that was not looked
up. Mails to staff are in English, as their pages are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from kiosk.authority.mail import compose, staff_words, words
from kiosk.authority.mail.compose import Message, compose_code, compose_notice, compose_report
from kiosk.config.settings import ServiceSettings
from kiosk.contract import language
from kiosk.contract.language import ENGLISH
from kiosk.contract.messages import Purpose
from kiosk.contract.sensitive import Sensitive
from tests.support import catalogues
from tests.support.catalogues import PSEUDO, as_data, is_english

SERVICE = ServiceSettings(
    name=as_data("Smartcard self-service"),
    trust=as_data("Wexbridge Hospitals Trust"),
    ra_contact=as_data("Registration Authority, extension 4400"),
    ra_hours=as_data("Monday to Friday"),
)
ZONE = timezone(timedelta(hours=1), "+01")
PARAMS = {
    "holder_name": as_data("Jo Smith"),
    "station": as_data("Main entrance"),
    "when": "2026-06-03T23:05:09+00:00",
    "reference": as_data("7KQ4-9ZXM"),
    "masked_email": as_data("j•••@trust.nhs.uk"),
}
STOP_NUMBER = "123456789012"


@pytest.fixture(scope="module", autouse=True)
def pseudo_language(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with catalogues.installed(tmp_path_factory.mktemp("locale")):
        yield


class _Read(HTMLParser):
    """All that is read of a page: its texts, and what stands for a picture or says what it is."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.language: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        read = dict(attrs)
        if tag == "html":
            self.language = read["lang"]
        self.said += [read[name] or "" for name in ("alt", "title", "aria-label") if name in read]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def _english(message: Message) -> list[str]:
    page = _Read(message.html)
    assert page.language == PSEUDO
    every = (message.subject, *message.text.splitlines(), *page.said)
    return [text for text in every if is_english(text)]


def _notice(template: str, tag: str | None = PSEUDO, **params: str) -> Message:
    return compose_notice(
        to="jo@nhs.net",
        template=template,
        params=PARAMS | params,
        service=SERVICE,
        language=tag,
        zone=ZONE,
    )


@pytest.mark.parametrize("template", words.TO_HOLDERS)
def test_no_sentence_of_a_notice_stays_english(template: str) -> None:
    assert not _english(_notice(template))
    assert not _english(_notice(template, holder_name="", stop_number=STOP_NUMBER))


@pytest.mark.parametrize("proves_owner", [False, True], ids=["own", "owner"])
@pytest.mark.parametrize("purpose", Purpose)
def test_no_sentence_of_a_mail_with_a_code_stays_english(
    purpose: Purpose, proves_owner: bool
) -> None:
    for minutes, stop_number in ((1, ""), (15, STOP_NUMBER)):
        message = compose_code(
            to="jo@nhs.net",
            purpose=purpose,
            holder_name=PARAMS["holder_name"],
            code=Sensitive("70935218"),
            minutes=minutes,
            service=SERVICE,
            language=PSEUDO,
            proves_owner=proves_owner,
            stop_number=stop_number,
        )
        assert not _english(message)


def test_language_of_a_display_changes_no_mail() -> None:
    """In the demo the authority is in the process of a station."""
    before = _notice("unlocked", ENGLISH), _notice("unlocked")
    language.show_in(PSEUDO)
    try:
        assert (_notice("unlocked", ENGLISH), _notice("unlocked")) == before
    finally:
        language.show_in(ENGLISH)


def test_mail_of_a_language_that_is_not_installed_is_english_and_says_so() -> None:
    welsh, english = _notice("unlocked", "cy"), _notice("unlocked", ENGLISH)
    assert welsh == english
    assert '<html lang="en">' in english.html


def test_mail_without_a_language_has_that_of_the_service() -> None:
    service = replace(SERVICE, language=PSEUDO)
    message = compose_notice(
        to="jo@nhs.net", template="unlocked", params=PARAMS, service=service, zone=ZONE
    )
    assert message == _notice("unlocked")


def test_service_says_its_name_and_contact_in_the_language_of_the_mail() -> None:
    welsh = {"name": "Hunanwasanaeth", "ra_hours": "Llun i Gwener"}
    service = replace(SERVICE, texts={"cy": welsh})
    in_welsh, in_english = (
        compose_notice(
            to="jo@nhs.net", template="unlocked", params=PARAMS, service=service, language=tag
        )
        for tag in ("cy-GB", ENGLISH)
    )
    for part in (in_welsh.text, in_welsh.html):
        assert "Hunanwasanaeth" in part
        assert "(Llun i Gwener)" in " ".join(part.split())
        assert SERVICE.ra_contact in " ".join(part.split())  # there is none in Welsh
    assert "Hunanwasanaeth" not in in_english.text


def _staff_mails(service: ServiceSettings) -> Iterator[Message]:
    for template in staff_words.TO_STAFF:
        yield compose_notice(
            to="ra@nhs.net",
            template=template,
            params=PARAMS,
            service=service,
            language=service.language,
            zone=ZONE,
        )
    yield compose_report(
        to="ra@nhs.net",
        opening="By day.",
        columns=("Day", "Unlocks"),
        rows=[("1 June", "3")],
        service=service,
    )


_OF_STAFF = {"kinds of mail": 14, "sentences": 43}
"""What stays English: alarms and the report."""


def test_mails_to_staff_stay_english_whatever_the_language_of_the_service() -> None:
    mails = list(_staff_mails(replace(SERVICE, language=PSEUDO)))
    assert mails == list(_staff_mails(SERVICE))
    texts = catalogues.literals(Path(staff_words.__file__))
    sentences = [text for _line, text in texts if " " in text]
    assert {"kinds of mail": len(mails), "sentences": len(sentences)} == _OF_STAFF
    assert not catalogues.extracted().intersection(sentences)


_MADE_OF = re.compile(r"<[^>]*>|\{[^}]*\}|&[a-z]+;|^ [a-z]+=\"[a-z]+\"$")


def test_every_literal_of_the_mails_to_holders_is_a_sentence_that_is_extracted() -> None:
    extracted = catalogues.extracted()
    for module in (words, compose):
        file = Path(str(module.__file__))
        never_read = _never_read(file)
        for line, text in catalogues.literals(file):
            is_name = text.isidentifier() or text in (*words.TO_HOLDERS, compose.PICTURE)
            is_said = is_english(_MADE_OF.sub("", text)) and not is_name
            if is_said and line not in never_read:
                assert text in extracted, f"{file.name}:{line}: {text!r}"


def _never_read(file: Path) -> set[int]:
    """Return the lines of errors, which the log gets, and of what a ``repr`` says."""
    lines = set[int]()
    for node in ast.walk(ast.parse(file.read_text())):
        is_repr = isinstance(node, ast.FunctionDef) and node.name == "__repr__"
        if isinstance(node, ast.stmt) and (isinstance(node, ast.Raise) or is_repr):
            assert node.end_lineno is not None
            lines.update(range(node.lineno, node.end_lineno + 1))
    return lines
