"""Settings: the file, the environment over it, and errors that name what is wrong."""

from __future__ import annotations

import errno
import os
import pwd
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec.structs import replace

from kiosk.config import loading
from kiosk.config.example import as_toml, example_toml
from kiosk.config.kinds import InvalidValue, Number
from kiosk.config.loading import (
    credential_text,
    load_settings,
    read_settings,
    settings_path,
    state_directory,
)
from kiosk.config.settings import DEFAULTS, SECTIONS, PolicySettings
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import Factor
from kiosk.contract.policy import Policy


def problems(environ: dict[str, str] | None = None, path: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ or {})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


def toml(folder: Path, text: str) -> Path:
    path = folder / "kiosk.toml"
    path.write_text(text)
    return path


def test_without_file_and_environment_the_defaults_hold() -> None:
    settings = load_settings(None, {"PATH": "/bin"})
    assert settings.policy.policy() == Policy()
    assert settings.mail.security == "starttls"
    assert settings.store.url == "sqlite:////var/lib/kiosk/kiosk.db"
    assert settings.keys.file == "/var/lib/kiosk/keys.json"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = toml(tmp_path, '[mail]\nhost = "one.example"\nport = 465\n')
    settings = load_settings(path, {"KIOSK_MAIL__HOST": "two.example", "KIOSK_SETTINGS": "x"})
    assert (settings.mail.host, settings.mail.port) == ("two.example", 465)


def test_the_environment_of_the_process_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIOSK_MAIL__HOST", "sneaked.example")
    assert load_settings(None, {}).mail.host == "localhost"


def test_policy_carries_units_into_durations() -> None:
    settings = load_settings(
        None,
        {
            "KIOSK_POLICY__CODE_LIFE_MINUTES": "20",
            "KIOSK_POLICY__CODE_GAP_S": "90",
            "KIOSK_POLICY__VERIFICATION": "email-code",
            "KIOSK_POLICY__EMAIL_DOMAINS": "NHS.net, mod.uk",
            "KIOSK_POLICY__FOUR_EYES": "yes",
        },
    )
    policy = settings.policy.policy()
    assert (policy.code_life, policy.code_gap) == (timedelta(minutes=20), timedelta(seconds=90))
    assert policy.verification == ((Factor.EMAIL_CODE,),)
    assert policy.email_domains == ("nhs.net", "mod.uk")
    assert policy.four_eyes
    assert not load_settings(None, {}).policy.policy().four_eyes


