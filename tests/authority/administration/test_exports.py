"""Files for staff: never overwritten, for the owner alone, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import IO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.authority.administration.files import csv_text, write_file
from kiosk.authority.errors import NotTaken
from kiosk.authority.wording import REASONS, reason_words
from kiosk.contract.messages import Reason
from screens.words.staff.refusals import refusal_words
from tests.support.refusals import refused


def write(folder: Path, text: bytes) -> Path:
    return write_file(folder, "report", "csv", lambda file: file.write(text))[0]


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    first, second = write(tmp_path, b"one"), write(tmp_path, b"two")
    assert (first.name, second.name) == ("report.csv", "report-2.csv")
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert first.stat().st_mode & 0o777 == 0o600


def test_a_link_that_waits_under_the_name_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (tmp_path / "report.csv").symlink_to(victim)
    assert write(tmp_path, b"one").name == "report-2.csv"
    assert not victim.exists()


def test_half_a_file_does_not_stay(tmp_path: Path) -> None:
    """A killed export left half a file under the name of a whole one."""

    def fail_half_way(file: IO[bytes]) -> None:
        file.write(b"one")
        file.flush()
        assert list(tmp_path.iterdir()) == []
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        write_file(tmp_path, "report", "csv", fail_half_way)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "exports"
    assert write(folder, b"one").read_bytes() == b"one"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with refused(NotTaken, match="Not a directory") as caught:
        write(tmp_path / "state" / "exports", b"")
    assert str(tmp_path / "state" / "exports") in refusal_words(caught.value)
    assert "Ask who looks after the service's machine" in refusal_words(caught.value)


@pytest.mark.parametrize("cell", ["=1+1", "+44 20", "-2", "@SUM(A1)", "＝1"])
def test_a_formula_becomes_text(cell: str) -> None:
    (row,) = list(csv.reader(io.StringIO(csv_text([cell], []), newline="")))
    assert row == [f"'{cell}"]


def test_every_cell_is_quoted() -> None:
    assert csv_text(["one", "2", ""], [["a", 'b"c', "d"]]) == '"one","2",""\r\n"a","b""c","d"\r\n'


ABC = st.text(st.sampled_from("=+-@＝;,|\t\r\n \"'a1"), max_size=12)


@given(st.lists(ABC, min_size=1, max_size=3))
@example(["Smith;=HYPERLINK(A1)"])
@example(['x;"=1'])
@example(["\t=1"])
def test_no_cell_begins_a_formula_however_the_line_is_split(cells: list[str]) -> None:
    line = csv_text(cells, [])
    for separator in ";,|\t\r\n":
        for piece in line.split(separator):
            assert not piece.lstrip(' "\t\r\n').startswith(("=", "+", "-", "@", "＝"))
    for delimiter in ";,\t|":
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter):
            assert not [one for one in row if one.lstrip().startswith(("=", "+", "-", "@", "＝"))]


def test_text_with_quotes_and_commas_comes_back() -> None:
    rows = [["a, b", 'say "x"'], ["", "line\nbreak"]]
    read = list(csv.reader(io.StringIO(csv_text(["one", "two"], rows), newline="")))
    assert read == [["one", "two"], *rows]


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) == set(Reason)
    assert len(set(REASONS.values())) == len(Reason)
    assert reason_words("not-genuine") == "The card failed its proof of being genuine"
    assert reason_words("of a later version") == "of a later version"
