"""One conversation with the relay: verified TLS, then login, then one message, once.

Built on the asynchronous client of the ``emails`` package: its synchronous one verifies
no certificate, and its backend sends a message again when a connection drops, which for
a code could be twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, cast

import aiosmtplib
from emails.backend.response import SMTPResponse
from emails.backend.smtp.aio_backend import AsyncSMTPBackend
from emails.backend.smtp.aio_client import AsyncSMTPClientWithResponse
from emails.message import Message as Mail

from kiosk.errors import MailNotTrusted
from kiosk.mail.relay import Relay

_GOODBYE_S = 1.0


class _Responses:
    """The one thing that the client asks of the backend it thinks it belongs to."""

    def make_response(self, exception: Exception | None = None) -> SMTPResponse:
        return SMTPResponse(exception=exception)


class VerifiedClient(AsyncSMTPClientWithResponse):
    """A client that says nothing but its greeting before TLS is up and verified."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(
            cast(AsyncSMTPBackend, _Responses()),
            ssl=relay.tls_from_start,
            tls=not relay.tls_from_start,
            host=relay.host,
            port=relay.port,
            timeout=relay.deadline_s,
            local_hostname=relay.greet_as,
            tls_context=relay.context,
        )
        self._relay = relay
        self._line: asyncio.Transport | None = None

    async def initialize(self) -> None:
        """Connect, verify and log in; a relay that offers no TLS hears no login."""
        await self._connect()
        await self._smtp.ehlo()
        self._esmtp = True
        if self._relay.login:
            login = self._relay.login
            await self._smtp.login(login.user, login.password.reveal())

    async def leave(self) -> None:
        """Say goodbye, for a second at most: by now the relay has given its answer."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._smtp.quit()

    async def drop(self) -> None:
        """Cut the line, whatever state it is in, and let the loop close its socket."""
        if self._line is not None:
            self._line.abort()
        self._smtp.close()
        for _ in range(3):  # each turn of the loop brings a socket one step nearer to its end
            await asyncio.sleep(0)

    async def _connect(self) -> None:
        try:
            await self._smtp.connect()
        except aiosmtplib.SMTPException as error:
            # The library has no class of its own for a STARTTLS that is absent or refused.
            if type(error) in (aiosmtplib.SMTPException, aiosmtplib.SMTPResponseException):
                raise MailNotTrusted("the relay offers no STARTTLS, or refused it") from None
            raise
        self._line = cast(asyncio.Transport, self._smtp.transport)
        if self._smtp.get_transport_info("sslcontext") is not self._relay.context:
            raise MailNotTrusted("the connection is not encrypted as it was asked to be")


class _Once:
    """Hands a message to a client that is connected, and never tries again."""

    def __init__(self, client: VerifiedClient) -> None:
        self._client = client

    async def sendmail(
        self, from_addr: str, to_addrs: list[str], msg: Mail, **_: Any
    ) -> SMTPResponse | None:
        """Send as ``emails`` wants it done."""
        response: SMTPResponse | None = await self._client.sendmail(
            from_addr, to_addrs, msg.as_bytes()
        )
        return response


async def converse(relay: Relay, mail: Mail | None) -> SMTPResponse | None:
    """Send ``mail``, or with None only connect, verify and log in; within the deadline.

    Raises ``TimeoutError`` after the relay's deadline, and what the client raises.
    """
    client = VerifiedClient(relay)
    response: SMTPResponse | None = None
    try:
        async with asyncio.timeout(relay.deadline_s):
            await client.initialize()
            if mail is not None:
                response = await mail.send_async(smtp=_Once(client))
        await client.leave()
    finally:
        await client.drop()
    return response
