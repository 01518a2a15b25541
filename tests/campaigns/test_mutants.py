"""Each attack has a defence that `make mutants` takes away, and how that judges a test."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from campaigns.mutants.catalogue import LIST, ROOT, TABLE, Catalogue
from tests.support.waiting import wait_for

CATALOGUE = Catalogue()


def test_attack_has_a_mutant() -> None:
    having = {CATALOGUE.row_of(each) for each in CATALOGUE.mutants}
    assert [each.attack for each in CATALOGUE.rows if each not in having] == []


def test_no_mutant_is_listed_twice() -> None:
    assert len(set(CATALOGUE.mutants)) == len(CATALOGUE.mutants) > 150


def test_patch_applies_and_uses_names_that_are_there(tmp_path: Path) -> None:
    """Otherwise a test would fail because the program does not start."""
    for number, each in enumerate(CATALOGUE.mutants):
        for file, text in each.texts(ROOT).items():
            assert text != (ROOT / file).read_text(), each.why
            if file.endswith(".py"):
                (tmp_path / f"mutant_{number}_{Path(file).name}").write_text(text)
    rules = "E9,F821,F822,F823"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", rules]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_mutants_words_are_in_its_test() -> None:
    for each in CATALOGUE.mutants:
        file = ROOT / CATALOGUE.row_of(each).test
        words = set(re.findall(r"\w+", each.only)) - {"and", "or", "not"}
        assert all(word in file.name + file.read_text().lower() for word in words), each


LIMIT = """\
def allowed(number):
    if number > 5:
        raise ValueError("too many")
    return number
"""
MAIN = """\
import sys

def main():
    return 0 if sys.argv[1:] == ["please"] else 3
"""
TESTS = {
    "limit": """
        import pytest
        from kiosk.limit import allowed

        def test_limit():
            with pytest.raises(ValueError, match="too many"):
                allowed(6)
        """,
    "nothing": """
        from kiosk.limit import allowed

        def test_nothing():
            assert allowed(1) == 1
        """,
    "installed": """
        import subprocess, sys
        from pathlib import Path

        def test_installed():
            program = Path(sys.executable).with_name("kiosk")
            assert subprocess.run([program]).returncode == 3
        """,
    "red": """
        def test_red():
            assert False
        """,
    "hung": """
        import subprocess, time
        from pathlib import Path

        def test_hung():
            lost = subprocess.Popen(["sh", "-c", "sleep 3600 & echo $!"], stdout=subprocess.PIPE)
            made = Path("started.part")
            made.write_bytes(lost.stdout.readline())
            made.rename("started")
            time.sleep(3600)
        """,
    "orphan": """
        import subprocess, time
        from pathlib import Path
        from kiosk.limit import allowed

        def test_orphan():
            orphan = subprocess.check_output(["sh", "-c", "sleep 1 >/dev/null & echo $!"])
            while Path("/proc", orphan.decode().strip()).exists():
                time.sleep(0.05)
            assert allowed(5) == 5
            try:
                allowed(6)
            except ValueError:
                return
            assert False
        """,
}
NO_LIMIT = "number > 500"
MUTANTS = (
    ("limit", "kiosk/limit.py", "number > 5", NO_LIMIT),
    ("limit", "kiosk/limit.py", "number > 5", "number > unknown"),
    ("limit", "kiosk/limit.py", "def allowed", "def permitted"),
    ("nothing", "kiosk/limit.py", "number > 5", NO_LIMIT),
    ("installed", "kiosk/__main__.py", "else 3", "else 0"),
    ("red", "kiosk/limit.py", "number > 5", NO_LIMIT),
    ("hung", "kiosk/limit.py", "number > 5", NO_LIMIT),
    ("orphan", "kiosk/limit.py", "number > 5", NO_LIMIT),
)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A small program with a test for each attack, with its list, and the campaign."""
    root = tmp_path / "program"
    shutil.copytree(ROOT / "campaigns", root / "campaigns", ignore=shutil.ignore_patterns("*.toml"))
    for folder in ("kiosk", "tests/attacks", "docs"):
        (root / folder).mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "--disable-plugin-autoload"\n'
    )
    (root / "kiosk/__init__.py").touch()
    (root / "kiosk/limit.py").write_text(LIMIT)
    (root / "kiosk/__main__.py").write_text(MAIN)
    rows = []
    for name, text in TESTS.items():
        (root / f"tests/attacks/test_{name}.py").write_text(textwrap.dedent(text))
        rows.append(f"| {name} is attacked | a limit | `tests/attacks/test_{name}.py` |")
    head = "# Attacks that are tests\n\n| attack | what stops it | test |\n| --- |\n"
    (root / TABLE).parent.mkdir(parents=True)
    (root / TABLE).write_text("\n".join([head + rows[0], *rows[1:], ""]))
    (root / LIST).write_text(
        "".join(
            f'[[mutant]]\nrow = "{name} is"\nfile = "{file}"\nold = "{old}"\nnew = "{new}"\n'
            f'why = "{new}"\n'
            for name, file, old, new in MUTANTS
        )
    )
    return root


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "campaigns.mutants", "--processes", "2", *words]


