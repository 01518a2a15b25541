"""Cardholders, and the list of security questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from kiosk.store.gateway import Gateway
from kiosk.store.records import Cardholder, SecurityQuestion


class Cardholders:
    """The people of the estate."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def get(self, holder_id: str) -> Cardholder | None:
        """Return one by id."""
        raise NotImplementedError

    def by_numbers(self, numbers: Iterable[str]) -> dict[str, Cardholder]:
        """Return those of ``numbers`` that exist, by number; at most 500 at a time."""
        raise NotImplementedError

    def put(self, holders: Iterable[Cardholder]) -> None:
        """Add each, or overwrite the one with its id."""
        raise NotImplementedError


class SecurityQuestions:
    """The list that registrations choose from."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def current(self) -> tuple[SecurityQuestion, ...]:
        """Return those that are offered, by id."""
        raise NotImplementedError

    def by_ids(self, ids: Iterable[int]) -> dict[int, SecurityQuestion]:
        """Return those of ``ids`` that exist, retired ones too: a registration keeps its own."""
        raise NotImplementedError

    def sync(self, texts: Mapping[int, str], at: datetime) -> None:
        """Make ``texts`` the list: add, reword and revive; retire at ``at`` what is absent."""
        raise NotImplementedError
