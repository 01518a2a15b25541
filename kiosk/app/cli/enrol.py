"""``kiosk enrol``: make this machine a station of an estate.

openssl makes the key here, and it never leaves. Key and certificate are one file, which is replaced
in one step, so that a station always has a pair that fits.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pwd
import re
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import complain, echo
from kiosk.app.composition.renewal import dates_of
from kiosk.config.loading import (
    CERTIFICATE,
    ENROLMENT,
    STATION_SETTINGS,
    STATION_STATE,
    check_text,
    load_settings,
    settings_path,
)
from kiosk.contract.enrolment import (
    ENROL,
    GIVE_CA,
    RENEW,
    Enrolled,
    EnrolmentLine,
    ca_fingerprint,
    read_line,
)
from kiosk.contract.errors import AuthorityUnavailable, ConfigError, KioskError, StepRefused
from kiosk.contract.routes import Route
from kiosk.contract.sensitive import Sensitive
from kiosk.station.client import HttpAuthority, client_context, tls_addresses
from kiosk.system import child
from kiosk.system.files import replace_text

OPENSSL: Final = "/usr/bin/openssl"

_ROOM: Final = 64 * 1024
"""Bytes: several times those of a credential's files."""

CA: Final = "authority-ca.pem"

ESTATES_CA: Final = STATION_SETTINGS.with_name("estate-ca.pem")
"""Where it is there, lines of the authorities whose CA is in it are taken, and no others.

The build of the image puts it there: else who stands first at the machine decides whose it is.
"""


class EnrolmentFailed(KioskError):
    """The station has no certificate; the message says why and what to do."""


class AuthorityUnreached(EnrolmentFailed):
    """No authority answered: the same line can be tried once more."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A station's credential: ``station.pem`` and the rest in one folder, for its account alone."""

    folder: Path

    @property
    def file(self) -> Path:
        """Key and certificate."""
        return self.folder / CERTIFICATE

    @property
    def ca(self) -> Path:
        return self.folder / CA

    def hold_room(self) -> IO[bytes]:
        """Hold more room on the disk than ``write`` needs, until it is closed.

        The authority counts an answer as taken: a line is used up. Raises ``EnrolmentFailed``.
        """
        held = None
        try:
            held = TemporaryFile(dir=self.folder)  # noqa: SIM115 - the caller closes it
            os.posix_fallocate(held.fileno(), 0, _ROOM)
        except OSError as error:
            if held is not None:
                held.close()
            raise EnrolmentFailed(
                f"{self.folder} has no room for a certificate ({error.strerror}). Nothing was "
                "asked of the authority: make room, and try again"
            ) from None
        return held

    def write(self, key: Sensitive, enrolled: Enrolled, reached: Sequence[str] = ()) -> None:
        """Write all of it, each file in one step, and ``station.pem`` last: by it it is enrolled.

        Until the new key is used the authority also takes the old one, so that a station that is
        stopped in between is served. Raises ``EnrolmentFailed``, before anything is written, for
        what it could not use, or by which it is served at none of the addresses ``reached`` so far.
        """
        _check_issued(key, enrolled)
        if reached:
            self._check_trusted(enrolled.ca, reached)
        # TOML reads a text of JSON, except for DEL, which no address has.
        listed = json.dumps(enrolled.addresses, ensure_ascii=False)
        settings = (
            "# Written by `kiosk enrol`; the settings file counts above it.\n"
            f'[authority]\nsocket = ""\naddresses = {listed}\n'
            f'certificate = "{self.file}"\nca = "{self.ca}"\n'
        )
        try:
            check_text(settings, self.folder / ENROLMENT)
        except ConfigError as wrong:
            raise EnrolmentFailed(
                "the authority sent addresses that no station can use, and nothing was changed "
                f"here. Have `addresses` in [authority] corrected there. {wrong}"
            ) from None
        replace_text(self.ca, enrolled.ca, 0o600)
        replace_text(self.folder / ENROLMENT, settings, 0o600)
        replace_text(self.file, key.reveal() + enrolled.certificate, 0o600)

    def _check_trusted(self, pem: str, addresses: Sequence[str]) -> None:
        with _in_memory(pem) as ca:
            authority = _open(addresses, client_context(self.file, self.file, ca))
        failures = [failure for _, failure in authority.reach()]
        if all(failures):
            raise EnrolmentFailed(
                f"with the CA that the authority sent it is not reached any more ({failures[0]}); "
                "nothing was changed here. Have `ca` in [authority] corrected there"
            )


