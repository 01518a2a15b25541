"""Cards, secrets and codes from the command line, on a real store and real readers."""

from __future__ import annotations

import io
import json
import os
import pty
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.virtual.piv import CardProfile, new_card
from kiosk.__main__ import main
from kiosk.app.cli import station_checks
from kiosk.app.cli.printing import complain
from kiosk.authority.records import CardStatus, Visit, new_id
from kiosk.contract.messages import VisitId, reference_of
from tests.app.cli.estate import AL, JO, Estate
from tests.app.cli.samples import Kiosk, two_members
from tests.authority.store import samples
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert
from tests.support.prepared import prepared_program

Capsys = pytest.CaptureFixture[str]
Type = Callable[[str], None]

BECAUSE = "--reason", "a new card"
SURE = *BECAUSE, "--identified-by", "badge, in person"
FIRST, NEW = f"{1:032x}", f"{0xABC0:032x}"


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Type:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_card_is_added_with_its_secret(
    kiosk: Kiosk, estate: Estate, type_in: Type, capsys: Capsys
) -> None:
    type_in("73918264\n")
    more = "--with-secret", "--expires", "2099-12-31", "--secret-limit", "5"
    assert kiosk("cards", "add", JO, NEW.upper(), *more, *BECAUSE) == 0
    card = estate.cards()[NEW]
    assert estate.secret(card) == "73918264"
    assert card.secret_limit == 5
    assert card.expires_at is not None
    assert card.expires_at.year == 2100
    assert kiosk("people", "show", JO) == 0
    assert f"{NEW}: in order; expires 31 December 2099" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "driver", "identifier"),
    [
        (("piv", NEW), "piv", NEW),
        (("openpgp", "0006 12345678"), "openpgp", "000612345678"),
        ((NEW[:16], NEW[16:]), "piv", NEW),
        (("000612345678", "--driver", "openpgp"), "openpgp", "000612345678"),
    ],
)
def test_a_card_is_named_as_a_reader_prints_it_or_by_its_parts(
    kiosk: Kiosk, estate: Estate, words: tuple[str, ...], driver: str, identifier: str
) -> None:
    assert kiosk("cards", "add", JO, *words, *BECAUSE) == 0
    assert estate.cards()[identifier].driver == driver


def test_what_is_wrong_with_a_card_is_said_without_its_secret(
    kiosk: Kiosk, estate: Estate, type_in: Type, capsys: Capsys
) -> None:
    type_in("canary-puk\n")
    assert kiosk("cards", "add", JO, NEW, "--with-secret", *BECAUSE) == 1
    said = capsys.readouterr()
    assert "8 digits or letters" in said.err
    assert "canary" not in said.err + said.out
    assert kiosk("cards", "add", JO, "0a1b", *BECAUSE) == 1
    assert "32 hexadecimal digits" in capsys.readouterr().err
    assert kiosk("cards", "add", JO, NEW, "--expires", "31.12.2030", *BECAUSE) == 1
    assert "YYYY-MM-DD" in capsys.readouterr().err
    assert kiosk("cards", "add", AL, FIRST, *BECAUSE) == 1
    assert f"belongs to another person (number {JO})" in capsys.readouterr().err


def test_a_card_is_replaced_and_the_old_one_is_named_by_its_beginning(
    kiosk: Kiosk, estate: Estate
) -> None:
    assert kiosk("cards", "replace", JO, FIRST[:8], NEW, *BECAUSE) == 0
    cards = estate.cards()
    assert cards[FIRST].status is CardStatus.REVOKED
    assert cards[NEW].status is CardStatus.ACTIVE


def test_a_card_is_named_by_its_end(kiosk: Kiosk, estate: Estate) -> None:
    """As the RA application asks for it; before, it was no card of theirs."""
    kiosk("cards", "add", JO, NEW, *BECAUSE)
    assert kiosk("cards", "revoke", JO, NEW[-4:], *BECAUSE) == 0
    assert estate.cards()[NEW].status is CardStatus.REVOKED
    assert estate.cards()[FIRST].status is CardStatus.ACTIVE


