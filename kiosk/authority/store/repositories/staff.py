"""Members of staff and their keys, and the notes on their acts."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, select, text, update

from kiosk.authority.records import (
    ActionNote,
    Outcome,
    ProposedAct,
    StaffCard,
    StaffKey,
    StaffMember,
)
from kiosk.authority.store.gateway import Repository
from kiosk.authority.store.key_lookup import lets_in
from kiosk.authority.store.tables import (
    ActionNoteRow,
    ProposedActRow,
    StaffCardRow,
    StaffKeyRow,
    StaffMemberRow,
    col,
    values,
)


class Staff(Repository):
    """Who may log in, and with which keys."""

    def get(self, staff_id: str) -> StaffMember | None:
        found = select(StaffMemberRow).where(col(StaffMemberRow.id) == staff_id)
        return self._one(StaffMember, StaffMemberRow, found, id=staff_id)

    def lock_all(self) -> None:
        """Lock every member against other writers: for decisions about all managers together."""
        every = select(StaffMemberRow).order_by(col(StaffMemberRow.id)).with_for_update()
        self._gateway.many(every, StaffMemberRow)

    def by_key(self, fingerprint: str) -> StaffMember | None:
        key = self.key(fingerprint)
        member = self.get(key.staff_id) if key else None
        return member if member and member.removed_at is None else None

    def every(self) -> tuple[StaffMember, ...]:
        """Return all by name, removed ones too."""
        ordered = select(StaffMemberRow).order_by(func.lower(StaffMemberRow.name))
        return self._all(StaffMember, StaffMemberRow, ordered)

    def add(self, member: StaffMember) -> None:
        self._gateway.add(StaffMemberRow, values(member))

    def save(self, member: StaffMember) -> bool:
        """Overwrite the one with its id and revision; return False where it has changed since."""
        same = col(StaffMemberRow.id) == member.id, col(StaffMemberRow.revision) == member.revision
        new = values(member, without=("id",)) | {"revision": member.revision + 1}
        return bool(self._gateway.change(StaffMemberRow, *same, **new))

    def logins(self, *, verified: bool) -> tuple[tuple[StaffMember, StaffKey], ...]:
        """Return who can log in: each present member with each key that lets them in."""
        present = {each.id: each for each in self.every() if each.removed_at is None}
        return tuple(
            (present[key.staff_id], key)
            for key in self.keys()
            if key.staff_id in present and lets_in(key.public_key, verified=verified)
        )

    # --- keys ---

    def key(self, fingerprint: str) -> StaffKey | None:
        statement = select(StaffKeyRow).where(col(StaffKeyRow.fingerprint) == fingerprint)
        return self._one(StaffKey, StaffKeyRow, statement, fingerprint=fingerprint)

    def keys(self) -> tuple[StaffKey, ...]:
        """Return the oldest first."""
        statement = select(StaffKeyRow).order_by(col(StaffKeyRow.added_at))
        return self._all(StaffKey, StaffKeyRow, statement)

    def add_key(self, key: StaffKey) -> bool:
        """Add one; return False where somebody has it already."""
        return self._gateway.add_new(StaffKeyRow, values(key))

    def remove_key(self, staff_id: str, fingerprint: str) -> bool:
        """Delete a member's key; return False where it is not theirs."""
        key = StaffKeyRow
        named = col(key.fingerprint) == fingerprint, col(key.staff_id) == staff_id
        return self._gateway.run(delete(key).where(*named)) == 1

    # --- cards ---

    def cards(self) -> tuple[StaffCard, ...]:
        """Return the oldest first."""
        statement = select(StaffCardRow).order_by(col(StaffCardRow.added_at))
        return self._all(StaffCard, StaffCardRow, statement)

    def add_card(self, card: StaffCard) -> bool:
        """Add one; return False where somebody has it already."""
        return self._gateway.add_new(StaffCardRow, values(card))

    def remove_card(self, staff_id: str, card_id: str) -> bool:
        """Delete a member's card; return False where it is not theirs."""
        named = col(StaffCardRow.card_id) == card_id, col(StaffCardRow.staff_id) == staff_id
        return self._gateway.run(delete(StaffCardRow).where(*named)) == 1


REDACTED_TEXT = "(redacted)"
"""Replaces a reason that was redacted."""


class ActionNotes(Repository):
    def add(self, note: ActionNote) -> None:
        self._gateway.add(ActionNoteRow, values(note))

    def by_ids(self, ids: tuple[str, ...]) -> dict[str, ActionNote]:
        """Return those that exist; at most 500 at a time."""
        wanted = select(ActionNoteRow).where(col(ActionNoteRow.id).in_(ids))
        found = self._all(ActionNote, ActionNoteRow, wanted)
        return {one.id: one for one in found}

    def redact(self, note_id: str) -> bool:
        """Redact the texts of one; return False where it is gone or has none.

        Without its salt no text can be tried against the digest in the audit.
        """
        same = col(ActionNoteRow.id) == note_id, col(ActionNoteRow.salt) != ""
        gone = {"reason": REDACTED_TEXT, "identified_by": "", "salt": ""}
        return self._gateway.run(update(ActionNoteRow).where(*same).values(gone)) == 1

    def attach(self, note_ids: tuple[str, ...], holder_id: str) -> None:
        """Attach some to a person, with whom they are erased."""
        statement = update(ActionNoteRow).where(col(ActionNoteRow.id).in_(note_ids))
        self._gateway.run(statement.values(holder_id=holder_id))

    def detach(self, note_id: str) -> None:
        """Remove the person from one, so that it outlives their erasure."""
        statement = update(ActionNoteRow).where(col(ActionNoteRow.id) == note_id)
        self._gateway.run(statement.values(holder_id=None))


# Acts that staff proposed, and their results.

_WAITING = text("outcome = 'waiting'")
"""The condition of the partial index, so that both databases use it."""


class ProposedActs(Repository):
    """Each waits until it is decided on or expires; then its parameters are emptied."""

    def add(self, proposed: ProposedAct) -> None:
        self._gateway.add(ProposedActRow, values(proposed))

    def get(self, proposed_id: str) -> ProposedAct | None:
        wanted = select(ProposedActRow).where(col(ProposedActRow.id) == proposed_id)
        return self._one(ProposedAct, ProposedActRow, wanted)

    def waiting(self) -> tuple[ProposedAct, ...]:
        """Return those that can still be agreed to, oldest first."""
        return self._oldest_first(col(ProposedActRow.expires_at) > self._now)

    def overdue(self) -> tuple[ProposedAct, ...]:
        """Return those without a decision in time."""
        return self._oldest_first(col(ProposedActRow.expires_at) <= self._now)

    def decide(self, proposed_id: str, outcome: Outcome, by: str) -> bool:
        """Conclude one that waits; return True for exactly one caller."""
        waits = update(ProposedActRow).where(col(ProposedActRow.id) == proposed_id, _WAITING)
        new = {"outcome": outcome, "decided_at": self._now, "decided_by": by}
        return self._gateway.run(waits.values(**new, parameters=b"")) == 1

    def _oldest_first(self, condition: ColumnElement[bool]) -> tuple[ProposedAct, ...]:
        waiting = select(ProposedActRow).where(_WAITING, condition)
        ordered = waiting.order_by(col(ProposedActRow.proposed_at))
        return self._all(ProposedAct, ProposedActRow, ordered)
