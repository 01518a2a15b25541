"""The checks of ``kiosk doctor`` for a station: authority, certificate, clock, readers, cards."""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import assert_never

from hardware.display import (
    NO_GRAPHICS,
    WITHOUT_GRAPHICS,
    Display,
    connected_displays,
    has_graphics,
    text_size,
)
from hardware.doctor import PcscFinding, ReaderFinding, examine_readers
from hardware.pkcs11.cards import Pkcs11Cards, slot_name
from hardware.public_keys import read_pem_certificate
from kiosk import HAS_AUTHORITY
from kiosk.app.cli.printing import complain, echo
from kiosk.app.cli.systemd import clock_is_synchronised, properties_of
from kiosk.app.composition.cards import build_cards, build_module, plain_cards
from kiosk.app.composition.renewal import ENDS_SOON, is_renewed
from kiosk.app.setup import station
from kiosk.config.loading import as_account, credential_file, load_settings, settings_path
from kiosk.config.settings import Settings
from kiosk.contract.errors import (
    AuthorityError,
    CardBusy,
    CardError,
    CardGone,
    CardMute,
    CardUnknown,
    ConfigError,
    GlobalPinInUse,
)
from kiosk.contract.findings import AUTHORITY, CLOCK, READER, Check, Finding, fail, ok, warn
from kiosk.contract.messages import CardId, StationStanding
from kiosk.contract.ports import Authority, SystemClock
from kiosk.station.client import Address

_CERTIFICATE, _STATION = "certificate", "station"
_SERVICE, _CARD, _MODULE, _DISPLAY = "pcscd", "card", "module", "display"

NO_AUTHORITY = (
    "no authority is installed on this machine: have a line made with `kiosk stations enrol`, and "
    'run `kiosk setup station --enrol "LINE"` here'
)
_ENROL = "enrol the station again"
_RETIRED = (
    "where that is not meant: on the authority's machine, `kiosk stations reinstate` with its name "
    "(`kiosk stations list`); else `kiosk setup station --undo` here"
)
_NOT_SERVED = (
    "see `kiosk doctor` on the authority's machine; a station that it does not know is enrolled "
    "again"
)

CANNOT_LOOK_UP = "kiosk-station.service cannot look up {name}"
LOOKED_UP = "install libnss-resolve, or put the name into /etc/hosts"
"""What makes it known to a unit that reaches the authority's addresses and no name server."""

_LATE = 6
"""This share of a certificate's life is left when its renewal is long overdue."""


def station_checks(
    settings: Settings, environ: Mapping[str, str], state: Path
) -> Iterator[tuple[str, Check]]:
    """Yield the checks; each address of the authority has one."""
    from kiosk.app.composition.station import open_authority  # it loads the display

    if settings.authority.addresses and settings.authority.certificate:
        yield _CERTIFICATE, partial(check_certificate, settings, environ, state)
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
            yield _STATION, partial(check_standing, authority.port)
    yield CLOCK, _check_clock


def check_certificate(settings: Settings, environ: Mapping[str, str], state: Path) -> Finding:
    """Check the station's own; ``state`` is the folder of one that it renews."""
    path = credential_file(settings.authority.certificate, environ)
    try:
        found = read_pem_certificate(path.read_text(encoding="ascii", errors="replace"))
    except FileNotFoundError as error:
        return fail(_CERTIFICATE, f"{path}: {error.strerror}", _ENROL)
    except OSError as error:
        return fail(_CERTIFICATE, f"{path}: {error.strerror}", as_account(path))
    if found is None or found.not_before is None or found.not_after is None:
        return fail(_CERTIFICATE, f"{path} holds no certificate in PEM", _ENROL)
    left, life = found.not_after - SystemClock().now(), found.not_after - found.not_before
    ended, soon, ends_soon = _ENROL, "it renews itself in its last third: see the log", life / _LATE
    if not is_renewed(path, state):
        ended = soon = f"replace {path}: the station reads it again by itself"
        ends_soon = ENDS_SOON
    text = f"good until {found.not_after:%d %B %Y}"
    if left <= timedelta():
        return fail(_CERTIFICATE, f"it was {text}", ended)
    return warn(_CERTIFICATE, text, soon) if left < ends_soon else ok(_CERTIFICATE, text)


def _of_address(address: Address, because: str) -> Finding:
    advice = "is `kiosk authority` running there, and is the way to it open?"
    if isinstance(address, str):
        running = "is `kiosk authority` running on this machine?"
        advice = running if HAS_AUTHORITY else NO_AUTHORITY
    if because:
        return fail(AUTHORITY, f"{address} does not answer: {because}", advice)
    return ok(AUTHORITY, f"{address} answers")


