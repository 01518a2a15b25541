"""The bare PC/SC calls of a host that trusts nothing: code and bytes, as they come."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from smartcard import scard

OK: int = scard.SCARD_S_SUCCESS


class Wire:
    """An exclusive connection to the card in ``reader``; reset when it closes."""

    def __init__(self, reader: str) -> None:
        _, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        code, self._card, self._protocol = scard.SCardConnect(
            self._context, reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY
        )
        assert code == OK, scard.SCardGetErrorMessage(code)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        scard.SCardDisconnect(self._card, scard.SCARD_RESET_CARD)
        scard.SCardReleaseContext(self._context)

    @property
    def t0(self) -> bool:
        return bool(self._protocol == scard.SCARD_PROTOCOL_T0)

    def send(self, command: bytes) -> tuple[int, bytes]:
        """Return PC/SC's code and the answer."""
        code, answer = scard.SCardTransmit(self._card, self._protocol, list(command))
        return code, bytes(answer or [])


def ask(reader: str, *commands: bytes) -> bytes:
    """Send commands over one connection; return the last answer."""
    with Wire(reader) as wire:
        answers = [wire.send(command) for command in commands]
    assert all(code == OK for code, _ in answers)
    return answers[-1][1]


def state_of(reader: str) -> int:
    """The reader's state flags."""
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    _, states = scard.SCardGetStatusChange(context, 0, [(reader, scard.SCARD_STATE_UNAWARE)])
    scard.SCardReleaseContext(context)
    return int(states[0][1])
