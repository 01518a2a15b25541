"""Puts the administration together for one actor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from kiosk.administration.desk import AdminDesk
from kiosk.administration.live_policy import LivePolicy
from kiosk.administration.local_desk import LocalAdminDesk
from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.administration.views.acting import Actor
from kiosk.composition.opening import open_known_keys, open_sealer
from kiosk.config import Settings
from kiosk.ports import Clock
from kiosk.secrets.anchors import AnchorSigner
from kiosk.secrets.codes import CodeMac
from kiosk.store.database import Store

_LOCAL_TIME = Path("/etc/localtime")
"""The machine's time zone, with its changes of the clocks; see localtime(5)."""


def build_desk(
    settings: Settings, environ: Mapping[str, str], store: Store, clock: Clock, actor: Actor
) -> AdminDesk:
    """Return the desk of ``actor`` on an open store; raises ``ConfigError`` for the keys."""
    ring = open_known_keys(settings, environ, store)
    means = Means(
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
    )
    return LocalAdminDesk(Office(means, actor))


def machine_zone() -> tzinfo:
    """Return the time zone of this machine; UTC where it has none."""
    try:
        with _LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
