"""A settings file is changed line by line: comments and what others wrote stay."""

from __future__ import annotations

import tomllib

import pytest

from kiosk.config.example import example_toml, with_values
from kiosk.contract.errors import ConfigError


def test_a_value_replaces_its_line_and_nothing_else() -> None:
    text = with_values(example_toml(), {("station", "name"): "Ward 7", ("mail", "port"): "25"})
    assert tomllib.loads(text) == {name: {} for name in tomllib.loads(example_toml())} | {
        "station": {"name": "Ward 7"},
        "mail": {"port": 25},
    }
    again = with_values(text, {("station", "name"): 'A "B" \\1'})
    assert tomllib.loads(again)["station"] == {"name": 'A "B" \\1'}
    assert len(again.splitlines()) == len(example_toml().splitlines())
    assert with_values(again, {("station", "name"): 'A "B" \\1'}) == again


def test_a_list_is_given_with_commas_and_a_section_that_is_missing_is_added() -> None:
    text = with_values("[service]\n# ours\n", {("policy", "email_domains"): "nhs.net, nhs.uk"})
    assert text.startswith("[service]\n# ours\n\n[policy]\n")
    assert tomllib.loads(text)["policy"] == {"email_domains": ["nhs.net", "nhs.uk"]}
    text = with_values(text, {("service", "name"): "Cards"})
    assert tomllib.loads(text)["service"] == {"name": "Cards"}


@pytest.mark.parametrize(
    ("named", "value", "said"),
    [
        (("mail", "hots"), "x", r"^mail\.hots: there is no such setting; did you mean host\?$"),
        (("male", "host"), "x", r"^male: there is no such section; did you mean mail\?$"),
        (("station", "zz"), "x", r"^station\.zz: there is no such setting; allowed: name, site"),
        (("mail", "port"), "0", r"^mail\.port: is out of bounds; allowed: 1 to 65535$"),
    ],
)
def test_what_no_setting_takes_is_refused(named: tuple[str, str], value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        with_values(example_toml(), {named: value})


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ('[mail]\n#host = ""\nhost = "relay1"\n', '[mail]\n#host = ""\nhost = "relay2"\n'),
        ('[mail]\n  host="relay1" # ours\n', '[mail]\nhost = "relay2"\n'),
        ('[mail]  # the relay\n#host = ""\n', '[mail]  # the relay\nhost = "relay2"\n'),
        ("[ mail ]\n", '[ mail ]\nhost = "relay2"\n'),
        ('[mail]\n\n[pcsc]\n#host = ""\n', '[mail]\nhost = "relay2"\n\n[pcsc]\n#host = ""\n'),
        ("[mail]", '[mail]\nhost = "relay2"'),
        ("[mail]\n# host = ours\n\n", '[mail]\nhost = "relay2"\n# host = ours\n\n'),
        ("# [mail]\n", '# [mail]\n\n[mail]\nhost = "relay2"\n'),
    ],
)
def test_what_an_administrator_wrote_is_changed_where_it_is(text: str, then: str) -> None:
    """Before: the example's line above it was changed, or a second section begun."""
    changed = with_values(text, {("mail", "host"): "relay2"})
    assert changed == then
    assert tomllib.loads(changed)["mail"] == {"host": "relay2"}


def test_a_list_over_several_lines_is_changed_as_a_whole() -> None:
    text = '[policy]\nemail_domains = [\n  "nhs.net",\n  "nhs.uk",\n]\n# ours\n'
    changed = with_values(text, {("policy", "email_domains"): "nhs.net"})
    assert changed == '[policy]\nemail_domains = ["nhs.net"]\n# ours\n'
