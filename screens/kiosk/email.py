"""Confirm or change the email address."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.contract.messages import Purpose
from kiosk.station.events import EmailEntered
from kiosk.station.states import EnterEmail
from screens.kiosk.entry_pages import TextPage
from screens.kiosk.page import Kit
from screens.widgets.fields import Field
from screens.widgets.keys import email_keys
from screens.widgets.prose import Note, Prose
from screens.words import email as words

_LONGEST = 254


class EnterEmailPage(TextPage, inherit_bindings=False):
    """The address, filled in from the record or as it was typed before."""

    def __init__(self, kit: Kit, state: EnterEmail) -> None:
        text = state.task.suggested if state.typed is None else state.typed
        field = Field(_LONGEST, kit.look.glyphs.dot, shown=True, text=text)
        super().__init__(kit, state, field, email_keys())
        self._state = state

    def head(self) -> Iterator[Widget]:
        """Say what to do, or what was wrong."""
        new = self._state.visit.purpose is Purpose.CHANGE_EMAIL
        yield Prose(words.NEW_EMAIL_TITLE if new else words.EMAIL_TITLE, "title question")
        if self._state.trouble is not None:
            yield Note(words.email_fault(self._state.trouble, self._state.task.domains))
        else:
            yield Prose(words.NEW_EMAIL_TEXT if new else words.EMAIL_TEXT)

    def go_label(self) -> str:
        """Say that a code is sent."""
        return words.SEND

    def submitted(self, text: str) -> None:
        """Report the address."""
        self.report(EmailEntered(self.visit, text))
