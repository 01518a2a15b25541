"""``[mail]``: the relay. There is no setting that sends without verified TLS."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kiosk.config.base import Line, Section, ShownLine, allowed


class MailSettings(Section):
    """``[mail]``: the relay that takes codes and notices."""

    host: ShownLine = Field(
        "localhost",
        pattern=r"^[A-Za-z0-9.:_-]+$",
        description="The relay's name, as its certificate has it.",
        json_schema_extra=allowed("a host name"),
    )
    port: int = Field(587, ge=1, le=65535, description="The relay's port: 587 or 465 as a rule.")
    security: Literal["starttls", "tls"] = Field(
        "starttls", description="STARTTLS is required; tls speaks TLS from the first byte."
    )
    ca_file: Line = Field(
        "", description="Certificates (PEM) to trust; empty trusts what this machine trusts."
    )
    sender: ShownLine = Field(
        "no-reply@wexbridge.example",
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="The address that mail comes from.",
        json_schema_extra=allowed("an email address without a name"),
    )
    reply_to: Line = Field(
        "",
        pattern=r"^([^@\s<>]+@[^@\s<>]+)?$",
        description="Where answers go; empty for none.",
        json_schema_extra=allowed("an email address without a name, or empty"),
    )
    credential: Line = Field(
        "",
        description=(
            "A file with one line user:password; a path, or a name in $CREDENTIALS_DIRECTORY; "
            "empty does not log in."
        ),
    )
    deadline_s: float = Field(
        8, ge=1, le=60, description="Seconds for the whole conversation with the relay."
    )
