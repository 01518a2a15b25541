"""A set-up as a list of steps: each checks the present state first, so all may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from kiosk.app.cli.printing import echo

BEGUN = Path("/run/kiosk-setup")
"""Names steps that were begun and have not ended; a start of the machine, which empties it, does
what they lack."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a set-up makes: ``what`` it is about, and ``text``, which describes it.

    ``undo`` is None for settings and state, which only the purge of the package removes. Where
    ``is_done`` is false, ``is_there``: there is one in another state, which is changed, or undone.
    ``repeats``: it is done again where it was begun and did not end, as ``is_done`` sees a part.
    """

    what: str
    text: str
    is_done: Callable[[], bool]
    do: Callable[[], object]
    undo: Callable[[], object] | None = None
    is_there: Callable[[], bool] | None = None
    repeats: bool = False

    def followed_by(self, then: Callable[[], object], *, also_undone: bool = False) -> Step:
        """Return the step with another action after it; ``also_undone``: after its undoing, too.

        Root's alone, as it ``repeats``.
        """

        def both(first: Callable[[], object]) -> None:
            first()
            then()

        step = replace(self, do=partial(both, self.do), repeats=True)
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


def _mark(step: Step) -> Path:
    return BEGUN / sha256(f"{step.what} {step.text}".encode()).hexdigest()


def _do(step: Step) -> None:
    if not step.repeats:
        step.do()
        return
    BEGUN.mkdir(mode=0o700, exist_ok=True)
    _mark(step).touch()
    step.do()
    _mark(step).unlink()


def _say(word: str, step: Step) -> None:
    echo(f"{word:<12}  {step.what:<10}  {step.text}")


def carry_out(steps: Iterable[Step], *, dry_run: bool) -> None:
    """Do what is not done yet, in order; a dry run only prints it."""
    for step in steps:
        changes = step.is_there is not None and step.is_there()
        was_cut_short = step.repeats and _mark(step).exists()
        if step.is_done() and not was_cut_short:
            _say("kept", step)
        elif dry_run:
            _say("would change" if changes else "would make", step)
        else:
            _do(step)
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
