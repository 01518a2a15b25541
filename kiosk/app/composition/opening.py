"""Opens store, keys, mailer and the desk of staff from the settings, for stations and commands.

Each is imported where it is opened: no command needs all of them, and they load slowly.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kiosk.config.loading import credential_file, credential_text
from kiosk.config.settings import Settings, host_and_port
from kiosk.contract.errors import ConfigError
from kiosk.contract.ports import Clock, SystemClock

if TYPE_CHECKING:
    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.views import Actor, Report
    from kiosk.authority.audit.siem import Collector
    from kiosk.authority.crypto.card_keys import AttestationRoots, Issuers
    from kiosk.authority.crypto.keys import KeyRing
    from kiosk.authority.crypto.sealing import Sealer
    from kiosk.authority.crypto.token import TokenMasters
    from kiosk.authority.mail.smtp import SmtpMailer
    from kiosk.authority.store.database import Store
    from kiosk.authority.texts.senders import TextSender

_LOCAL_TIME = Path("/etc/localtime")
"""The machine's time zone, with its changes of the clocks; see localtime(5)."""


def open_store(
    settings: Settings,
    clock: Clock,
    environ: Mapping[str, str],
    *,
    pool_size: int = 5,
    staff: bool = False,
) -> Store:
    """Return the store, for ``staff`` by their account; nothing is opened yet, no key is read."""
    from kiosk.authority.crypto.macs import AuditMacs, KeyedRowMacs
    from kiosk.authority.store.database import Store

    load = partial(open_keys, settings, environ)
    named = settings.store
    return Store(
        (named.staff_url if staff else "") or named.url,
        clock,
        KeyedRowMacs(load),
        busy_timeout_s=named.busy_timeout_s,
        pool_size=pool_size,
        audit_macs=AuditMacs(load),
    )


def open_keys(settings: Settings, environ: Mapping[str, str]) -> KeyRing:
    """Load the key ring; raises ``ConfigError`` that says what to do.

    That is ``KeyFileMissing`` where the database was filled under keys, or does not say.
    """
    from kiosk.authority.crypto.keys import KeyFileMissing, KeyRing

    try:
        return KeyRing.load(credential_file(settings.keys.file, environ))
    except KeyFileMissing as missing:
        store = open_store(settings, SystemClock(), environ)
        is_new = _is_new(store)
        store.close()
        if is_new:
            advice = "`kiosk setup authority` makes one with the database"
            raise ConfigError(f"{missing}; {advice}") from None
        alone = "what is in the database opens with it alone"
        advice = f"put your copy of the key file back (`kiosk keys recover --from FILE`): {alone}"
        if is_new is None:
            advice += "; for a new service `kiosk setup authority` makes one"
        raise KeyFileMissing(f"{missing}; {advice}") from None


def _is_new(store: Store) -> bool | None:
    """Return whether nothing was ever filled under keys here; None where that is unknown."""
    from kiosk.authority.errors import StoreError
    from kiosk.authority.store.engine import NO_SUCH_TABLE

    if store.file is not None and not store.file.exists():
        return True
    try:
        with store.read() as uow:
            return not uow.known_keys.every()
    except StoreError as error:
        return True if error.code in NO_SUCH_TABLE else None


def open_known_keys(settings: Settings, environ: Mapping[str, str], store: Store) -> KeyRing:
    """Load the key ring, which has to be the database's; raises ``ConfigError``, ``StoreError``.

    Raises ``KeyMissing`` for an older copy with which what the service wrote would look altered.
    A session of staff may be open while keys are added, so the file is read again for unknown keys.
    """
    from kiosk.authority.errors import KeyMissing
    from kiosk.authority.key_names import claim

    ring = open_keys(settings, environ)
    try:
        claim(store, ring)
    except KeyMissing:  # another command may have added a key since the file was read
        ring = open_keys(settings, environ)
        claim(store, ring)
    return ring.rereading(partial(open_keys, settings, environ), SystemClock().monotonic)


def open_sealer(settings: Settings, environ: Mapping[str, str], ring: KeyRing) -> Sealer:
    """Return the sealer of these keys; a token in the settings is not used yet."""
    from kiosk.authority.crypto.derivation import Masters
    from kiosk.authority.crypto.sealing import Sealer

    return Sealer(ring, Masters(ring, open_token(settings, environ)))


def open_token(settings: Settings, environ: Mapping[str, str]) -> TokenMasters | None:
    from kiosk.authority.crypto.token import Token, TokenMasters

    named = settings.secrets
    if not named.module:
        return None
    token = Token(named.module, named.token, named.timeout_s)
    return TokenMasters(token, partial(credential_text, named.pin_file, environ), environ)


