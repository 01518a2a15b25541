"""The commands that do what the RA application does, on a real store."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from kiosk.authority.records import Station
from kiosk.authority.wording import local_time
from kiosk.contract.enrolment import ca_fingerprint, read_line
from tests.app.cli.samples import Kiosk, store_of_settings

Capsys = pytest.CaptureFixture[str]


def key(place: Path, name: str) -> str:
    path = place / name
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", str(path)], check=True)
    return str(path.with_suffix(".pub"))


def test_a_station_with_a_certificate_of_ones_own_ca_waits_for_the_ca(
    kiosk: Kiosk, place: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was said to be known, and could never connect: nobody had named the CA."""
    ca = trustme.CA()
    ca.issue_cert("ward-9.example").cert_chain_pems[0].write_to_path(place / "station.pem")
    ca.cert_pem.write_to_path(place / "ca.pem")
    enrol = "stations", "enrol", "--certificate", str(place / "station.pem"), "--reason", "new"
    assert kiosk(*enrol, "Ward 9") == 0
    said = capsys.readouterr()
    assert "Ward 9 is known by its certificate" in said.out
    assert "turned away until `ca` in [authority] names the certificate of your CA" in said.err
    monkeypatch.setenv("KIOSK_AUTHORITY__CA", str(place / "ca.pem"))
    monkeypatch.setenv("KIOSK_AUTHORITY__LISTEN", "127.0.0.1:8443")
    monkeypatch.setenv("KIOSK_AUTHORITY__ADDRESSES", "localhost:8443")
    assert kiosk(*enrol, "Ward 9") == 0
    assert capsys.readouterr().err == ""


