"""Helping people from the command line, on a real store."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.cli.estate import AL, JO, Estate
from tests.app.cli.samples import BAD, GOOD, Kiosk, people

Capsys = pytest.CaptureFixture[str]

BECAUSE = "--reason", "asked for by telephone"
SURE = *BECAUSE, "--identified-by", "badge, in person"


def test_people_are_found_by_words_and_say_how_they_stand(
    kiosk: Kiosk, estate: Estate, capsys: Capsys
) -> None:
    assert kiosk("people", "search", "smi", "jo") == 0
    assert capsys.readouterr().out == f"{JO}  Jo Smith  not-registered  1 card  jo@nhs.net\n"
    assert kiosk("people", "search", "9000000", "--limit", "1") == 0
    assert capsys.readouterr().out.endswith("and others; type more of what you look for\n")
    assert kiosk("people", "search", "zz") == 0
    assert capsys.readouterr().out == "nobody was found\n"


def test_people_are_listed_by_how_they_stand(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    estate.register(blocked=True)
    assert kiosk("people", "list", "--standing", "blocked") == 0
    assert capsys.readouterr().out.startswith(f"{JO}  Jo Smith  blocked  2")
    assert kiosk("people", "list", "--standing", "blocked", "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["number"], line["standing"]) == (JO, "blocked")
    assert line["date"]
    assert kiosk("people", "list") == 0
    assert {row[:12] for row in capsys.readouterr().out.splitlines()} == {AL, JO}
    assert kiosk("people", "list", "--limit", "1") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    for nobody in ("card-in-doubt", "left"):
        assert kiosk("people", "list", "--standing", nobody) == 0
        assert capsys.readouterr().out == "there is nobody in this list\n"


def test_a_script_finds_people_by_a_reference(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    kiosk("people", "correct-name", JO, "Jo Jones", *BECAUSE)
    reference = capsys.readouterr().out.split("(reference ")[1][:9]
    assert kiosk("people", "search", reference, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [line["number"] for line in found["people"]] == [JO]
    assert found["about"].startswith(f"{reference} by command line: ")
    assert kiosk("people", "search", reference) == 0
    assert capsys.readouterr().out.splitlines()[0] == found["about"]


def test_a_page_says_why_and_what_to_do_and_the_story(
    kiosk: Kiosk, estate: Estate, capsys: Capsys
) -> None:
    estate.register(blocked=True)
    kiosk("people", "correct-name", JO, "Jo Jones", *BECAUSE)
    assert kiosk("people", "show", JO) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{JO}  Jo Jones  jo@nhs.net\nBlocked since ")
    assert "failed attempts: 0 of 3" in said
    assert "\n  answers to four security questions\n    What is the name " in said
    assert "\n  codes go to jo@nhs.net\n" in said
    assert f"card piv {1:032x}: in order" in said
    assert "Corrected the name. Reason: “asked for by telephone”." in said
    assert kiosk("people", "show", JO, "--json") == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["standing"], page["can_unlock"]) == ("blocked", False)
    answers, codes = page["registration"]["enrolled"]
    assert (answers["code"], len(answers["questions"])) == ("AnswersRegistered", 4)
    assert (codes["code"], codes["address"]) == ("CodesGoTo", "jo@nhs.net")
    assert "lift-block" in page["open_to"]
    assert page["headline"].startswith("Blocked since ")
    assert page["advice"].startswith("Make sure who they are, then lift the block.")
    facts = page["facts"]
    assert (facts["headline"]["code"], facts["headline"]["failures"]) == ("Blocked", 0)
    assert facts["advice"] == {"code": "LIFT_BLOCK_PIN_IN_USE"}
    (corrected,) = (line for line in page["story"] if line["facts"]["kind"] == "name-corrected")
    assert corrected["sentence"] == "Corrected the name. Reason: “asked for by telephone”."
    assert [card["trouble"] for card in page["cards"]] == [""]


def test_somebody_who_is_not_there_is_named(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    for named in ("900000000099", "Jo Smith"):
        assert kiosk("people", "show", named) == 1
        said = f"Nobody has the holder number {named}: `kiosk people search` finds them by a name"
        assert said in capsys.readouterr().err


def test_a_person_is_added(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    mail = "--email", "bo@nhs.net"
    assert kiosk("people", "add", "900000000003", "Bo Nowak", *mail, *BECAUSE) == 0
    assert capsys.readouterr().out.startswith("Bo Nowak is added. (reference ")
    assert estate.addresses("900000000003").shown == "bo@nhs.net"
    capsys.readouterr()
    again = "people", "add", "900000000004", "Bo Nowak", *mail, *BECAUSE
    assert kiosk(*again) == 1
    assert capsys.readouterr().err == (
        "kiosk: email: There is already Bo Nowak, 900000000003, with this address. "
        "To add them all the same, --same-address\n"
    )
    assert kiosk(*again, "--same-address") == 0
    assert kiosk("people", "add", "900000000003", "Bo Nowak", *BECAUSE) == 1
    assert kiosk("people", "add", "9003", "Bo Nowak", *BECAUSE) == 1
    assert "kiosk: number: It has 4 digits and not 12" in capsys.readouterr().err


def test_lifted_block_is_said_to_be_gone_the_second_time(
    kiosk: Kiosk, estate: Estate, capsys: Capsys
) -> None:
    estate.register(blocked=True)
    assert kiosk("people", "lift-block", JO, *SURE) == 0
    registration = estate.registration()
    assert registration is not None
    assert registration.blocked_at is None
    assert kiosk("people", "lift-block", JO, *SURE) == 1
    assert "They are not blocked." in capsys.readouterr().err


def test_a_registration_is_revoked(kiosk: Kiosk, estate: Estate) -> None:
    estate.register()
    assert kiosk("people", "revoke-registration", JO, *BECAUSE) == 0
    assert estate.registration() is None


def test_name_and_address_are_corrected(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    estate.register()
    assert kiosk("people", "correct-name", JO, "Jo Jones", *BECAUSE) == 0
    assert kiosk("people", "correct-email", JO, "jones@nhs.net", *SURE) == 0
    known = estate.addresses()
    assert (estate.holder().name, known.shown) == ("Jo Jones", "jones@nhs.net")
    assert known.unconfirmed is not None
    assert kiosk("people", "correct-email", JO, "jones", *SURE) == 1
    assert "not an address" in capsys.readouterr().err


def test_a_leaver_goes_and_comes_back(kiosk: Kiosk, estate: Estate) -> None:
    assert kiosk("people", "leaver", JO, *BECAUSE) == 0
    assert estate.holder().left_at is not None
    assert kiosk("people", "leaver", JO, "--back", *BECAUSE) == 0
    assert estate.holder().left_at is None


def test_who_is_not_in_the_file_any_more_is_a_leaver(
    kiosk: Kiosk, estate: Estate, place: Path, capsys: Capsys
) -> None:
    header, first, _second = GOOD.splitlines()
    leavers = "people", "leavers", "--not-in", people(place, f"{header}\n{first}"), *BECAUSE
    assert kiosk(*leavers) == 1
    said = capsys.readouterr().err
    assert said == (
        "kiosk: nobody was marked; not in the file: 1 of 2 people, 50.0 %, and --at-most is 5\n"
    )
    assert kiosk(*leavers, "--at-most", "50", "--dry-run") == 0
    assert capsys.readouterr().out == (
        f"{AL}  Al Khan\ndry run: nobody was marked; not in the file: 1 of 2 people\n"
    )
    assert kiosk("people", "list", "--standing", "left", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert kiosk(*leavers, "--at-most", "50") == 0
    assert "Al Khan is a leaver now" in capsys.readouterr().out
    assert kiosk("people", "list", "--standing", "left", "--json") == 0
    assert [each["number"] for each in json.loads(capsys.readouterr().out)] == [AL]
    assert kiosk(*leavers) == 0
    assert capsys.readouterr().out == "marked as leavers: 0; not in the file: 0 of 1 person\n"
    assert kiosk("people", "show", AL) == 0
    assert "Reason: “asked for by telephone”" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BAD, "nobody was marked: 2 problems"),
        ("", "nobody was marked: 1 problem"),
        (GOOD.splitlines()[0], "nobody was marked; not in the file: 2 of 2 people, 100.0 %"),
        (GOOD[:-12], "nobody was marked: 1 problem"),
    ],
    ids=["faulty lines", "empty", "its header alone", "cut off"],
)
def test_by_a_file_that_is_wrong_or_cut_off_nobody_leaves(
    kiosk: Kiosk, estate: Estate, place: Path, capsys: Capsys, text: str, said: str
) -> None:
    assert kiosk("people", "leavers", "--not-in", people(place, text), *BECAUSE) == 1
    assert said in capsys.readouterr().err
    assert kiosk("people", "list", "--standing", "left", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_leaver_who_cannot_be_marked_holds_nobody_else_up(
    kiosk: Kiosk, estate: Estate, place: Path, capsys: Capsys
) -> None:
    assert estate.store.file is not None
    with closing(sqlite3.connect(estate.store.file)) as database:
        database.execute("UPDATE cardholder SET address_id = 'x' WHERE number = ?", (JO,))
        database.commit()
    header = GOOD.splitlines()[0]
    text = f"{header}\n900000000003,Bo Lee,,,"
    leavers = "people", "leavers", "--not-in", people(place, text), "--at-most", "100"
    assert kiosk(*leavers, *BECAUSE) == 1
    shown = capsys.readouterr()
    assert f"kiosk: {JO}: " in shown.err
    assert "Al Khan is a leaver now" in shown.out


@pytest.mark.parametrize(("typed", "is_erased"), [(JO, True), (AL, False), ("", False)])
def test_somebody_is_erased_once_their_number_is_typed_again(
    kiosk: Kiosk,
    estate: Estate,
    capsys: Capsys,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    is_erased: bool,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    assert kiosk("people", "erase", JO, *BECAUSE) == (0 if is_erased else 1)
    asked, *refused = capsys.readouterr().err.splitlines()
    assert "This deletes Jo Smith and all about them" in asked
    because = "kiosk: number: Nobody was erased: that is not their number."
    assert refused == ([] if is_erased else [because])
    assert estate.is_there(JO) is not is_erased
    assert estate.is_there(AL)


def test_a_script_erases_without_being_asked(kiosk: Kiosk, estate: Estate) -> None:
    assert kiosk("people", "erase", JO, "--yes", *BECAUSE) == 0
    assert not estate.is_there(JO)
    assert kiosk("audit", "verify") == 0


@pytest.mark.parametrize(
    "words",
    [
        ("lift-block", JO, *BECAUSE),
        ("correct-email", JO, "jo@nhs.net", *BECAUSE),
        ("leaver", JO),
        ("erase", JO, "--yes"),
    ],
)
def test_nothing_is_done_without_grounds(
    kiosk: Kiosk, estate: Estate, words: tuple[str, ...]
) -> None:
    before = estate.kinds()
    with pytest.raises(SystemExit) as ended:
        kiosk("people", *words)
    assert ended.value.code == 2
    assert estate.kinds() == before


def test_an_import_names_whom_it_brings_back(
    kiosk: Kiosk, estate: Estate, place: Path, capsys: Capsys
) -> None:
    assert kiosk("people", "erase", JO, "--yes", *BECAUSE) == 0
    capsys.readouterr()
    for words in (("--dry-run",), ()):
        assert kiosk("import", *words, people(place, GOOD)) == 0
        said = capsys.readouterr().out
        assert "erased before            1  people: this brings them back" in said
        assert f"    line 2: {JO} Jo Smith\n" in said
    assert kiosk("import", people(place, GOOD)) == 0
    assert "erased" not in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["obrien", "sian o'brien", "SIAN OBRIEN", "Siân"])
def test_a_name_is_found_as_a_keyboard_can_type_it(
    kiosk: Kiosk, place: Path, capsys: Capsys, typed: str
) -> None:
    more = "900000000003,Siân O'Brien,,,\n900000000004,李小龍,,,"
    assert kiosk("import", people(place, f"{GOOD}\n{more}")) == 0
    capsys.readouterr()
    assert kiosk("people", "search", *typed.split()) == 0
    assert capsys.readouterr().out.count("Siân O'Brien") == 1
    assert kiosk("people", "search", "小龍") == 0
    assert "李小龍" in capsys.readouterr().out
