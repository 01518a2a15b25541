"""Layers over a link, each a channel over a channel.

``Whole`` brings an answer that comes in parts together, ``Chained`` splits a body that
does not fit one APDU. Neither sends a command that changes the card a second time.
"""

from __future__ import annotations

from typing import Final

from hardware.apdu import Channel, Command, Response, get_response
from kiosk.errors import CardProtocolError, OutcomeUnknown

MOST_PARTS: Final = 256
"""GET RESPONSE rounds for one answer: 64 KiB, several times the largest PIV object."""


class Whole:
    """Follows 61xx with GET RESPONSE and corrects Le on 6Cxx (ISO/IEC 7816-3, 12.2)."""

    def __init__(self, below: Channel) -> None:
        self._below = below

    def send(self, command: Command) -> Response:
        """Return the whole answer; raise ``CardProtocolError`` on one that never ends.

        Where the command changes the card, an answer that breaks off is
        ``OutcomeUnknown``, like one that is lost.
        """
        response = self._corrected(command)
        parts = [response.data]
        while (more := response.status.more) is not None:
            response = self._corrected(get_response(command, more))
            parts.append(response.data)
            if len(parts) > MOST_PARTS or (response.status.more and not response.data):
                raise _endless(command, response)
        return Response(b"".join(parts), response.status)

    def _corrected(self, command: Command) -> Response:
        response = self._below.send(command)
        length = response.status.right_length
        if length is None or not command.only_reads:
            return response
        return self._below.send(command.with_le(length))


def _endless(command: Command, last: Response) -> Exception:
    if command.changes_card:
        return OutcomeUnknown("the answer never ends")
    return CardProtocolError("the answer never ends", last.status)


class Chained:
    """Sends a long body in pieces; stops at the first piece that the card refuses."""

    def __init__(self, below: Channel) -> None:
        self._below = below

    def send(self, command: Command) -> Response:
        """Return the answer to the last piece, or the refusal of an earlier one."""
        *first, last = command.pieces()
        for piece in first:
            response = self._below.send(piece)
            if not response.status.is_ok:
                return response
        return self._below.send(last)
