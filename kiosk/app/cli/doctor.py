"""``kiosk doctor``: check the whole installation."""

from __future__ import annotations

import argparse
import ctypes
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path

from kiosk import HAS_AUTHORITY
from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import print_marked
from kiosk.app.cli.systemd import clock_is_synchronised, properties_of
from kiosk.app.cli.tools import Tools, print_json
from kiosk.app.composition.opening import open_collector, open_issuers, open_text_sender
from kiosk.app.setup import station
from kiosk.config.loading import (
    EXAMPLES,
    STATION_SETTINGS,
    SYSTEM_SETTINGS,
    SettingsMissing,
    left_at_example,
    load_settings,
    state_directory,
)
from kiosk.config.settings import DEFAULTS, AuthoritySettings, Settings, stored_secrets
from kiosk.contract.errors import ConfigError
from kiosk.contract.findings import (
    AUTHORITY,
    CLOCK,
    READER,
    Check,
    Condition,
    Finding,
    examine,
    fail,
    ok,
    warn,
)
from kiosk.contract.ports import Clock

Hardware = Callable[[Settings], Iterable[Finding]]

_SETTINGS, _EXAMPLE = "settings", "example"

DESCRIPTION = """\
Looks at each part that a machine stands on and says in one line how it is and what to
do. On a station: settings, smartcard service, reader and card, display, the way to the
authority, the station's certificate, the clock, and whether its units run. On an
authority also: database, questions, keys, mail relay, whether it serves, and waiting
notices. On both, whether what runs has the settings of the file. It changes nothing,
spends no try of any card and sends no mail.

The exit code is 1 when something fails, and 0 when all is well or only worth a look.
"""
_OF_AUTHORITY = "  runuser -u kiosk -- kiosk doctor\n" if HAS_AUTHORITY else ""
EXAMPLE = f"""\
{_OF_AUTHORITY}\
  runuser -u kiosk-station -- kiosk doctor
  kiosk doctor --json | jq '.[] | select(.condition != "ok")'
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "doctor", "look everything over and say what to do", DESCRIPTION, EXAMPLE, run
    )
    add_flag(parser, "--json", "for a script")


def run(args: argparse.Namespace, hardware: Hardware | None = None) -> int:
    """Print every finding; ``hardware`` looks at reader and card in its own way."""
    as_json, found = getattr(args, "json", False), []
    for finding in _findings(Tools(args), hardware or _hardware):
        found.append(finding)
        if not as_json:
            show(finding)
    if as_json:
        print_json(found)
    return int(any(finding.condition is Condition.FAIL for finding in found))


def _findings(tools: Tools, hardware: Hardware) -> Iterator[Finding]:
    try:
        settings = tools.settings
    except ConfigError as error:
        settings = Settings()
        if isinstance(error, SettingsMissing):  # those of `kiosk enrol` are in another file
            folder = str(state_directory(tools.environ, tools.path))
            settings = load_settings(None, {**tools.environ, "STATE_DIRECTORY": folder})
        if not (settings.authority.addresses and settings.authority.certificate):
            yield fail(_SETTINGS, str(error), "nothing else was looked at")
            return
        advice = "run that as root: this machine was enrolled, and was not set up as a station"
        yield fail(_SETTINGS, str(error), advice)
    else:
        yield ok(_SETTINGS, str(tools.path))
        yield from _check_units(tools.path)
    calls = settings.authority.addresses and not settings.authority.listen
    if not HAS_AUTHORITY or calls or tools.path == STATION_SETTINGS:
        from kiosk.app.cli.station_checks import look_at_unit, station_checks

        if tools.path.exists():
            yield _example(tools, {"service": EXAMPLES["service"]})
        yield from hardware(settings)
        state = state_directory(tools.environ, tools.path)
        yield from examine(station_checks(settings, tools.environ, state))
        if tools.path == STATION_SETTINGS:
            yield from look_at_unit(settings.authority.addresses)
        return
    # Stations that call over the network have the names under which they enrolled.
    unused = "station" if settings.authority.listen else ""
    wanted = {name: names for name, names in EXAMPLES.items() if name != unused}
    yield _example(tools, wanted)
    by_role = tools.store_file is None or settings.store.staff_url
    yield from hardware(settings)
    staff = [staff_check(tools)] if by_role else []
    later = [mail_check(tools)], text_checks(tools), authority_checks(tools), running_checks(tools)
    yield from examine(chain(store_checks(tools), staff, *later))


def _check_units(path: Path) -> Iterator[Finding]:
    """Look at the units of this machine that read ``path`` when they start."""
    units: tuple[str, ...]
    if path == STATION_SETTINGS:
        units = station.READERS
    elif path == SYSTEM_SETTINGS and HAS_AUTHORITY:
        from kiosk.app.setup import authority

        units = authority.READERS
    else:
        return
    if finding := check_running(path, units):
        yield finding
    yield from check_station_runs()


def _example(tools: Tools, wanted: Mapping[str, tuple[str, ...]]) -> Finding:
    """Warn of settings for people, or for registration, that are still the example's."""
    if left := left_at_example(tools.path, tools.environ, wanted):
        advice = f"set each in {tools.path}, also where the example fits"
        return warn(_EXAMPLE, f"still the example's: {', '.join(left)}", advice)
    return ok(_EXAMPLE, "nothing that people see is still the example's")


