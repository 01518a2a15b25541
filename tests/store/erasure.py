"""Which tables speak of people."""

from __future__ import annotations

OF_PEOPLE = frozenset(
    {
        "action_note",
        "attempt_charge",
        "card",
        "cardholder",
        "email_code",
        "kept_secret",
        "outbox_message",
        "pending_change",
        "registration",
        "search_term",
        "unblock_journal",
        "visit",
    }
)
