"""Mails by translations that are wrong, and in a language that is written from right to left."""

from __future__ import annotations

import re
from pathlib import Path

from kiosk.authority.mail import words
from kiosk.authority.mail.compose import Message, compose_code, compose_notice
from kiosk.config.settings import ServiceSettings
from kiosk.contract.messages import Purpose
from kiosk.contract.sensitive import Sensitive
from tests.support import catalogues
from tests.support.catalogues import PSEUDO

STOP_NUMBER = "123456789012"
PARAMS = {"holder_name": "Jo Smith", "stop_number": STOP_NUMBER}
UNLOCKED = words.TO_HOLDERS["unlocked"]


def english(text: str) -> str:
    return str.__str__(text)


def notice(tag: str) -> Message:
    return compose_notice(
        to="jo@trust.example",
        template="unlocked",
        params=PARAMS,
        service=ServiceSettings(),
        language=tag,
    )


def code(tag: str) -> Message:
    return compose_code(
        to="jo@trust.example",
        purpose=Purpose.UNLOCK,
        holder_name="Jo Smith",
        code=Sensitive("12345678"),
        minutes=10,
        service=ServiceSettings(),
        language=tag,
        stop_number=STOP_NUMBER,
    )


def test_number_that_a_translation_leaves_out_is_in_the_mail(tmp_path: Path) -> None:
    said: dict[catalogues.Said, catalogues.Said] = {
        english(words.STOP): "Ffoniwch {contact}.",
        english(words.GREETING): "Helo {enw},",
    }
    with catalogues.translated(tmp_path, said):
        mail = notice(PSEUDO)
    assert "1234 5678 9012" in " ".join(mail.text.split())
    assert mail.text.startswith("Hello Jo Smith,")


def test_subject_of_several_lines_is_one_line(tmp_path: Path) -> None:
    """The relay would not get the mail: a line break ends a header."""
    wrong = "Eich cerdyn\nBcc: thief@elsewhere.example\u2028\r\n\r\nx"
    with catalogues.translated(tmp_path, {english(UNLOCKED.subject): wrong}):
        mail = notice(PSEUDO)
    assert mail.subject.splitlines() == [mail.subject]
    assert mail.subject.startswith("Eich cerdyn Bcc: thief@elsewhere.example x - ")


ARABIC: dict[catalogues.Said, catalogues.Said] = {
    english(words.GREETING): "مرحبا {name}،",
    english(words.STOP): "إن لم تكن أنت: {choice} {number} {contact} {hours}.",
    english(words.CODE_LABEL): "رمزك",
}


def test_mail_that_is_read_from_right_to_left_says_so(tmp_path: Path) -> None:
    with catalogues.translated(tmp_path, ARABIC, "ar"):
        assert '<html lang="ar-EG" dir="rtl">' in code("ar-EG").html
        assert 'dir="rtl"' not in notice("en").html


def test_groups_of_digits_stay_in_their_order_from_right_to_left(tmp_path: Path) -> None:
    """Two runs of digits with a space between them are drawn in the order of the letters around."""
    with catalogues.translated(tmp_path, ARABIC, "ar"):
        for mail in (code("ar"), notice("ar")):
            for part in (mail.text, mail.html):
                whole = " ".join(part.split())
                assert "\u20661234 5678 9012\u2069" in whole
        text, html = code("ar").text, code("ar").html
    assert "\u20661234 5678\u2069" in text
    assert re.search(r'<strong dir="ltr"[^>]*>1234&nbsp;5678</strong>', html)
