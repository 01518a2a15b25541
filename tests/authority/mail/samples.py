"""Messages that the mail tests send."""

from __future__ import annotations

from kiosk.authority.mail.compose import compose_code
from kiosk.authority.mail.message import Message
from kiosk.config.settings import ServiceSettings
from kiosk.contract.messages import Purpose
from kiosk.contract.sensitive import Sensitive

CODE = "70935218"
SERVICE = ServiceSettings()


def code_mail(to: str = "jo.smith@trust.nhs.uk", service: ServiceSettings = SERVICE) -> Message:
    """Return a message with an unlock code."""
    return compose_code(
        to=to,
        purpose=Purpose.UNLOCK,
        holder_name="Jo Smith",
        code=Sensitive(CODE),
        minutes=15,
        service=service,
    )
