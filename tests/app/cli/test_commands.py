"""The command line, run as it is typed: what it makes, says and returns."""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from stat import S_IMODE
from tempfile import TemporaryDirectory, TemporaryFile

import pytest
import trustme
from msgspec.structs import replace

from kiosk.__main__ import main
from kiosk.app.cli import COMMANDS, doctor
from kiosk.app.demo.mailbox import Mailbox
from kiosk.config import settings
from kiosk.config.settings import MailSettings
from kiosk.contract.findings import fail, ok
from tests.app.cli.samples import BAD, GOOD, Kiosk, people
from tests.support.prepared import prepared_program
from tests.support.smtp import running

# --- help and settings -------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    "import doctor keys audit people cards staff stations questions policy".split(),
)
def test_the_help_explains_and_gives_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command in COMMANDS
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "example:\n  " in said
    assert f"kiosk {command}" in said
    assert "--config FILE" in said
    assert "$KIOSK_SETTINGS" in said
    assert max(map(len, said.splitlines())) <= 92


def test_without_settings_it_says_how_to_make_them(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "list"]) == 2
    assert "`kiosk setup authority` makes one" in capsys.readouterr().err


def test_a_wrong_setting_is_named(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIOSK_MAIL__HOTS", "x")
    assert kiosk("import", "nothing.csv") == 2
    assert "mail.hots (from KIOSK_MAIL__HOTS)" in capsys.readouterr().err


def written_to(out: int, words: str) -> tuple[int, str]:
    """Run a command whose output is a file that is open; return its exit code and its errors."""
    with TemporaryFile("w+") as errors:
        start = prepared_program().start
        code = start(words.split(), os.environ, Path.cwd(), out, errors.fileno()).wait()
        errors.seek(0)
        return code, errors.read()


@pytest.mark.parametrize("words", ["questions list", "audit kinds"])
def test_a_closed_pipe_is_one_line(kiosk: Kiosk, words: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = written_to(writing, words)
    os.close(writing)
    assert done == (1, "kiosk: the output was closed before all of it was written\n")


def test_an_output_that_takes_no_more_is_one_line(kiosk: Kiosk) -> None:
    with Path("/dev/full").open("w") as full:
        done = written_to(full.fileno(), "questions list")
    assert done == (1, "kiosk: No space left on device\n")


# --- setup -------------------------------------------------------------------------------


def test_setup_makes_all_for_its_owner_alone_and_repeats(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["setup", "authority"]) == 0
    first = capsys.readouterr().out
    steps = ["settings", "folder", "folder", "folder", "database", "keys", "questions"]
    assert [line.split()[:2] for line in first.splitlines()[:7]] == [["made", it] for it in steps]
    for path in (place / "etc", place / "state"):
        assert S_IMODE(path.stat().st_mode) == 0o700
        for each in path.iterdir():
            assert S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600)
    assert {each.name for each in (place / "state").iterdir() if each.is_dir()} == {
        "imports",
        "exports",
    }
    kept = {path: path.read_bytes() for path in (place / "etc").iterdir()}
    assert main(["setup", "authority"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[:7]] == ["kept"] * 7
    assert {path: path.read_bytes() for path in (place / "etc").iterdir()} == kept


def test_setup_says_what_it_makes_what_it_changes_and_what_it_leaves(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str]
) -> None:
    def of_settings(*words: str) -> str:
        capsys.readouterr()
        assert kiosk("setup", "authority", "--set", "mail.port=2525", *words) == 0
        return capsys.readouterr().out.partition("  settings")[0].strip()

    assert of_settings("--dry-run") == "would change"
    assert of_settings() == "changed"
    assert of_settings() == of_settings("--dry-run") == "kept"


def test_setup_asks_for_a_copy_of_the_keys_until_one_is_declared(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str]
) -> None:
    def kept() -> str:
        capsys.readouterr()
        assert kiosk("setup", "authority") == 0
        said = capsys.readouterr().out.splitlines()
        (line,) = [each for each in said if each.startswith("kept          keys")]
        return line

    assert "; make a copy in a safe place: `kiosk keys copy --to FILE`" in kept()
    assert kiosk("keys", "copy", "--declare") == 0
    assert kept().endswith("/keys.json")
    assert kiosk("keys", "rotate") == 0
    assert "; make a copy in a safe place: `kiosk keys copy --to FILE`" in kept()


