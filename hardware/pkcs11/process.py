"""A module's process, as the station sees it: whoever asks gets a ``CardError`` in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from kiosk.errors import CardError, CardHung, CardProtocolError, OutcomeUnknown
from kiosk.modules import process, wire

WORKER = "hardware.pkcs11.worker"


@dataclass(frozen=True, slots=True)
class Module:
    """A module's file, the label of its token where a reader shows several, and the time-out."""

    path: str
    label: str = ""
    answer_s: float = 15.0


class ModuleProcess:
    """Lives within a ``with``; every call raises ``CardError`` where the module fails."""

    def __init__(self, module: Module, environ: Mapping[str, str]) -> None:
        self._module = module
        self._environ = environ

    def __enter__(self) -> Self:
        arguments = (self._module.path, self._module.label)
        self._process = process.ModuleProcess(
            WORKER, arguments, self._environ, self._module.answer_s
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the module say goodbye to the card, but not for long."""
        self._process.end()

    def ask(self, request: wire.Message, *, changes_card: bool = False) -> wire.Message:
        """Return the answer; the first one waits for the module to be loaded, too.

        Where none comes in time, ``CardHung`` is raised, or ``OutcomeUnknown`` when the
        request may have changed the card.
        """
        try:
            return self._process.ask(request)
        except process.ModuleHung:
            raise _lost(changes_card, CardHung("the card's module gave no answer")) from None
        except process.ModuleCrashed:
            raise _lost(changes_card, CardProtocolError("the card's module crashed")) from None


def _lost(changes_card: bool, otherwise: CardError) -> CardError:
    if changes_card:
        return OutcomeUnknown("the card's module was asked for a change and gave no answer")
    return otherwise