def test_a_card_is_revoked_once(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    assert kiosk("cards", "revoke", JO, FIRST, *BECAUSE) == 0
    assert estate.cards()[FIRST].status is CardStatus.REVOKED
    assert kiosk("cards", "revoke", JO, FIRST, *BECAUSE) == 1
    assert "revoked already" in capsys.readouterr().err


@pytest.mark.parametrize("named", ["ffff", "-"])
def test_a_card_that_they_do_not_have_is_named(
    kiosk: Kiosk, estate: Estate, capsys: Capsys, named: str
) -> None:
    assert kiosk("cards", "revoke", JO, named, *BECAUSE) == 1
    assert f"`kiosk people show {JO}` shows all" in capsys.readouterr().err


def test_a_beginning_that_two_cards_have_names_neither(
    kiosk: Kiosk, estate: Estate, capsys: Capsys
) -> None:
    kiosk("cards", "add", JO, NEW, *BECAUSE)
    assert kiosk("cards", "revoke", JO, "0000", *BECAUSE) == 1
    assert "2 cards of theirs begin or end with '0000'" in capsys.readouterr().err


@pytest.mark.parametrize("full", [(), ("--tries-full",)])
def test_a_secret_is_set(
    kiosk: Kiosk, estate: Estate, type_in: Type, full: tuple[str, ...]
) -> None:
    card = estate.cards()[FIRST]
    with estate.store.begin() as uow:
        uow.cards.charge_secret_try(card.id, assumed_limit=3)
        uow.commit()
    type_in("73918264\r\n")
    assert kiosk("cards", "set-secret", JO, FIRST, *full, *BECAUSE) == 0
    after = estate.cards()[FIRST]
    assert estate.secret(after) == "73918264"
    assert after.secret_exposure == (0 if full else 1)


# --- at a terminal -----------------------------------------------------------------------


@pytest.mark.parametrize(("again", "code"), [("73918264", 0), ("73918265", 1)])
def test_at_a_terminal_a_secret_is_asked_for_twice_and_never_shown(
    estate: Estate, again: str, code: int
) -> None:
    words = ["cards", "set-secret", JO, FIRST, *BECAUSE]
    ended, shown = at_a_terminal(words, ["73918264", again])
    assert ended == code, shown
    assert "Unblock secret: " in shown
    assert "Unblock secret, once more: " in shown
    assert "739182" not in shown
    assert (estate.secret(estate.cards()[FIRST]) == "73918264") is (code == 0)


def at_a_terminal(words: list[str], typed: list[str]) -> tuple[int, str]:
    """Run the command in a pseudo-terminal; answer each of its questions as it comes."""
    ours, theirs = pty.openpty()
    process = prepared_program().start_on(theirs, words, os.environ, Path.cwd())
    os.close(theirs)
    shown, answers = "", iter(typed)
    while piece := _read(ours):
        shown += piece
        if shown.endswith(("secret: ", "more: ")):
            os.write(ours, f"{next(answers)}\n".encode())
    os.close(ours)
    return process.wait(30), shown


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 4096).decode()
    except OSError:  # Linux says EIO once nobody has the other end
        return ""


def test_a_card_is_named_as_it_is_printed_everywhere(
    kiosk: Kiosk, estate: Estate, capsys: Capsys
) -> None:
    """Before: `staff add-card WHO $(kiosk cards read)` was a usage error, a search found nobody."""
    assert kiosk("staff", "add", "Sam Reed", "--role", "technician", *BECAUSE) == 0
    for words in ((FIRST,), ("piv", FIRST), (f"piv {FIRST}",)):
        capsys.readouterr()
        assert kiosk("people", "search", *words) == 0
        assert capsys.readouterr().out.startswith(f"{JO}  Jo Smith")
        for act, said in (
            ("add-card", "None is recorded for this card"),
            ("remove-card", "Sam Reed has no such card"),
        ):
            assert kiosk("staff", act, "Sam Reed", *words, *BECAUSE) == 1
            assert said in capsys.readouterr().err


# --- codes by word of mouth --------------------------------------------------------------