def test_every_problem_is_named_at_once_with_its_source(tmp_path: Path) -> None:
    path = toml(tmp_path, '[mail]\nhots = "x"\nport = 0\n[service]\naccent = "red"\n')
    said = problems({"KIOSK_STATION__TOUCH": "maybe", "KIOSK_PRINTER__NAME": "x"}, path)
    assert said.startswith(f"5 settings are wrong ({path})\n")
    assert "mail.hots: there is no such setting; did you mean host?" in said
    assert "mail.port: 0 is out of bounds; allowed: 1 to 65535" in said
    assert "service.accent: 'red' is not allowed here; allowed: a colour as #rrggbb" in said
    assert (
        "station.touch (from KIOSK_STATION__TOUCH): 'maybe' is neither true nor false; "
        "allowed: true or false" in said
    )
    assert "printer (from KIOSK_PRINTER__NAME): there is no such section; allowed: service" in said


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("KIOSK_MAIL__PORT", "abc", "'abc' is not a whole number; allowed: 1 to 65535"),
        ("KIOSK_MAIL__SECURITY", "plaintext", 'allowed: "starttls" or "tls"'),
        ("KIOSK_MAIL__SENDER", "a@b\nBcc: c@d", "allowed: an email address"),
        ("KIOSK_MAIL__HOST", "", "allowed: a host name"),
        ("KIOSK_SERVICE__NAME", "a\nb", "must be one line of printable text"),
        ("KIOSK_SERVICE__NAME", "  ", "is empty"),
        ("KIOSK_SERVICE__NAME", "n" * 29, "allowed: one line of at most 28 characters"),
        ("KIOSK_SERVICE__RA_CONTACT", "c" * 81, "allowed: one line of at most 80 characters"),
        ("KIOSK_STATION__NAME", "", "allowed: one line of at most 80 characters"),
        ("KIOSK_STATION__SITE", "s" * 81, "allowed: one line of at most 80 characters"),
        ("KIOSK_POLICY__VERIFICATION", "questions,witness", '"witness" is not available in this'),
        ("KIOSK_POLICY__VERIFICATION", "questions", "security questions alone do not prove"),
        ("KIOSK_POLICY__VERIFICATION", "", "name each step once"),
        ("KIOSK_POLICY__EMAIL_DOMAINS", "nhs .net", "'nhs .net' is not a domain"),
        ("KIOSK_POLICY__QUESTIONS_REGISTERED", "2", "policy.questions_asked: cannot be more"),
        ("KIOSK_STATION__IDLE_S", "soon", "'soon' is not a number; allowed: 10 to 600"),
        ("KIOSK_STATION__IDLE_S", "nan", "'nan' is out of bounds"),
        ("KIOSK_POLICY__CODE_TRIES", "2.5", "'2.5' is not a whole number; allowed: 1 to 10"),
        ("KIOSK_STORE", "x", "is not a section"),
        ("KIOSK_POLICI__CODE_TRIES", "4", "there is no such section; did you mean policy?"),
    ],
)
def test_a_wrong_value_says_what_is_allowed(variable: str, value: str, sentence: str) -> None:
    assert sentence in problems({variable: value})


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("service.trust = 7", "service.trust: 7 is not text; allowed: one line of text"),
        ('service.language = "Welsh"', "service.language: 'Welsh' is not allowed here"),
        ("service.texts = 7", "service.texts: 7 is no table of languages"),
        ("service.texts.cy = 7", "service.texts: cy is no table of texts"),
        ('service.texts.Welsh.name = "W"', "'Welsh' is no language such as cy or pt-BR"),
        ('service.texts.cy.motto = "W"', "cy.motto: there is no such text"),
        ('service.texts.cy.name = ""', "cy.name is empty (one line of at most 28"),
        ("station.touch = 1", "station.touch: 1 is neither true nor false"),
        ("station.idle_s = true", "station.idle_s: True is not a number"),
        pytest.param(f"station.idle_s = 1{'0' * 400}", "is not a number; allowed: 10", id="huge"),
        ("mail.port = 25.5", "mail.port: 25.5 is not a whole number"),
        ('authority.listen = "[::]:65536"', "is not allowed here; allowed: host:port"),
        ('authority.addresses = ["a.example:70000"]', "'a.example:70000' is no host:port"),
        ('monitoring.listen = "127.0.0.1:99999"', "is not allowed here; allowed: host:port"),
        ("mail.security = 1", "mail.security: 1 is not allowed here"),
        ("policy.email_domains = 1", "policy.email_domains: 1 is not a list of words"),
        ("policy.verification = [1]", "policy.verification: [1] is not a list of words"),
        ('policy.verification = ["x"]', "policy.verification: ['x'] is not allowed here"),
        ("store = [1]", "store: is not a section"),
    ],
)
def test_a_value_of_another_kind_is_wrong(tmp_path: Path, line: str, sentence: str) -> None:
    assert sentence in problems(path=toml(tmp_path, line + "\n"))


def test_kinds_read_both_the_file_and_words(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        'mail = { port = 25, deadline_s = 3 }\npolicy.email_domains = []\nservice.name = " A "\n',
    )
    settings = load_settings(path, {"KIOSK_STATION__TOUCH": "No", "KIOSK_STATION__DARK": "1"})
    assert (settings.mail.port, settings.mail.deadline_s) == (25, 3.0)
    assert isinstance(settings.mail.port, int)
    assert isinstance(settings.mail.deadline_s, float)
    assert (settings.station.touch, settings.station.dark) == (False, True)
    assert settings.policy.email_domains == ()
    assert settings.service.name == "A"


def test_defaults_are_of_their_own_kind() -> None:
    for section in SECTIONS.values():
        for about in section.settings:
            default = list(about.default) if isinstance(about.default, tuple) else about.default
            assert about.kind.read(default) == about.default, about.name
            assert about.help
            assert about.kind.allowed


def test_a_database_url_is_never_repeated() -> None:
    said = problems({"KIOSK_STORE__URL": "postgresql://kiosk:hunter2\n@host/db"})
    assert "store.url" in said
    assert "hunter2" not in said
    good = load_settings(None, {"KIOSK_STORE__URL": "postgresql://kiosk:hunter2@host/db"})
    assert "hunter2" not in repr(good)


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path: Path) -> None:
    assert "there is no settings file" in problems(path=tmp_path / "none.toml")
    assert "is not TOML" in problems(path=toml(tmp_path, "mail: host"))


