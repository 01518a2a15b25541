"""The ``Mailer`` that speaks SMTP: one message, one connection, one verdict."""

from __future__ import annotations

import asyncio
from email.utils import make_msgid

import aiosmtplib
from emails.backend.response import SMTPResponse
from emails.message import Message as Mail

from kiosk.errors import MailRefused
from kiosk.mail.conversation import converse
from kiosk.mail.relay import Relay
from kiosk.mail.verdict import mail_error, response_error
from kiosk.policy import email_problem
from kiosk.ports import Message

_HEADERS = {
    # RFC 3834: asks other machines not to answer.
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "All",
}


class SmtpMailer:
    """Hands messages to one relay; safe to use from several threads.

    A call takes the relay's deadline at most, and one second more to say goodbye to a
    relay that has taken the message.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def send(self, message: Message) -> None:
        """Return when the relay took the message (250 after DATA).

        Raises ``MailNotTrusted`` (nothing was sent, nobody logged in), ``MailRefused``
        (the relay will not have this address or message) or ``MailUnavailable``. After
        the last, and only when the answer to DATA was lost, the message may arrive.
        """
        response = self._run(self._build(message))
        if response is None or not response.success:
            raise response_error(response)

    def check(self) -> None:
        """Connect, verify and log in, and send nothing; raises as ``send`` does."""
        self._run(None)

    def _build(self, message: Message) -> Mail:
        if email_problem(message.to, ()):
            raise MailRefused("the address is not one that mail can be sent to")
        relay = self._relay
        return Mail(
            subject=message.subject,
            text=message.text,
            html=message.html,
            mail_from=(relay.sender_name, relay.sender),
            mail_to=[(None, message.to)],
            reply_to=relay.reply_to or None,
            headers=_HEADERS,
            message_id=make_msgid(domain=relay.sender.rpartition("@")[2]),
        )

    def _run(self, mail: Mail | None) -> SMTPResponse | None:
        """Run one conversation on a loop of its own, in the caller's thread."""
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(converse(self._relay, mail))
        except TimeoutError as error:
            raise mail_error(error, "the relay did not answer in time") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise mail_error(error, "the relay cannot be reached") from None
        except ValueError:  # a header with a line break; a text that no charset takes
            raise MailRefused("the message cannot be written as mail") from None
        finally:
            # Not asyncio.run: it would wait for a name service that hangs in a thread.
            loop.close()
