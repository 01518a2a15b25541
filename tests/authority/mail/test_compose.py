"""The letters: what they say, what they never say, and that data stays data."""

from __future__ import annotations

import re
from datetime import timedelta, timezone
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.errors import NoticeUnknown
from kiosk.authority.mail import words
from kiosk.authority.mail.compose import Message, compose_code, compose_notice
from kiosk.authority.mail.staff_words import TO_STAFF
from kiosk.authority.mail.words import TO_HOLDERS
from kiosk.authority.notices import Notice
from kiosk.config.settings import ServiceSettings
from kiosk.contract.messages import NOT_ME, Purpose
from kiosk.contract.policy import FEWEST_CODE_DIGITS, MOST_CODE_DIGITS
from kiosk.contract.scans import scan_of
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import in_groups
from tests.authority.mail.samples import CODE, SCAN, SERVICE, code_mail
from tests.support.qr import read_qr

BST = timezone(timedelta(hours=1), "BST")
PARAMS: dict[str, object] = {
    "holder_name": "Jo Smith",
    "station": "Main entrance",
    "when": "2026-06-03T23:05:09+00:00",
    "reference": "7KQ4-9ZXM",
    "masked_email": "j•••@trust.nhs.uk",
}
NOTICES = {
    "registered": "unlock your smartcard yourself",
    "unlocked": "a new PIN was set",
    "saved-codes-made": "Codes that you had before no longer count",
    "saved-code-replaced": "was used to unlock your smartcard",
    "saved-codes-withdrawn": "has withdrawn the codes that you have on paper",
    "blocked": "tried too often to show that they are you",
    "misuse-reported": "codes are withdrawn",
    "misuse-stopped": "was told that something was not done by you",
    "misuse-reported-staff": "entered the number from a notice at a station",
    "blocked-staff": "before you lift the block",
    "attempts-paused": "No answers are taken with it for a while",
    "attempts-paused-staff": "known by name only",
    "email-change-waits": "It does not count yet",
    "card-not-genuine": "could not prove that it is the one that was issued",
    "failures-at-station": "trying smartcards that are not theirs",
    "answers-limited": "takes none with such cards for a while",
    "failures-of-person": "somebody else may have their smartcard",
    "station-silent": "nobody can be helped there",
    "mail-held-up": "what had waited is being sent",
    "row-altered": "does not have the key of the service",
    "audit-broken": "changed behind the service's back",
    "clocks-differ": "no station is served by that machine",
    "list-not-current": "a card that was revoked since is not in it",
    "email-changed-old": "now go to another address",
    "email-changed-new": "now come to this address",
    "questions-changed": "security questions and answers",
    "pin-changed": "changed at an unlock station",
    "pin-maybe-changed": "We do not know whether your smartcard has the new PIN",
    "block-lifted": "has lifted the block",
    "pause-lifted": "has ended this",
    "registration-revoked": "has deleted your registration",
    "email-corrected-old": "no longer come here",
    "email-corrected-new": "now come here",
    "address-added": "has added another address",
    "further-added": "added at an unlock station",
    "address-withdrawn": "withdrawn one of your addresses",
    "recorded-email-changed": "codes still go to the address that you registered",
    "leaver-marked": "noted that you have left",
    "leaver-taken-back": "here again",
    "change-stopped": "codes go to the old address",
    "card-added": "recorded another smartcard as yours",
    "card-replaced": "The one that it replaces is cancelled",
    "card-revoked": "cancelled a smartcard of yours",
    "card-expires": "expires soon",
    "secret-set": "Your PIN stays as it is",
    "card-key-set": "hold another key by which unlock stations recognise",
    "card-in-use-again": "which had expired, is in use again",
    "code-given": "cannot read their email",
    "first-code-given": "it unlocks your smartcard at a station",
}