def test_unreadable_policy_is_named_in_doctors_list_alone(
    kiosk: Kiosk, place: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    gc.collect()
    for file in (place / "state").glob("kiosk.db*"):
        file.unlink()
    caplog.clear()
    kiosk("doctor")
    assert "✗ fail  addresses" in capsys.readouterr().out
    assert caplog.text == ""


def test_setup_tells_of_the_mail_relay_as_the_doctor_does_and_goes_on(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["setup", "authority"]) == 0
    said = capsys.readouterr().out
    assert "✗ fail  mail relay" in said
    assert said.count("fail") == 1


def test_setup_and_doctor_notice_that_staff_have_another_database(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIOSK_STORE__STAFF_URL", f"sqlite:///{place}/state/kiosk.db")
    assert main(["setup", "authority"]) == 0
    main(["doctor"])
    assert capsys.readouterr().out.count("✓ ok    staff") == 2
    monkeypatch.setenv("KIOSK_STORE__STAFF_URL", f"sqlite:///{place}/state/other.db")
    assert main(["setup", "authority"]) == 0
    main(["doctor"])
    said = capsys.readouterr().out
    assert said.count("✗ fail  staff       `staff_url` names") == 2
    assert "no station sees what staff do" in said


def test_setup_leaves_a_damaged_key_file_alone(place: Path) -> None:
    (place / "state").mkdir()
    (place / "state" / "keys.json").write_text("oops")
    assert main(["setup", "authority"]) == 2
    assert (place / "state" / "keys.json").read_text() == "oops"


def test_setup_makes_no_empty_database_in_place_of_one_that_is_lost(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gc.collect()
    for file in (place / "state").glob("kiosk.db*"):
        file.unlink()
    kiosk("doctor")
    said = capsys.readouterr().out
    assert "✗ fail  database    it is not there, and its keys are; restore your backup" in said
    assert "run `kiosk setup`" not in said.partition("addresses")[0]
    for words in (["--dry-run"], []):
        assert kiosk("setup", "authority", *words) == 2
        said = capsys.readouterr().err
        assert "`kiosk restore FILE`" in said
        assert "--new-database" in said
        assert not (place / "state" / "kiosk.db").exists()
    assert kiosk("setup", "authority", "--new-database") == 0
    assert kiosk("setup", "authority") == 0


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_as_a_program_of_its_own(place: Path, locale: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "setup", "authority"],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"LC_ALL": locale},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "20 to begin with" in done.stdout


# --- import ------------------------------------------------------------------------------


def test_import_dry_and_real(kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = people(place, GOOD)
    assert kiosk("import", "--dry-run", path) == 0
    assert "dry run: nothing was written\n  lines                    2" in capsys.readouterr().out
    assert kiosk("import", path) == 0
    said = capsys.readouterr()
    assert "imported, reference" in said.out
    assert "people added             2" in said.out
    assert said.err == ""


def test_the_secrets_in_clear_go_also_where_nobody_reads_the_output(
    kiosk: Kiosk, place: Path
) -> None:
    """`kiosk import --remove ... | head -1` imported all of the file, and left it there."""
    file = people(place, GOOD)
    reading, writing = os.pipe()
    os.close(reading)
    done = written_to(writing, f"import --remove {file}")
    os.close(writing)
    assert done == (1, "kiosk: the output was closed before all of it was written\n")
    assert not Path(file).exists()


def test_an_import_keeps_why_it_was_done(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: the command asked for no reason, and kept none."""
    path = people(place, GOOD)
    assert kiosk("import", "--reason", "48271593", path) == 1
    assert "This looks like a PIN" in capsys.readouterr().err
    assert kiosk("import", "--reason", "starters of March", path) == 0
    assert kiosk("import", people(place, GOOD.replace("jo@", "jo.smith@"))) == 0
    assert "people mailed            1  at an old address" in capsys.readouterr().out
    assert kiosk("audit", "list", "--json", "--kind", "people-imported") == 0
    said = capsys.readouterr().out
    assert "reason: “starters of March”; " in said
    assert "reason: “Import of a file of people”; " in said


def test_import_names_every_bad_line_and_no_secret(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = people(place, BAD)
    assert kiosk("import", path) == 1
    said = capsys.readouterr()
    assert f"{path}: line 4: holder_number: a spreadsheet has changed it" in said.err
    assert f"{path}: line 5: unblock_secret: must be 8 digits or letters" in said.err
    assert "nothing was imported: 2 problems" in said.err
    assert "canary" not in said.err + said.out
    assert kiosk("keys", "list") == 0
    assert "current        0" in capsys.readouterr().out


def test_import_of_a_file_that_is_not_there(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("import", str(place / "none.csv")) == 1
    assert "none.csv: No such file or directory" in capsys.readouterr().err


def test_the_number_of_digits_is_a_setting(
    kiosk: Kiosk, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIOSK_PEOPLE__NUMBER_DIGITS", "6")
    path = people(place, GOOD.replace("900000", ""))
    assert kiosk("import", path) == 0


def test_addresses_that_are_not_approved_are_counted_at_the_import_and_by_the_doctor(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = people(place, GOOD.replace("jo@nhs.net", "jo@evilnhs.net").replace("al@", "AL@x."))
    assert kiosk("import", "--dry-run", path) == 0
    said = capsys.readouterr().out
    assert "  not approved             1  address of no domain in `email_domains`:\n" in said
    assert "    nobody can register with one\n    line 2: 900000000001 jo@evilnhs.net\n" in said
    assert kiosk("import", path) == 0
    assert "  not approved             1" in capsys.readouterr().out
    kiosk("doctor")
    said = capsys.readouterr().out
    assert "! warn  addresses   1 person has one outside nhs.net, nhs.uk, gov.uk, mod.uk" in said


# --- doctor ------------------------------------------------------------------------------


def reach(monkeypatch: pytest.MonkeyPatch, mail: MailSettings) -> None:
    for name in ("host", "port", "ca_file", "credential"):
        monkeypatch.setenv(f"KIOSK_MAIL__{name.upper()}", str(getattr(mail, name)))


def test_doctor_has_a_line_for_each_part(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running(Mailbox(place / "mail")) as mail:
        reach(monkeypatch, mail)
        capsys.readouterr()
        assert doctor.run(argparse.Namespace(config=None), lambda _settings: ()) == 0
    lines = capsys.readouterr().out.splitlines()
    before = (
        "settings,example,database,keys,addresses,questions,card keys,weak keys,key copy,master key"
    )
    after = "credentials,mail relay,four eyes,records,outbox,codes by mail,bounces"
    parts = f"{before},{after},released secrets,stations,clock".split(",")
    assert [part for part, line in zip(parts, lines, strict=True) if part in line] == parts
    assert all(line.startswith(("✓ ok", "! warn")) for line in lines)


def test_doctor_fails_when_a_part_does(kiosk: Kiosk, place: Path) -> None:
    """As a program of its own: the PC/SC library remembers the first socket that it is told."""
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "doctor"],
        capture_output=True,
        text=True,
        env=os.environ | {"PCSCLITE_CSOCK_NAME": str(place / "no-pcscd")},
    )
    assert done.returncode == 1
    assert "pcscd  " not in done.stdout
    assert "✓ ok    reader      there is none; only a station needs one" in done.stdout
    assert "✗ fail  mail relay  localhost:1: the relay cannot be reached" in done.stdout
    assert "✓ ok    keys" in done.stdout


def test_doctor_of_an_authority_alone_says_nothing_of_a_missing_library(
    kiosk: Kiosk, place: Path
) -> None:
    """It ended with a line of the library that loads libpcsclite, whose package is a station's."""
    (place / "libraries").mkdir()
    (place / "libraries" / "libpcsclite.so.1").write_text("no library")
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "doctor"],
        capture_output=True,
        text=True,
        env=os.environ | {"LD_LIBRARY_PATH": str(place / "libraries")},
    )
    assert "✓ ok    reader      there is none; only a station needs one" in done.stdout
    assert "dlopen" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("held", "because"),
    [
        (None, "credential {file}: No such file or directory"),
        ("no certificate", "it holds no certificate"),
        ("", "it holds no certificate"),
    ],
)
def test_doctor_looks_at_the_ca_of_the_stations(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    held: str | None,
    because: str,
) -> None:
    """The authority ended at its next start, and named no setting."""
    file = place / "ca.pem"
    if held is not None:
        file.write_text(held)
    monkeypatch.setenv("KIOSK_AUTHORITY__CA", str(file))
    monkeypatch.setenv("KIOSK_AUTHORITY__LISTEN", "127.0.0.1:1")
    monkeypatch.setenv("KIOSK_AUTHORITY__CERTIFICATE", str(place / "own.pem"))
    for looking in (["doctor"], ["setup", "authority"]):  # the latter said nothing of it
        kiosk(*looking)
        said = capsys.readouterr().out
        assert f"✗ fail  station CA  authority.ca: {because.format(file=file)}" in said
    trustme.CA().cert_pem.write_to_path(file)
    kiosk("doctor")
    assert "✓ ok    station CA" in capsys.readouterr().out


def test_doctor_looks_at_the_certificate_that_stations_are_shown(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority whose certificate had ended was called ready, and no station was served."""
    file, ca, now = place / "own.pem", trustme.CA(), datetime.now(UTC)
    monkeypatch.setenv("KIOSK_AUTHORITY__CERTIFICATE", str(file))
    monkeypatch.setenv("KIOSK_AUTHORITY__LISTEN", "127.0.0.1:1")
    monkeypatch.setenv("KIOSK_AUTHORITY__ADDRESSES", "localhost:1")

    def said() -> str:
        kiosk("doctor")
        lines = capsys.readouterr().out.splitlines()
        [line] = [each for each in lines if each[8:].startswith("certificate ")]
        return line

    def write(not_after: datetime) -> None:
        begins = now - timedelta(days=60)
        leaf = ca.issue_cert("localhost", not_before=begins, not_after=not_after)
        leaf.private_key_and_cert_chain_pem.write_to_path(file)

    assert said().startswith("✗ fail")
    assert f"{file}: No such file or directory" in said()
    for days, mark, text in (
        (-1, "✗ fail", "it was good until "),
        (10, "! warn", "good until "),
        (40, "✓ ok", "good until "),
    ):
        write(now + timedelta(days=days))
        assert said().startswith(mark)
        assert f"  {text}{now + timedelta(days=days):%d %B %Y}" in said()
    ca.issue_cert("localhost").private_key_pem.write_to_path(place / "other.key")
    monkeypatch.setenv("KIOSK_AUTHORITY__KEY", str(place / "other.key"))
    assert "key values mismatch" in said().lower()


def test_doctor_looks_at_reader_and_card_where_it_is_given_them(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = fail("reader", "none is plugged in", "plug one in")
    found = [reader, ok("card", "PIV, PIN not blocked")]
    assert doctor.run(argparse.Namespace(config=None), lambda _settings: found) == 1
    said = capsys.readouterr().out
    assert "✗ fail  reader      none is plugged in; plug one in" in said
    assert "✓ ok    card        PIV, PIN not blocked" in said


def test_doctor_says_that_no_authority_answers_where_one_is_to(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk("doctor")
    assert "  authority " not in capsys.readouterr().out
    monkeypatch.setenv("KIOSK_MONITORING__LISTEN", "127.0.0.1:1")
    kiosk("doctor")
    said = capsys.readouterr().out
    assert "! warn  authority   none answers at 127.0.0.1:1: Connection refused; where" in said


class _Ready(BaseHTTPRequestHandler):
    """Answers as an authority that is ready."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def address_string(self) -> str:
        return "a socket"


@pytest.fixture
def ready_socket() -> Iterator[Path]:
    """The socket of an authority that answers beside it as ready."""
    with TemporaryDirectory() as folder:
        at = Path(folder)
        with UnixStreamServer(str(at / "monitoring.sock"), _Ready) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield at / "authority.sock"
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("is_named", [True, False])
def test_doctor_does_not_take_the_authority_of_the_machine_for_one_with_other_settings(
    kiosk: Kiosk,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    ready_socket: Path,
    is_named: bool,
) -> None:
    """Settings of another place name no socket of their own: the default one may be another's."""
    monkeypatch.setenv("KIOSK_AUTHORITY__SOCKET", str(ready_socket))
    if not is_named:
        usual = replace(settings.DEFAULTS.authority, socket=str(ready_socket))
        changed = replace(settings.DEFAULTS, authority=usual)
        monkeypatch.setattr("kiosk.app.cli.doctor.DEFAULTS", changed)
    kiosk("doctor")
    said = capsys.readouterr().out
    who = (
        "it"
        if is_named
        else (
            f"the one at {ready_socket.with_name('monitoring.sock')}, "
            "which may have other settings than these,"
        )
    )
    assert f"✓ ok    authority   {who} is ready to serve stations" in said


def test_doctor_with_settings_that_cannot_be_read(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.startswith("✗ fail  settings    there is no settings file")


def test_doctor_names_what_is_still_the_example_s_until_it_is_set(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk("doctor")
    said = capsys.readouterr().out
    assert "! warn  example     still the example's: trust in [service], ra_contact" in said
    assert "name in [station], sender in [mail], email_domains in [policy]" in said
    settings = place / "etc" / "kiosk.toml"
    text = settings.read_text()
    for name in "trust ra_contact ra_hours ra_email sender email_domains".split():
        text = text.replace(f"#{name} = ", f"{name} = ")
    text = text.replace("sender = ", "# ", 1)
    settings.write_text(text)
    monkeypatch.setenv("KIOSK_MAIL__SENDER", "no-reply@trust.nhs.uk")
    kiosk("doctor")
    assert "still the example's: name in [station]; set each" in capsys.readouterr().out
    settings.write_text(text.replace("[station]\n", '[station]\nname = "West Wing 2"\n'))
    kiosk("doctor")
    assert "✓ ok    example     nothing that people see" in capsys.readouterr().out
    # Stations that call over the network are named where they are enrolled.
    settings.write_text(text)
    monkeypatch.setenv("KIOSK_AUTHORITY__LISTEN", "127.0.0.1:8443")
    monkeypatch.setenv("KIOSK_AUTHORITY__ADDRESSES", "localhost:8443")
    kiosk("doctor")
    assert "✓ ok    example     nothing that people see" in capsys.readouterr().out


def test_doctor_for_a_script(kiosk: Kiosk, capsys: pytest.CaptureFixture[str]) -> None:
    code = kiosk("doctor", "--json")
    found = {each["part"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["questions"] == {
        "part": "questions", "condition": "ok", "found": "20 in the list", "advice": ""
    }  # fmt: skip
    assert code == any(each["condition"] == "fail" for each in found.values())