def check_standing(authority: Authority) -> Finding:
    try:
        standing = authority.station_standing()
    except AuthorityError as error:
        return fail(_STATION, f"the authority does not serve it: {error}", _NOT_SERVED)
    match standing:
        case StationStanding.IN_USE:
            return ok(_STATION, "it may serve everybody")
        case StationStanding.RETIRED:
            return fail(_STATION, "staff have retired it: it serves nobody", _RETIRED)
        case _:
            assert_never(standing)


def _check_clock() -> Finding:
    if clock_is_synchronised() is False:
        advice = "set up a time service: certificates and codes live by the clock"
        return warn(CLOCK, "nothing sets it", advice)
    return ok(CLOCK, "no fault is known")


def look_at_unit(addresses: tuple[str, ...]) -> Iterator[Finding]:
    """Yield what keeps the station's unit from the authority, which this process may reach."""
    (shown, *_) = properties_of([station.UNIT], "IPAddressAllow", "IPAddressDeny") or [{}]
    if not shown.get("IPAddressDeny"):
        return
    for name in station.not_looked_up(addresses):
        yield fail(AUTHORITY, CANNOT_LOOK_UP.format(name=name), LOOKED_UP)
    allowed = shown.get("IPAddressAllow", "").split()
    networks = [ipaddress.ip_network(each, strict=False) for each in allowed]
    with suppress(ConfigError):  # a name without an address: calling it has said so
        named = map(ipaddress.ip_address, station.ip_addresses(addresses))
        if shut := [str(one) for one in named if not any(one in each for each in networks)]:
            found = f"{station.UNIT} may not reach {', '.join(shut)}"
            advice = "as root, `kiosk setup station` again: it opens the unit to the authority"
            yield fail(AUTHORITY, found, advice)


# The PC/SC service, the readers and the cards in them.


def look_at_hardware(settings: Settings, *, needed: bool, composed: bool) -> Iterator[Finding]:
    """Look at readers, cards, module and displays; no try of any card is spent.

    ``needed``: a station is on this machine and needs a reader. ``composed``: it is shown on the
    compositor, which needs a graphics card.
    """
    found = examine_readers(build_cards(settings, os.environ), plain_cards().applications)
    pads = settings.pcsc.pin_pad == "used"
    yield from findings(found, settings.pcsc.reader, pads=pads, needed=needed)
    if (module := build_module(settings, os.environ)) is not None:
        yield of_module(module, found)
    if composed:
        yield from of_graphics()
    yield from of_displays(connected_displays(), settings.station.viewing_distance_cm)


def findings(
    found: PcscFinding, wanted: str, *, pads: bool = True, needed: bool = True
) -> Iterable[Finding]:
    """Put the findings into words; ``wanted`` is part of the name of the reader to use.

    ``pads``: PINs are entered on the keys of readers that have some.
    """
    if not needed and not found.readers:
        return [ok(READER, "there is none; only a station needs one")]
    if found.trouble:
        advice = "see `systemctl status pcscd.socket`, and whether its polkit rule is installed"
        return [fail(_SERVICE, found.trouble, advice)]
    service = ok(_SERVICE, "answers")
    if not found.readers:
        return [service, fail(READER, "none is plugged in", "plug one in")]
    used = [reader for reader in found.readers if wanted in reader.reader]
    if not used:
        names = ", ".join(reader.reader for reader in found.readers)
        text = f"none has {wanted!r} in its name; there are: {names}"
        return [service, fail(READER, text, "see `reader` in [pcsc]")]
    every = [service]
    unused = "" if pads else ", which are not used (`pin_pad` in [pcsc])"
    for reader in used:
        keys = f", with keys of its own for PINs{unused}" if reader.pin_pad else ""
        every += [ok(READER, reader.reader + keys), _of_card(reader)]
    return every


def of_graphics(folder: Path | None = None) -> Iterator[Finding]:
    if not has_graphics(folder):
        yield fail(_DISPLAY, NO_GRAPHICS, WITHOUT_GRAPHICS)


def of_displays(displays: Iterable[Display], distance_cm: float) -> Iterator[Finding]:
    for display in displays:
        about = f"{display.connector}, {display.width_px}x{display.height_px}"
        if not display.height_mm:
            text = f"{about}, does not tell its size: whether its text is legible is not known"
            yield warn(_DISPLAY, text, "measure a capital H: 0.7 degrees of sight are needed")
            continue
        size = text_size(display, distance_cm)
        capital, up_to = size.capital_mm(display), size.legible_cm(display)
        text = f"{about}: capitals of {capital:.1f} mm are legible up to {up_to:.0f} cm"
        if up_to >= distance_cm:
            yield ok(_DISPLAY, text)
        else:
            advice = "take a larger display, or let people come nearer (`viewing_distance_cm`)"
            yield warn(_DISPLAY, f"{text}, not {distance_cm:g}: not accessible", advice)