def test_the_ca_that_an_image_is_built_with_is_the_one_that_lines_are_of(
    kiosk: Kiosk, place: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kiosk("stations", "ca") == 0
    shown = ssl.PEM_cert_to_DER_cert(capsys.readouterr().out)
    monkeypatch.setenv("KIOSK_AUTHORITY__LISTEN", "127.0.0.1:8443")
    monkeypatch.setenv("KIOSK_AUTHORITY__ENROL_LISTEN", "127.0.0.1:8444")
    monkeypatch.setenv("KIOSK_AUTHORITY__ADDRESSES", "localhost:8443")
    assert kiosk("stations", "enrol", "Ward 9", "--reason", "new") == 0
    line = capsys.readouterr().out.split('"')[1]
    assert read_line(line).ca_fingerprint == ca_fingerprint(shown)


def test_a_first_manager_is_added_and_found_by_their_key(
    kiosk: Kiosk, place: Path, capsys: Capsys
) -> None:
    said = "--role", "manager", "--key", key(place, "asha"), "--reason", "first"
    assert kiosk("staff", "add", "Asha Okafor", *said) == 0
    assert kiosk("staff", "list", "--json") == 0
    (member,) = json.loads(capsys.readouterr().out)
    assert (member["name"], member["role"]) == ("Asha Okafor", "manager")
    fingerprint = member["keys"][0]["fingerprint"]
    assert kiosk("staff", "authorized-keys", "--fingerprint", fingerprint) == 0
    line = capsys.readouterr().out
    assert line.startswith("restrict,pty ssh-ed25519 ")
    assert kiosk("staff", "authorized-keys", "--fingerprint", "SHA256:nobody") == 0
    assert capsys.readouterr().out == ""


def test_the_last_manager_stays(kiosk: Kiosk, place: Path, capsys: Capsys) -> None:
    said = "--role", "manager", "--key", key(place, "asha"), "--reason", "first"
    kiosk("staff", "add", "Asha Okafor", *said)
    assert kiosk("staff", "remove", "Asha Okafor", "--reason", "left") == 1
    assert "manager" in capsys.readouterr().err
    assert kiosk("staff", "role", "Nobody", "agent", "--reason", "left") == 1
    assert "`kiosk staff list` shows all" in capsys.readouterr().err


def test_who_logs_in_needs_a_key(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("staff", "add", "Jo Smith", "--role", "manager", "--reason", "new") == 2
    said = "kiosk: give --key FILE.pub, their public key: only a technician has none\n"
    assert capsys.readouterr().err == said


def test_staff_change_keys_and_roles(kiosk: Kiosk, place: Path, capsys: Capsys) -> None:
    for name, role in (("Asha Okafor", "manager"), ("Ben Nowak", "agent")):
        public = key(place, name.split()[0])
        kiosk("staff", "add", name, "--role", role, "--key", public, "--reason", "new")
    assert kiosk("staff", "role", "Ben Nowak", "auditor", "--reason", "moved") == 0
    other = key(place, "other")
    assert kiosk("staff", "add-key", "Ben Nowak", "--key", other, "--reason", "laptop") == 0
    kiosk("staff", "list", "--json")
    ben = json.loads(capsys.readouterr().out)[1]
    assert (ben["role"], len(ben["keys"])) == ("auditor", 2)
    gone = ben["keys"][0]["fingerprint"]
    assert kiosk("staff", "remove-key", "Ben Nowak", gone, "--reason", "lost") == 0
    assert kiosk("staff", "remove", "Ben Nowak", "--reason", "left") == 0
    assert kiosk("staff", "list") == 0
    assert "Ben Nowak  removed" in capsys.readouterr().out


def test_a_station_is_retired_and_put_back(kiosk: Kiosk, place: Path, capsys: Capsys) -> None:
    assert kiosk("stations", "list") == 0
    assert capsys.readouterr().out == "no station has been heard of yet\n"
    opened = store_of_settings()
    with opened.begin() as uow:
        uow.stations.seen(Station("Ward 7", uow.now, "0.1.0", "ready"))
        uow.commit()
    opened.close()
    assert kiosk("stations", "retire", "Ward 7", "--reason", "moved") == 0
    assert kiosk("stations", "list", "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert line["state"] == "retired"
    assert line["retired_at"] is not None
    assert kiosk("stations", "reinstate", "Ward 7", "--reason", "back") == 0
    assert kiosk("stations", "list") == 0
    assert "Ward 7  up  ready" in capsys.readouterr().out
    assert kiosk("stations", "retire", "Ward 8", "--reason", "moved") == 1
    assert "no station named Ward 8; `kiosk stations list` shows all" in capsys.readouterr().err


def test_a_station_that_was_let_in_and_never_started_is_not_up(
    kiosk: Kiosk, place: Path, capsys: Capsys
) -> None:
    opened = store_of_settings()
    with opened.begin() as uow:
        uow.stations.enrolled(Station("Ward 7", uow.now, site="Main"))
        now = uow.now
        uow.commit()
    opened.close()
    assert kiosk("stations", "list") == 0
    assert capsys.readouterr().out == f"Ward 7  not started  let in {local_time(now)}\n"
    assert kiosk("stations", "list", "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["state"], line["last_seen_at"]) == ("not started", None)
    assert line["let_in_at"] == now.isoformat()


def test_a_question_is_added_retired_and_added_again(kiosk: Kiosk, capsys: Capsys) -> None:
    text = "What was the name of your first ship?"
    assert kiosk("questions", "add", text, "--reason", "asked for") == 0
    assert kiosk("questions", "list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    number = next(str(line["id"]) for line in found if line["text"] == text)
    assert kiosk("questions", "retire", number, "--reason", "too easy") == 0
    kiosk("questions", "list")
    assert f"{text}  used by 0  (retired)" in capsys.readouterr().out
    assert kiosk("questions", "add", text, "--reason", "not that easy") == 0
    assert kiosk("questions", "add", text, "--reason", "again") == 1


def test_a_policy_setting_is_set_and_put_back(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("policy", "set", "max_failures", "5", "--reason", "trial") == 0
    kiosk("policy", "list")
    said = capsys.readouterr().out
    assert "max_failures = 5  (1 to 10)  set 20" in said
    assert ": trial; 3 in the file\n" in said
    assert kiosk("policy", "set", "max_failures", "3", "--reason", "trial is over") == 0
    kiosk("policy", "list", "--json")
    lines = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    assert lines["max_failures"]["value"] == "3"


def test_four_eyes_without_two_managers_is_warned_of(
    kiosk: Kiosk, place: Path, capsys: Capsys
) -> None:
    def doctor() -> str:
        kiosk("doctor")
        return next(line for line in capsys.readouterr().out.splitlines() if "four eyes" in line)

    assert doctor().startswith("✓")
    member = "--role", "manager", "--reason", "new"
    kiosk("staff", "add", "Asha Okafor", "--key", key(place, "asha"), *member)
    assert kiosk("policy", "set", "four_eyes", "yes", "--reason", "as decided") == 0
    told = capsys.readouterr().out
    assert "there are no two managers who could agree with each other" in told
    assert "`kiosk staff add`" in told
    line = doctor()
    assert line.startswith("!")
    assert "no two managers" in line
    assert "`kiosk staff add`" in line

    assert kiosk("policy", "set", "four_eyes", "no", "--reason", "too early") == 0
    kiosk("staff", "add", "Ben Nowak", "--key", key(place, "ben"), *member)
    assert kiosk("policy", "set", "four_eyes", "yes", "--reason", "as decided") == 0
    assert "no two managers" not in capsys.readouterr().out
    assert doctor().startswith("✓")


def test_a_policy_that_is_out_of_bounds_is_not_taken(kiosk: Kiosk, capsys: Capsys) -> None:
    assert kiosk("policy", "set", "max_failures", "99", "--reason", "why not") == 1
    assert "1 to 10" in capsys.readouterr().err
    assert kiosk("policy", "set", "max_failure", "4", "--reason", "a slip") == 1
    assert "`kiosk policy list` shows all" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("stations", "retire", "Ward 7"),
        ("questions", "retire", "1"),
        ("policy", "set", "max_failures", "5"),
    ],
)
def test_nothing_is_changed_without_a_reason(kiosk: Kiosk, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        kiosk(*words)
    assert ended.value.code == 2
