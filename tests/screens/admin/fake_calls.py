"""What a fake desk was asked, who may ask it, and what it was told to raise."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from kiosk.authority.administration.deeds import Deed
from kiosk.authority.administration.views import Actor, Done
from kiosk.authority.errors import NotPermitted
from kiosk.authority.roles import Action, Role, may

REFERENCE = "K7QH-2M9T"


@dataclass
class Asked:
    """Each call as ``name, arguments``; ``raises`` makes the next call of a name fail."""

    me: Actor
    calls: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    _troubles: defaultdict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))

    def raises(self, name: str, *errors: Exception) -> None:
        """Let the next calls of ``name`` fail, one after the other."""
        self._troubles[name].extend(errors)

    def becomes(self, role: Role) -> None:
        """Change the role at the desk, which the screens do not know yet."""
        self.me = replace(self.me, role=role)

    def hear(self, action: Action, name: str, *arguments: object) -> None:
        """Note a call; fail where it was asked for, or the role may not."""
        self.calls.append((name, arguments))
        if self._troubles[name]:
            raise self._troubles[name].pop(0)
        if not may(self.me.role, action):
            raise NotPermitted(f"This is not for the role {self.me.role.value}: {action.value}.")

    def done(self, deed: Deed) -> Done:
        return Done(deed, REFERENCE)

    def of(self, name: str) -> list[tuple[object, ...]]:
        """Return the arguments of each call of ``name``."""
        return [arguments for called, arguments in self.calls if called == name]
