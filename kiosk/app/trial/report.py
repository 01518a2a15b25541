"""The report of a trial: Markdown for people, and the transcript that a maintainer replays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from hardware.connection import Interface
from kiosk.app.trial.recording import Names
from kiosk.app.trial.redaction import Redaction, stand_in_for
from kiosk.app.trial.transcript import FORMAT, Call, Step, Transcript
from kiosk.app.trial.trial import Done, Outcome
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import CardReport

SERVED, WITH_LIMITS, NOT_SERVED = "served", "served, with these limits", "not served, because"
_GIVEN_AWAY = (
    "In the transcript beside this report the PIN, the unblock secret, identifiers, names, "
    "certificates and signatures are replaced by others of the same length. The answer to reset is "
    "the card's own."
)
ONLY_LOOKED = "read only: nothing was changed"


def transcript_of(
    steps: Sequence[Done],
    report: CardReport | None,
    interface: Interface | None,
    names: Names,
    *,
    card: str,
    program: str,
    day: date,
    looked_only: bool,
) -> Transcript:
    """Return what may be given away; ``card`` is its make, as the person gave it."""
    redaction = Redaction(names)
    made = tuple(
        Step(
            done.name,
            done.outcome.value,
            done.words,
            done.before,
            done.after,
            round(done.seconds, 3),
            redaction.calls(done.calls),
        )
        for done in steps
    )
    identifier = "" if report is None else redaction.identifier(report.card.identifier)
    used = {value for step in made for call in step.calls for value in _values_of(call)}
    values = {
        name: stand_in_for(name, value).reveal() for name, value in names.items() if name in used
    }
    if "admin key" in dict(names.items()):
        values["admin key"] = stand_in_for("admin key", dict(names.items())["admin key"]).reveal()
    found = (done.words for done in steps if done.outcome is Outcome.LIMIT)
    limits = tuple(dict.fromkeys(found))
    surprises = tuple(done.words for done in steps if done.outcome is Outcome.SURPRISE)
    verdict = WITH_LIMITS if limits else SERVED
    if surprises:
        verdict = NOT_SERVED
    elif looked_only:
        verdict = ONLY_LOOKED
    return Transcript(
        FORMAT,
        program,
        day.isoformat(),
        card,
        report.card.driver if report else "",
        report.secret_kind or "" if report else "",
        identifier,
        interface.atr.hex() if interface else "",
        ("T=0" if interface.is_t0 else "T=1") if interface else "",
        interface.is_contactless if interface else False,
        verdict,
        surprises or limits,
        values,
        made,
    )


def _values_of(call: Call) -> Iterable[str]:
    yield from call.values
    for each in call.inner:
        yield from _values_of(each)


def markdown(transcript: Transcript, how_it_is: str) -> str:
    """Return the report for people; ``how_it_is`` is empty where the card is as it was."""
    family = FAMILIES.get(transcript.family)
    rows = [
        ("card", transcript.card or "not said"),
        ("family", family.title if family else "none that is known"),
        ("unblocked by", transcript.secret_kind or "unknown"),
        ("answer to reset", transcript.atr or "none: its maker's module speaks to it"),
        ("protocol", transcript.protocol or "unknown"),
        ("contactless", "yes" if transcript.contactless else "no"),
        ("tried", f"{transcript.day}, with unlock-kiosk {transcript.program}"),
    ]
    lines = [f"# {transcript.card or 'A card'}: {transcript.verdict}", ""]
    lines += [f"- {limit}" for limit in transcript.limits] + [""] * bool(transcript.limits)
    if how_it_is:
        lines += [f"**The card is not as it was.** {how_it_is}", ""]
    lines += ["| what | value |", "| --- | --- |"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in rows]
    lines += ["", "| step | outcome | what happened | before | after | seconds | status words |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for step in transcript.steps:
        words = " ".join(dict.fromkeys(_status_words(step.calls)))
        cells = (step.name, step.outcome, step.words, step.before, step.after)
        lines.append(f"| {' | '.join(map(_cell, cells))} | {step.seconds:.1f} | {_cell(words)} |")
    lines += ["", _GIVEN_AWAY, ""]
    return "\n".join(lines)


def _status_words(calls: Iterable[Call]) -> Iterable[str]:
    for call in calls:
        for exchange in call.exchanges:
            yield exchange.answer[-4:].upper() or exchange.error
        yield from _status_words(call.inner)


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ") or "-"
