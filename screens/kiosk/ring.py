"""Which of a page's buttons the keys have chosen."""

from __future__ import annotations

from screens.widgets.button import Pressable


class Ring:
    """The buttons of a page in order; none is chosen until a key chooses one."""

    def __init__(self) -> None:
        self._items: list[Pressable] = []
        self._at: int | None = None

    def add(self, *items: Pressable) -> None:
        """Put buttons at the end."""
        self._items.extend(items)

    def replace(self, old: list[Pressable], new: list[Pressable]) -> None:
        """Put ``new`` where ``old`` stood; nothing is chosen after it."""
        self.choose(None)
        kept = [item for item in self._items if item not in old]
        self._items = [*new, *kept]

    @property
    def chosen(self) -> Pressable | None:
        """The button that Enter presses."""
        return None if self._at is None else self._items[self._at]

    def choose(self, item: Pressable | None) -> None:
        """Choose one, or none."""
        if self.chosen is not None:
            self.chosen.select(False)
        self._at = None if item is None else self._items.index(item)
        if item is not None:
            item.select(True)

    def move(self, by: int) -> None:
        """Choose the next that is enabled, ``by`` forwards (1) or backwards (-1)."""
        size = len(self._items)
        start = self._at if self._at is not None else (-1 if by > 0 else size)
        for distance in range(1, size + 1):
            item = self._items[(start + by * distance) % size]
            if item.enabled:
                self.choose(item)
                return
