"""What a file says twice. A person with two cards has two lines; anything else is a mistake."""

from __future__ import annotations

from kiosk.administration.people_line import PersonLine, Problem
from kiosk.dialogue import CardId


class Repetitions:
    """Remembers of each line only what a later one could contradict."""

    def __init__(self) -> None:
        self._people: dict[str, tuple[int, int]] = {}
        self._cards: dict[CardId, int] = {}

    def takes(self, line: PersonLine, problems: list[Problem]) -> bool:
        """Tell whether ``line`` says something new; if not, say in ``problems`` why."""
        before = len(problems)
        first, person = self._people.setdefault(line.number, (line.line, _of(line)))
        if first != line.line and person != _of(line):
            reason = f"holder_number: line {first} has another name or email for it"
            problems.append((line.line, reason))
        elif first != line.line and line.card is None:
            problems.append((line.line, f"holder_number: is on line {first} already"))
        if line.card and (known := self._cards.setdefault(line.card, line.line)) != line.line:
            problems.append((line.line, f"card_id: is on line {known} already"))
        return len(problems) == before

    def is_first(self, line: PersonLine) -> bool:
        """Tell whether a line that was taken is the first of its person."""
        return self._people[line.number][0] == line.line


def _of(line: PersonLine) -> int:
    return hash((line.name, line.email))