class Reader(HTMLParser):
    """Collects the words and the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def notice(template: str, **params: object) -> Message:
    return compose_notice(
        to="jo@nhs.net", template=template, params=PARAMS | params, service=SERVICE, zone=BST
    )


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_code_says_what_it_must_in_both_parts(purpose: Purpose) -> None:
    message = compose_code(
        to="jo@nhs.net",
        purpose=purpose,
        holder_name="Jo Smith",
        code=Sensitive(CODE),
        minutes=15,
        service=SERVICE,
    )
    assert message.secret
    assert message.to == "jo@nhs.net"
    for part in (message.text, message.html):
        said = " ".join(Reader(part).words)
        assert "Hello Jo Smith," in said
        assert "7093 5218" in said
        assert "for 15 minutes" in said
        # An unlock code is taken again until the PIN is set; the others are used up by an entry.
        assert ("works once" in said) is (purpose is not Purpose.UNLOCK)
        assert ("enter the same code" in said) is (purpose is Purpose.UNLOCK)
        assert "Staff never ask for your code" in said
        assert SERVICE.ra_contact in said
        assert SERVICE.ra_hours in said
    assert not re.search(r"\d{3}", message.subject)


def test_a_code_is_not_in_a_repr() -> None:
    message = code_mail()
    assert "7093" not in repr(message)
    assert "jo.smith" not in repr(message)


@pytest.mark.parametrize("digits", range(FEWEST_CODE_DIGITS, MOST_CODE_DIGITS + 1))
def test_picture_of_a_code_is_read_by_a_decoder(digits: int) -> None:
    """It is one that somebody else wrote, and reads the picture as it is sent."""
    for number in range(20):
        scan = scan_of(Sensitive("9073521846"[:digits]), f"{number * 4999999:08d}")
        assert read_qr(code_mail(scan=scan).picture) == scan.reveal()


def test_text_that_stands_for_the_picture_does_not_have_the_code() -> None:
    message = code_mail()
    said = " ".join(Reader(message.html).words)
    assert said.count("7093 5218") == 1
    assert words.SCAN_HINT in said
    [alt] = re.findall(r'<img [^>]*alt="([^"]*)"', message.html)
    assert alt == words.SCAN_ALT
    assert SCAN not in message.html


def test_plain_text_of_a_code_is_the_same_with_a_picture() -> None:
    with_one, without = code_mail(), code_mail(scan=None)
    assert with_one.text == without.text
    assert with_one.subject == without.subject


@pytest.mark.parametrize(
    "message", [code_mail(scan=None), code_mail(shows_qr=False)], ids=["no scan", "switched off"]
)
def test_mail_without_a_qr_code_does_not_speak_of_one(message: Message) -> None:
    assert not message.picture
    assert "<img" not in message.html
    assert words.SCAN_HINT not in " ".join(Reader(message.html).words)


def test_life_of_one_minute_is_written_in_the_singular() -> None:
    message = compose_code(
        to="jo@nhs.net",
        purpose=Purpose.UNLOCK,
        holder_name="Jo",
        code=Sensitive(CODE),
        minutes=1,
        service=SERVICE,
    )
    assert "for one minute" in message.text


@pytest.mark.parametrize(
    ("digits", "grouped"),
    [
        ("123456", "123 456"),
        ("1234567", "1234 567"),
        ("12345678", "1234 5678"),
        ("123456789", "123 456 789"),
        ("1234567890", "12345 67890"),
        ("123456789012", "1234 5678 9012"),
    ],
)
def test_digits_are_grouped_for_reading(digits: str, grouped: str) -> None:
    assert in_groups(digits) == grouped


@pytest.mark.parametrize("template", sorted(TO_HOLDERS | TO_STAFF))
def test_notice_says_what_was_done_where_and_when(template: str) -> None:
    message = notice(template)
    assert not message.secret
    for part in (message.text, message.html):
        said = " ".join(Reader(part).words)
        assert NOTICES[template] in said
        assert "Thursday 4 June 2026 at 00:05 BST" in said
        assert "Main entrance" in said
        assert "7KQ4-9ZXM" in said
        assert "Jo Smith" in said
        if template in TO_HOLDERS:
            assert TO_HOLDERS[template].doubt in said
            assert SERVICE.ra_contact in said


def test_a_notice_to_staff_tells_the_facts_and_their_times() -> None:
    message = compose_notice(
        to="ra@nhs.net",
        template="mail-held-up",
        params={
            "since": "2026-06-03T23:05:09+00:00",
            "until": "2026-06-04T01:00:00+00:00",
            "failures": 21,
            "finding": "row 7 was changed",
            "holder_number": "900123456789",
        },
        service=SERVICE,
        zone=BST,
    )
    facts = message.text.split("\n\n")[2]
    assert facts.splitlines() == [
        "Number: 900123456789",
        "Failures: 21",
        "Finding: row 7 was changed",
        "Since: Thursday 4 June 2026 at 00:05 BST",
        "Until: Thursday 4 June 2026 at 02:00 BST",
    ]


def test_every_notice_is_known_here() -> None:
    assert NOTICES.keys() == TO_HOLDERS.keys() | TO_STAFF.keys()
    assert {notice.value for notice in Notice} <= NOTICES.keys()


@pytest.mark.parametrize(
    "template", ["registered", "unlocked", "pin-changed", "pin-maybe-changed", "questions-changed",
                 "email-changed-old", "email-change-waits", "attempts-paused"]
)  # fmt: skip
def test_a_notice_says_how_to_stop_what_it_tells_of(template: str) -> None:
    message = notice(template, stop_number="123456789012")
    for part in (message.text, message.html):
        said = " ".join(Reader(part).words)
        assert f'put your smartcard into any unlock station, choose "{NOT_ME}"' in said
        assert "enter 1234 5678 9012." in said
        assert "read the number out" in said
        assert "12345678" not in said
    assert "1234 5678 9012" not in message.subject
    assert "http" not in message.text


@pytest.mark.parametrize("template", ["misuse-reported", "misuse-stopped", "misuse-reported-staff"])
def test_a_stop_claims_no_block_of_somebody_who_is_not_registered(template: str) -> None:
    said = " ".join(notice(template).text.split())
    assert re.search(r"If (you|they) are registered, self-service is blocked", said)


def test_the_mail_of_a_block_names_no_station_as_a_blocked_card_can_do_nothing_there() -> None:
    message = notice("blocked", stop_number="123456789012")
    for part in (message.text, message.html):
        said = " ".join(Reader(part).words)
        assert "If this was not you: call the Registration Authority" in said
        assert "read the number 1234 5678 9012 out" in said
        assert NOT_ME not in said


def test_a_mail_with_a_code_says_how_to_stop_it() -> None:
    message = compose_code(
        to="jo@nhs.net", purpose=Purpose.UNLOCK, holder_name="Jo", code=Sensitive("70935218"),
        minutes=15, service=SERVICE, stop_number="123456789012",
    )  # fmt: skip
    assert "1234 5678 9012" in message.text
    assert "7093 5218" in message.text
    assert "1234 5678 9012" not in message.subject


def test_a_notice_without_its_parameters_still_goes_out() -> None:
    message = compose_notice(to="jo@nhs.net", template="unlocked", params={}, service=SERVICE)
    assert "Hello cardholder," in message.text
    assert "Station" not in message.text
    assert "Time" not in notice("unlocked", when=None).text
    assert "Time: yesterday" in notice("unlocked", when="yesterday").text


def test_a_notice_that_there_is_not_is_named() -> None:
    with pytest.raises(NoticeUnknown, match="no notice named 'lunch'"):
        notice("lunch")


def test_data_never_becomes_markup() -> None:
    nasty = '<script>alert("x")</script>&{0}{holder}%s'
    service = ServiceSettings(name=nasty, trust=nasty, ra_contact=nasty, ra_hours=nasty)
    usual = Reader(notice("unlocked").html).tags | Reader(code_mail().html).tags
    for message in (
        compose_notice(
            to="jo@nhs.net",
            template="unlocked",
            params=PARAMS | {"holder_name": nasty, "station": nasty, "reference": nasty},
            service=service,
        ),
        code_mail(service=service),
    ):
        assert Reader(message.html).tags <= usual
        assert "&lt;script&gt;" in message.html
        assert nasty in message.text.replace("\n", " ")


@given(st.text(max_size=40))
def test_no_name_breaks_a_line_of_a_letter(name: str) -> None:
    plain = notice("unlocked").text
    said = notice("unlocked", holder_name=name or "x", station=name or "x").text
    assert said.count("\n\n") == plain.count("\n\n")
    assert "\r" not in said


def test_text_lines_are_short_and_html_needs_nothing_from_outside() -> None:
    for template in TO_HOLDERS | TO_STAFF:
        message = notice(template)
        assert max(map(len, message.text.splitlines())) <= 72
        assert not re.search(r"<(img|link|script|style|table)|http|url\(", message.html)
        assert "background" not in message.html
        assert "color-scheme" in message.html
