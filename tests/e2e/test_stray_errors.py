"""Errors that nobody waits for end in the log as what they are, without what they carry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, logging, sys, threading
from kiosk.app.cli.station import open_log
from kiosk.app.logs import log_fault
from screens.terminal.lockdown import lock_terminal

open_log(sys.argv[1])
lock_terminal(log_fault)
def fail():
    secret = "Stray 58209316"
    raise LookupError(secret, [secret])

class Finalised:
    def __del__(self): fail()

async def task(): fail()

async def forget():
    asyncio.get_running_loop().call_soon(fail)
    forgotten = asyncio.create_task(task())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

"""
STRAYS = {
    "main": "fail()",
    "thread": "one = threading.Thread(target=fail); one.start(); one.join()",
    "finaliser": "Finalised()",
    "task and callback": "asyncio.run(forget())",
    "library": "try: fail()\nexcept LookupError: logging.exception('Stray %s', 58209316)",
}


@pytest.mark.parametrize("stray", STRAYS)
def test_a_stray_error_is_logged_by_its_kind_alone(tmp_path: Path, stray: str) -> None:
    log = tmp_path / "log"
    program = PROGRAM + STRAYS[stray]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", program, str(log)], env=clean, capture_output=True, timeout=300
    )
    written = log.read_text()
    assert "LookupError" in written
    assert "58209316" not in written
    assert done.stdout + done.stderr == b""


@pytest.mark.parametrize("command", ["run", "admin"])
def test_a_log_that_cannot_be_opened_is_said_before_anything_else(
    tmp_path: Path, command: str
) -> None:
    program = Path(sys.executable).with_name("kiosk")
    done = subprocess.run(
        [program, command, "--log", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"kiosk: the log {tmp_path} cannot be opened: Is a directory\n"