def open_issuers(settings: Settings) -> Issuers | None:
    """Return the issuers of the certificates on cards, if any are set, and what they revoked.

    Raises ``ConfigError``.
    """
    from kiosk.authority.crypto.card_keys import Issuers

    named = settings.cards
    if not named.issuers:
        return None
    revoked = tuple(map(Path, named.revoked))
    refuses = named.crl_past == "refuse"
    return Issuers.load(Path(named.issuers), revoked, past_refuses=refuses)


def open_attestation(settings: Settings) -> AttestationRoots | None:
    """Return the roots by which cards attest their keys, if set; raises ``ConfigError``."""
    from kiosk.authority.crypto.card_keys import AttestationRoots

    named = settings.cards.attestation_roots
    return AttestationRoots.load(Path(named)) if named else None


def open_collector(settings: Settings, environ: Mapping[str, str]) -> Collector:
    """Return the collector that [siem] names; raises ``ConfigError`` for its files."""
    from kiosk.authority.audit.siem import Collector, collector_context

    named = settings.siem
    files = (named.ca, named.certificate, named.key)
    ca, certificate, key = (credential_file(each, environ) if each else None for each in files)
    context = collector_context(ca, certificate, key)
    closes_tls = named.confirmed_by == "close-notify"
    return Collector(*host_and_port(named.collector), context, closes_tls)


def open_mailer(settings: Settings, environ: Mapping[str, str]) -> SmtpMailer:
    """Return the mailer of these settings; raises ``ConfigError`` naming a missing file."""
    from kiosk.authority.mail.smtp import SmtpMailer, relay_from

    return SmtpMailer(relay_from(settings.mail, settings.service.name, environ))


def open_text_sender(
    settings: Settings, environ: Mapping[str, str], clock: Clock
) -> TextSender | None:
    """Return who sends text messages, if anybody does; raises ``ConfigError``."""
    from kiosk.authority.texts.senders import open_texts

    return open_texts(settings.texts, environ, clock)


def mail_report(settings: Settings, environ: Mapping[str, str], to: str, report: Report) -> None:
    """Mail a report as a letter; raises ``MailError``, and ``ConfigError`` for a missing file."""
    from kiosk.authority.administration.views import Span
    from kiosk.authority.mail.compose import compose_report

    opening = f"By {report.span.value}, from {report.first:%-d %B %Y} to {report.last:%-d %B %Y}."
    columns, rows = report.columns, report.rows
    if report.span is Span.WEEK:
        columns = (columns[0], *columns[3:])
        rows = tuple((_week_words(*row[:3]), *row[3:]) for row in rows)
    service = settings.service
    letter = compose_report(to=to, opening=opening, columns=columns, rows=rows, service=service)
    with closing(open_mailer(settings, environ)) as mailer:
        mailer.send(letter)


def _week_words(week: str, first: str, last: str) -> str:
    """Name a week and its days, which the totals do not have."""
    days = [f"{date.fromisoformat(each):%-d %B}" for each in dict.fromkeys((first, last)) if each]
    return f"{week} ({' to '.join(days)})" if days else week


def open_desk(
    settings: Settings, environ: Mapping[str, str], store: Store, clock: Clock, actor: Actor
) -> AdminDesk:
    """Return the desk of ``actor`` on an open store; raises ``ConfigError`` for the keys."""
    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.office import Office, StaffDependencies
    from kiosk.authority.audit.anchors import AnchorSigner
    from kiosk.authority.crypto.macs import CodeMac
    from kiosk.authority.crypto.station_ca import StationCa
    from kiosk.authority.policy import LivePolicy

    ring = open_known_keys(settings, environ, store)
    means = StaffDependencies(
        store=store,
        clock=clock,
        sealer=open_sealer(settings, environ, ring),
        codes=CodeMac(ring),
        signer=AnchorSigner(ring),
        policy=LivePolicy(store, settings.policy, clock),
        file_policy=settings.policy,
        imports=Path(settings.admin.imports),
        exports=Path(settings.admin.exports),
        number_digits=settings.people.number_digits,
        service=settings.service.name,
        zone=machine_zone(),
        enrol_addresses=settings.authority.enrol_addresses,
        ca_fingerprint=StationCa(ring).fingerprint,
        verified_logins=settings.admin.verified_logins,
        text_regions=settings.texts.taken_regions,
        mail_report=partial(mail_report, settings, environ),
    )
    return AdminDesk(Office(means, actor))


def machine_zone() -> tzinfo:
    """Return the time zone of this machine; UTC where it has none."""
    try:
        with _LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
