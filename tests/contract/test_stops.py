"""The words of ``stop_cards``: a word that would stop nothing is refused, and named."""

from __future__ import annotations

import re

import pytest

from kiosk.config.loading import load_settings
from kiosk.contract.errors import ConfigError
from kiosk.contract.stops import StopWord, stop_words, tidy_stop


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("roca", (StopWord("roca"),)),
        ("openpgp:0006*", (StopWord("openpgp", "0006*"),)),
        ("openpgp: 0006ABCDEF01", (StopWord("openpgp", "0006abcdef01"),)),
        ("piv:*", (StopWord("piv", "*"),)),
        ("issuer:Batch CA 3", (StopWord("issuer", "batch ca 3"),)),
        ("issued:2024-01-01..2024-06-30", (StopWord("issued", "2024-01-01", "2024-06-30"),)),
        ("roca + piv:00*", (StopWord("roca"), StopWord("piv", "00*"))),
    ],
)
def test_rule_is_read(rule: str, words: tuple[StopWord, ...]) -> None:
    assert stop_words(rule) == words
    assert stop_words(tidy_stop(rule)) == words


UNKNOWN = {
    "opengpg:0006*": "'opengpg' is no family of cards: they are ",
    "rocca": "'rocca' is none of roca, FAMILY",
    "ROCA": "'ROCA' is none of roca, FAMILY",
    "roca+": "'' is none of roca, FAMILY",
    "": "'' is none of roca, FAMILY",
    "piv": "'piv' is none of roca, FAMILY",
    "piv:": "names nothing after its colon",
    "issuer:": "names nothing after its colon",
    "piv:0006?": "an identifier has letters and digits",
    "piv:00*06": "an identifier has letters and digits",
    "issued:2024-01-01": "is no span of days",
    "issued:2024-06-30..2024-01-01": "is no span of days",
    "issued:2024-01-01..2024-02-30": "is no span of days",
    "issued:..": "is no span of days",
}


@pytest.mark.parametrize("rule", UNKNOWN)
def test_rule_that_would_stop_nothing_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(UNKNOWN[rule])):
        tidy_stop(rule)


def test_stopped_cards_in_the_settings_file_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"policy\.stop_cards.*'opengpg' is no family"):
        load_settings(None, {"KIOSK_POLICY__STOP_CARDS": "roca, opengpg:0006*"})
    policy = load_settings(None, {"KIOSK_POLICY__STOP_CARDS": "roca, piv:00*"}).policy.policy()
    assert policy.stop_cards == ("roca", "piv:00*")