def _hardware(settings: Settings) -> Iterable[Finding]:
    calls = settings.authority.addresses and not settings.authority.listen
    enabled = station.enabled_units()
    is_station = not HAS_AUTHORITY or bool(calls) or bool(enabled)
    if not is_station:
        try:
            ctypes.CDLL("libpcsclite.so.1")
        except OSError:
            # Its package is a station's. pyscard prints that it is missing when it is imported.
            return [ok(READER, "there is none; only a station needs one")]
    from kiosk.app.cli.station_checks import look_at_hardware

    composed = station.DISPLAY_UNIT in enabled
    return look_at_hardware(settings, needed=is_station, composed=composed)


# The checks of an authority; `kiosk setup` ends with some of them.

_MARKS = {Condition.OK: ("✓", "32"), Condition.WARN: ("!", "33"), Condition.FAIL: ("✗", "31")}
_CA, _CERTIFICATE, _RUNNING = "station CA", "certificate", "running"
_OFTEN, _RECENT_S = 3, 60
"""So many restarts of a unit, the last so near, are no display that was plugged in."""
_READY_S = 5.0
"""The authority queries its database before it answers."""


def show(finding: Finding) -> None:
    mark, colour = _MARKS[finding.condition]
    advice = f"; {finding.advice}" if finding.advice else ""
    text = f"  {finding.part:<10}  {finding.found}{advice}"
    print_marked(f"{mark} {finding.condition:<4}", colour, text)


def store_checks(tools: Tools) -> Iterator[tuple[str, Check]]:
    """Yield the checks of what ``kiosk setup`` makes."""
    from kiosk.authority.administration import checks

    settings, store = tools.settings, tools.store
    folder = tools.store_file.parent if tools.store_file else None
    policy = partial(checks.read_policy, store, settings.policy, tools.ring)
    url, has_keys = settings.store.url, tools.key_file.exists()
    yield checks.DATABASE, partial(checks.check_database, store, folder, url, has_keys=has_keys)
    yield checks.KEYS, partial(checks.check_keys, tools.ring, store)
    yield checks.ADDRESSES, partial(checks.check_addresses, store, policy)
    yield checks.QUESTIONS, partial(checks.check_questions, store, policy)
    certified = bool(settings.cards.issuers)
    yield checks.CARD_KEYS, partial(checks.check_card_keys, store, policy, certified=certified)
    if settings.cards.revoked:
        load = partial(open_issuers, settings)
        yield checks.REVOKED, partial(checks.check_revoked, load, tools.clock)
    yield checks.WEAK_KEYS, partial(checks.check_weak_keys, store)
    yield checks.KEY_COPY, partial(checks.check_key_copy, tools.ring, tools.key_file, store)
    derives = settings.secrets.source == "derived"
    yield checks.MASTER, partial(checks.check_master_keys, tools.masters, derives=derives)
    siem, network = settings.siem, settings.authority
    keys = siem.key or siem.certificate, network.key or network.certificate
    secret = settings.mail.credential, settings.texts.credential, settings.secrets.pin_file, *keys
    # A bare name is a file of the service manager's.
    if files := tuple(Path(name) for name in secret if "/" in name):
        yield checks.CREDENTIALS, partial(checks.check_credentials, files)


