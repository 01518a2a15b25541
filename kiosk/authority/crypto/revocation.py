"""Lists of revoked certificates (RFC 5280, section 5), in files that the organisation keeps up.

The authority fetches nothing. A list counts where one of the issuers signed it; of several the one
with the newest ``thisUpdate`` counts, and never an older one than was known before. A file that
changes is read again when the next certificate is looked up. Where it cannot be used, the last good
list stays in use, and ``faults`` says why.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.contract.errors import ConfigError
from kiosk.system.files import FileStamp, stamp_of

log = logging.getLogger(__name__)

MOST_BYTES: Final = 256 * 1024 * 1024
"""Of a file: a million entries are 35 MB."""

_PEM: Final = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)

_UNDERSTOOD: Final = frozenset(
    {x509.CRLNumber.oid, x509.AuthorityKeyIdentifier.oid, x509.IssuingDistributionPoint.oid}
)
"""Extensions of a list that may be critical: what they say is heeded here."""


class Revocation(StrEnum):
    """What the lists say of a certificate; ``PAST``: no list of its issuer is current."""

    GOOD = "good"
    REVOKED = "revoked"
    PAST = "past"


class ListRefused(ValueError):
    """A file cannot be used as lists; the text says why."""


@dataclass(frozen=True, slots=True)
class KnownList:
    """A list that is in use."""

    issuer: str
    issued_at: datetime
    next_at: datetime | None
    entries: int

    def is_past(self, now: datetime) -> bool:
        return self.next_at is not None and self.next_at <= now


_Scope = tuple[bytes, bytes, bytes]
"""Issuer, the key that signed, and the part of the certificates that a list is about.

