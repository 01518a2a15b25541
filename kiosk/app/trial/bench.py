"""The person at the reader, and another program beside the trial."""

from __future__ import annotations

import time
from collections.abc import Callable

from hardware import pcsc
from hardware.pcsc import PcscError, PcscReaderState
from kiosk.app.cli.printing import echo

WAIT_S = 60.0
_LOOK_MS = 500


class PersonAtReader:
    """Implements ``Bench`` with whoever sits at the terminal."""

    def __init__(self, reader: str, wait_s: float = WAIT_S) -> None:
        self._reader = reader
        self._wait_s = wait_s

    def say(self, text: str) -> None:
        echo(f"- {text}")

    def take_out(self, moment: str) -> bool:
        echo(f"  Take the card out, {moment}.")
        return wait_for_card(self._reader, present=False, seconds=self._wait_s)

    def put_in(self) -> bool:
        echo("  Put the card in again.")
        return wait_for_card(self._reader, present=True, seconds=self._wait_s)

    def beside_another(self, reader: str, work: Callable[[], object]) -> None:
        hold_beside(reader, work)

    def another_gets_in(self, reader: str) -> bool:
        return gets_in(reader)


def hold_beside(reader: str, work: Callable[[], object]) -> None:
    """Do ``work`` while another context holds the card; raises ``CardError``."""
    try:
        context = pcsc.establish()
        try:
            handle, _ = pcsc.connect(context, reader)
            try:
                work()
            finally:
                pcsc.disconnect(handle, reset=True)
        finally:
            pcsc.release(context)
    except PcscError as error:
        raise pcsc.card_error(error) from None


def gets_in(reader: str) -> bool:
    """Return whether another context can connect to the card."""
    context = pcsc.establish()
    try:
        handle, _ = pcsc.connect(context, reader)
        pcsc.disconnect(handle, reset=False)
    except PcscError:
        return False
    finally:
        pcsc.release(context)
    return True


def wait_for_card(reader: str, *, present: bool, seconds: float) -> bool:
    """Return whether a card was put in, or taken out, in time."""
    ends = time.monotonic() + seconds
    context = pcsc.establish()
    try:
        known = PcscReaderState(reader, pcsc.STATE_UNAWARE)
        while time.monotonic() < ends:
            try:
                (known,) = pcsc.wait_for_change(context, _LOOK_MS, [known])
            except PcscError as error:
                if not error.no_news:
                    return False
            is_answering = known.present and not known.mute
            if known.state and is_answering is present:
                return True
        return False
    finally:
        pcsc.release(context)
