"""What the desk did not do, in plain words."""

from __future__ import annotations

from kiosk.errors import AdministrationError, ChangedMeanwhile, NotPermitted, StoreError

Refusal = AdministrationError | StoreError
"""What a desk may raise, and a page shows."""

OLD = "The database does not answer. What you see may be old."
NO_ACT = "The database does not answer. Look whether it was done before you try again."
NOT_YOURS = "Your role does not permit this."
FIRST = "Somebody else was first."


def headline(error: Refusal) -> str:
    """Return a title for it."""
    if isinstance(error, ChangedMeanwhile):
        return FIRST
    if isinstance(error, NotPermitted):
        return NOT_YOURS
    return "That was not done"


def not_seen(error: Refusal) -> str:
    """Return the sentence for something that was only to be looked at."""
    return OLD if isinstance(error, StoreError) else str(error)


def told(error: Refusal) -> str:
    """Return the sentence that says what happened and what to do."""
    return NO_ACT if isinstance(error, StoreError) else str(error)


def changes(error: Refusal) -> tuple[str, ...]:
    """Return what others did meanwhile."""
    return error.changes if isinstance(error, ChangedMeanwhile) else ()
