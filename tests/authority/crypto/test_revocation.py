"""Lists of revoked certificates: which are used, which are refused, and what they say."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.app.composition.opening import open_issuers
from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.crypto.revocation import Revocation, RevocationLists
from kiosk.config.loading import load_settings
from kiosk.contract.errors import ConfigError
from tests.authority.card_in_reader import Authorities, named, private_key, revocation_list

NOW = datetime(2030, 5, 17, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Publisher:
    """An issuer that publishes its list in a file."""

    file: Path
    issuer: Authorities = field(default_factory=Authorities)
    written: int = 0

    def __post_init__(self) -> None:
        self.good, self.bad = (self.certificate() for _ in range(2))

    def certificate(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.issuer.issue(private_key()))

    def write(self, data: bytes) -> None:
        """Replace the file by another one, as `mv` does."""
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(data)
        self.written += 1
        os.utime(fresh, ns=(self.written, self.written))
        fresh.replace(self.file)

    def publish(
        self,
        *revoked: int,
        at: datetime = NOW - DAY,
        encoding: Encoding = Encoding.DER,
        **more: Any,
    ) -> None:
        self.write(revocation_list(self.issuer, revoked, at, **more).public_bytes(encoding))

    def load(self) -> RevocationLists:
        return RevocationLists.load([self.file], [self.issuer.own])


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "cards.crl")


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_listed_certificate_is_revoked_and_no_other(
    publisher: Publisher, encoding: Encoding
) -> None:
    publisher.publish(publisher.bad.serial_number, encoding=encoding)
    lists = publisher.load()
    assert lists.status(publisher.bad, NOW) is Revocation.REVOKED
    assert lists.status(publisher.good, NOW) is Revocation.GOOD
    (known,) = lists.known()
    assert (known.issuer, known.entries, known.issued_at) == ("CN=Issuer", 1, NOW - DAY)


def test_several_lists_in_pem_are_all_read(publisher: Publisher) -> None:
    other = Authorities("Other")
    lists = [
        revocation_list(publisher.issuer, [publisher.bad.serial_number], NOW - DAY),
        revocation_list(other, [7], NOW - DAY),
    ]
    publisher.write(b"a remark\n".join(each.public_bytes(Encoding.PEM) for each in lists))
    read = RevocationLists.load([publisher.file], [publisher.issuer.own, other.own])
    assert [each.issuer for each in read.known()] == ["CN=Issuer", "CN=Other"]
    assert read.status(publisher.bad, NOW) is Revocation.REVOKED


def test_list_of_another_issuer_says_nothing_of_a_certificate(publisher: Publisher) -> None:
    """A serial number is of one issuer alone, and its own list is missing."""
    other = Authorities("Other")
    publisher.write(
        revocation_list(other, [publisher.bad.serial_number], NOW - DAY).public_bytes(Encoding.DER)
    )
    lists = RevocationLists.load([publisher.file], [publisher.issuer.own, other.own])
    assert lists.status(publisher.bad, NOW) is Revocation.PAST


def test_newest_of_several_files_counts_in_any_order(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(publisher.bad.serial_number, at=NOW - DAY)
    older = tmp_path / "older.crl"
    older.write_bytes(
        revocation_list(publisher.issuer, (), NOW - 2 * DAY).public_bytes(Encoding.DER)
    )
    for files in ([publisher.file, older], [older, publisher.file]):
        lists = RevocationLists.load(files, [publisher.issuer.own])
        assert lists.status(publisher.bad, NOW) is Revocation.REVOKED
        assert lists.faults() == {}


def test_changed_file_is_read_again(publisher: Publisher) -> None:
    publisher.publish()
    lists = publisher.load()
    assert lists.status(publisher.bad, NOW) is Revocation.GOOD
    publisher.publish(publisher.bad.serial_number, at=NOW)
    assert lists.status(publisher.bad, NOW) is Revocation.REVOKED


def test_older_list_never_replaces_a_newer_one(publisher: Publisher) -> None:
    publisher.publish(publisher.bad.serial_number, at=NOW)
    lists = publisher.load()
    publisher.publish(at=NOW - DAY)
    assert lists.status(publisher.bad, NOW) is Revocation.REVOKED
    assert "older than that of 2030-05-17" in lists.faults()[publisher.file]
    publisher.publish(at=NOW + DAY)
    assert lists.status(publisher.bad, NOW + DAY) is Revocation.GOOD
    assert lists.faults() == {}


@pytest.mark.parametrize("what", ["cut short", "away", "of a stranger"])
def test_unusable_file_leaves_the_last_good_list_in_use(publisher: Publisher, what: str) -> None:
    publisher.publish(publisher.bad.serial_number)
    lists = publisher.load()
    if what == "away":
        publisher.file.unlink()
    elif what == "cut short":
        publisher.write(publisher.file.read_bytes()[:-40])
    else:
        stranger = revocation_list(Authorities(), (), NOW)  # of the same name
        publisher.write(stranger.public_bytes(Encoding.DER))
    assert lists.status(publisher.bad, NOW) is Revocation.REVOKED
    assert list(lists.faults()) == [publisher.file]
    publisher.publish(at=NOW)
    assert lists.status(publisher.bad, NOW) is Revocation.GOOD
    assert lists.faults() == {}


def test_list_of_a_stranger_is_refused_at_the_start(publisher: Publisher) -> None:
    publisher.write(revocation_list(Authorities(), (), NOW).public_bytes(Encoding.DER))
    with pytest.raises(ConfigError, match=r"cards\.revoked: .*cards\.crl: none of the `issuers`"):
        publisher.load()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "holds no list"),
        (b"not a list", "holds no list"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "holds no list"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no list"),
    ],
)
def test_malformed_list_is_refused_at_the_start(
    publisher: Publisher, data: bytes, said: str
) -> None:
    publisher.write(data)
    with pytest.raises(ConfigError, match=said):
        publisher.load()


def test_missing_list_is_refused_at_the_start(publisher: Publisher) -> None:
    with pytest.raises(ConfigError, match=r"cards\.crl: No such file"):
        publisher.load()


def point(**given: bool | frozenset[x509.ReasonFlags]) -> x509.IssuingDistributionPoint:
    values: dict[str, object] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**(values | given))  # type: ignore[arg-type]


UNUSABLE: dict[str, tuple[x509.ExtensionType, str]] = {
    "delta": (x509.DeltaCRLIndicator(1), "is a delta list"),
    "unknown": (
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"),
        r"critical extension 1\.3\.6\.1\.4\.1\.99999\.1",
    ),
    "indirect": (point(indirect_crl=True), "is an indirect list"),
    "of some reasons": (
        point(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})),
        "some reasons alone",
    ),
    "of authorities": (point(only_contains_ca_certs=True), "not about the certificates of cards"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_list_that_says_less_than_it_seems_to_is_refused(publisher: Publisher, what: str) -> None:
    extension, said = UNUSABLE[what]
    publisher.publish(extension=extension)
    with pytest.raises(ConfigError, match=said):
        publisher.load()


def test_parts_of_a_list_do_not_replace_each_other(publisher: Publisher, tmp_path: Path) -> None:
    files = []
    for number, (serial, at) in enumerate([(publisher.bad.serial_number, NOW - DAY), (7, NOW)]):
        uri = x509.UniformResourceIdentifier(f"http://issuer.example/{number}.crl")
        part = x509.IssuingDistributionPoint([uri], None, True, False, None, False, False)
        files.append(tmp_path / f"{number}.crl")
        made = revocation_list(publisher.issuer, [serial], at, extension=part)
        files[-1].write_bytes(made.public_bytes(Encoding.DER))
    lists = RevocationLists.load(files, [publisher.issuer.own])
    assert lists.status(publisher.bad, NOW) is Revocation.REVOKED


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (x509.ReasonFlags.certificate_hold, Revocation.REVOKED),
        (x509.ReasonFlags.key_compromise, Revocation.REVOKED),
        (x509.ReasonFlags.remove_from_crl, Revocation.GOOD),
    ],
)
def test_reason_of_an_entry_is_heeded(
    publisher: Publisher, reason: x509.ReasonFlags, expected: Revocation
) -> None:
    publisher.publish(publisher.bad.serial_number, reason=reason)
    assert publisher.load().status(publisher.bad, NOW) is expected


def test_list_is_past_from_its_next_update_on(publisher: Publisher) -> None:
    publisher.publish(publisher.bad.serial_number, at=NOW - DAY)
    lists = publisher.load()
    ends = NOW + 6 * DAY
    assert lists.status(publisher.good, ends - timedelta(seconds=1)) is Revocation.GOOD
    assert lists.status(publisher.good, ends) is Revocation.PAST
    assert lists.status(publisher.bad, ends) is Revocation.REVOKED
    assert [each.is_past(ends) for each in lists.known()] == [True]


def test_past_list_is_refused_only_where_the_settings_say_so(publisher: Publisher) -> None:
    publisher.publish(at=NOW - DAY)
    own, ends = (publisher.issuer.own,), NOW + 6 * DAY
    shown = publisher.good.public_bytes(Encoding.DER)
    for refuses, expected in ((False, Revocation.GOOD), (True, Revocation.PAST)):
        issuers = Issuers(own, publisher.load(), past_refuses=refuses)
        assert issuers.revocation(shown, ends) is expected
        assert issuers.revocation(shown, NOW) is Revocation.GOOD
        assert issuers.revocation(None, ends) is Revocation.GOOD


def test_forged_certificate_of_a_listed_number_is_not_called_revoked(publisher: Publisher) -> None:
    """A station could have any card refused by it."""
    key = private_key()
    forged = (
        x509.CertificateBuilder(named("Issuer"), named("Card"), key.public_key())
        .serial_number(publisher.bad.serial_number)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(key, SHA256())
    )
    publisher.publish(publisher.bad.serial_number)
    issuers = Issuers((publisher.issuer.own,), publisher.load())
    assert issuers.revocation(forged.public_bytes(Encoding.DER), NOW) is Revocation.GOOD


def test_lists_are_read_from_the_files_that_the_settings_name(publisher: Publisher) -> None:
    pem = publisher.file.with_suffix(".pem")
    pem.write_bytes(publisher.issuer.own.public_bytes(Encoding.PEM))
    publisher.publish(publisher.bad.serial_number)
    environ = {"KIOSK_CARDS__ISSUERS": str(pem), "KIOSK_CARDS__REVOKED": str(publisher.file)}
    issuers = open_issuers(load_settings(None, environ))
    assert issuers is not None
    shown = publisher.bad.public_bytes(Encoding.DER)
    assert issuers.revocation(shown, NOW) is Revocation.REVOKED
    later = NOW + 30 * DAY
    refusing = open_issuers(load_settings(None, environ | {"KIOSK_CARDS__CRL_PAST": "refuse"}))
    assert refusing is not None
    shown = publisher.good.public_bytes(Encoding.DER)
    assert issuers.revocation(shown, later) is Revocation.GOOD
    assert refusing.revocation(shown, later) is Revocation.PAST


def test_lists_without_issuers_are_refused(publisher: Publisher) -> None:
    with pytest.raises(ConfigError, match="lists are signed by the `issuers`"):
        load_settings(None, {"KIOSK_CARDS__REVOKED": str(publisher.file)})
