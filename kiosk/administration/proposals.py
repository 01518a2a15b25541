"""Acts that wait for a second member of staff: how one is kept, and how it is read again.

An act that waits is the call of a use case, with everything that was entered. To let another
one wait: put its action into ``kiosk.roles.FOUR_EYES``, hand a ``Proposal`` to ``Office.act``,
and add a row to ``kiosk.administration.proposed_acts.ACTS``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from kiosk.administration.views.acting import Seen
from kiosk.secrets.sealing import SealedText, Sealer
from kiosk.sensitive import Sensitive
from kiosk.store.records import Scalar
from kiosk.store.staff_records import ProposedAct

WAITS_FOR: Final = timedelta(days=7)

Parameters = Mapping[str, Scalar | Sensitive]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a use case hands over, so that it can be done later: ``act`` is its name in ``ACTS``.

    ``revision`` is that of the member of staff or the setting; a person's comes from ``Seen``.
    """

    act: str
    parameters: Parameters = field(default_factory=dict)
    card_id: str | None = None
    staff_id: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class OpenedAct:
    """A proposed act whose parameters could be read."""

    kept: ProposedAct
    parameters: Parameters

    @property
    def seen(self) -> Seen:
        """The person, as they were when it was proposed."""
        return Seen(self.kept.holder_id or "", self.kept.revision)

    @property
    def card_id(self) -> str:
        """The card that it is about."""
        return self.kept.card_id or ""

    @property
    def staff_id(self) -> str:
        """The member of staff whom it is about."""
        return self.kept.staff_id or ""

    def text(self, name: str) -> str:
        """Return a parameter that is a text; empty where there is none."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int | None:
        """Return a parameter that is a whole number."""
        value = self.parameters.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def truth(self, name: str) -> bool:
        """Tell whether a parameter is set."""
        return self.parameters.get(name) is True

    def secret(self, name: str) -> Sensitive | None:
        """Return a parameter that is a secret."""
        value = self.parameters.get(name)
        return value if isinstance(value, Sensitive) else None

    def moment(self, name: str) -> datetime | None:
        """Return a parameter that is a moment."""
        value = self.text(name)
        return datetime.fromisoformat(value) if value else None


def seal_parameters(sealer: Sealer, proposed: ProposedAct, parameters: Parameters) -> SealedText:
    """Seal what was entered, bound to everything else that decides what is done, and by whom.

    ``proposed`` is the row without them; whoever can write the database can neither add an
    act that waits nor change one.
    """
    plain: dict[str, Scalar] = {}
    secret: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, Sensitive):
            secret[name] = value.reveal()
        else:
            plain[name] = value
    return sealer.seal_text(
        Sensitive(json.dumps({"plain": plain, "secret": secret})), *_bound(proposed)
    )


def open_parameters(sealer: Sealer, proposed: ProposedAct) -> OpenedAct:
    """Read them again; raises ``SealBroken`` or ``KeyMissing``."""
    sealed = SealedText(proposed.parameters, proposed.key_id)
    both = json.loads(sealer.open_text(sealed, *_bound(proposed)).reveal())
    secret = {name: Sensitive(text) for name, text in both["secret"].items()}
    return OpenedAct(proposed, both["plain"] | secret)


def _bound(proposed: ProposedAct) -> tuple[str | int, ...]:
    return (
        "proposed-act",
        proposed.id,
        proposed.act,
        proposed.action,
        proposed.holder_id or "",
        proposed.card_id or "",
        proposed.staff_id or "",
        proposed.revision,
        proposed.proposed_by,
        proposed.proposed_key,
        proposed.expires_at.isoformat(),
        proposed.note_id,
    )
