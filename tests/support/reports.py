"""Reports of mail that was not delivered, as relays write them (RFC 3464)."""

from __future__ import annotations

from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText

BOUNCES = "bounces@kiosk.trust.nhs.uk"


def report(
    to: str,
    status: str = "5.1.1",
    action: str = "failed",
    *,
    recipient: str = "asha@trust.nhs.uk",
    original: bytes = b"Subject: a code\r\n\r\n4071 8263\r\n",
    more: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """Return a report to a return path; ``more`` are actions and statuses of other recipients."""
    whole = MIMEMultipart("report", report_type="delivery-status")
    whole["From"] = "Mail Delivery System <MAILER-DAEMON@relay.trust.nhs.uk>"
    whole["To"] = to
    whole["Subject"] = "Undelivered Mail Returned to Sender"
    whole["Auto-Submitted"] = "auto-replied"
    whole.attach(MIMEText("This is the mail system at host relay.trust.nhs.uk."))
    about = MIMEBase("message", "delivery-status")
    first = Message()
    first["Reporting-MTA"] = "dns; relay.trust.nhs.uk"
    blocks: list[Message | str] = [first]
    for each, number in ((action, status), *more):
        block = Message()
        block["Final-Recipient"] = f"rfc822; {recipient}"
        block["Action"] = each
        block["Status"] = number
        block["Diagnostic-Code"] = f"smtp; 550 {number} <{recipient}>: it is so"
        blocks.append(block)
    about.set_payload(blocks)
    whole.attach(about)
    returned = MIMENonMultipart("message", "rfc822-headers")
    returned.set_payload(original.decode())
    whole.attach(returned)
    return whole.as_bytes()


def answer(to: str) -> bytes:
    """Return what somebody's mailbox answers while they are away."""
    message = EmailMessage()
    message["To"], message["Subject"] = to, "Out of office"
    message["Auto-Submitted"] = "auto-replied"
    message.set_content("I am back on Monday. Status: 5.1.1")
    return message.as_bytes()