def test_a_mark_of_an_editor_before_the_first_line_counts_for_nothing(tmp_path: Path) -> None:
    """Before: the file was called no TOML, for a sign that no editor shows."""
    path = tmp_path / "kiosk.toml"
    path.write_bytes(b'\xef\xbb\xbf[service]\r\ntrust = "Wexbridge"\r\n')
    assert load_settings(path, {}).service.trust == "Wexbridge"


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_bytes(b'[service]\ntrust = "S\xe4o"\n')
    assert "kiosk.toml: line 2 is not UTF-8: save the file as text in UTF-8" in problems(path=path)


def test_settings_are_frozen() -> None:
    settings = load_settings(None, {})
    with pytest.raises(AttributeError, match="immutable"):
        settings.mail.port = 25  # type: ignore[misc]


def test_the_example_names_every_setting_and_says_the_defaults(tmp_path: Path) -> None:
    text = example_toml()
    bare = "\n".join(line.removeprefix("#") for line in text.splitlines() if line[:2] != "# ")
    assert set(tomllib.loads(bare)) == set(SECTIONS)
    settings = load_settings(toml(tmp_path, bare), {})
    assert settings == load_settings(None, {})
    assert load_settings(toml(tmp_path, text), {}) == settings


BOUNDS = {
    "questions_registered": (2, 8),
    "questions_asked": (2, 4),
    "max_failures": (1, 10),
    "code_digits": (6, 10),
    "code_life_minutes": (1, 60),
    "code_tries": (1, 10),
    "codes_an_hour": (1, 20),
    "code_gap_s": (0, 600),
    "saved_codes": (0, 9),
    "pin_min_length": (4, 8),
    "pin_max_length": (4, 8),
    "address_cooling_off_hours": (0, 14 * 24),
    "remind_before_days": (0, 366),
    "visits_a_minute": (5, 1000),
}


def test_numbers_of_the_policy_have_bounds_which_are_refused_one_step_beyond() -> None:
    kinds = {about.name: about.kind for about in PolicySettings.settings}
    numbers = {name: kind for name, kind in kinds.items() if isinstance(kind, Number)}
    assert numbers.keys() == BOUNDS.keys()
    for name, (low, high) in BOUNDS.items():
        assert (numbers[name].read(low), numbers[name].read(high)) == (low, high)
        for beyond in (low - 1, high + 1):
            with pytest.raises(InvalidValue, match="out of bounds"):
                numbers[name].read(beyond)


