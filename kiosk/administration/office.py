"""Where every act of staff begins and ends: asked of the table, grounded, audited, committed.

::

    with office.act(Action.LIFT_BLOCK, grounds, seen=seen) as act:
        act.uow.registrations.unblock(seen.holder_id)
        act.tell(StaffKind.BLOCK_LIFTED)
    return act.done("The block is lifted.")

Writers lock in one order, here and at the authority: holder, card, visit, registration.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from kiosk.administration.kinds import DEEDS, PERSON_IMPORTED, StaffKind
from kiosk.administration.means import Means
from kiosk.administration.told import told
from kiosk.administration.views.acting import Actor, Done, Grounds, Seen
from kiosk.dialogue import VisitId
from kiosk.errors import ChangedMeanwhile, NothingThere, NotPermitted, NotTaken
from kiosk.reference import reference_of
from kiosk.roles import IDENTIFIES, Action, may
from kiosk.store.audit_records import AuditEvent
from kiosk.store.records import Scalar, new_id
from kiosk.store.repositories.staff import note_digest
from kiosk.store.staff_records import ActionNote
from kiosk.store.unit_of_work import UnitOfWork

SHORTEST_REASON = 3
LONGEST_REASON = 300


class Act:
    """One act under way; what it does to ``uow`` is committed when its block ends."""

    def __init__(self, uow: UnitOfWork, actor: Actor, note: ActionNote, seen: Seen | None) -> None:
        self.uow = uow
        self.actor = actor
        self.reference = reference_of(VisitId(new_id()))
        self._note = note
        self._seen = seen

    @property
    def note_id(self) -> str:
        """The note that says why, as records may name it."""
        return self._note.id

    def tell(
        self,
        kind: StaffKind,
        *,
        holder_id: str | None = None,
        card_id: str | None = None,
        station: str | None = None,
        **detail: Scalar,
    ) -> None:
        """Add one audit row: who, with which key, on what grounds, to whom."""
        told = {
            **_signed(self.actor),
            "note": self._note.id,
            "note_sha256": note_digest(self._note),
        }
        if self._seen is not None:
            told["revision"] = self._seen.revision + 1
        self.uow.audit.append(
            kind=kind.value,
            reference=self.reference,
            holder_id=holder_id or self._note.holder_id,
            card_id=card_id,
            station=station,
            actor=audit_name(self.actor),
            detail=told | detail,
        )

    def done(self, told: str) -> Done:
        """Say what was done."""
        return Done(told, self.reference)


class Office:
    """The means of the administration in the hands of one actor."""

    def __init__(self, means: Means, actor: Actor) -> None:
        self.means = means
        self.actor = actor

    @contextmanager
    def look(self, action: Action) -> Iterator[UnitOfWork]:
        """Return a unit of work that reads; raises ``NotPermitted``."""
        with self._judged(action), self.means.store.read() as uow:
            self._present(uow, action)
            yield uow

    @contextmanager
    def act(
        self,
        action: Action,
        grounds: Grounds,
        *,
        seen: Seen | None = None,
        about: str | None = None,
        hold: Callable[[UnitOfWork], None] | None = None,
    ) -> Iterator[Act]:
        """Begin an act; ``about`` is the holder it concerns where nobody was ``seen``.

        ``hold`` takes what all who do the like have to take turns at. It comes before the
        role is asked, for whoever had the turn before may just have taken that away.
        Raises ``NotPermitted``, ``NotTaken`` for grounds that say nothing, ``NothingThere``
        and ``ChangedMeanwhile`` where the person is not any more as they were seen.
        """
        note = self._note(action, grounds, seen.holder_id if seen else about)
        with self._judged(action), self.means.store.begin() as uow:
            if hold is not None:
                hold(uow)
            actor = self._present(uow, action)
            if seen is not None:
                _hold(uow, seen)
            uow.notes.add(note)
            yield Act(uow, actor, note, seen)
            uow.commit()

    def record(self, action: Action, kind: StaffKind, **detail: Scalar) -> str:
        """Tell the audit of an action that changes nothing and asks for no grounds.

        Returns its reference; raises ``NotPermitted``.
        """
        reference = reference_of(VisitId(new_id()))
        with self.work(action) as uow:
            uow.audit.append(
                kind=kind.value,
                reference=reference,
                actor=audit_name(self.actor),
                detail=_signed(self.actor) | detail,
            )
        return reference

    @contextmanager
    def work(self, action: Action) -> Iterator[UnitOfWork]:
        """Return a unit of work for what asks for no grounds and tells the audit by itself.

        What is done in it is committed when its block ends. Raises ``NotPermitted``.
        """
        with self._judged(action), self.means.store.begin() as uow:
            self._present(uow, action)
            yield uow
            uow.commit()

    def _note(self, action: Action, grounds: Grounds, holder_id: str | None) -> ActionNote:
        reason, identified = _tidy(grounds.reason), _tidy(grounds.identified_by)
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            raise NotTaken(
                "reason", f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters."
            )
        for field, text in (("reason", reason), ("identified_by", identified)):
            if not text.isprintable():
                raise NotTaken(field, "There is a character in it that cannot be shown.")
        if action in IDENTIFIES and not SHORTEST_REASON <= len(identified) <= LONGEST_REASON:
            raise NotTaken("identified_by", "Say how you made sure who this person is.")
        now = self.means.clock.now()
        return ActionNote(new_id(), holder_id, now, reason, identified, secrets.token_hex(16))

    def _present(self, uow: UnitOfWork, action: Action) -> Actor:
        """Return the actor with the role they have at this moment; raises ``NotPermitted``."""
        actor = self.actor
        if actor.staff_id:
            member = uow.staff.by_key(actor.key)
            if member is None or member.id != actor.staff_id:
                raise NotPermitted("You are not a member of staff any more. Please log out.")
            actor = replace(actor, name=member.name, role=member.role)
        if not may(actor.role, action):
            raise NotPermitted(f"This is not for the role {actor.role.value}: {action.value}.")
        return actor

    @contextmanager
    def _judged(self, action: Action) -> Iterator[None]:
        """Write down what was not permitted, once the transaction that refused it is over."""
        try:
            yield
        except NotPermitted:
            with self.means.store.begin() as uow:
                uow.audit.append(
                    kind=StaffKind.NOT_PERMITTED.value,
                    reference=reference_of(VisitId(new_id())),
                    actor=audit_name(self.actor),
                    detail={**_signed(self.actor), "action": action.value},
                )
                uow.commit()
            raise


def audit_name(actor: Actor) -> str:
    """Return how the audit names an actor: by id, so that it holds nobody's name."""
    return actor.staff_id or actor.name


