"""The policy in force, for a program that runs for months."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from kiosk.authority.audit.put_back import policy_settings
from kiosk.authority.errors import RowAltered, StoreError
from kiosk.authority.records import PolicySetting
from kiosk.authority.store.database import Store
from kiosk.config.kinds import InvalidValue
from kiosk.config.settings import PolicySettings
from kiosk.contract.policy import Policy
from kiosk.contract.ports import Clock

log = logging.getLogger(__name__)

# The policy in force: the settings file's, overridden by what staff set.
#
# Staff's settings were checked against the file as it was then. Where they no longer fit a changed
# file, the file's values count, and the reason is reported.


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The settings in force; ``faults`` say why staff's setting of a name is not."""

    settings: PolicySettings
    faults: Mapping[str, str] = field(default_factory=dict)


def policy_in_force(file: PolicySettings, stored: Mapping[str, PolicySetting]) -> PolicyInForce:
    """Override the file with what staff set; raises nothing, whatever is stored."""
    known = {about.name: about for about in file.settings}
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, setting in stored.items():
        if name not in known or setting.value is None:
            continue
        try:
            values[name] = known[name].kind.read(json.loads(setting.value))
        except InvalidValue as unfit:
            faults[name] = f"{name}: {unfit}"
        except ValueError:
            faults[name] = f"{name}: what is stored cannot be read"
    settings = replace(file, **values)
    try:
        settings.check()
    except ValueError as error:
        return PolicyInForce(file, faults | dict.fromkeys(values, str(error)))
    return PolicyInForce(settings, faults)


def shown_stored(text: str) -> str:
    """Format a stored value as staff read it; return it unchanged where it cannot be read."""
    try:
        return shown_text(json.loads(text))
    except ValueError:
        return text


def stored_text(value: object) -> str:
    return json.dumps(value)


def shown_text(value: object) -> str:
    """Format a setting's value as staff read and enter it; a list has commas, lists have "or"."""
    if isinstance(value, tuple | list):
        if value and all(isinstance(each, tuple | list) for each in value):
            return " or ".join(map(shown_text, value))
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


EVERY_S = 10.0


class LivePolicy:
    """Returns the policy when it is called; safe to call from several threads.

    Staff's settings are read again after ``EVERY_S`` seconds. While the database does not answer,
    the last ones stay in force; before its first answer the file's, with which nothing can be
    decided anyway. While a setting's row is altered, or says less than the audit, there is no
    policy: ``RowAltered``.
    """

    def __init__(self, store: Store, file: PolicySettings, clock: Clock) -> None:
        self._store = store
        self._file = file
        self._clock = clock
        self._reading = threading.Lock()
        self._read_at: float | None = None
        self._in_force = PolicyInForce(file)
        self._policy = file.policy()
        self._altered: RowAltered | None = None

    def __call__(self) -> Policy:
        """Return the policy in force now; raises nothing but ``RowAltered``."""
        now = self._clock.monotonic()
        # Before the first read, callers wait for each other; later they go on with the last.
        first = self._read_at is None
        if self._is_due(now) and self._reading.acquire(blocking=first):
            try:
                if self._is_due(now):
                    self._read(now)
            finally:
                self._reading.release()
        if (altered := self._altered) is not None:
            raise type(altered)(altered.table, altered.row)
        return self._policy

    def _is_due(self, now: float) -> bool:
        return self._read_at is None or now - self._read_at >= EVERY_S

    def _read(self, now: float) -> None:
        try:
            with self._store.read() as uow:
                stored = policy_settings(uow)
        except RowAltered as altered:
            log.error("%s; nothing is decided without a policy", altered)  # noqa: TRY400
            self._altered, self._read_at = altered, now
            return
        except StoreError as error:
            log.warning("the policy could not be read, and the last one counts: %s", error)
            self._read_at = None if self._read_at is None else now
            return
        self._altered = None
        found = policy_in_force(self._file, stored)
        if found != self._in_force:
            log.info("the policy has changed")
            for name, because in found.faults.items():
                log.error("what staff set for %s does not count: %s", name, because)
            self._in_force, self._policy = found, found.settings.policy()
        self._read_at = now
