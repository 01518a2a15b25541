"""A token's whole life through its module, in a separate process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.pkcs11.cards import NAME, Style
from kiosk.contract.errors import (
    AuthorityUnavailable,
    CardProtocolError,
    CardSwapped,
    CardUnknown,
    NotAllowed,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import CardId, OnPad, PinFormat, PinState
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from tests.hardware.pkcs11.tokens import NEW, NEW_SO, PIN, SO_PIN, WRONG, Token


def test_a_token_lives_through_it_all(token: Token) -> None:
    cards = token.cards()
    report = cards.read(token.reader)
    assert report.card == CardId(NAME, token.serial)
    assert report.pin == PinState(blocked=False, tries_left=None)
    assert report.pin_format == PinFormat(4, 64, 4, letters=True)
    assert report.secret_kind == Style.INIT_PIN
    cards.verify_pin(token.at, PIN)
    with pytest.raises(PinWrong):
        cards.verify_pin(token.at, WRONG)
    cards.hold(token.at, lambda held: held.unblock(SO_PIN, NEW))
    with pytest.raises(PinWrong):
        cards.verify_pin(token.at, PIN)
    cards.verify_pin(token.at, NEW)
    with pytest.raises(PinWrong):
        cards.change_pin(token.at, PIN, WRONG)
    cards.change_pin(token.at, NEW, PIN)
    cards.verify_pin(token.at, PIN)


def test_no_pin_is_taken_on_a_readers_keys(token: Token) -> None:
    """A module may log in by them; none can be asked for a new PIN so."""
    cards = token.cards()
    assert not cards.read(token.reader).pin_pad
    acts: list[Callable[[], object]] = [
        lambda: cards.verify_pin(token.at, OnPad()),
        lambda: cards.change_pin(token.at, OnPad(), OnPad()),
        lambda: cards.hold(token.at, lambda held: held.unblock(SO_PIN, OnPad())),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()


def test_a_token_is_held_for_several_acts(token: Token) -> None:
    def use(held: CardHold) -> str:
        with pytest.raises(PinWrong) as wrong:
            held.unblock(WRONG, NEW)
        assert wrong.value.tries_left is None, "SoftHSM locks nothing, and says so"
        held.unblock(SO_PIN, NEW)
        held.change_secret(SO_PIN, NEW_SO)
        with pytest.raises(PinWrong):
            held.unblock(SO_PIN, PIN)
        held.unblock(NEW_SO, PIN)
        return "done"

    assert token.cards().hold(token.at, use) == "done"
    token.cards().verify_pin(token.at, PIN)


def test_what_goes_wrong_within_a_hold_comes_out_of_it(token: Token) -> None:
    def away(_: CardHold) -> None:
        raise AuthorityUnavailable("away")

    with pytest.raises(AuthorityUnavailable):
        token.cards().hold(token.at, away)


@pytest.mark.parametrize("text", ["123", "12345a", "１２３４５６", "1" * 65])
def test_a_new_pin_that_does_not_fit_is_not_sent(token: Token, text: str) -> None:
    with pytest.raises(PinRefused):
        token.cards().hold(token.at, lambda held: held.unblock(WRONG, Sensitive(text)))
    with pytest.raises(PinRefused):
        token.cards().change_pin(token.at, WRONG, Sensitive(text))


def test_no_pin_and_no_secret_reaches_another_token(token: Token) -> None:
    cards = token.cards()
    other = CardAddress(token.reader, CardId(NAME, "0123456789abcdef"))
    acts: list[Callable[[], object]] = [
        lambda: cards.verify_pin(other, PIN),
        lambda: cards.change_pin(other, PIN, NEW),
        lambda: cards.hold(other, lambda held: held.unblock(SO_PIN, NEW)),
    ]
    for act in acts:
        with pytest.raises(CardSwapped):
            act()
    cards.verify_pin(token.at, PIN)


def test_a_reader_that_the_module_does_not_know_has_no_card(token: Token) -> None:
    with pytest.raises(CardUnknown):
        token.cards().read("Virtual PCD 00 00")
    with pytest.raises(CardUnknown):
        token.cards(label="another").read(token.reader)
    assert token.cards(label="kiosk").read(token.reader).card.identifier == token.serial


def test_a_file_that_is_no_module_is_named(token: Token, tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_text("no module")
    for path in (broken, tmp_path / "absent.so"):
        with pytest.raises(CardProtocolError, match="cannot be loaded"):
            token.cards(path).read(token.reader)


def test_there_is_no_call_that_changes_a_puk(token: Token) -> None:
    cards = token.cards(style=Style.SET_PIN_WITH_PUK)
    with pytest.raises(NotAllowed):
        cards.hold(token.at, lambda held: held.change_secret(SO_PIN, NEW_SO))


def test_the_module_gets_nothing_that_the_station_knows(
    token: Token, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module writes its environment, and what it can read and print, to a file."""
    environ = {**token.environ, "KIOSK_STORE__URL": "postgresql://x:canary@y", "KEPT": "yes"}
    seen = tmp_path / "seen"
    watched = replace(token, environ={**environ, "SEEN": str(seen)})
    source = tmp_path / "nosy.c"
    source.write_text(
        """
        #include <stdio.h>
        #include <stdlib.h>
        extern char **environ;
        unsigned long C_GetFunctionList(void *out) {
            FILE *file = fopen(getenv("SEEN"), "w");
            for (char **each = environ; *each; each++) fprintf(file, "%s\\n", *each);
            fprintf(file, "read %d\\n", getchar());
            fclose(file);
            puts("noise on the screen");
            fflush(stdout);
            return 5;
        }
        """
    )
    module = tmp_path / "nosy.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", module, source], check=True, timeout=60)
    with pytest.raises(CardProtocolError):
        watched.cards(module).read(token.reader)
    told = seen.read_text()
    assert "KEPT=yes" in told
    assert "canary" not in told
    assert "read -1" in told