def enrol(line: EnrolmentLine, folder: Path, pinned: Path = ESTATES_CA) -> str:
    """Fetch the first certificate of a station with its line; return the station's name.

    ``pinned``: CAs (PEM), one of which the line has to be of, where there is that file. Raises
    ``EnrolmentFailed``; ``OSError`` where there is no folder, and none can be made.
    """
    _check_pinned(line, pinned)
    with _alone(folder) as credential:
        try:
            with closing(_open(line.addresses, _unverified())) as authority:
                ca = authority.call(GIVE_CA).certificate
        except AuthorityUnavailable as error:
            raise AuthorityUnreached(
                f"{', '.join(line.addresses)}: {error}; look after the address and the network"
            ) from None
        context = _verified(ca, line.ca_fingerprint)
        key, request = _new_key()
        refusal = _NO_LINE if dates_of(credential.file) is None else f"{_NO_LINE}. {_USED_HERE}"
        with credential.hold_room():
            enrolled = _ask(
                line.addresses, context, ENROL, line.number, line.secret, request, refusal=refusal
            )
        credential.write(key, enrolled)
    return str(enrolled.station)


def _check_pinned(line: EnrolmentLine, pinned: Path) -> None:
    try:
        text = pinned.read_text(encoding="ascii")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise EnrolmentFailed(f"{pinned} cannot be read, so no line is taken: {error}") from None
    try:
        known = {
            ca_fingerprint(ssl.PEM_cert_to_DER_cert(pem)) for pem in _CERTIFICATES.findall(text)
        }
    except ValueError:
        known = set()
    if not known:
        raise EnrolmentFailed(f"{pinned} holds no certificate in PEM, so no line is taken")
    if line.ca_fingerprint not in known:
        raise EnrolmentFailed(
            "this station was built for another authority than the one that this line is of, and "
            f"nothing was sent. Have the line made by that one. ({pinned} names it: where it was "
            "set up anew, build the image with its CA)"
        )


_CERTIFICATES: Final = re.compile(
    "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)

_NO_LINE: Final = (
    "the authority does not take this line: it works once, for 15 minutes, and for five tries. "
    "Have another one made with `kiosk stations enrol`"
)
_USED_HERE: Final = (
    "This machine has a certificate: if it came by this line, no other is needed, and `kiosk setup "
    "station` goes on without one"
)
_NO_RENEWAL: Final = (
    "the authority does not renew the certificate of this station: it is retired, was enrolled "
    "anew, or uses a newer key already. Have a line made with `kiosk stations enrol`"
)


def renew(folder: Path, addresses: Sequence[str]) -> bool:
    """Fetch the next certificate where it is due; return whether there is a new one.

    Raises ``EnrolmentFailed``, ``ConfigError``.
    """
    with _alone(folder) as credential:
        dates, now = dates_of(credential.file), datetime.now(UTC)
        if dates is None:
            raise ConfigError(f"{credential.file} holds no certificate: enrol again")
        if now < dates.due_at:
            return False
        if now >= dates.ends_at:
            raise EnrolmentFailed(
                "the certificate of this station has expired: have a line made with `kiosk "
                "stations enrol`"
            )
        context = client_context(credential.file, credential.file, credential.ca)
        key, request = _new_key()
        with credential.hold_room():
            enrolled = _ask(addresses, context, RENEW, request, refusal=_NO_RENEWAL)
        credential.write(key, enrolled, addresses)
    return True


def _check_issued(key: Sensitive, enrolled: Enrolled) -> None:
    """Raise ``EnrolmentFailed`` unless the certificate is the key's, and one of the CAs' own.

    Its dates are not compared: the clock of this machine may be slow.
    """
    verify = (OPENSSL, "verify", "-no_check_time", "-purpose", "sslclient", "-CAfile")
    with _in_memory(enrolled.ca) as ca, _in_memory(key.reveal() + enrolled.certificate) as own:
        try:
            client_context(own, own, ca)
            done = child.run(*verify, str(ca), given=enrolled.certificate, files=[int(ca.name)])
            is_good = done.code == 0
        except (OSError, ConfigError):
            is_good = False
        if not is_good:
            raise EnrolmentFailed(
                "the authority sent a certificate that is not for the key of this station, or is "
                "not of the CA that came with it; nothing was changed here. See the authority's log"
            ) from None


@contextmanager
def _in_memory(pem: str) -> Iterator[Path]:
    """Yield a file that is on no disk."""
    with os.fdopen(os.memfd_create("pem"), "w", encoding="utf-8") as file:
        file.write(pem)
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")


@contextmanager
def _alone(folder: Path) -> Iterator[Credential]:
    """Let one process at a time change the credential of a folder, which is made if missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield Credential(folder.absolute())
    finally:
        os.close(directory)


def _open(addresses: Sequence[str], context: ssl.SSLContext) -> HttpAuthority:
    return HttpAuthority(tls_addresses(addresses), context, version("unlock-kiosk"))


def _ask(
    addresses: Sequence[str], context: ssl.SSLContext, route: Route, *given: object, refusal: str
) -> Enrolled:
    try:
        with closing(_open(addresses, context)) as authority:
            enrolled: Enrolled = authority.call(route, *given)
    except StepRefused:
        raise EnrolmentFailed(refusal) from None
    except AuthorityUnavailable as error:
        raise AuthorityUnreached(f"{', '.join(addresses)}: {error}") from None
    return enrolled


def _unverified() -> ssl.SSLContext:
    """Return TLS that trusts anybody: the answer is compared with the fingerprint in the line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _verified(ca: str, fingerprint: str) -> ssl.SSLContext:
    """Return TLS that trusts the certificate with the fingerprint alone, whatever else came."""
    try:
        der = ssl.PEM_cert_to_DER_cert(ca)
    except ValueError:
        der = b""
    if ca_fingerprint(der) != fingerprint:
        raise EnrolmentFailed(
            "what answers there is not the authority that this line is of. Do not go on: tell "
            "the administrator of the network"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=der)
    return context


def _new_key() -> tuple[Sensitive, str]:
    """Return a new key, and a request with nothing else: the authority knows the name."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    words = ("req", "-new", *curve, "-subj", "/", "-keyout", "-", "-config", os.devnull)
    try:
        made = child.run(OPENSSL, *words)
    except OSError:
        made = None
    if made is None or made.code:
        raise ConfigError(f"{OPENSSL} makes no key: install the package openssl")
    key, begin, request = made.output.partition("-----BEGIN CERTIFICATE REQUEST-----")
    return Sensitive(key), begin + request


# The command.

DESCRIPTION = """\
Makes a key for this station and fetches its certificate from the authority, by the line that
`kiosk stations enrol` printed there. It is the part of `kiosk setup station --enrol` that the
account of the station does: where a machine is to become a station, run that. Case, dashes and
spaces in its code do not matter, and a typing error is noticed before anything is sent. Without a
line it asks for one, and on a terminal it asks until one was taken.

Key, certificate and the authority's addresses go into the state directory ($STATE_DIRECTORY, or
the home of the account), for its owner's eyes only: run it as the user that the station runs
as. `kiosk station` finds them there, and renews the certificate by itself, by --renew.
"""
EXAMPLE = """\
  runuser -u kiosk-station -- kiosk enrol authority.example:8444 7QKX-3M2P-...
