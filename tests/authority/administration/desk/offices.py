"""An office for each role, on real parts: keys, store, policy and folders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import Actor, Grounds
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.records import StaffKey, StaffMember, new_id
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.config.settings import PolicySettings
from kiosk.contract.ports import Clock

GROUNDS = Grounds("Asked for by telephone", "Photo ID, in person")


def means_of(store: Store, clock: Clock, folder: Path) -> StaffDependencies:
    """Return means with fresh keys and the default policy."""
    ring, settings = KeyRing.fresh(), PolicySettings()
    policy = settings.policy()
    for name in ("imports", "exports"):
        (folder / name).mkdir(exist_ok=True)
    return StaffDependencies(
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


def move_key(store: Store, one: Office, other: Office) -> None:
    """Take the key of one member of staff away, and give it to another."""
    with store.begin() as uow:
        key = uow.staff.key(one.actor.key)
        assert key is not None
        assert uow.staff.remove_key(key.staff_id, key.fingerprint)
        assert uow.staff.add_key(replace(key, staff_id=other.actor.staff_id))
        uow.commit()


def office_of(means: StaffDependencies, role: Role, name: str = "") -> Office:
    """Return the office of a new member of staff with ``role``, who has a key."""
    now, staff_id = means.clock.now(), new_id()
    member = StaffMember(staff_id, name or f"{role.value.title()} Mbeki", role, now)
    key = StaffKey(f"SHA256:{staff_id}", staff_id, f"ssh-ed25519 {staff_id}", "laptop", now)
    with means.store.begin() as uow:
        uow.staff.add(member)
        uow.staff.add_key(key)
        uow.commit()
    return Office(means, Actor(member.name, role, staff_id, key.fingerprint))
