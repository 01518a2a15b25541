"""What the authority is made of; handed over by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kiosk.authority.mailed import Mailed
from kiosk.dialogue import Purpose
from kiosk.policy import Policy
from kiosk.ports import Clock, Mailer, Message
from kiosk.secrets.card_keys import Issuers
from kiosk.secrets.codes import CodeMac
from kiosk.secrets.hashing import AnswerHasher
from kiosk.secrets.sealing import Sealer
from kiosk.secrets.source import RandomSecrets, SecretSource
from kiosk.sensitive import Sensitive
from kiosk.store.database import Store
from kiosk.store.records import new_id


class CodeComposer(Protocol):
    """Writes the mail that carries a code."""

    def __call__(
        self,
        *,
        to: str,
        purpose: Purpose,
        holder_name: str,
        code: Sensitive,
        minutes: int,
        proves_owner: bool,
        stop_number: str,
    ) -> Message:
        """Return the message; it is marked secret."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The means of every use case.

    ``policy`` is asked anew in each call, so a changed setting counts at once.
    ``changes_secret`` names the families whose unblock secret is changed after its use.
    ``source`` makes what they are given then.
    ``staff_addresses`` are told of blocks. ``issuers`` are None where the settings name none.
    ``process`` names this process among those that share the database.
    """

    store: Store
    policy: Callable[[], Policy]
    clock: Clock
    sealer: Sealer
    hasher: AnswerHasher
    codes: CodeMac
    mailer: Mailer
    compose: CodeComposer
    changes_secret: frozenset[str]
    source: SecretSource = field(default_factory=RandomSecrets)
    staff_addresses: tuple[str, ...] = ()
    issuers: Issuers | None = None
    process: str = field(default_factory=new_id)
    mailed: Mailed = field(default_factory=Mailed)
