"""Rules that tick themselves off while a PIN is typed."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from kiosk.contract.messages import PinRules
from kiosk.contract.policy import PinRule, pin_verdicts
from kiosk.contract.sensitive import Sensitive
from screens.theme import Glyphs
from screens.words import pin as words


class Rules(Widget, inherit_bindings=False):
    """One line a rule: not yet known, kept, or broken; a sign says it as well as a colour."""

    def __init__(self, rules: PinRules, glyphs: Glyphs, current: Sensitive | None) -> None:
        super().__init__()
        self._rules = rules
        self._current = current
        self._glyphs = glyphs
        self._verdicts: Mapping[PinRule, bool] = {}
        self._long_enough = False
        self.judge("")

    @property
    def all_kept(self) -> bool:
        """Whether a PIN that was judged last keeps every rule."""
        return all(self._verdicts.values())

    def judge(self, pin: str) -> None:
        """Judge what is typed so far."""
        self._verdicts = pin_verdicts(pin, self._rules, self._current)
        self._long_enough = self._verdicts[PinRule.LENGTH]
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row a rule."""
        return len(self._verdicts)

    def render(self) -> Content:
        """Draw the list."""
        return Content("\n").join(self._line(rule, kept) for rule, kept in self._verdicts.items())

    def _line(self, rule: PinRule, kept: bool) -> Content:
        sign, style = self._state(rule, kept)
        return Content.assemble(
            (f"{sign} ", f"bold {style}"), (words.rule(rule, self._rules), style)
        )

    def _state(self, rule: PinRule, kept: bool) -> tuple[str, str]:
        """A rule counts as kept only once the PIN is long enough to be one."""
        if self._long_enough and kept:
            return self._glyphs.tick, "$done"
        if kept or rule is PinRule.LENGTH:
            return self._glyphs.pending, "$quiet"
        return self._glyphs.wrong, "$alarm"
