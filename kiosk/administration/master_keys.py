"""Looking at the master keys of unblock secrets, and taking another one into use.

With another one in use, every secret that derives from an older key is derived a last time
and sealed as it is, so that the older key can be destroyed. It may stop anywhere: the next
one finishes what was left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kiosk.administration.key_rotation import RotationReport, add_key
from kiosk.administration.progress import Progress, unseen
from kiosk.errors import KeyMissing
from kiosk.secrets.keys import KeyPurpose, KeyRing
from kiosk.secrets.masters import Masters
from kiosk.secrets.rotate import walk
from kiosk.secrets.sealing import Sealer
from kiosk.secrets.token.masters import TokenMasters
from kiosk.secrets.underiving import OlderMasters, derived_by_key
from kiosk.store.database import Store


@dataclass(frozen=True, slots=True)
class MasterLine:
    """One master key: how many secrets derive from it; one that is not ``there`` is missed."""

    id: str
    there: bool
    current: bool
    in_token: bool
    secrets: int


class MasterKeys:
    """The master keys of a key file, and of a token where there is one.

    Every call raises ``ConfigError`` for the key file, ``KeysAway`` for the token, and
    ``StoreError``.
    """

    def __init__(self, path: Path, token: TokenMasters | None, store: Store) -> None:
        self._path = path
        self._token = token
        self._store = store

    def lines(self) -> tuple[MasterLine, ...]:
        """Return every key that is there, the oldest first, and those that are missed."""
        masters, derived = self._masters(), self._derived()
        current, in_token = _current(masters), self._token.ids() if self._token else ()
        ids = masters.ids()
        missed = sorted(set(derived) - set(ids))
        return tuple(
            MasterLine(key, key in ids, key == current, key in in_token, derived.get(key, 0))
            for key in (*ids, *missed)
        )

    def add(self, actor: str) -> str:
        """Make another master key current, where new ones are kept, and return its id."""
        if self._token is None:
            return add_key(self._path, KeyPurpose.DERIVE, self._store, actor)
        added = self._token.add()
        with self._store.begin() as uow:
            detail = {"purpose": KeyPurpose.DERIVE.value, "key": added, "place": "token"}
            uow.audit.append(kind="key-added", reference="", actor=actor, detail=detail)
            uow.commit()
        return added

    def rotate(self, actor: str, progress: Progress = unseen) -> RotationReport:
        """Add a key, unless an earlier rotation is unfinished, and let nothing derive from older.

        Progress is told in secrets.
        """
        added = None if self._is_unfinished() else self.add(actor)
        ring = KeyRing.load(self._path)
        masters = Masters(ring, self._token)
        current = masters.current()
        work = OlderMasters(Sealer(ring, masters), current)
        return RotationReport(added, current, walk(self._store, work, current, actor, progress))

    def _is_unfinished(self) -> bool:
        """Tell whether secrets derive from older keys, or none yet from one that was added."""
        masters, derived = self._masters(), self._derived()
        current = _current(masters)
        if current is None:
            return False
        older = set(masters.ids()) - {current}
        return not older.isdisjoint(derived) or bool(older and current not in derived)

    def _masters(self) -> Masters:
        return Masters(KeyRing.load(self._path), self._token)

    def _derived(self) -> dict[str, int]:
        with self._store.read() as uow:
            return derived_by_key(uow)


def _current(masters: Masters) -> str | None:
    try:
        return masters.current()
    except KeyMissing:
        return None
