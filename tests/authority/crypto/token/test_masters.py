"""Master keys in SoftHSM: what they make, and what becomes of a token that fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kiosk.authority.crypto.derivation import Derivation, Masters
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.token import AWAY_S, PREFIX, TokenMasters
from kiosk.authority.errors import KeyMissing, KeysUnavailable
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from kiosk.system.module_process import ModuleProcess
from tests.authority.crypto.test_deriving import EXAMPLES, KEY, cmac
from tests.authority.crypto.token.hsm import Hsm, workers
from tests.hardware.pkcs11.tokens import PIN, WRONG, faulty_module

CARD = CardId("piv", "00aa")
ANSWER_S = 1.0


def test_keys_are_made_in_the_token_and_stay_there(hsm: Hsm) -> None:
    masters = hsm.masters()
    assert masters.ids() == ()
    first, second = masters.add(), masters.add()
    assert first.startswith("derive-0001-")
    assert second.startswith("derive-0002-")
    assert masters.ids() == (first, second)
    told = hsm.told().splitlines()
    may = ["SENSITIVE", "NEVER_EXTRACTABLE", "PRIVATE", "SIGN"]
    assert sorted(told[::2]) == [f"{PREFIX}{each} {may} 256" for each in (first, second)]
    assert set(told[1::2]) == {"AttributeSensitive"}
    made = masters.cmac(first, b"message")
    assert made != masters.cmac(second, b"message")
    masters.close()
    assert not workers()
    assert hsm.masters().cmac(first, b"message") == made


def test_a_key_that_another_system_made_comes_to_the_same_secrets(hsm: Hsm) -> None:
    hsm.bring(f"{PREFIX}derive-0007-issuer", KEY)
    hsm.bring("somebody else's", bytes(range(1, 33)))
    masters = Masters(KeyRing.fresh(), hsm.masters())
    assert masters.ids() == ("derive-0007-issuer",)
    assert masters.current() == "derive-0007-issuer"
    for card, generation, secret in EXAMPLES:
        derived = masters.derive(Derivation(masters.current(), generation), card)
        assert derived.reveal() == secret
    token = hsm.masters()
    for length in (0, 1, 16, 500):
        assert token.cmac("derive-0007-issuer", bytes(length)) == cmac(bytes(length))
    assert token.add().startswith("derive-0008-")


def test_a_key_that_is_made_is_current_whatever_others_are_called(hsm: Hsm) -> None:
    for name in ("derive-corporate", "derive-9999-issuer"):
        hsm.bring(PREFIX + name, KEY)
    masters = hsm.masters()
    added = masters.add()
    assert masters.ids() == ("derive-corporate", "derive-9999-issuer", added)


def test_new_secrets_are_the_tokens_and_those_of_the_file_stay_good(hsm: Hsm) -> None:
    ring = KeyRing.fresh().with_new(KeyPurpose.DERIVE)
    in_file = Derivation(Masters(ring).current())
    secret = Masters(ring).derive(in_file, CARD)
    masters = Masters(ring, hsm.masters())
    with pytest.raises(KeyMissing, match="no master key yet"):
        masters.current()
    added = hsm.masters().add()
    assert masters.current() == added
    assert masters.ids() == (in_file.master, added)
    assert masters.derive(in_file, CARD) == secret
    away = Masters(ring, hsm.masters(Path("/none.so")))
    assert away.derive(in_file, CARD) == secret, "the token is not asked for the file's"


def test_a_key_that_is_not_there_is_missing(hsm: Hsm) -> None:
    masters = hsm.masters()
    added = masters.add()
    masters.cmac(added, b"")
    hsm.destroy(PREFIX + added)
    for absent in (added, "derive-0009-other"):
        with pytest.raises(KeyMissing, match=absent):
            masters.cmac(absent, b"")


def test_two_keys_of_one_label_are_none(hsm: Hsm) -> None:
    for key in (KEY, bytes(range(1, 33))):
        hsm.bring(f"{PREFIX}derive-0001-twice", key)
    with pytest.raises(KeysUnavailable, match="MultipleObjectsReturned"):
        hsm.masters().cmac("derive-0001-twice", b"")


def test_many_ask_at_once(hsm: Hsm) -> None:
    masters = hsm.masters()
    added = masters.add()
    messages = [bytes([number]) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda message: masters.cmac(added, message), messages))
    assert made == [masters.cmac(added, message) for message in messages]
    assert len(set(made)) == len(messages)
    assert len(workers()) == 1


# --- a token that fails ----------------------------------------------------------------


@pytest.mark.parametrize("function", ["C_Initialize", "C_Login", "C_Sign"])
@pytest.mark.parametrize("aborts", [False, True], ids=["sleeps", "aborts"])
def test_a_token_that_fails_does_so_in_time_and_is_left_alone_for_a_while(
    hsm: Hsm, tmp_path: Path, function: str, aborts: bool
) -> None:
    added = hsm.masters().add()
    module = faulty_module(tmp_path, function, aborts=aborts)
    masters = hsm.masters(module, answer_s=60.0 if aborts else ANSWER_S)
    with pytest.raises(KeysUnavailable, match="crashed" if aborts else "in time"):
        masters.cmac(added, b"")
    module.unlink()  # another attempt could not load it
    hsm.time += AWAY_S - 1
    with pytest.raises(KeysUnavailable, match="crashed" if aborts else "in time"):
        masters.cmac(added, b"")
    hsm.time += 1
    with pytest.raises(KeysUnavailable, match="cannot be loaded"):
        masters.cmac(added, b"")


def test_a_process_that_died_is_replaced_at_once(hsm: Hsm) -> None:
    masters = hsm.masters()
    added = masters.add()
    before = masters.cmac(added, b"")
    for _ in range(2):
        (worker,) = workers()
        worker.kill()
        worker.wait(60)
        assert masters.cmac(added, b"") == before


def test_a_token_that_was_pulled_out_is_away_until_it_is_back(hsm: Hsm) -> None:
    masters = hsm.masters()
    added = masters.add()
    before = masters.cmac(added, b"")
    tokens = hsm.directory / "tokens"
    tokens.rename(hsm.directory / "elsewhere")
    (worker,) = workers()
    worker.kill()
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            masters.cmac(added, b"")
    (hsm.directory / "elsewhere").rename(tokens)
    hsm.time += AWAY_S
    assert masters.cmac(added, b"") == before


def test_a_pin_that_was_refused_is_not_tried_again(
    hsm: Hsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = 0

    class Counted(ModuleProcess):
        """One that is started for each try."""

        def __init__(self, *words: Any) -> None:
            nonlocal started
            started += 1
            super().__init__(*words)

    masters = hsm.masters()
    added = masters.add()
    masters.close()
    hsm.pin = WRONG
    monkeypatch.setattr("kiosk.authority.crypto.token.ModuleProcess", Counted)
    for _ in range(3):
        with pytest.raises(KeysUnavailable, match="not tried again"):
            masters.cmac(added, b"")
    assert started == 1
    assert not workers()
    hsm.pin = PIN
    assert masters.cmac(added, b"")


def test_a_pin_that_cannot_be_read_is_named(hsm: Hsm) -> None:
    def unreadable() -> Sensitive:
        raise ConfigError("credential /run/pin: Permission denied")

    with pytest.raises(KeysUnavailable, match="Permission denied"):
        hsm.masters(pin=unreadable).ids()


def test_a_token_that_is_not_there_is_named(hsm: Hsm) -> None:
    with pytest.raises(KeysUnavailable, match=r"'another'.*no token of that label"):
        hsm.masters(label="another").ids()


def test_the_pin_is_nowhere_that_others_can_read(hsm: Hsm) -> None:
    masters = hsm.masters()
    masters.ids()
    (worker,) = workers()
    assert PIN.reveal() not in " ".join(worker.cmdline())
    assert PIN.reveal() not in str(worker.environ())
    assert PIN.reveal() not in repr(vars(masters))


def test_masters_are_let_go_of(hsm: Hsm) -> None:
    token: TokenMasters = hsm.masters()
    masters = Masters(KeyRing.fresh(), token)
    masters.ids()
    assert workers()
    masters.close()
    assert not workers()
