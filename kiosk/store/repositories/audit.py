"""The audit: append only, one hash chain, its head locked by whoever appends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from kiosk.store.audit_records import AuditAnchor, AuditEvent, AuditHead, AuditVerdict
from kiosk.store.gateway import Gateway
from kiosk.store.records import Scalar

AnchorCheck = Callable[[AuditAnchor], bool]
"""Says whether an anchor's signature is good."""

Progress = Callable[[int, int], None]
"""Takes the rows checked so far and the rows in all."""


class Audit:
    """The chain of everything that happened."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def append(
        self,
        *,
        kind: str,
        reference: str,
        visit_id: str | None = None,
        card_id: str | None = None,
        holder_id: str | None = None,
        station: str | None = None,
        actor: str | None = None,
        detail: Mapping[str, Scalar] | None = None,
    ) -> None:
        """Add one event, at the unit of work's time, to what its commit will write.

        The rows are written by ``commit`` itself, in order, so that the estate-wide lock
        on the chain's head is always the last one taken and never held for long. People
        appear by id only, so that one can be erased and the chain still verifies.
        """
        raise NotImplementedError

    def head(self) -> AuditHead:
        """Return the last event's number and hash."""
        raise NotImplementedError

    def by_reference(self, reference: str) -> tuple[AuditEvent, ...]:
        """Return what happened under a reference number, in order."""
        raise NotImplementedError

    def of_holder(self, holder_id: str, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events of a holder, newest first."""
        raise NotImplementedError

    def latest(self, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events, newest first."""
        raise NotImplementedError

    def add_anchor(self, anchor: AuditAnchor) -> None:
        """Store a signed head."""
        raise NotImplementedError

    def anchors(self) -> tuple[AuditAnchor, ...]:
        """Return every anchor, by row number."""
        raise NotImplementedError

    def verify(
        self,
        *,
        progress: Progress | None = None,
        anchors: Iterable[AuditAnchor] | None = None,
        check: AnchorCheck | None = None,
    ) -> AuditVerdict:
        """Walk the chain and name the first row that does not fit.

        ``anchors`` are those kept elsewhere (default: the table's own). Without ``check``
        their hashes are compared, but nobody looked at a signature.
        """
        raise NotImplementedError
