"""Which tables speak of people."""

from __future__ import annotations

OF_PEOPLE = frozenset(
    {
        "action_note",
        "address",
        "attempt_charge",
        "card",
        "cardholder",
        "email_code",
        "kept_secret",
        "outbox_message",
        "pending_change",
        "proof",
        "proposed_act",
        "registration",
        "search_term",
        "staff_card",
        "stop_number",
        "unblock_journal",
        "visit",
    }
)
