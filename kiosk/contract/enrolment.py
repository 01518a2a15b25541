"""How a station joins an estate: the enrolment line that staff hand out, and the calls that follow.

People type the line: addresses, and a code of ten groups of four characters. The code holds the
number of the line, a secret that works once, the fingerprint of the authority's CA, and a check sum
over all of it::

    authority.example:8444 7QKX-3M2P-...

The station gets the CA's certificate from an address, and goes on only if it has that fingerprint.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Final

from msgspec import Meta, Struct

from kiosk.contract.routes import Route
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import BASE32, encode_base32, typed_base32

# The line.

_NUMBER, _SECRET, _FINGERPRINT, _CHECK = 4, 12, 20, 4
"""Lengths in characters.

The authority allows few guesses of the secret; a search for another CA with the same
fingerprint takes 2^100 attempts.
"""

_LENGTH: Final = _NUMBER + _SECRET + _FINGERPRINT + _CHECK
_GROUP: Final = 4


class EnrolmentLine(Struct, frozen=True):
    """The content of a line; ``addresses`` are ``host:port``, where stations enrol."""

    addresses: tuple[str, ...]
    number: str
    secret: Sensitive
    ca_fingerprint: str

    def text(self) -> Sensitive:
        code = self.number + self.secret.reveal() + self.ca_fingerprint
        whole = code + _check_sum(self.addresses, code)
        groups = [whole[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP)]
        return Sensitive(f"{','.join(self.addresses)} {'-'.join(groups)}")


def draw_number() -> str:
    """Draw the number of a line: somebody who knows it can spoil that line, and no more."""
    return _draw(_NUMBER)


def draw_secret() -> Sensitive:
    return Sensitive(_draw(_SECRET))


def ca_fingerprint(ca: bytes) -> str:
    """Return the beginning of the SHA-256 of a CA's certificate (DER), in base 32."""
    return _in_letters(sha256(ca).digest(), _FINGERPRINT)


def read_line(typed: str) -> EnrolmentLine:
    """Read a line, also with its command; raises ``ValueError`` that says what to check."""
    words = typed.replace('"', " ").replace("'", " ").split()
    command = [at for at, word in enumerate(words) if word in ("enrol", "--enrol")]
    if command:
        words = words[command[0] + 1 :]
    addresses = tuple(
        part.lower() for word in words if ":" in word for part in word.split(",") if part
    )
    code = typed_base32(" ".join(word for word in words if ":" not in word))
    if not addresses:
        raise ValueError("it begins with an address, such as authority.example:8444")
    for each in addresses:
        host, _, port = each.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and len(port) <= 5):
            raise ValueError(f"{each} is no address like authority.example:8444")
    if wrong := sorted(set(code) - set(BASE32)):
        raise ValueError(f"there is no {wrong[0]} in a code: look at it again")
    if len(code) != _LENGTH:
        groups = _LENGTH // _GROUP
        raise ValueError(f"the code has {groups} groups of {_GROUP}: {len(code)} characters came")
    body = code[:-_CHECK]
    if code[-_CHECK:] != _check_sum(addresses, body):
        raise ValueError("something in it was typed wrongly: compare it again, addresses too")
    number, fingerprint = body[:_NUMBER], body[-_FINGERPRINT:]
    secret = Sensitive(body[_NUMBER:-_FINGERPRINT])
    return EnrolmentLine(addresses, number, secret, fingerprint)


def _check_sum(addresses: Sequence[str], code: str) -> str:
    covered = " ".join((*addresses, code)).encode()
    return _in_letters(sha256(covered).digest(), _CHECK)


def _in_letters(digest: bytes, count: int) -> str:
    """Return the first bits of ``digest``, in ``count`` characters."""
    return encode_base32(int.from_bytes(digest) >> (8 * len(digest) - 5 * count), count)


def _draw(length: int) -> str:
    return encode_base32(secrets.randbits(5 * length), length)


# The calls. Only the first two can be made without a certificate.

RENEWAL_PART: Final = 3
"""A station renews its certificate in the last third of its life."""

_Request = Annotated[str, Meta(max_length=4096)]


class GiveCa(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the certificate of the CA, which the caller compares with its line's fingerprint."""


class Ca(Struct, frozen=True):
    """The certificate of the authority's CA (PEM)."""

    certificate: str


class Enrol(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a certificate by a line; ``request`` is PKCS#10 (PEM), signed by the new key.

    It can be repeated with the same key while the line lives.
    """

    number: Annotated[str, Meta(pattern=f"^[0-9A-Z]{{{_NUMBER}}}$")]
    secret: Sensitive
    request: _Request


class Renew(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the next certificate of the station that calls; ``request`` is as in ``Enrol``."""

    request: _Request


class Enrolled(Struct, frozen=True):
    """A certificate (PEM), the CAs to trust (PEM, concatenated), and the authority's addresses."""

    station: str
    certificate: str
    ca: str
    addresses: tuple[str, ...]


def _route(name: str, request: type[Struct], reply: type[Struct]) -> Route:
    return Route(name, request, reply, (request.__doc__ or "").splitlines()[0])


GIVE_CA: Final = _route("give_ca", GiveCa, Ca)
ENROL: Final = _route("enrol", Enrol, Enrolled)
RENEW: Final = _route("renew", Renew, Enrolled)

WITHOUT_CERTIFICATE: Final = {route.path: route for route in (GIVE_CA, ENROL)}
"""By path: the routes that are served at the addresses for enrolment, and nowhere else."""