def of_module(module: Pkcs11Cards, found: PcscFinding) -> Finding:
    try:
        slots = module.slots()
    except CardError as error:
        return fail(_MODULE, str(error), "see [pkcs11]")
    strange = [one.reader for one in found.readers if slot_name(one.reader) not in slots]
    if strange:
        text = f"knows no reader {', '.join(strange)}; it knows: {', '.join(slots) or 'none'}"
        return warn(_MODULE, text, "it can serve no card in these readers")
    return ok(_MODULE, "loads")


def _of_card(reader: ReaderFinding) -> Finding:
    if reader.report is not None:
        report, pin = reader.report, reader.report.pin
        state = "PIN blocked" if pin.blocked else "PIN not blocked"
        tries = "" if pin.tries_left is None else f", {pin.tries_left} tries left"
        expires = f", expires {report.expires_at:%Y-%m-%d}" if report.expires_at else ""
        text = f"{report.card.driver} {report.card.identifier}: {state}{tries}{expires}"
        return ok(_CARD, text + also_on(reader.others))
    match reader.error:
        case CardGone():
            return ok(_CARD, "none is in")
        case CardMute():
            return warn(_CARD, "does not answer", "put it in the right way round, or try another")
        case CardBusy():
            return warn(_CARD, "another program holds it", "end that program, or take it out")
        case CardUnknown():
            text = f"is not served: {reader.error}{also_on(reader.others)}"
            if reader.error.family:
                return warn(_CARD, text, "no setting helps: have it personalised, or replace it")
            return warn(_CARD, text, "see `families` in [cards]")
        case GlobalPinInUse():
            text = f"is not served: {reader.error}"
            return warn(_CARD, text, "to be served, the card has to use its PIV PIN")
        case _:
            return warn(_CARD, str(reader.error), "take it out and put it in again")


def also_on(others: tuple[CardId, ...]) -> str:
    """Name the applications of a card that do not serve here; empty for none."""
    named = ", ".join(f"{card.driver} {card.identifier}" for card in others)
    return f"; also on it, and not what serves here: {named}" if named else ""


# Reading the card in a reader of this machine, for people who record cards.

LOOK_S = 0.5
_NEVER_SERVED = CardUnknown, GlobalPinInUse
"""To wait for another answer of such a card is of no use."""


def read_card(config: str | None, part: str, wait_s: float) -> int:
    """Print ``driver identifier`` of the card in a reader whose name holds ``part``.

    The card is read as by the stations of these settings. Waits so many seconds for one; 1 where
    none was read. No try of the card is spent.
    """
    cards, every = build_cards(settings_here(config), os.environ), plain_cards().applications
    ends, asked = time.monotonic() + wait_s, False
    while True:
        found = examine_readers(cards, every)
        readers = [one for one in found.readers if part in one.reader]
        read = [(one.report.card, one) for one in readers if one.report]
        if len(read) == 1:
            card, reader = read[0]
            if also := also_on(reader.others):
                complain(f"This card serves as the following{also}")
            echo(f"{card.driver} {card.identifier}")
            return 0
        may_come = any(not isinstance(one.error, _NEVER_SERVED) for one in readers)
        if len(read) > 1 or time.monotonic() >= ends or not may_come:
            complain(f"kiosk: {_why_not(found, readers, part)}")
            return 1
        if not asked:
            complain("Put the card into the reader.")
            asked = True
        time.sleep(LOOK_S)


def settings_here(config: str | None) -> Settings:
    """Return the settings of the service; a clerk's own machine has only the environment."""
    path = settings_path(config, os.environ)
    try:
        here = path.exists()
    except PermissionError:
        here = False
    if config or here:
        return load_settings(path, os.environ)
    complain(f"This account has no {path}: the families are read in their usual order.")
    # The package's folder of the state is closed to a clerk, who needs nothing of it.
    return load_settings(None, {**os.environ, "STATE_DIRECTORY": "/nonexistent"})


def _why_not(found: PcscFinding, readers: list[ReaderFinding], part: str) -> str:
    """Say why no card was read in ``readers``, those of ``found`` whose name holds ``part``."""
    if found.trouble:
        return found.trouble
    if not readers:
        if not found.readers:
            return "no reader is plugged in"
        names = ", ".join(one.reader for one in found.readers)
        return f"no reader has {part!r} in its name; there are: {names}"
    if sum(one.report is not None for one in readers) > 1:
        return "there are several cards; take out all but one, or name a reader with --reader"
    troubles = (
        f"{one.reader}: {one.error}{also_on(one.others)}"
        for one in readers
        if not isinstance(one.error, CardGone)
    )
    return "; ".join(troubles) or "no card was put in"
