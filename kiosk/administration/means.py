"""What the administration works with; handed over by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from kiosk.config.policy import PolicySettings
from kiosk.policy import Policy
from kiosk.ports import Clock
from kiosk.secrets.anchors import AnchorSigner
from kiosk.secrets.codes import CodeMac
from kiosk.secrets.sealing import Sealer
from kiosk.store.database import Store


@dataclass(frozen=True, slots=True)
class Means:
    """The means of every use case of staff.

    ``policy`` is asked anew in each call; ``file_policy`` is what the settings file says,
    which counts wherever staff set nothing else. ``imports`` and ``exports`` are folders
    of the service's machine. ``zone`` is the one that days and hours are told in.
    """

    store: Store
    clock: Clock
    sealer: Sealer
    codes: CodeMac
    signer: AnchorSigner
    policy: Callable[[], Policy]
    file_policy: PolicySettings
    imports: Path
    exports: Path
    number_digits: int
    service: str
    zone: tzinfo
