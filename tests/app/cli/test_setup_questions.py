"""``kiosk setup authority`` at a terminal: what it asks, and what it does with the answers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.__main__ import main

Capsys = pytest.CaptureFixture[str]


class Typist:
    """Answers at a terminal, each prompt by its setting, and with an empty line where none is."""

    def __init__(self, answers: dict[str, list[str]], shown: Callable[[], str]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self._shown = shown

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        prompt = self._shown().splitlines()[-1]
        self.asked.append(prompt)
        setting = prompt.partition(" (Enter")[0]
        waiting = self.answers.get(setting)
        return f"{waiting.pop(0) if waiting else ''}\n"


@pytest.fixture
def type_in(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> Callable[..., tuple[Typist, str]]:
    """Run `kiosk setup authority` and answer; return what was asked, and what was complained of."""

    def run(answers: dict[str, list[str]], *words: str) -> tuple[Typist, str]:
        said: list[str] = []

        def shown() -> str:
            said.append(capsys.readouterr().err)
            return said[-1]

        typist = Typist(answers, shown)
        monkeypatch.setattr("sys.stdin", typist)
        assert main(("setup", "authority", *words)) in (0, 1)
        return typist, "".join(said)

    return run


def written(place: Path) -> dict[str, dict[str, object]]:
    return tomllib.loads((place / "etc" / "kiosk.toml").read_text())


def test_a_wrong_answer_is_asked_again_and_the_others_are_kept(
    place: Path, type_in: Callable[..., tuple[Typist, str]]
) -> None:
    answers = {
        "trust in [service]": ["Wold Trust"],
        "ra_email in [service]": ["nobody", "ra@wold.example"],
        "name in [station]": ["West Wing 2"],
        "host in [mail]": ["relay.wold.example"],
        "port in [mail]": ["no", "465"],
        "security in [mail]": ["tls"],
        "credential in [mail]": ["/etc/kiosk/relay-login"],
        "sender in [mail]": ["kiosk@wold.example"],
        "email_domains in [policy]": ["nhs.net, @@", "nhs.net, wold.example"],
    }
    typist, said = type_in(answers)
    assert not any(answers.values())
    assert "'nobody' is not allowed here; allowed: an email address" in said
    assert "is not a whole number; allowed: 1 to 65535" in said
    assert (
        "email_domains in [policy] (Enter alone: nhs.net, nhs.uk, gov.uk, mod.uk; *: any domain): "
        in typist.asked
    )
    found = written(place)
    assert found["service"] == {"trust": "Wold Trust", "ra_email": "ra@wold.example"}
    assert found["station"] == {"name": "West Wing 2"}
    assert found["mail"] == {
        "host": "relay.wold.example",
        "port": 465,
        "security": "tls",
        "credential": "/etc/kiosk/relay-login",
        "sender": "kiosk@wold.example",
    }
    assert found["policy"] == {"email_domains": ["nhs.net", "wold.example"]}

    asked_again, _ = type_in({})
    assert [each.partition(" (")[0] for each in asked_again.asked] == [
        "ra_contact in [service]",
        "ra_hours in [service]",
    ]


def test_any_domain_can_be_answered(
    place: Path, type_in: Callable[..., tuple[Typist, str]]
) -> None:
    type_in({"email_domains in [policy]": ["*"]})
    assert written(place)["policy"] == {"email_domains": []}


def test_port_and_tls_are_asked_with_a_relay_alone(
    place: Path, type_in: Callable[..., tuple[Typist, str]]
) -> None:
    typist, _ = type_in({})
    asked = [each.partition(" (")[0] for each in typist.asked]
    assert "host in [mail]" in asked
    assert "port in [mail]" not in asked
    assert "credential in [mail]" not in asked
    assert written(place)["mail"] == {}


def test_a_wrong_set_is_refused_before_anything_is_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    typist = Typist({}, lambda: "?")
    monkeypatch.setattr("sys.stdin", typist)
    assert main(["setup", "authority", "--set", "mail.port=no"]) == 2
    assert (
        capsys.readouterr().err == "kiosk: mail.port: is not a whole number; allowed: 1 to 65535\n"
    )
    assert typist.asked == []


def test_interrupted_setup_has_written_nothing_and_said_so(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    class Interrupted(Typist):
        def readline(self) -> str:
            line = super().readline()
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return line

    said: list[str] = []

    def shown() -> str:
        said.append(capsys.readouterr().err)
        return said[-1]

    monkeypatch.setattr("sys.stdin", Interrupted({}, shown))
    assert main(("setup", "authority")) == 130
    assert said[0].startswith("Nothing is written before the last answer: Ctrl+C leaves everything")
    assert not list(place.rglob("kiosk.toml"))


def test_settings_that_an_editor_saved_otherwise(place: Path, capsys: Capsys) -> None:
    """Before: a traceback for one that is not UTF-8, and a mark before the first line was kept."""
    settings = place / "etc" / "kiosk.toml"
    setup = ("setup", "authority", "--set", "service.trust=Wold Trust")
    settings.parent.mkdir(exist_ok=True)
    settings.write_bytes(b'[service]\ntrust = "S\xe4o"\n')
    assert main(setup) == 2
    assert f"{settings}: line 2 is not UTF-8" in capsys.readouterr().err
    settings.write_bytes(b'\xef\xbb\xbf[service]\r\nname = "Kiosk"\r\n')
    assert main(setup) == 0
    assert written(place)["service"] == {"name": "Kiosk", "trust": "Wold Trust"}


def test_a_folder_in_the_place_of_the_settings_is_named(place: Path, capsys: Capsys) -> None:
    settings = place / "etc" / "kiosk.toml"
    settings.unlink(missing_ok=True)
    settings.mkdir(parents=True)
    assert main(("setup", "authority")) == 1
    assert f"{settings}: Is a directory" in capsys.readouterr().err