def staff_check(tools: Tools) -> tuple[str, Check]:
    from kiosk.authority.administration import checks

    named = tools.settings.store
    return checks.STAFF, partial(checks.check_staff, tools.staff_store, named.url, named.staff_url)


def mail_check(tools: Tools) -> tuple[str, Check]:
    from kiosk.authority.administration import checks

    mail = tools.settings.mail
    return checks.MAIL, partial(checks.check_mail, tools.mailer, f"{mail.host}:{mail.port}")


def text_checks(tools: Tools) -> Iterator[tuple[str, Check]]:
    from kiosk.authority.administration import checks

    named = tools.settings.texts
    if named.service != "none":
        load = partial(open_text_sender, tools.settings, tools.environ, tools.clock)
        yield checks.TEXTS, partial(checks.check_texts, load)


def collector_checks(tools: Tools) -> Iterator[tuple[str, Check]]:
    from kiosk.authority.administration import checks

    if collector := tools.settings.siem.collector:
        load = partial(open_collector, tools.settings, tools.environ)
        yield checks.COLLECTOR, partial(checks.check_collector, tools.store, load, collector)


def network_checks(tools: Tools) -> Iterator[tuple[str, Check]]:
    named = tools.settings.authority
    if "/" in named.ca:  # a bare name is a file of the service manager's
        yield _CA, partial(_check_ca, named, tools.environ)
    if "/" in named.certificate:
        yield _CERTIFICATE, partial(_check_certificate, named, tools.clock)


def authority_checks(tools: Tools) -> Iterator[tuple[str, Check]]:
    """Yield the check of the authority's process, where one should run on this machine."""
    named = tools.settings
    yield from network_checks(tools)
    place = named.monitoring.place(named.authority.socket)
    by_network = bool(place) and not place.startswith("/")
    if by_network or (place and (tools.path == SYSTEM_SETTINGS or Path(place).exists())):
        is_system = tools.path == SYSTEM_SETTINGS
        is_system &= state_directory(tools.environ) == state_directory({})
        is_default = not by_network and named.authority.socket == DEFAULTS.authority.socket
        who = "it"
        if is_default and not is_system:
            # A copy that is tried out, and the service of the machine, have one default socket.
            who = f"the one at {place}, which may have other settings than these,"
        yield AUTHORITY, partial(_check_ready, place, who)


def _check_ca(named: AuthoritySettings, environ: Mapping[str, str]) -> Finding:
    from kiosk.app.composition.serving import estates_ca

    try:
        estates_ca(named, environ)
    except ConfigError as error:
        return fail(_CA, str(error), "an authority that starts ends with this")
    return ok(_CA, "the certificates in `ca` of [authority] can be read")


def _check_certificate(named: AuthoritySettings, clock: Clock) -> Finding:
    """Check the certificate that stations are shown, where it is of a CA of the estate's."""
    from kiosk.app.composition.renewal import ENDS_SOON, dates_of

    certificate, key = Path(named.certificate), Path(named.key or named.certificate)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one: they hold nothing of use, or do not fit
        files = f"{certificate} and the key {key}" if named.key else f"{certificate}"
        advice = "see `certificate` and `key` in [authority]"
        return fail(_CERTIFICATE, f"{files}: {error.strerror or error}", advice)
    if (dates := dates_of(certificate)) is None:
        return fail(_CERTIFICATE, f"{certificate} names no day on which it ends", "replace it")
    left, text = dates.ends_at - clock.now(), f"good until {dates.ends_at:%d %B %Y}"
    advice = f"replace {certificate}: the authority reads it again by itself"
    if left <= timedelta():
        return fail(_CERTIFICATE, f"it was {text}: no station takes it", advice)
    return warn(_CERTIFICATE, text, advice) if left < ENDS_SOON else ok(_CERTIFICATE, text)


