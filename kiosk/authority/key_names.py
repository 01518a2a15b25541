"""Whether a key file belongs to the database: two would fill one so that neither could read it.

The database stores the names of the keys under which it was filled. A ring belongs to it if it
shares a key with it for each purpose; keys from a rotation since then are added to the names.

An older copy of the key file belongs to it as well: what another machine has sealed since is
reported as sealed under a missing key. Without one of the keys below it would look altered, so an
older copy has to have all of these. A copy whose current key the database does not know yet is no
older one: where the newest copy is lost, a rotation lets the service go on. Somebody who writes
an invented name into the database can stop the service, and do no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.crypto.keys import NEEDED, KeyPurpose, KeyRing
from kiosk.authority.errors import KeyMissing
from kiosk.authority.records import Scalar
from kiosk.authority.store.database import Store
from kiosk.contract.errors import ConfigError

_ANOTHER = "the database was filled under other keys"
_ELSE_ALTERED: Final = (KeyPurpose.ROW_MAC, KeyPurpose.AUDIT_LINK, KeyPurpose.AUDIT_SIGN)
"""Without such a key, what the service itself has written looks altered by somebody else."""


def knows_ring(store: Store, ring: KeyRing) -> bool:
    """Return whether the database knows every key of ``ring``.

    Raises ``ConfigError`` where it knows only keys for a purpose that ``ring`` does not hold, and
    ``KeyMissing`` for an older copy without a key that shows what the service wrote.
    """
    ours = _purposes(ring)
    with store.read() as uow:
        known, since = uow.known_keys.every(), uow.known_keys.since()
    _require_shared_key(ours, known)
    require_newest(ring, known, since, _ELSE_ALTERED)
    return ours.keys() <= known.keys()


def check_is_newest(store: Store, ring: KeyRing) -> None:
    """Raise ``KeyMissing`` where another machine uses a key that ``ring`` lacks, but a master key.

    Answers, codes, seals and rows are made under it from then on.
    """
    with store.read() as uow:
        known, since = uow.known_keys.every(), uow.known_keys.since()
    require_newest(ring, known, since, NEEDED)


def claim(store: Store, ring: KeyRing) -> None:
    """Store the names of ``ring``, the first one or one that shares its keys.

    Raises ``ConfigError`` for any other, and ``KeyMissing`` as ``knows_ring`` does.
    """
    if not knows_ring(store, ring):
        learn_names(store, ring)


def learn_names(store: Store, ring: KeyRing) -> None:
    """Store the names of ``ring``; raises ``ConfigError`` for a ring that shares no keys.

    The audit gets those that a database in use does not know: a command that added a key was cut
    short before it said so.
    """
    ours = _purposes(ring)
    with store.begin() as uow:
        # Of two that come to an empty database at once, the second has to check again.
        uow.known_keys.lock()
        known = uow.known_keys.every()
        _require_shared_key(ours, known)
        for key in ours.keys() - known.keys() if known else ():
            detail: dict[str, Scalar] = {"purpose": ours[key], "key": key, "unrecorded": True}
            uow.audit.append(kind=ServiceKind.KEY_ADDED.value, reference="", detail=detail)
        uow.known_keys.add(ours)
        uow.commit()


def require_no_keys(store: Store, where: str) -> None:
    """Raise ``ConfigError`` where the database has keys, as new ones would be made ``where``."""
    with store.read() as uow:
        known = uow.known_keys.every()
    if known:
        copy = f"copy the key file of a machine that works here to {where}"
        advice = f"put your copy of the key file back, or {copy}"
        raise ConfigError(f"{_ANOTHER} ({', '.join(sorted(known))}), so none are made: {advice}")


def _purposes(ring: KeyRing) -> dict[str, str]:
    return {key: purpose.value for purpose in KeyPurpose for key in ring.ids(purpose)}


def _require_shared_key(ours: dict[str, str], known: dict[str, str]) -> None:
    for purpose in set(known.values()) & set(ours.values()):
        theirs = {key: named for key, named in known.items() if named == purpose}
        if not theirs.keys() & ours.keys():
            advice = "use the key file of a machine that works here"
            raise ConfigError(f"{_ANOTHER} ({', '.join(sorted(theirs))}): {advice}")


def require_newest(
    ring: KeyRing,
    known: Mapping[str, str],
    since: Mapping[str, datetime],
    purposes: Iterable[KeyPurpose] = KeyPurpose,
) -> None:
    """Raise ``KeyMissing`` for an older copy: it lacks a known key that is newer than its own.

    ``known`` is the purpose of each by its id, and ``since`` when the database learned of it.
    """
    lacking = list[str]()
    for purpose in purposes:
        ours = ring.ids(purpose)
        others = [key for key, named in known.items() if named == purpose and key not in ours]
        if not ours:
            lacking += others
        elif current := since.get(ours[-1]):
            lacking += [key for key in others if since[key] >= current]
    if lacking:
        names = ", ".join(sorted(lacking))
        older = f"the key file is an older copy, without {names}"
        raise KeyMissing(f"{older}: restore its newest copy")
