"""The keys that count now, as the footer and the list of actions show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from screens.admin.page import Page

_NAMES = {
    "enter": "Enter",
    "escape": "Esc",
    "delete": "Del",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "space": "Space",
    "tab": "Tab",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "question_mark": "?",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key, what it does, and a way to do it without the key."""

    key: str
    does: str
    press: Callable[[], None]
    enabled: bool = True


def label_of(key: str) -> str:
    """Write a key as it is printed on a keyboard: ``Ctrl+P``, ``Enter``, ``r``."""
    *held, last = key.split("+")
    name = _NAMES.get(last) or (last.upper() if held or _is_function(last) else last)
    return "+".join([*(part.capitalize() for part in held), name])


def keys_of(screen: Screen[Any]) -> Iterator[Key]:
    """Yield the keys of the page that shows which count now, without the application's own."""
    for active in screen.active_bindings.values():
        node, binding = active.node, active.binding
        if binding.show and binding.description and _is_of_page(node):
            yield Key(
                binding.key, binding.description, _press(screen, node, binding), active.enabled
            )


def actions_of(page: Page) -> Iterator[Key]:
    """Yield all that the page can do now, whether its key counts where the focus is or not."""
    for _key, binding in page._bindings:  # noqa: SLF001 - Textual gives no other way to list them
        if not binding.description:
            continue
        state = page.app._check_action_state(binding.action, page)  # noqa: SLF001
        if state:
            yield Key(binding.key, binding.description, _press(page.screen, page, binding))


def _is_of_page(node: DOMNode) -> bool:
    return any(isinstance(above, Page) for above in node.ancestors_with_self)


def _press(screen: Screen[Any], node: DOMNode, binding: Binding) -> Callable[[], None]:
    def press() -> None:
        screen.call_later(screen.app.run_action, binding.action, node)

    return press


def _is_function(key: str) -> bool:
    return key[:1] == "f" and key[1:].isdigit()
