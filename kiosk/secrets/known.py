"""Whether a key file belongs to the database: two of them fill one so that neither can read it.

The database keeps the names of the keys it was filled under. A ring belongs to it that shares
a key with it for each purpose; what a rotation has added since becomes known by that.
"""

from __future__ import annotations

from kiosk.errors import ConfigError
from kiosk.secrets.keys import KeyPurpose, KeyRing
from kiosk.store.database import Store

_ANOTHER = "the database was filled under other keys"


def want_known(store: Store, ring: KeyRing) -> bool:
    """Return whether the database knows every key of ``ring``.

    Raises ``ConfigError`` where it knows others for a purpose, and none that ``ring`` holds.
    """
    held = _held(ring)
    with store.read() as uow:
        known = uow.known_keys.every()
    _want_shared(held, known)
    return held.keys() <= known.keys()


def claim(store: Store, ring: KeyRing) -> None:
    """Let the database know ``ring``, the first one or one that shares its keys.

    Raises ``ConfigError`` for any other.
    """
    if want_known(store, ring):
        return
    held = _held(ring)
    with store.begin() as uow:
        # Of two that come to an empty database at once, the second has to look again.
        uow.known_keys.hold()
        _want_shared(held, uow.known_keys.every())
        uow.known_keys.add(held)
        uow.commit()


def want_no_keys(store: Store, where: str) -> None:
    """Raise ``ConfigError`` where the database has keys, for new ones would be made ``where``."""
    with store.read() as uow:
        known = uow.known_keys.every()
    if known:
        copy = f"copy the key file of a machine that works here to {where}"
        raise ConfigError(f"{_ANOTHER} ({_names(known)}), so none are made: {copy}")


def _held(ring: KeyRing) -> dict[str, str]:
    return {key: purpose.value for purpose in KeyPurpose for key in ring.ids(purpose)}


def _want_shared(held: dict[str, str], known: dict[str, str]) -> None:
    for purpose in set(known.values()) & set(held.values()):
        theirs = {key: named for key, named in known.items() if named == purpose}
        if not theirs.keys() & held.keys():
            advice = "use the key file of a machine that works here"
            raise ConfigError(f"{_ANOTHER} ({_names(theirs)}): {advice}")


def _names(keys: dict[str, str]) -> str:
    return ", ".join(sorted(keys))