def _signed(actor: Actor) -> dict[str, Scalar]:
    return {"key": actor.key} if actor.key else {}


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _hold(uow: UnitOfWork, seen: Seen) -> None:
    """Take the person for this act alone, as they were seen; another act then comes too late."""
    if uow.holders.touch(seen.holder_id, seen.revision):
        return
    holder = uow.holders.get(seen.holder_id)
    if holder is None:
        raise NothingThere("This person is not recorded any more.")
    since = [event for event in uow.audit.of_holder(holder.id) if _is_newer(event, seen)]
    changes = tuple(deed_told(uow, event) for event in since)
    raise ChangedMeanwhile("This person was changed since you looked. Look again.", changes)


def _is_newer(event: AuditEvent, seen: Seen) -> bool:
    """Tell whether it raised the person's revision since; a secret's has the same name."""
    revision = event.detail.get("revision")
    of_person = event.kind in DEEDS or event.kind == PERSON_IMPORTED
    return of_person and isinstance(revision, int) and revision > seen.revision


def deed_told(uow: UnitOfWork, event: AuditEvent) -> str:
    """Say who did what, of an event that staff or an import caused."""
    if event.kind not in DEEDS:
        return f"{told(event)} (reference {event.reference})"
    member = uow.staff.get(event.actor or "")
    who = member.name if member else event.actor or "somebody"
    return f"{who} {DEEDS[StaffKind(event.kind)]} (reference {event.reference})."
