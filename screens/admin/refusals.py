"""A refusal of a desk: its plain words, and the message that brings it to the application."""

from __future__ import annotations

from textual.message import Message

from kiosk.authority.errors import AdministrationError, ConcurrentChange, NotPermitted, StoreError
from screens.words.staff.refusals import refusal_words

Refusal = AdministrationError | StoreError
"""Errors of a desk that a page shows."""


def headline(error: Refusal) -> str:
    if isinstance(error, ConcurrentChange):
        return "Somebody else was first."
    if isinstance(error, NotPermitted):
        return "Your role does not permit this."
    return "That was not done"


def explanation(
    error: Refusal, if_away: str = "Look whether it was done before you try again."
) -> str:
    """Say what happened and what to do; ``if_away``: where the database gives no answer."""
    if not isinstance(error, StoreError):
        return refusal_words(error)
    if not error.is_of_disk:
        return f"The database does not answer. {if_away}"
    return (
        "The disk of the database is full, or fails. Ask who looks after the service's machine to "
        f"make room. {if_away}"
    )


class DeskRefused(Message):
    """The desk refused; ``acting``: the call was to change something."""

    def __init__(self, error: Refusal, *, acting: bool) -> None:
        super().__init__()
        self.error = error
        self.acting = acting


class DeskAnswered(Message):
    """The desk has answered: an earlier problem with it is over."""