An issuer that changes its key, or that publishes its list in parts, has several lists at once.
"""


class RevocationLists:
    """Safe to use from several threads."""

    def __init__(self, files: Sequence[Path], issuers: Sequence[x509.Certificate]) -> None:
        self._files = tuple(files)
        self._issuers = tuple(issuers)
        self._reading = Lock()
        self._stamps: dict[Path, FileStamp | None] = {}
        self._faults: dict[Path, str] = {}
        self._held: dict[tuple[Path, _Scope], datetime] = {}
        self._newest: dict[_Scope, x509.CertificateRevocationList] = {}

    @classmethod
    def load(cls, files: Sequence[Path], issuers: Sequence[x509.Certificate]) -> RevocationLists:
        """Read the files; raises ``ConfigError`` naming the first that cannot be used."""
        lists = cls(files, issuers)
        for file, because in lists.faults().items():
            raise ConfigError(f"cards.revoked: {file}: {because}")
        return lists

    def faults(self) -> Mapping[Path, str]:
        """Return by file why it is not used as it is now."""
        self._read_changed()
        with self._reading:
            return dict(self._faults)

    def known(self) -> tuple[KnownList, ...]:
        """Return what is in use, by issuer."""
        self._read_changed()
        found = (
            KnownList(
                each.issuer.rfc4514_string(), each.last_update_utc, each.next_update_utc, len(each)
            )
            for each in self._newest.values()
        )
        return tuple(sorted(found, key=lambda one: (one.issuer, one.issued_at)))

    def status(self, certificate: x509.Certificate, now: datetime) -> Revocation:
        """Look a certificate up, which one of the issuers issued."""
        self._read_changed()
        about = [each for each in self._newest.values() if each.issuer == certificate.issuer]
        if any(_is_listed(each, certificate.serial_number) for each in about):
            return Revocation.REVOKED
        current = about and all(_is_current(each, now) for each in about)
        return Revocation.GOOD if current else Revocation.PAST

    def _read_changed(self) -> None:
        with self._reading:
            for file in self._files:
                stamp = stamp_of(file)
                if file in self._stamps and self._stamps[file] == stamp:
                    continue
                self._stamps[file] = stamp
                before, self._faults[file] = self._faults.get(file, ""), self._read(file)
                if self._faults[file] not in ("", before):
                    log.warning("cards.revoked: %s: %s", file, self._faults[file])
                if not self._faults[file]:
                    del self._faults[file]

    def _read(self, file: Path) -> str:
        """Take all lists of a file, or none of them; return what is wrong with it."""
        try:
            read = [(self._scope_of(each), each) for each in _lists_in(file)]
        except ListRefused as refused:
            return str(refused)
        older = ""
        newest = dict(self._newest)
        for scope, found in read:
            at, known = found.last_update_utc, newest.get(scope)
            if known is None or at >= known.last_update_utc:
                newest[scope] = found
            held = self._held.get((file, scope))
            if held is not None and at < held:
                older = (
                    f"holds a list of {at:%Y-%m-%d %H:%M} UTC, older than that of "
                    f"{held:%Y-%m-%d %H:%M} UTC, which stays in use"
                )
            else:
                self._held[file, scope] = at
        self._newest = newest
        return older

    def _scope_of(self, found: x509.CertificateRevocationList) -> _Scope:
        """Return what a list is about; raises ``ListRefused`` where none of the issuers signed."""
        part = _part_of(found)
        for issuer in self._issuers:
            if issuer.subject == found.issuer and _is_signed_by(found, issuer):
                spki = issuer.public_key().public_bytes(
                    Encoding.DER, PublicFormat.SubjectPublicKeyInfo
                )
                return found.issuer.public_bytes(), spki, part
        name = found.issuer.rfc4514_string()
        raise ListRefused(f"none of the `issuers` in [cards] signed this list of {name}")


def _lists_in(file: Path) -> list[x509.CertificateRevocationList]:
    """Read a file of one list in DER, or of one or several in PEM; raises ``ListRefused``."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ListRefused(f"is larger than {MOST_BYTES // 2**20} MiB")
        data = file.read_bytes()
    except OSError as error:
        raise ListRefused(error.strerror or str(error)) from None
    try:
        if data.lstrip().startswith(b"-----"):
            found = [x509.load_pem_x509_crl(each) for each in _PEM.findall(data)]
        else:
            found = [x509.load_der_x509_crl(data)]
        # A time that Python does not know is an error only when it is read.
        read = [each for each in found if (each.last_update_utc, each.next_update_utc)]
    except ValueError:
        read = []
    if not read:
        raise ListRefused("holds no list of revoked certificates in DER or PEM")
    return read


def _part_of(found: x509.CertificateRevocationList) -> bytes:
    """Return which part of the certificates a list is about; empty: all of its issuer's.

    Raises ``ListRefused`` for a list that says less than it seems to, or what is not understood
    (RFC 5280, 5.2: such a list must not be used).
    """
    try:
        extensions = list(found.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise ListRefused("has extensions that cannot be read") from None
    part = b""
    for each in extensions:
        if each.oid == x509.DeltaCRLIndicator.oid:
            raise ListRefused("is a delta list, of changes alone: the complete one is needed")
        if each.critical and each.oid not in _UNDERSTOOD:
            named = each.oid.dotted_string
            raise ListRefused(f"has the critical extension {named}, which is not understood here")
        if isinstance(each.value, x509.IssuingDistributionPoint):
            about = each.value
            if about.indirect_crl:
                raise ListRefused("is an indirect list, of several issuers: not understood here")
            if about.only_some_reasons:
                raise ListRefused("is a list of some reasons alone: the complete one is needed")
            if about.only_contains_ca_certs or about.only_contains_attribute_certs:
                raise ListRefused("is not about the certificates of cards")
            part = about.public_bytes()
    return part


def _is_signed_by(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        return found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    return False


def _is_listed(found: x509.CertificateRevocationList, serial: int) -> bool:
    """Return whether a list revokes a serial number; one that is on hold is revoked (5.3.1)."""
    entry = found.get_revoked_certificate_by_serial_number(serial)
    if entry is None:
        return False
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return True
    return reason is not x509.ReasonFlags.remove_from_crl


def _is_current(found: x509.CertificateRevocationList, now: datetime) -> bool:
    return found.next_update_utc is None or now < found.next_update_utc