def test_a_code_is_given_and_printed_once(kiosk: Kiosk, estate: Estate, capsys: Capsys) -> None:
    estate.register()
    assert kiosk("cards", "issue-code", JO, FIRST, *SURE) == 0
    code, told = capsys.readouterr().out.splitlines()
    assert code.isdigit()
    assert told.startswith("It works at every station until ")
    assert kiosk("proposals", "list") == 0
    assert capsys.readouterr().out == "nothing waits\n"
    assert kiosk("people", "show", JO) == 0
    assert code not in capsys.readouterr().out
    assert kiosk("cards", "withdraw-code", JO, FIRST, *BECAUSE) == 0
    assert capsys.readouterr().out.startswith("The code is worthless now.")
    assert kiosk("cards", "withdraw-code", JO, FIRST, *BECAUSE) == 1
    assert "staff gave no code for this card" in capsys.readouterr().err


def test_a_code_that_needs_a_second_is_not_agreed_to_by_whoever_gave_it(
    kiosk: Kiosk, estate: Estate, place: Path, capsys: Capsys
) -> None:
    estate.register()
    two_members(kiosk, place)
    kiosk("policy", "set", "four_eyes", "true", *BECAUSE)
    assert kiosk("cards", "issue-code", JO, FIRST, *SURE) == 0
    assert "once another member of staff agrees" in capsys.readouterr().out
    assert kiosk("proposals", "list", "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)
    code_id = line["proposal_id"]
    for named in (code_id, code_id[:8]):
        assert kiosk("proposals", "agree", named, *BECAUSE) == 1
        assert "You proposed this yourself" in capsys.readouterr().err
    assert kiosk("proposals", "agree", "no-such-id", *BECAUSE) == 1
    assert "Nothing has this id (any more). Look at what waits" in capsys.readouterr().err
    assert kiosk("proposals", "decline", code_id[:8], *BECAUSE) == 0
    assert kiosk("proposals", "decline", code_id, *BECAUSE) == 1
    assert "withdrew an unlock code" in capsys.readouterr().err


def test_no_code_is_given_to_somebody_whom_it_does_not_help(
    kiosk: Kiosk, estate: Estate, capsys: Capsys
) -> None:
    assert kiosk("cards", "revoke", JO, FIRST, "--reason", "lost on a train") == 0
    capsys.readouterr()
    assert kiosk("cards", "issue-code", JO, FIRST, *SURE) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("has_address", [True, False])
def test_a_code_for_somebody_who_is_not_registered_says_what_it_is_for(
    kiosk: Kiosk, estate: Estate, capsys: Capsys, has_address: bool
) -> None:
    with estate.store.begin() as uow:
        jo = replace(estate.holder(), address_id=None)
        recorded = samples.recorded_addresses(jo, "jo@nhs.uk")[0] if has_address else None
        uow.holders.save(jo, recorded)
        uow.commit()
    assert kiosk("cards", "issue-code", JO, FIRST, *SURE) == 0
    code, works, first = capsys.readouterr().out.splitlines()
    assert code.isdigit()
    assert works.startswith("It works at every station until")
    assert first.startswith("They are not registered. They put the card into a station")
    assert ("register there" in first) is has_address


# --- reading a card ----------------------------------------------------------------------


@pytest.mark.hardware
def test_a_card_is_read_without_settings_and_without_a_database(
    insert: Insert, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIOSK_SETTINGS", "/nowhere/kiosk.toml")
    card = new_card(holder_name="Ada", pin="482915", puk="73918264")
    insert(card)
    assert main(["cards", "read"]) == 0
    assert capsys.readouterr().out == f"piv {card.state.guid.hex()}\n"
    assert card.state.pin.left == card.state.pin.limit


def test_a_time_that_never_comes_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Before: it waited for a card for ever."""
    with pytest.raises(SystemExit):
        main(["cards", "read", "--wait", "nan"])
    assert "'nan' is no number of seconds" in capsys.readouterr().err


@pytest.mark.hardware
def test_a_card_is_read_as_the_settings_say_and_the_rest_of_it_is_named(
    kiosk: Kiosk, insert: Insert, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that no station here knows is not printed: `cards add $(kiosk cards read)`."""
    card = new_card(holder_name="Ada")
    insert(card)
    piv = f"piv {card.state.guid.hex()}"
    monkeypatch.setenv("KIOSK_CARDS__FAMILIES", "openpgp,gids")
    capsys.readouterr()
    assert kiosk("cards", "read", "--wait", "0") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"also on it, and not what serves here: {piv}" in said.err
    kiosk("doctor")
    said = capsys.readouterr()
    because = "is not served: no driver knows this card"
    assert f"{because}; also on it, and not what serves here: {piv}" in said.out


@pytest.mark.hardware
def test_card_whose_global_pin_is_in_use_is_not_read(insert: Insert, capsys: Capsys) -> None:
    """It would be recorded for its holder, and refused at each station."""
    profile = CardProfile(pin_policy=0x6020)
    seat = insert(new_card(holder_name="Ada", global_pin="271828", profile=profile))
    assert main(["cards", "read", "--reader", seat.reader, "--wait", "600"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "its PIN in use is the Global PIN, which is not served" in said.err
    assert "Put the card into the reader" not in said.err


@pytest.mark.hardware
def test_a_card_that_comes_late_is_waited_for(
    insert: Insert, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = new_card(holder_name="Ada")

    def put_in_when_asked(text: str) -> None:
        complain(text)
        if text.startswith("Put"):
            insert(card)

    monkeypatch.setattr(station_checks, "complain", put_in_when_asked)
    assert main(["cards", "read", "--wait", "600"]) == 0
    said = capsys.readouterr()
    assert said.out == f"piv {card.state.guid.hex()}\n"
    assert said.err.endswith("Put the card into the reader.\n")


@pytest.mark.hardware
def test_of_two_cards_the_reader_decides(
    insert: Insert, pcscd: HotplugPcscd, capsys: Capsys
) -> None:
    first, second = new_card(holder_name="Ada"), new_card(holder_name="Bo")
    insert(first)
    insert(second, 1)
    assert main(["cards", "read"]) == 1
    assert "there are several cards" in capsys.readouterr().err
    assert main(["cards", "read", "--reader", pcscd.reader_names[1]]) == 0
    assert capsys.readouterr().out == f"piv {second.state.guid.hex()}\n"


@pytest.mark.hardware
@pytest.mark.parametrize(
    ("words", "because"),
    [
        (["--wait", "0"], "no card was put in"),
        (["--reader", "Back"], "no reader has 'Back' in its name; there are: "),
    ],
)
def test_without_a_card_it_says_why(
    insert: Insert, capsys: Capsys, words: list[str], because: str
) -> None:
    assert main(["cards", "read", *words]) == 1
    assert because in capsys.readouterr().err


@pytest.mark.hardware
def test_a_card_of_no_family_that_is_known_is_not_waited_for(
    insert: Insert, pcscd: HotplugPcscd, capsys: Capsys
) -> None:
    insert(new_card(holder_name="Ada", profile=CardProfile(full_aid=False, short_aid=False)))
    assert main(["cards", "read", "--reader", pcscd.reader_names[0]]) == 1
    assert f"{pcscd.reader_names[0]}: " in capsys.readouterr().err


@pytest.mark.hardware
def test_a_service_that_is_away_is_named(pcscd: HotplugPcscd, capsys: Capsys) -> None:
    pcscd.kill()
    code = main(["cards", "read", "--wait", "0"])
    pcscd.start()
    assert code == 1
    assert "service" in capsys.readouterr().err


def test_a_card_that_nobody_recorded_is_listed_with_the_one_that_it_nearly_is(
    kiosk: Kiosk, estate: Estate, capsys: Capsys
) -> None:
    assert kiosk("cards", "unknown") == 0
    assert capsys.readouterr().out == "no station met a card that it could not serve\n"
    visit = new_id()
    reference = reference_of(VisitId(visit))
    with estate.store.begin() as uow:
        unknown = f"openpgp {FIRST}"
        uow.visits.add(Visit(visit, reference, "Library", uow.now, unknown_card=unknown))
        uow.commit()
    assert kiosk("cards", "unknown", "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["family"], line["identifier"], line["station"]) == ("openpgp", FIRST, "Library")
    assert kiosk("cards", "unknown") == 0
    told = capsys.readouterr().out
    assert f"{reference}  Library  openpgp {FIRST}" in told
    assert f"A card of Jo Smith ({JO}) is recorded so, under the family piv." in told


def test_a_card_is_read_where_the_state_of_the_service_is_closed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: a clerk with the package was told to run it as the account of the service."""
    (place / "state" / "enrolment.toml").mkdir(parents=True)  # root may open every file
    assert main(["cards", "read", "--wait", "0"]) == 1
    said = capsys.readouterr().err
    assert "the families are read in their usual order" in said
    assert "enrolment.toml" not in said
