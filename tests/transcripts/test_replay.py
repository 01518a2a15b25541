"""Each transcript is replayed against the drivers: a change of what they do is noticed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.app.trial.transcript import ANY, Transcript, from_json, to_json
from tests.support.campaigns import often
from tests.transcripts.replay import Differs, replay
from tests.transcripts.table import BEGIN, DOCUMENT, END, table, transcripts

FILES = transcripts()


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_transcript_is_replayed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transcript = from_json(path.read_bytes())
    calls = sum(len(step.calls) for step in transcript.steps)
    assert replay(transcript, monkeypatch) >= calls - 2  # two are about another program


def test_transcripts_are_of_each_family_on_pcsc() -> None:
    families = {from_json(path.read_bytes()).family for path in FILES}
    assert families >= {"piv", "openpgp", "gids"}


def commands(transcript: Transcript) -> list[tuple[str, int]]:
    """Return each command with the place of a byte of it that a replay compares."""
    outer = [call for step in transcript.steps for call in step.calls]
    found = []
    for call in (*outer, *(each for hold in outer for each in hold.inner)):
        for exchange in call.exchanges:
            places = range(0, len(exchange.command), 2)
            compared = [at for at in places if exchange.command[at : at + 2] != ANY]
            found += [(exchange.command, at) for at in compared]
    return found


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
@settings(max_examples=often(4, 100), suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_changed_byte_of_a_command_is_noticed(path: Path, data: st.DataObject) -> None:
    text = path.read_bytes().decode()
    command, at = data.draw(st.sampled_from(commands(from_json(text.encode()))))
    byte = int(command[at : at + 2], 16) ^ data.draw(st.integers(1, 255))
    changed = command[:at] + f"{byte:02x}" + command[at + 2 :]
    transcript = from_json(text.replace(f'"{command}"', f'"{changed}"', 1).encode())
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Differs):
        replay(transcript, patch)


OTHER = {"63c2": "63c1", "6983": "6a80", "9000": "6f00"}
STATUS_WORDS = [
    pytest.param(path, status, id=f"{path.stem}-{status}")
    for path in FILES
    for status in OTHER
    # An OpenPGP card's counters decide, and not what it answers to a wrong password.
    if f'"{status}"' in path.read_text() and (path.stem[:7], status[:2]) != ("openpgp", "63")
]


@pytest.mark.parametrize(("path", "status"), STATUS_WORDS)
def test_changed_status_word_is_noticed(path: Path, status: str) -> None:
    text = path.read_text().replace(f'"{status}"', f'"{OTHER[status]}"', 1)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Differs):
        replay(from_json(text.encode()), patch)


def test_other_formats_are_refused() -> None:
    for data in (b"", b"{}", b"[]"):
        with pytest.raises(ValueError, match="no transcript"):
            from_json(data)
    later = msgspec.structs.replace(from_json(FILES[0].read_bytes()), format=2)
    with pytest.raises(ValueError, match="format 2"):
        from_json(to_json(later))


def test_table_of_the_document_is_printed_from_the_transcripts() -> None:
    """``python -m tests.transcripts.table`` writes it anew."""
    text = DOCUMENT.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == table()