def _check_ready(place: str, who: str) -> Finding:
    """Check that the authority that answers at ``place`` is ready; ``who`` names it."""
    host, _, port = ("localhost", "", "0") if place.startswith("/") else place.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=_READY_S)
    try:
        with closing(connection):
            if place.startswith("/"):
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.settimeout(_READY_S)
                connection.sock.connect(place)
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            said = answer.read().decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        because = getattr(error, "strerror", None) or str(error) or type(error).__name__
        started = "where stations are to be served, `systemctl start kiosk-authority`"
        more = "`journalctl -u kiosk-authority` has more"
        return warn(AUTHORITY, f"none answers at {place}: {because}", f"{started}; {more}")
    if answer.status != http.client.OK:
        advice = "`journalctl -u kiosk-authority` shows the log"
        return fail(AUTHORITY, f"{who} serves no station: {said}", advice)
    return ok(AUTHORITY, f"{who} is ready to serve stations")


def running_checks(tools: Tools) -> Iterator[tuple[str, Check]]:
    """Yield the checks of what changes while the service runs."""
    from kiosk.authority.administration import checks
    from kiosk.authority.administration.verification import RECORDS, check_rows

    policy = partial(checks.read_policy, tools.store, tools.settings.policy, tools.ring)
    verified = tools.settings.admin.verified_logins
    yield checks.FOUR_EYES, partial(checks.check_four_eyes, tools.store, policy, verified=verified)
    if verified:
        yield checks.LOGIN_KEYS, partial(checks.check_login_keys, tools.store)
    yield RECORDS, partial(check_rows, tools.store)
    yield checks.OUTBOX, partial(checks.check_outbox, tools.store)
    yield checks.MAIL_TIME, partial(checks.check_mail_time, tools.store)
    mail = tools.settings.mail
    bounces = partial(checks.check_bounces, tools.store, mail.bounces, mail.bounces_folder)
    yield checks.BOUNCES, bounces
    yield from collector_checks(tools)
    yield checks.RELEASED, partial(checks.check_seen_secrets, tools.store, tools.clock)
    stored = stored_secrets(tools.settings)
    yield checks.STATIONS, partial(checks.check_stations, tools.store, stored)
    clock = tools.clock
    yield CLOCK, partial(checks.check_clock, tools.store, clock, clock_is_synchronised)


def check_running(settings: Path, units: Sequence[str]) -> Finding | None:
    """Check that what runs was started since its settings were changed; None where none is known.

    Of ``units``, which read them at their start, those that run are looked at.
    """
    try:
        changed_at = int(settings.stat().st_mtime)
    except OSError:
        return None
    started_at = dict[str, int]()
    for fields in properties_of(units, "ActiveState", "ExecMainStartTimestamp"):
        at = fields.get("ExecMainStartTimestamp", "").removeprefix("@")
        if fields.get("ActiveState") == "active" and at.isdigit():
            started_at[fields["Id"]] = int(at)
    if not started_at:
        return None
    if older := [unit for unit, at in started_at.items() if at < changed_at]:
        named = " and ".join(older)
        goes = "that goes" if len(older) == 1 else "these go"
        found = f"{settings} was changed since {named} started: {goes} on with the old settings"
        return warn(_RUNNING, found, f"as root, `systemctl restart {' '.join(older)}`")
    has = "has" if len(started_at) == 1 else "have"
    return ok(_RUNNING, f"{' and '.join(started_at)} {has} these settings")


def check_station_runs() -> Iterator[Finding]:
    """Name each unit of this machine's station, if it is one, that does not run, or ends again."""
    enabled, asked = station.enabled_units(), ("ActiveState", "NRestarts", "ActiveEnterTimestamp")
    for shown in properties_of(enabled, *asked) if enabled else ():
        unit, state = shown["Id"], shown.get("ActiveState", "unknown")
        number, since = (shown.get(name, "").removeprefix("@") for name in asked[1:])
        restarts = int(number) if number.isdigit() else 0
        advice = f"`journalctl -u {unit.removesuffix('.service')}` says why"
        if state != "active":
            often = f", and was restarted {restarts} times" if restarts >= _OFTEN else ""
            yield fail(_RUNNING, f"{unit} does not run ({state}){often}", advice)
        elif restarts >= _OFTEN and since.isdigit() and time.time() - int(since) < _RECENT_S:
            found = f"{unit} was restarted {restarts} times, and last within a minute"
            yield warn(_RUNNING, found, advice)
    if enabled and station.UNIT not in enabled:
        found = "the set-up of this station did not come to its end"
        yield fail(_RUNNING, found, "as root, `kiosk setup station` again; it says what it lacks")
