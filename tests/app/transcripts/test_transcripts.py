"""Each transcript beside this file is what the command line prints: see ``session.py``.

`make transcripts` (``--snapshot-update``) writes them anew: read what changed before you commit it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.transcripts.session import Call, Printed, Transcript

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda each: each.stem)
def test_transcript_is_what_the_command_line_prints(
    file: Path,
    place: Path,
    set_up: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transcript = Transcript.read(file.read_text())
    if not transcript.begins_with_nothing():
        shutil.copytree(set_up, place, dirs_exist_ok=True)
    for name, content in transcript.files.items():
        (place / name).write_text(content)
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "80")

    def run(call: Call) -> Printed:
        capsys.readouterr()
        with monkeypatch.context() as typed, Path(call.stdin or "/dev/null").open() as stdin:
            typed.setattr("sys.stdin", stdin)
            for setting in call.settings.items():
                typed.setenv(*setting)
            code: object
            try:
                code = main(call.words)
            except SystemExit as ended:
                code = ended.code
        return Printed(*capsys.readouterr(), code)

    now = transcript.run_anew(str(place), run)
    if request.config.option.update_snapshots:
        file.write_text(now)
    assert now == file.read_text()
