"""Files of people as they come: headers, encodings, quotation marks and junk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.administration.people_file import PeopleFile
from kiosk.authority.errors import ImportRefused
from tests.authority.administration.importing import HEADER, ONE, Importer, csv_of, line

Factory = pytest.TempPathFactory


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (b"", ["the file is empty; its first line must be holder_number"]),
        (b"900000000001,Jo,j@nhs.net,,\n", ["this is not the header; the first line must be"]),
        (
            b"holder_number;name;email;card_id\n",
            ["the column unblock_secret is missing"],
        ),
        (
            b"holder_number\tname\n",
            [f"the column {name} is missing" for name in ("email", "card_id", "unblock_secret")],
        ),
        (
            b"holder_number,name,e-mail,card_id\n",
            ["the column email is missing", "unblock_secret is missing", "did you mean email?"],
        ),
        (HEADER.encode() + b",name\n", ["the column name is there twice"]),
        ("\ufeff".encode("utf-16-le") + HEADER.encode("utf-16-le"), ["this is UTF-16"]),
    ],
)
def test_a_wrong_header_is_explained(
    importer: Importer, tmp_path: Path, content: bytes, problems: list[str]
) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    found = importer.refused(path)
    assert [number for number, _ in found] == [1] * len(problems)
    for (_, reason), expected in zip(found, problems, strict=True):
        assert expected in reason


def test_a_file_that_is_not_there(importer: Importer, tmp_path: Path) -> None:
    assert importer.refused(tmp_path / "none.csv") == ((0, "No such file or directory"),)
    assert importer.refused(tmp_path) == ((0, "Is a directory"),)


def test_bytes_that_are_not_utf8_are_named_by_line(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(tmp_path, line(0), line(1, name="J@rgen"), line(2))
    path.write_bytes(path.read_bytes().replace(b"J@rgen", b"J\xfcrgen"))
    assert importer.refused(path) == ((3, "is not UTF-8; save the file as “CSV UTF-8”"),)


@pytest.mark.parametrize(
    ("wrong", "said"), [(2, ", and so is another"), (12, ", and so are 11 others")]
)
def test_file_in_another_encoding_is_refused_once(
    importer: Importer, tmp_path: Path, wrong: int, said: str
) -> None:
    """Before: 1,980 equal lines, for a file that Excel had saved as Windows-1252."""
    lines = [line(n, name="Zoë Müller" if n < wrong else "Jo") for n in range(20)]
    path = csv_of(tmp_path, *lines)
    path.write_bytes(path.read_bytes().decode().encode("cp1252"))
    assert importer.refused(path) == ((2, f"is not UTF-8{said}; save the file as “CSV UTF-8”"),)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_columns_may_be_separated_as_spreadsheets_do(
    importer: Importer, tmp_path: Path, separator: str
) -> None:
    """Before: refused; in most of Europe Excel writes semicolons."""
    rows = (HEADER, line(0, name='"Smith, Jo"'), line(1))
    cells = [row.replace('"Smith, Jo"', '"Smith: Jo"').replace(",", separator) for row in rows]
    path = csv_of(tmp_path, *(row.replace(":", ",") for row in cells[1:]), header=cells[0])
    assert importer.run(path).lines == 2
    assert importer.holder(0).name == "Smith, Jo"
    assert importer.card(1).sealed_secret is not None


def test_a_quotation_mark_that_never_closes(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(tmp_path, line(0), line(1, name='"Jo'), line(2))
    assert importer.refused(path) == (
        (3, "from here on it is no CSV: see quotation marks and line ends"),
    )


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_at_all_are_a_surprise(tmp_path_factory: Factory, junk: bytes, head: bool) -> None:
    path = tmp_path_factory.mktemp("junk") / "people.csv"
    path.write_bytes((HEADER.encode() + b"\n" if head else b"") + junk)
    file = PeopleFile(path, 12)
    people, refused = [], False
    try:
        people = list(file.people())
    except ImportRefused:
        refused = True
    assert refused or len(people) <= file.lines
    assert refused or file.problems or file.position == path.stat().st_size


def test_what_spreadsheets_write_is_read(importer: Importer, tmp_path: Path) -> None:
    """A byte-order mark, carriage returns, columns in another order and in capitals."""
    path = tmp_path / "people.csv"
    header = "\ufeffName,EMAIL,Card_ID, holder_number ,unblock_secret"
    path.write_bytes(f"{header}\r\nZoë,z@nhs.net,{ONE},900000000000,48271593\r\n\r\n".encode())
    assert importer.run(path).people_added == 1
    assert importer.holder(0).name == "Zoë"
