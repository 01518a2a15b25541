"""The audit's filter and rows in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.content import Content

from kiosk.administration.saying import as_sentence
from kiosk.administration.views.audit import AuditFilter, AuditLine, ChainVerdict
from screens.admin.dialogs.listing import named
from screens.admin.times import Times

EVERYTHING = AuditFilter()

_BROKEN = (
    "Somebody changed the database past the service, or it is damaged. Change nothing. Keep a "
    "copy of the database and of the last backup, and tell whoever is responsible for the "
    "security of the service."
)
_ELSEWHERE = (
    "On the service's machine, “kiosk audit verify --anchors” compares it with the anchors "
    "that were kept elsewhere."
)


def filter_words(only: AuditFilter, kinds: Mapping[str, str], times: Times) -> str:
    """Say what is shown: ``Audit: person 100200300401, since today 08:00``."""
    parts = ", ".join(_parts(only, kinds, times))
    return f"Audit: {parts}" if parts else "Audit: everything, newest first"


def _parts(only: AuditFilter, kinds: Mapping[str, str], times: Times) -> Iterator[str]:
    if only.kind:
        yield f"“{kinds.get(only.kind, only.kind).rstrip('.')}”"
    if only.person:
        yield f"person {only.person}"
    if only.station:
        yield f"station {only.station}"
    if only.staff:
        yield f"by {only.staff}"
    if only.reference:
        yield f"reference {only.reference}"
    if only.since is not None:
        yield f"from {times.at(only.since)}"
    if only.until is not None:
        yield f"before {times.at(only.until)}"


def row_lines(line: AuditLine, times: Times) -> tuple[Content, ...]:
    """Return all that a row holds, a thing a line."""
    facts = (
        ("When", f"{times.day(line.at)} {times.to_the_second(line.at)}"),
        ("Person", line.person),
        ("Station", line.station),
        ("Staff", line.who),
        ("Reference", line.reference),
        ("Kind", line.kind),
        ("Row", str(line.seq)),
    )
    details = (("", ""), *(("", detail) for detail in line.detail.split("; ") if detail))
    return tuple(named(name, value) for name, value in facts if value) + tuple(
        named(name, value, 0) for name, value in details if line.detail
    )


def row_in_short(line: AuditLine) -> str:
    """Say in three lines or so what a row is."""
    facts = (line.person, line.station, line.who, line.reference)
    return "\n".join(filter(None, (line.told, " · ".join(filter(None, facts)), line.detail)))


def verdict_lines(verdict: ChainVerdict) -> tuple[str, str, tuple[str, ...]]:
    """Return title, sentence and lines of what a verification found."""
    rows = f"{verdict.rows:,} rows fit, each to the one before."
    if verdict.intact:
        return "The audit is intact", rows, (_anchored(verdict),)
    return (
        "The audit is NOT intact",
        f"{as_sentence(verdict.fault)} Row {verdict.fault_row} is the first that does not fit.",
        (
            f"{verdict.rows:,} rows before it fit.",
            _BROKEN,
            _ELSEWHERE,
        ),
    )


def _anchored(verdict: ChainVerdict) -> str:
    if not verdict.anchors:
        return "No anchor has been signed yet; the service signs one each day."
    if verdict.anchored_to >= verdict.rows:
        return f"All of it is covered by signed anchors ({verdict.anchors:,})."
    return (
        f"Signed anchors ({verdict.anchors:,}) cover it up to row {verdict.anchored_to:,}; "
        "the rest will be covered by the next one."
    )
