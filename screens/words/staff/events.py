"""An event of the audit in a sentence, by the catalogue that the exports say it by as well."""

from __future__ import annotations

from kiosk.authority.administration.views import StoryLine
from kiosk.authority.audit.events import message_of
from kiosk.authority.facts import Happened
from kiosk.authority.wording import quoted


def event_words(event: Happened) -> str:
    return message_of(event.kind, event.detail)


def story_words(line: StoryLine) -> str:
    """Return the event and its grounds."""
    words = [event_words(line.what)]
    if line.reason:
        words.append(f"Reason: {quoted(line.reason)}.")
    if line.identified_by:
        words.append(f"Identified by: {quoted(line.identified_by)}.")
    if line.agreed_by:
        words.append(f"Agreed by {line.agreed_by}.")
    return " ".join(words)
