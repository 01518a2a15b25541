"""An office for each role, on real parts: keys, store, policy and folders."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.administration.views.acting import Actor, Grounds
from kiosk.config.policy import PolicySettings
from kiosk.ports import Clock
from kiosk.roles import Role
from kiosk.secrets.anchors import AnchorSigner
from kiosk.secrets.codes import CodeMac
from kiosk.secrets.keys import KeyRing
from kiosk.secrets.sealing import Sealer
from kiosk.store.database import Store
from kiosk.store.records import new_id
from kiosk.store.staff_records import StaffKey, StaffMember

GROUNDS = Grounds("Asked for by telephone", "Photo ID, in person")


def means_of(store: Store, clock: Clock, folder: Path) -> Means:
    """Return means with fresh keys and the default policy."""
    ring, settings = KeyRing.fresh(), PolicySettings()
    policy = settings.policy()
    for name in ("imports", "exports"):
        (folder / name).mkdir(exist_ok=True)
    return Means(
        store=store,
        clock=clock,
        sealer=Sealer(ring),
        codes=CodeMac(ring),
        signer=AnchorSigner(ring),
        policy=lambda: policy,
        file_policy=settings,
        imports=folder / "imports",
        exports=folder / "exports",
        number_digits=12,
        service="Smartcard self-service",
        zone=UTC,
    )


def office_of(means: Means, role: Role, name: str = "") -> Office:
    """Return the office of a new member of staff with ``role``, who has a key."""
    now, staff_id = means.clock.now(), new_id()
    member = StaffMember(staff_id, name or f"{role.value.title()} Mbeki", role, now)
    key = StaffKey(f"SHA256:{staff_id}", staff_id, f"ssh-ed25519 {staff_id}", "laptop", now)
    with means.store.begin() as uow:
        uow.staff.add(member)
        uow.staff.add_key(key)
        uow.commit()
    return Office(means, Actor(member.name, role, staff_id, key.fingerprint))
