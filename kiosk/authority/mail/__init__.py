"""Mail: its words, its layout, the relay, and the outbox of notices.

This imports nothing large: take ``kiosk.authority.mail.compose`` for messages,
``kiosk.authority.mail.smtp`` for the relay and ``kiosk.authority.mail.outbox`` for the queue.
"""