def test_credentials_come_from_their_directory_or_a_path(tmp_path: Path) -> None:
    (tmp_path / "relay").write_text("kiosk:pa ss:word\n")
    by_name = credential_text("relay", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    by_path = credential_text(str(tmp_path / "relay"), {})
    assert by_name.reveal() == by_path.reveal() == "kiosk:pa ss:word"
    with pytest.raises(ConfigError, match="needs \\$CREDENTIALS_DIRECTORY"):
        credential_text("relay", {})
    with pytest.raises(ConfigError, match="No such file"):
        credential_text(str(tmp_path / "none"), {})


def test_a_credential_that_this_account_may_not_read_says_whose_it_has_to_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before: "Permission denied", and to see [mail]."""

    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    entry = pwd.struct_passwd(("kiosk", "x", 1, 1, "", "/", ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match="Permission denied; it has to belong to this account"):
        credential_text(str(tmp_path / "relay-login"), {})


def test_places_follow_the_environment() -> None:
    assert settings_path("/a/b.toml", {"KIOSK_SETTINGS": "/c"}) == Path("/a/b.toml")
    assert settings_path(None, {"KIOSK_SETTINGS": "/c"}) == Path("/c")
    assert settings_path(None, {}) == Path("/etc/kiosk/kiosk.toml")
    assert state_directory({"STATE_DIRECTORY": "/s/one:/s/two"}) == Path("/s/one")
    settings = load_settings(None, {"STATE_DIRECTORY": "/s/one"})
    assert settings.store.url == "sqlite:////s/one/kiosk.db"


def test_the_address_of_a_database_is_refused_where_it_is_read_and_never_repeated() -> None:
    said = problems({"KIOSK_STORE__URL": "postgres://kiosk:canary@db/kiosk"})
    assert "begins with postgres://; write postgresql:// instead" in said
    other = problems({"KIOSK_STORE__URL": "mysql://kiosk:canary@db/kiosk"})
    assert "allowed: sqlite:////path/to/file or postgresql://user@host/name" in other
    assert "canary" not in said + other


@pytest.mark.parametrize(
    "address",
    [
        "kiosk:x@y:canary@db/kiosk",
        "kiosk:x@canary@db/kiosk",
        "kiosk@db:canary/kiosk",
        "kiosk@db:/k",
    ],
)
def test_an_address_whose_parts_are_mixed_up_is_refused_without_repeating_it(address: str) -> None:
    """Before: a traceback, with what stands after the second @ of a password in it."""
    said = problems({"KIOSK_STORE__STAFF_URL": f"postgresql://{address}"})
    assert "store.staff_url" in said
    assert "has a port that is no number; @ in a password is written as %40" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    "address",
    [
        "kiosk:a:b%40/c@db:5432/kiosk?sslmode=verify-full",
        "kiosk@[::1]:5432/k",
        "/k?host=/run/x@y",
        "",
    ],
)
def test_form_of_an_address_is_taken(address: str) -> None:
    load_settings(None, {"KIOSK_STORE__URL": f"postgresql://{address}"})


def test_the_settings_of_a_station_are_found_where_its_program_alone_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_path(None, {}) == loading.SYSTEM_SETTINGS
    monkeypatch.setattr(loading, "HAS_AUTHORITY", False)
    assert settings_path(None, {}) == loading.STATION_SETTINGS
    monkeypatch.setattr(loading, "STATION_SETTINGS", tmp_path / "station.toml")
    monkeypatch.setattr(loading, "STATION_STATE", tmp_path)
    with pytest.raises(ConfigError, match=r"station\.toml; `kiosk setup station` makes one"):
        load_settings(settings_path(None, {}), {})
    (tmp_path / "station.toml").touch()
    (tmp_path / loading.ENROLMENT).write_text('[authority]\naddresses = ["a.example:8443"]\n')
    found = load_settings(settings_path(None, {}), {})
    assert found.authority.addresses == ("a.example:8443",)


def test_the_account_of_a_station_finds_its_settings_beside_an_authority(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = pwd.struct_passwd(("kiosk-station", "x", 1, 1, "", "/var/lib/kiosk-station", ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: station)
    assert settings_path(None, {}) == Path("/etc/kiosk-station/station.toml")
    assert state_directory({}, settings_path(None, {})) == Path("/var/lib/kiosk-station")


def test_unreadable_file_names_the_account_that_may_read_it() -> None:
    assert "-u kiosk --" in loading.as_account("/var/lib/kiosk/enrolment.toml")
    for path in ("/etc/kiosk-station/station.toml", "/var/lib/kiosk-station/station.pem"):
        assert "-u kiosk-station --" in loading.as_account(path)


@pytest.mark.parametrize(
    ("account", "path"),
    [("kiosk", "/etc/kiosk/kiosk.toml"), ("kiosk-station", "/etc/kiosk-station/station.toml")],
)
def test_file_of_another_owner_names_the_owner_it_needs(
    monkeypatch: pytest.MonkeyPatch, account: str, path: str
) -> None:
    """Before: it was told to run the command as the account as which it was run."""
    entry = pwd.struct_passwd((account, "x", 1, 1, "", "/", ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    said = loading.as_account(path)
    assert said == f"it has to belong to this account; as root: chown -h {account}: {path}"
    assert "runuser" in loading.as_account("")


def test_closed_folder_is_named_to_the_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = pwd.struct_passwd(("kiosk", "x", 1, 1, "", "/", ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)
    (tmp_path / "in").mkdir()
    said = loading.as_account(tmp_path / "in" / "people.csv")
    assert said == f"the account kiosk may not enter {tmp_path}"


def test_own_texts_of_a_language_stand_in_place_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text('[service]\nname = "Service"\n[service.texts.cy]\nname = " Gwasanaeth "\n')
    service = load_settings(path, {}).service
    assert service.in_language("cy-GB").name == "Gwasanaeth"
    assert service.in_language("cy").ra_hours == service.ra_hours
    assert service.in_language("de") == service
    assert read_settings(tomllib.loads(as_toml(replace(DEFAULTS, service=service)))) == (
        replace(DEFAULTS, service=service),
        [],
    )
    given = {"KIOSK_SERVICE__TEXTS": '{ cy = { name = "Gwasanaeth" } }'}
    assert load_settings(None, given).service.texts == service.texts
