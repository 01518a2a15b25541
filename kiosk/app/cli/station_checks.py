"""The checks of ``kiosk doctor`` for a station: authority, certificate, clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import assert_never

from hardware.public_keys import read_pem_certificate
from kiosk import HAS_AUTHORITY
from kiosk.app.cli.doctor import clock_is_synchronised
from kiosk.app.composition.station import open_authority
from kiosk.config.loading import as_account, credential_file
from kiosk.config.settings import Settings, stored_secrets
from kiosk.contract.errors import AuthorityError, ConfigError
from kiosk.contract.families import FAMILIES
from kiosk.contract.findings import AUTHORITY, CLOCK, Check, Finding, fail, ok, warn
from kiosk.contract.messages import StationStanding
from kiosk.contract.ports import Authority, SystemClock
from kiosk.station.client import Address

_CERTIFICATE, _STATION = "certificate", "station"

NO_AUTHORITY = (
    "no authority is installed on this machine: have a line made with `kiosk stations enrol`, and "
    'run `kiosk setup station --enrol "LINE"` here'
)
_RETIRED = (
    "where that is not meant: on the authority's machine, `kiosk stations reinstate` with its name "
    "(`kiosk stations list`); else `kiosk setup station --undo` here"
)
_NOT_SERVED = (
    "see `kiosk doctor` on the authority's machine; a station that it does not know is enrolled "
    "again"
)

_LATE = 6
"""This share of a certificate's life is left when its renewal is long overdue."""


def station_checks(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[str, Check]]:
    """Yield the checks; each address of the authority has one."""
    if settings.authority.addresses and settings.authority.certificate:
        yield _CERTIFICATE, partial(check_certificate, settings, environ)
    try:
        authority, answers = open_authority(settings, environ, version("unlock-kiosk")), False
    except ConfigError as error:
        advice = "put that right first: no authority can be called without it"
        yield AUTHORITY, partial(fail, AUTHORITY, str(error), advice)
    else:
        for address, because in authority.reach():
            answers = answers or not because
            yield AUTHORITY, partial(_of_address, address, because)
        if answers:
            yield _STATION, partial(check_standing, settings, authority.port)
    yield CLOCK, _check_clock


def check_certificate(settings: Settings, environ: Mapping[str, str]) -> Finding:
    path = credential_file(settings.authority.certificate, environ)
    try:
        found = read_pem_certificate(path.read_text(encoding="ascii", errors="replace"))
    except FileNotFoundError as error:
        return fail(_CERTIFICATE, f"{path}: {error.strerror}", "enrol the station again")
    except OSError as error:
        return fail(_CERTIFICATE, f"{path}: {error.strerror}", as_account(path))
    if found is None or found.not_before is None or found.not_after is None:
        return fail(_CERTIFICATE, f"{path} holds no certificate in PEM", "enrol the station again")
    left, life = found.not_after - SystemClock().now(), found.not_after - found.not_before
    text = f"good until {found.not_after:%d %B %Y}"
    if left <= timedelta():
        return fail(_CERTIFICATE, f"it was {text}", "enrol the station again")
    if left < life / _LATE:
        return warn(_CERTIFICATE, text, "it renews itself in its last third: see the log")
    return ok(_CERTIFICATE, text)


def _of_address(address: Address, because: str) -> Finding:
    advice = "is `kiosk authority` running there, and is the way to it open?"
    if isinstance(address, str):
        running = "is `kiosk authority` running on this machine?"
        advice = running if HAS_AUTHORITY else NO_AUTHORITY
    if because:
        return fail(AUTHORITY, f"{address} does not answer: {because}", advice)
    return ok(AUTHORITY, f"{address} answers")


def check_standing(settings: Settings, authority: Authority) -> Finding:
    try:
        standing = authority.station_standing()
    except AuthorityError as error:
        return fail(_STATION, f"the authority does not serve it: {error}", _NOT_SERVED)
    stored: dict[str, str] = {}
    with suppress(AuthorityError):  # an older one does not know this call
        stored = authority.stored_secrets()
    match standing:
        case StationStanding.IN_USE if differ := _other_secrets(settings, stored):
            return warn(_STATION, differ, "set the same on both, and restart what you changed")
        case StationStanding.IN_USE:
            return ok(_STATION, "it may serve everybody")
        case StationStanding.RETIRED:
            return fail(_STATION, "staff have retired it: it serves nobody", _RETIRED)
        case _:
            assert_never(standing)


def _other_secrets(settings: Settings, stored: Mapping[str, str]) -> str:
    """Return of which cards it would present another secret than the authority has ``stored``."""
    found: list[str] = []
    for family, kind in stored_secrets(settings).items():
        row, theirs = FAMILIES[family], stored.get(family, kind.name)
        served = settings.pkcs11.module if row.by_module else family in settings.cards.families
        if served and row.secret_setting is not None and kind.name != theirs:
            section, name = row.secret_setting
            here = f"`{name}` in [{section}] is {kind.name} here"
            found.append(
                f"{here}, and {theirs} at the authority: no {family} card is unlocked here"
            )
    return "; ".join(found)


def _check_clock() -> Finding:
    if clock_is_synchronised() is False:
        advice = "set up a time service: certificates and codes live by the clock"
        return warn(CLOCK, "nothing sets it", advice)
    return ok(CLOCK, "no fault is known")
