"""A set-up as a list of steps: each is looked at first, so all of it may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a set-up makes: ``what`` it is about, and ``text``, which says what it is.

    ``undo`` is None for settings and state, which only the purge of the package removes. Where
    ``is_done`` does not, ``is_there`` says whether there is one that is not as it is to be: it is
    changed, or undone.
    """

    what: str
    text: str
    is_done: Callable[[], bool]
    do: Callable[[], object]
    undo: Callable[[], object] | None = None
    is_there: Callable[[], bool] | None = None

    def followed_by(self, then: Callable[[], object], *, also_undone: bool = False) -> Step:
        """Return the step with something done after it; ``also_undone``: after its undoing, too."""

        def both(first: Callable[[], object]) -> None:
            first()
            then()

        step = replace(self, do=partial(both, self.do))
        if also_undone and self.undo is not None:
            step = replace(step, undo=partial(both, self.undo))
        return step

    def undone(self) -> Step:
        """Return the step that takes this one back; raises ``ValueError`` where none does."""
        if self.undo is None:
            raise ValueError(self.text)
        is_there = self.is_there or self.is_done
        text = f"no longer: {self.text}"
        return Step(self.what, text, lambda: not is_there(), self.undo, is_there=is_there)


Say = Callable[[str, Step], object]
"""Shows a word on what was done with a step, and the step."""


def carry_out(steps: Iterable[Step], say: Say, *, dry_run: bool) -> None:
    """Do what is not done yet, in order; a dry run only says so."""
    for step in steps:
        changes = step.is_there is not None and step.is_there()
        if step.is_done():
            say("kept", step)
        elif dry_run:
            say("would change" if changes else "would make", step)
        else:
            step.do()
            say("changed" if changes else "made", step)


def take_back(steps: Sequence[Step], say: Say, *, dry_run: bool) -> None:
    """Undo what is done and can be undone, the last first."""
    for step in reversed(steps):
        if not (step.is_there or step.is_done)():
            continue
        if step.undo is None:
            say("kept", step)
        elif dry_run:
            say("would undo", step)
        else:
            step.undo()
            say("undone", step)