"""
_ASKED = """\
This machine is not enrolled as a station yet. Have a line made for it, on the
page Stations of the RA application or with `kiosk stations enrol`, and type it
here, from the address to the end of the code."""
_AGAIN = "Type the line again, or another one:"
_SAME = "Enter alone tries this line once more. Or type another one:"


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "enrol", "make this machine a station of an estate", DESCRIPTION, EXAMPLE, run
    )
    parser.add_argument("line", metavar="LINE", nargs="*", help="as it was printed")
    add_flag(parser, "--renew", "fetch the next certificate, where it is due")


def run(args: argparse.Namespace) -> None:
    folder = _own_folder()
    if args.renew:
        environ = {**os.environ, "STATE_DIRECTORY": str(folder)}
        settings = load_settings(settings_path(args.config, environ), environ)
        done = renew(folder, settings.authority.addresses)
        echo("renewed" if done else "not due yet")
        return
    if args.line or not sys.stdin.isatty():
        _enrol_by(" ".join(args.line) or sys.stdin.readline(), folder)
        return
    complain(_ASKED)
    unanswered = ""
    for typed in sys.stdin:
        line = typed.strip() or unanswered
        try:
            if line:
                _enrol_by(line, folder)
                return
        except AuthorityUnreached as error:
            unanswered = line
            complain(f"\n{error}\n\n{_SAME}")
        except KioskError as error:
            unanswered = ""
            complain(f"\n{error}\n\n{_AGAIN}")
    raise ConfigError("no line was typed")


def _enrol_by(typed: str, folder: Path) -> None:
    try:
        line = read_line(typed)
    except ValueError as wrong:
        raise ConfigError(f"the line was not read: {wrong}") from None
    echo(f"{enrol(line, folder, ESTATES_CA)} is enrolled. {_what_is_next(folder)}")


def _what_is_next(folder: Path) -> str:
    from kiosk.app.setup.station import present_display

    if folder == STATION_STATE and present_display() is None:
        return "Now, as root, `kiosk setup station`: it makes the settings, and starts the station."
    return "Start the station, or start it again."


def _own_folder() -> Path:
    """Return the station's folder for its credential; raises ``ConfigError`` for root's home."""
    named = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if not named and os.geteuid() == 0:
        as_station = "as the account of the station: runuser -u kiosk-station -- kiosk enrol ..."
        as_root = 'root sets a machine up with `kiosk setup station --enrol "LINE"`'
        raise ConfigError(f"{as_root}; run this {as_station}")
    return Path(named or pwd.getpwuid(os.geteuid()).pw_dir)
