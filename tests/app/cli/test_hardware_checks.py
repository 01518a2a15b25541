"""What the doctor says of readers and cards."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hardware.display import Display
from hardware.doctor import PcscFinding, ReaderFinding
from hardware.pkcs11.cards import Module, Pkcs11Cards, Style
from kiosk.app.cli.station_checks import findings, of_displays, of_graphics, of_module
from kiosk.contract.errors import (
    CardBusy,
    CardError,
    CardGone,
    CardMute,
    CardProtocolError,
    CardUnknown,
    GlobalPinInUse,
)
from kiosk.contract.findings import Condition
from kiosk.contract.messages import CardId, CardReport, PinState
from tests.hardware.pkcs11.tokens import new_token

OK, WARN, FAIL = Condition.OK, Condition.WARN, Condition.FAIL
REPORT = CardReport(CardId("piv", "0a1b"), PinState(True, 0), datetime(2027, 3, 1, tzinfo=UTC))


def said(found: PcscFinding, wanted: str = "") -> list[tuple[str, Condition, str]]:
    return [(each.part, each.condition, each.found) for each in findings(found, wanted)]


def in_reader(seen: CardReport | CardError) -> PcscFinding:
    if isinstance(seen, CardReport):
        return PcscFinding((ReaderFinding("Front 00", seen),))
    return PcscFinding((ReaderFinding("Front 00", error=seen),))


EMPTY = CardGone("there is no card in the reader")


def test_a_module_that_knows_the_readers_and_one_that_does_not(tmp_path: Path) -> None:
    token = new_token(tmp_path)
    known = PcscFinding((ReaderFinding(token.reader, error=EMPTY),))
    assert of_module(token.cards(), known).condition is OK
    other = of_module(token.cards(), in_reader(EMPTY))
    assert other.condition is WARN
    assert "knows no reader Front 00; it knows: SoftHSM slot" in other.found


def test_a_module_that_does_not_load() -> None:
    absent = Pkcs11Cards(Module("/nowhere.so"), Style.INIT_PIN, {})
    found = of_module(absent, in_reader(EMPTY))
    assert found.condition is FAIL
    assert "cannot be loaded" in found.found


def test_a_service_that_does_not_answer() -> None:
    found = PcscFinding(trouble="the PC/SC service does not answer")
    assert said(found) == [("pcscd", FAIL, "the PC/SC service does not answer")]


def test_an_authority_without_a_station_needs_no_reader() -> None:
    for found in (PcscFinding(trouble="the PC/SC service does not answer"), PcscFinding()):
        (only,) = findings(found, "", needed=False)
        assert only.condition is OK
    assert len(list(findings(in_reader(EMPTY), "", needed=False))) == 3


def test_no_reader_and_not_the_one_that_is_meant() -> None:
    assert said(PcscFinding())[1] == ("reader", FAIL, "none is plugged in")
    others = said(in_reader(EMPTY), "Back")
    assert others[1] == ("reader", FAIL, "none has 'Back' in its name; there are: Front 00")


def test_a_card_that_is_well() -> None:
    assert said(in_reader(REPORT), "Front") == [
        ("pcscd", OK, "answers"),
        ("reader", OK, "Front 00"),
        ("card", OK, "piv 0a1b: PIN blocked, 0 tries left, expires 2027-03-01"),
    ]


def test_a_reader_with_keys() -> None:
    found = PcscFinding((ReaderFinding("Front 00", error=EMPTY, pin_pad=True),))
    assert said(found)[1] == ("reader", OK, "Front 00, with keys of its own for PINs")
    _, unused, _ = findings(found, "", pads=False)
    assert unused.found.endswith("PINs, which are not used (`pin_pad` in [pcsc])")


@pytest.mark.parametrize(
    ("error", "condition", "text"),
    [
        (EMPTY, OK, "none is in"),
        (CardMute("torn"), WARN, "does not answer"),
        (CardBusy("torn"), WARN, "another program holds it"),
        (CardUnknown("torn"), WARN, "is not served: torn"),
        (GlobalPinInUse("torn"), WARN, "is not served: torn"),
        (CardProtocolError("torn"), WARN, "torn"),
    ],
)
def test_state_of_a_card(error: CardError, condition: Condition, text: str) -> None:
    assert said(in_reader(error))[-1] == ("card", condition, text)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (CardUnknown("no driver knows this card"), "see `families` in [cards]"),
        (CardUnknown("a token without a serial number", "pkcs11"), "no setting helps"),
        (GlobalPinInUse("the Global PIN is in use"), "has to use its PIV PIN"),
    ],
)
def test_doctor_says_why_a_card_is_not_served_and_what_helps(error: CardError, advice: str) -> None:
    """Before: `families` was named for a token without a serial number, which no family serves."""
    *_, finding = findings(in_reader(error), "", pads=True)
    assert str(error) in finding.found
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("display", "condition", "words"),
    [
        (Display("HDMI-A-1", 1920, 1080, 527, 296), OK, "7.6 mm are legible up to 62 cm"),
        (Display("HDMI-A-1", 1920, 1080, 309, 174), WARN, "up to 44 cm, not 60: not accessible"),
        (Display("HDMI-A-1", 1024, 600), WARN, "does not tell its size"),
    ],
)
def test_a_display_is_called_accessible_only_where_its_text_is_legible(
    display: Display, condition: Condition, words: str
) -> None:
    (finding,) = of_displays([display], 60)
    assert finding.condition is condition
    assert words in finding.found


def test_a_station_on_the_compositor_needs_a_graphics_card(tmp_path: Path) -> None:
    (missing,) = of_graphics(tmp_path)
    assert (missing.part, missing.condition) == ("display", FAIL)
    assert missing.found == "there is no graphics card that Linux has a driver for (/dev/dri/card*)"
    assert "`kiosk setup station --display console`" in missing.advice
    (tmp_path / "renderD128").touch()
    assert len(list(of_graphics(tmp_path))) == 1
    (tmp_path / "card1").touch()
    assert list(of_graphics(tmp_path)) == []
