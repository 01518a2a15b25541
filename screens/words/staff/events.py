"""An event of the audit in a sentence, by the catalogue that the exports say it by as well."""

from __future__ import annotations

from kiosk.authority.audit.events import message_of
from kiosk.authority.facts import Happened


def event_words(event: Happened) -> str:
    return message_of(event.kind, event.detail)
