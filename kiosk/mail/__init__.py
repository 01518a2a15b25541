"""Mail: its words, its layout, the relay, and the outbox of notices.

Nothing heavy is imported here: take ``kiosk.mail.compose`` for messages,
``kiosk.mail.smtp`` for the relay and ``kiosk.mail.outbox`` for what waits.
"""
