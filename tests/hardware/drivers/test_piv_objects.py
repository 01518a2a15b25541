"""CHUIDs and certificates: as the standard has them, as cards have them, and broken."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.drivers import piv
from tests.hardware import certificates
from tests.hardware.certificates import content, tlv
from tests.hardware.fakes import Script

GUID = bytes(range(16))


def test_a_data_object_is_asked_for_by_its_tag() -> None:
    card = Script("5302aabb9000", "6a82", "9000", "5305aa9000")
    assert piv.read_object(card, piv.CHUID) == b"\xaa\xbb"
    assert card.sent == ["00cb3fff055c035fc10200"]
    for _ in range(3):
        assert piv.read_object(card, piv.CHUID) is None


@pytest.mark.parametrize(
    ("chuid", "guid"),
    [
        (tlv(0x30, bytes(25)) + tlv(0x34, GUID) + tlv(0x35, b"20300101"), GUID),
        (tlv(0x34, GUID) + b"\x3e\x82\xff", GUID),
        (tlv(0x34, bytes(16)), None),
        (tlv(0x34, GUID[:15]), None),
        (tlv(0x35, b"20300101"), None),
        (b"", None),
    ],
)
def test_the_guid(chuid: bytes, guid: bytes | None) -> None:
    assert piv.guid_of(chuid) == guid


@pytest.mark.parametrize(
    ("date", "expires"),
    [
        (b"20300228", datetime(2030, 3, 1, tzinfo=UTC)),
        (b"20991231", datetime(2100, 1, 1, tzinfo=UTC)),
        (b"99991231", None),
        (b"21000101", None),
        (b"20300229", None),
        (b"00000000", None),
        (b"2030010", None),
        (b"203001011", None),
        (b"\x00" * 8, None),
        ("²0300101".encode("latin-1"), None),
    ],
)
def test_the_day_a_chuid_expires_is_still_valid(date: bytes, expires: datetime | None) -> None:
    assert piv.chuid_expiry(tlv(0x35, date)) == expires


@pytest.mark.parametrize("info", [0x00, 0x01, 0x80])
@pytest.mark.parametrize("packed", [False, True])
def test_a_certificate_is_read_packed_or_not_whatever_the_bit_says(packed: bool, info: int) -> None:
    der = certificates.der()
    read = piv.certificate(content(gzip.compress(der) if packed else der, info=info))
    assert read is not None
    assert read.not_after == certificates.EXPIRES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x03\x02\x01\x01",
        certificates.der()[:-20],
        b"\x1f\x8b",
        gzip.compress(certificates.der())[:-9],
        gzip.compress(b"not a certificate"),
        zlib.compress(certificates.der()),
    ],
    ids=range(8),
)
def test_a_certificate_that_cannot_be_read_is_absent(data: bytes) -> None:
    assert piv.certificate(content(data)) is None


def test_a_certificate_that_unpacks_to_50_megabytes_is_absent() -> None:
    # Packed in here: where tests are collected each process would take half a second over it.
    assert piv.certificate(content(gzip.compress(bytes(50_000_000)))) is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b\x08", b"\x30\x82"]))
def test_whatever_is_in_the_object(data: bytes, begin: bytes) -> None:
    assert piv.certificate(begin + data) is None
    assert piv.certificate(content(begin + data)) is None


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_certificate_with_a_wrong_byte_never_raises(at: int, byte: int) -> None:
    der = bytearray(certificates.der())
    der[at % len(der)] = byte
    read = piv.certificate(content(bytes(der)))
    if read is not None:
        piv.key_fingerprint(read)


def test_a_key_has_a_name_of_its_own() -> None:
    one, other, again = (
        piv.certificate(content(certificates.der(seed, serial=serial)))
        for seed, serial in ((7, 1), (8, 1), (7, 2))
    )
    assert one is not None
    assert other is not None
    assert again is not None
    assert piv.key_fingerprint(one) == piv.key_fingerprint(again)
    assert piv.key_fingerprint(one) != piv.key_fingerprint(other)
