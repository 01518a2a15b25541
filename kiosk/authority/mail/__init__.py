"""Mail: its words, its layout, the relay, and the outbox of notices.

Nothing heavy is imported here: take ``kiosk.authority.mail.compose`` for messages,
``kiosk.authority.mail.smtp`` for the relay and ``kiosk.authority.mail.outbox`` for what waits.
"""