def run(program: Path, *words: str) -> tuple[int, list[str]]:
    """Return the exit code and what was printed."""
    done = subprocess.run(command(*words), cwd=program, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_a_defence_that_its_test_does_not_miss_is_a_failure(program: Path) -> None:
    code, lines = run(program, "--rows", "test_limit", "test_nothing", "test_installed", "test_red")
    assert (code, lines[-1]) == (1, "2 of 6 defences noticed")
    said = {re.sub(r" +\d+ s +", " ", line) for line in lines}
    assert said >= {
        "noticed test_limit.py: number > 500",
        "broken test_limit.py: number > unknown",
        "broken test_limit.py: def permitted",
        "SURVIVED test_nothing.py: number > 500",
        "noticed test_installed.py: else 0",
        "FAILS test_red.py, unchanged",
    }
    assert (program / "kiosk/limit.py").read_text() == LIMIT
    assert not (program / "build").exists()


def test_defence_that_is_missed_is_a_success(program: Path) -> None:
    assert run(program, "--rows", "installed")[0] == 0
    assert run(program, "--rows", "of nothing that is there") == (2, ["no row is about that"])


def test_a_test_that_hangs_is_no_defence_that_was_noticed(program: Path) -> None:
    code, lines = run(program, "--rows", "hung", "--minutes", "0.05")
    assert (code, lines[-1]) == (1, "0 of 1 defences noticed")
    assert any(line.startswith("hung ") for line in lines)
    assert not (program / "build").exists()


def test_a_process_that_lost_its_parent_is_gone_once_it_has_ended(program: Path) -> None:
    """Before: it stayed a zombie, and a test that waited for its end failed."""
    assert run(program, "--rows", "orphan", "--minutes", "2")[0] == 0


@contextmanager
def started(program: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command("--rows", "hung"), cwd=program, stdout=subprocess.PIPE, text=True
    ) as campaign:
        try:
            yield campaign
        finally:
            campaign.terminate()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_campaign_leaves_nothing_behind(program: Path, sign: signal.Signals) -> None:
    """Neither its copies nor what a test has started, also where that lost its parent."""
    with started(program) as campaign:
        found: list[Path] = []

        def is_hung() -> bool:
            found[:] = program.glob("build/mutants-*/*/tree/started")
            return bool(found)

        wait_for(is_hung, "a test that hangs")
        lost = psutil.Process(int(found[0].read_text()))
        campaign.send_signal(sign)
        assert campaign.wait() == 130
    assert not lost.is_running() or lost.status() == psutil.STATUS_ZOMBIE
    assert not (program / "build").exists()
