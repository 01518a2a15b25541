"""Composes the administration for one actor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from kiosk.app.composition.opening import open_known_keys, open_sealer
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import Actor
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.policy import LivePolicy
from kiosk.authority.store.database import Store
from kiosk.config.settings import Settings
from kiosk.contract.ports import Clock

_LOCAL_TIME = Path("/etc/localtime")
"""The machine's time zone, with its changes of the clocks; see localtime(5)."""


def build_desk(
    settings: Settings, environ: Mapping[str, str], store: Store, clock: Clock, actor: Actor
) -> AdminDesk:
    """Return the desk of ``actor`` on an open store; raises ``ConfigError`` for the keys."""
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
    )
    return AdminDesk(Office(means, actor))


def machine_zone() -> tzinfo:
    """Return the time zone of this machine; UTC where it has none."""
    try:
        with _LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
