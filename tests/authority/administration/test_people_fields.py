"""Cells of a file of people: what is taken, and reasons that help."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from msgspec import structs

from kiosk.authority.administration.people_file import PersonRecord, Problem, read_person
from kiosk.authority.records import PinPolicy
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import ReaderCard

GUID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
CELLS = {
    "holder_number": "900000000001",
    "name": "Jo Smith",
    "email": "jo@trust.nhs.uk",
    "card_id": GUID,
    "unblock_secret": "48271593",
}
SPREADSHEET = "a spreadsheet has changed it"


def read(digits: int = 12, **cells: str) -> tuple[PersonRecord | None, list[str]]:
    given, problems = CELLS | cells, list[Problem]()
    person = read_person(7, list(given.values()), tuple(given), digits, problems)
    assert all(line == 7 for line, _ in problems)
    return person, [reason for _, reason in problems]


def good(digits: int = 12, **cells: str) -> PersonRecord:
    person, reasons = read(digits, **cells)
    assert reasons == []
    assert person is not None
    return person


def test_a_good_line_is_read() -> None:
    person = good()
    assert (person.line, person.number, person.name) == (7, "900000000001", "Jo Smith")
    assert person.card == CardId("piv", GUID)
    assert person.secret is not None
    assert person.secret.reveal() == "48271593"
    assert "48271593" not in repr(person)


def test_what_may_be_left_empty() -> None:
    person = good(email="", card_id="", unblock_secret="")
    assert (person.email, person.card, person.secret) == (None, None, None)
    assert good(unblock_secret="").secret is None
    assert (good().expires_at, good().secret_limit) == (None, None)


def test_what_is_tidied() -> None:
    assert good(name="  Jo   Smith ").name == "Jo Smith"
    assert good(email=" Jo.S@Trust.NHS.UK ").email == "Jo.S@trust.nhs.uk"
    dashed = f"{GUID[:8]}-{GUID[8:12]}-{GUID[12:16]}-{GUID[16:20]}-{GUID[20:]}".upper()
    assert good(card_id=dashed, card_driver="PIV").card == CardId("piv", GUID)


def test_a_card_without_a_guid_is_named_by_its_key() -> None:
    by_key = "ca" + "0f" * 32
    assert good(card_id=by_key).card == CardId("piv", by_key)


def test_a_day_lasts_to_its_end_and_a_moment_is_utc() -> None:
    assert good(expires="2027-12-31").expires_at == datetime(2028, 1, 1, tzinfo=UTC)
    assert good(expires="2027-12-31T12:00:00+02:00").expires_at == datetime(
        2027, 12, 31, 10, tzinfo=UTC
    )
    assert good(expires="2027-12-31T12:00").expires_at == datetime(2027, 12, 31, 12, tzinfo=UTC)


def test_number_digits_is_a_setting() -> None:
    assert good(6, holder_number="123456").number == "123456"
    assert good(0, holder_number="A-17").number == "A-17"


@pytest.mark.parametrize(
    "told", ["000601234567", "0006 01234567", "D276000124010304000601234567 0000"]
)
def test_an_openpgp_card_is_named_by_maker_and_serial_number(told: str) -> None:
    person = good(card_driver="openpgp", card_id=told, unblock_secret="13572468")
    assert person.card == CardId("openpgp", "000601234567")


def test_an_openpgp_card_without_a_serial_number_is_refused() -> None:
    person, problems = read(12, card_driver="openpgp", card_id="000600000000")
    assert person is None
    assert "has no serial number" in str(problems)


def test_a_token_is_named_by_its_serial_number() -> None:
    person = good(card_driver="pkcs11", card_id="B16B 64F8 3F05 0AC9", unblock_secret="1357")
    assert person.card == CardId("pkcs11", "b16b64f83f050ac9")
    for told in (GUID, "serial_17", "0" * 16):
        assert read(12, card_driver="pkcs11", card_id=told)[0] is None


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("card_id", GUID, "must be 12 hexadecimal digits"),
        ("card_id", "d276000124010304", "must be 12 hexadecimal digits"),
        ("card_id", "000000000000", "all zeros"),
        ("card_id", "000600000000", "has no serial number"),
        ("card_id", "d2760001240103040006000000000000", "has no serial number"),
        ("unblock_secret", "1357246", "must be 8 to 64 digits or letters; leading zeros may"),
        ("unblock_secret", "x" * 65, "must be 8 to 64 digits or letters"),
    ],
)
def test_a_wrong_cell_of_an_openpgp_card(column: str, cell: str, reason: str) -> None:
    cells = {"card_driver": "openpgp", "card_id": "000601234567", "unblock_secret": "code 1735"}
    _, reasons = read(12, **(cells | {column: cell}))
    assert len(reasons) == 1
    assert reason in reasons[0]


ADMIN_KEY = "0123456789abcdef fedcba9876543210 89abcdef01234567"


def test_the_secret_of_a_gids_card_is_its_admin_key() -> None:
    person = good(card_driver="GIDS", card_id=GUID, unblock_secret=ADMIN_KEY.upper())
    assert person.card == CardId("gids", GUID)
    assert person.secret == Sensitive(ADMIN_KEY.replace(" ", ""))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("13572468", "must be an admin key of 48 hexadecimal digits"),
        ("0102030405060708" * 3, "two parts of 16 digits that are the same"),
        ("1.02030405060708E+47", SPREADSHEET),
    ],
)
def test_what_is_no_admin_key(key: str, reason: str) -> None:
    person, reasons = read(12, card_driver="gids", card_id=GUID, unblock_secret=key)
    assert person is None
    assert [reason in said for said in reasons] == [True]
    assert key not in reasons[0]


def test_a_key_is_read_from_a_certificate_or_bare() -> None:
    reader_card = ReaderCard()
    assert reader_card.shows is not None
    assert good().auth_key is None
    for der in (reader_card.shows, reader_card.public):
        assert good(auth_key=base64.encodebytes(der).decode()).auth_key == reader_card.public


def test_a_key_belongs_to_a_card_that_can_prove_it() -> None:
    key = base64.b64encode(ReaderCard().public).decode()
    refused = {
        "there is no card_id": {"card_id": "", "unblock_secret": ""},
        "is not the key that card_id was made from": {"card_id": "ca" + "0f" * 32},
        "openpgp cards are not asked": {"card_driver": "openpgp", "card_id": "000601234567"},
    }
    for reason, cells in refused.items():
        person, reasons = read(12, **{**cells, "auth_key": key})
        assert person is None
        assert [reason in said for said in reasons] == [True]


def test_a_pin_key_belongs_to_a_family_that_signs_after_its_pin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = base64.b64encode(ReaderCard().pin_public).decode()
    assert good(pin_key=key).pin_key == base64.b64decode(key)
    person, reasons = read(auth_key=key, pin_key=key)
    assert person is None
    assert reasons == ["pin_key: is the same as auth_key, which needs no PIN"]
    monkeypatch.setitem(FAMILIES, "piv", structs.replace(FAMILIES["piv"], proves_pin=False))
    person, reasons = read(pin_key=key)
    assert person is None
    assert reasons == ["pin_key: PIV cards sign nothing that would prove their PIN"]


@pytest.mark.parametrize("said", ["once", "ALWAYS", "never"])
def test_the_pin_policy_of_a_key_is_one_of_three_words(said: str) -> None:
    assert good(pin_policy=said).pin_policy is PinPolicy(said.lower())
    assert good(pin_policy="").pin_policy is None


def test_unknown_pin_policy_is_refused_and_so_is_one_without_a_card() -> None:
    assert read(pin_policy="match")[1] == ["pin_policy: allowed: never, once, always"]
    _, reasons = read(card_id="", unblock_secret="", pin_policy="once")
    assert reasons == ["pin_policy: there is no card_id that it could belong to"]


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("holder_number", "", "holder_number: is empty"),
        ("holder_number", "9.00E+11", SPREADSHEET),
        ("holder_number", "9,00001E+11", SPREADSHEET),
        ("holder_number", "900000000001.0", SPREADSHEET),
        ("holder_number", "90000000001", "has 11 digits and not 12; leading zeros may"),
        ("holder_number", "9000000000012", "must be 12 digits"),
        ("holder_number", "٩٠٠٠٠٠٠٠٠٠٠١", "must be 12 digits"),
        ("name", " ", "name: is empty"),
        ("name", "x" * 121, "at most 120"),
        ("name", "Jo\x1b[2J", "printable"),
        ("name", "48271593", "has no letter: is it another column's?"),
        ("email", "jo", "is not an address"),
        ("email", "jo@nhs.net, eve@nhs.net", "is not an address"),
        ("email", "jürgen@nhs.net", "is not an address"),
        ("card_driver", "cac", f"allowed: {', '.join(FAMILIES)}"),
        ("card_id", "1.23E+31", SPREADSHEET),
        ("card_id", GUID[:-1], "must be 32 hexadecimal digits"),
        ("card_id", "g" * 32, "must be 32 hexadecimal digits"),
        ("card_id", "0" * 32, "all zeros"),
        ("card_id", "F" * 32, "all FF"),
        ("unblock_secret", "4.83E+07", SPREADSHEET),
        ("unblock_secret", "48271593.0", SPREADSHEET),
        ("unblock_secret", "827159", "must be 8 digits or letters; leading zeros may"),
        ("unblock_secret", "canary-secret", "must be 8 digits or letters"),
        ("unblock_secret", "4827159é", "must be 8 digits or letters"),
        (
            "expires",
            "31/12/2027",
            "is no day of the form YYYY-MM-DD, such as 2027-03-31; day and month cannot be told",
        ),
        ("expires", "soon", "is no day of the form YYYY-MM-DD, such as 2027-03-31"),
        *(
            ("expires", cell, "leave it empty for a card that does not expire")
            for cell in (
                "9999-12-31",
                "9999-12-31T23:00:00-05:00",
                "0001-01-01T00:00:00",
                "0001-01-01T00:00:00+14:00",
                "1900-01-01",
            )
        ),
        ("secret_limit", "0", "must be 1 to 15"),
        ("secret_limit", "16", "must be 1 to 15"),
        ("secret_limit", "three", "must be 1 to 15"),
        ("secret_limit", "²", "must be 1 to 15"),
        ("auth_key", "-----BEGIN PUBLIC KEY-----", "must be DER in base64"),
        ("auth_key", "schlüssel", "must be DER in base64"),
        (
            "auth_key",
            "MAA=",
            "must be a certificate or public key: rsa-2048, rsa-3072, rsa-4096, p-256",
        ),
    ],
)
def test_a_wrong_cell_says_what_to_do(column: str, cell: str, reason: str) -> None:
    person, reasons = read(12, **{column: cell})
    assert person is None
    assert len(reasons) == 1
    assert reasons[0].startswith(f"{column}: ")
    assert reason in reasons[0]


ALL = {
    "auth_key": "",
    "pin_key": "",
    "pin_policy": "",
    "card_driver": "",
    "expires": "",
    "secret_limit": "",
}


@pytest.mark.parametrize("column", [*CELLS, *ALL, "master_key"])
@pytest.mark.parametrize("secret", ["48271593", ADMIN_KEY.replace(" ", ""), ADMIN_KEY, "4.83E+07"])
def test_no_reason_repeats_a_cell_as_columns_may_be_mixed_up(column: str, secret: str) -> None:
    _, reasons = read(12, **{column: secret})
    assert secret not in str(reasons)
    assert secret[:16] not in str(reasons)
    if column not in {"unblock_secret", "name"}:
        assert reasons


def test_all_wrong_cells_of_a_line_are_named() -> None:
    _, reasons = read(holder_number="1", name="", email="x", card_id="y", unblock_secret="z")
    assert [reason.split()[0].rstrip(":") for reason in reasons] == [
        "holder_number",
        "name",
        "email",
        "card_id",
        "unblock_secret",
    ]


def test_what_a_refused_card_has_is_read_as_of_its_family() -> None:
    _, reasons = read(
        card_id="y", card_driver="openpgp", unblock_secret="1", auth_key="?", master_key="x"
    )
    assert [reason.split()[0].rstrip(":") for reason in reasons] == [
        "card_id",
        "unblock_secret",
        "auth_key",
        "master_key",
    ]
    _, reasons = read(card_driver="none", unblock_secret="1")
    assert [reason.split()[0] for reason in reasons] == ["card_driver:"]


def test_a_secret_needs_a_card() -> None:
    _, reasons = read(card_id="")
    assert reasons == ["unblock_secret: there is no card_id that it could belong to"]
