"""Which policy counts: the settings file's, with what staff set on top of it.

What staff set was judged against the file as it was then. Where the file has changed so that
it does not fit any more, the file's own values count, and it is said why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kiosk.config.base import About, settings_of
from kiosk.config.kinds import Unfit
from kiosk.config.policy import PolicySettings
from kiosk.store.staff_records import PolicySetting


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The settings that count; ``faults`` say why what staff set under a name does not."""

    settings: PolicySettings
    faults: Mapping[str, str] = field(default_factory=dict)


def policy_in_force(file: PolicySettings, stored: Mapping[str, PolicySetting]) -> PolicyInForce:
    """Put what staff set on top of the file; raises nothing, whatever is stored."""
    known = {about.name: about for about in settings_of(file)}
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, setting in stored.items():
        if name in known and setting.value is not None:
            _read(known[name], setting.value, values, faults)
    settings = replace(file, **values)
    because = misfit(settings)
    if because is None:
        return PolicyInForce(settings, faults)
    return PolicyInForce(file, faults | dict.fromkeys(values, because))


def misfit(settings: PolicySettings) -> str | None:
    """Return why settings do not fit each other, naming one of them; None: they do."""
    try:
        settings.check()
    except ValueError as error:
        return str(error)
    return None


def shown_stored(text: str) -> str:
    """Write a stored value as staff read it; as it is where it cannot be read."""
    try:
        return shown_text(json.loads(text))
    except ValueError:
        return text


def stored_text(value: object) -> str:
    """Write a setting's value as it is stored."""
    return json.dumps(value)


def shown_text(value: object) -> str:
    """Write a setting's value as staff read and enter it; a list has commas."""
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read(about: About, text: str, values: dict[str, Any], faults: dict[str, str]) -> None:
    try:
        values[about.name] = about.kind.read(json.loads(text))
    except Unfit as unfit:
        faults[about.name] = f"{about.name}: {unfit}"
    except ValueError:
        faults[about.name] = f"{about.name}: what is stored cannot be read"
