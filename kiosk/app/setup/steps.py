"""A set-up as a list of steps: each checks the present state first, so all may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kiosk.app.cli.printing import echo


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a set-up makes: ``what`` it is about, and ``text``, which describes it.

    ``undo`` is None for settings and state, which only the purge of the package removes. Where
    ``is_done`` is false, ``is_there``: there is one in another state, which is changed, or undone.
    """

    what: str
    text: str
    is_done: Callable[[], bool]
    do: Callable[[], object]
    undo: Callable[[], object] | None = None
    is_there: Callable[[], bool] | None = None

    def followed_by(self, then: Callable[[], object], *, also_undone: bool = False) -> Step:
        """Return the step with another action after it; ``also_undone``: after its undoing, too."""

        def both(first: Callable[[], object]) -> None:
            first()
            then()

        step = replace(self, do=partial(both, self.do))
        if also_undone and self.undo is not None:
            step = replace(step, undo=partial(both, self.undo))
        return step

    def undone(self) -> Step:
        """Return the step that undoes this one; raises ``ValueError`` where it cannot be undone."""
        if self.undo is None:
            raise ValueError(self.text)
        is_there = self.is_there or self.is_done
        text = f"no longer: {self.text}"
        return Step(self.what, text, lambda: not is_there(), self.undo, is_there=is_there)


def _say(word: str, step: Step) -> None:
    echo(f"{word:<12}  {step.what:<10}  {step.text}")


def carry_out(steps: Iterable[Step], *, dry_run: bool) -> None:
    """Do what is not done yet, in order; a dry run only prints it."""
    for step in steps:
        changes = step.is_there is not None and step.is_there()
        if step.is_done():
            _say("kept", step)
        elif dry_run:
            _say("would change" if changes else "would make", step)
        else:
            step.do()
            _say("changed" if changes else "made", step)


def take_back(steps: Sequence[Step], *, dry_run: bool) -> None:
    """Undo what is done and can be undone, the last first."""
    for step in reversed(steps):
        if not (step.is_there or step.is_done)():
            continue
        if step.undo is None:
            _say("kept", step)
        elif dry_run:
            _say("would undo", step)
        else:
            step.undo()
            _say("undone", step)
