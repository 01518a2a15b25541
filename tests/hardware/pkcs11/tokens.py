"""Tokens in software, behind real modules."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hardware.pkcs11.cards import NAME, Pkcs11Cards, Style
from hardware.pkcs11.process import Module
from kiosk.dialogue import CardId
from kiosk.ports import CardAddress
from kiosk.sensitive import Sensitive

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN, NEW, WRONG = (Sensitive(text) for text in ("482915", "60514273", "111111"))
SO_PIN, NEW_SO = Sensitive("73918264"), Sensitive("50283746")

SHIM = """
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

/* The functions of PKCS #11 2.40 in their order, behind the version. */
struct list { unsigned char version[2]; void *function[68]; };
typedef unsigned long (*any)(long, long, long, long, long, long);
static struct list faulty;
static any real;

static unsigned long fault(long a, long b, long c, long d, long e, long f) {
    if (AFTER) real(a, b, c, d, e, f);
    if (ABORTS) abort();
    for (;;) pause();
}

unsigned long C_GetFunctionList(struct list **out) {
    struct list *whole;
    void *module = dlopen(REAL, RTLD_NOW);
    ((unsigned long (*)(struct list **)) dlsym(module, "C_GetFunctionList"))(&whole);
    faulty = *whole;
    real = (any) faulty.function[WHERE];
    faulty.function[WHERE] = (void *) fault;
    *out = &faulty;
    return 0;
}
"""
"""SoftHSM, but for one function that sleeps for ever or aborts, before or after its work."""

FUNCTIONS = {
    "C_Initialize": 0,
    "C_GetSlotList": 4,
    "C_GetTokenInfo": 6,
    "C_InitPIN": 10,
    "C_SetPIN": 11,
    "C_OpenSession": 12,
    "C_Login": 18,
}


@dataclass(frozen=True)
class Token:
    """A token of SoftHSM, in a directory of its own."""

    directory: Path
    reader: str = ""
    serial: str = ""
    label: str = "kiosk"
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def at(self) -> CardAddress:
        return CardAddress(self.reader, CardId(NAME, self.serial))

    def cards(
        self, module: Path = SOFTHSM, *, label: str = "", style: Style = Style.INIT_PIN,
        answer_s: float = 20.0,
    ) -> Pkcs11Cards:  # fmt: skip
        return Pkcs11Cards(Module(str(module), label, answer_s), style, self.environ)


def new_token(directory: Path) -> Token:
    """Make a token with a user's PIN and a security officer's."""
    (directory / "tokens").mkdir(parents=True)
    conf = directory / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\n")
    environ = {**os.environ, "SOFTHSM2_CONF": str(conf)}
    _softhsm(environ, "--init-token", "--free", "--label", "kiosk")
    shown = _softhsm(environ, "--show-slots")
    serial = next(
        line.split(":")[1].strip() for line in shown.splitlines() if "Serial number:" in line
    )
    reader = f"SoftHSM slot ID 0x{int(serial[-8:], 16) & 0x7FFFFFFF:x}"
    return Token(directory, reader, serial, environ=environ)


def _softhsm(environ: Mapping[str, str], *arguments: str) -> str:
    pins = (
        () if "--show-slots" in arguments else ("--so-pin", SO_PIN.reveal(), "--pin", PIN.reveal())
    )
    done = subprocess.run(
        ("softhsm2-util", *arguments, *pins),
        env=dict(environ), capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    return done.stdout


def faulty_module(directory: Path, function: str, *, aborts: bool, after: bool = False) -> Path:
    """Build a module that is SoftHSM but for one function."""
    source, built = directory / "shim.c", directory / f"{function}{aborts}{after}.so"
    source.write_text(SHIM)
    defines = {
        "WHERE": FUNCTIONS[function],
        "REAL": f'"{SOFTHSM}"',
        "ABORTS": int(aborts),
        "AFTER": int(after),
    }
    words = [f"-D{name}={value}" for name, value in defines.items()]
    command = ["cc", "-shared", "-fPIC", "-w", *words, "-o", str(built), str(source), "-ldl"]
    subprocess.run(command, check=True, timeout=60)
    return built
