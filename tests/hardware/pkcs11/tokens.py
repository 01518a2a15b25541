"""Tokens in software, behind real modules."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from hardware.pkcs11.cards import NAME, Module, Pkcs11Cards, Style
from kiosk.contract.messages import CardId
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN, NEW, WRONG = (Sensitive(text) for text in ("482915", "60514273", "111111"))
SO_PIN, NEW_SO = Sensitive("73918264"), Sensitive("50283746")

SHIM = """
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The functions of PKCS #11 2.40 in their order, behind the version. */
struct list { unsigned char version[2]; void *function[68]; };
typedef unsigned long (*any)(long, long, long, long, long, long);
static struct list own;
static any real;
static unsigned long instead(long, long, long, long, long, long);

unsigned long C_GetFunctionList(struct list **out) {
    struct list *whole;
    void *module = dlopen(REAL, RTLD_NOW);
    ((unsigned long (*)(struct list **)) dlsym(module, "C_GetFunctionList"))(&whole);
    own = *whole;
    real = (any) own.function[WHERE];
    own.function[WHERE] = (void *) instead;
    *out = &own;
    return 0;
}
"""
"""SoftHSM, but for one function."""

FAULT = """
static unsigned long instead(long a, long b, long c, long d, long e, long f) {
    if (AFTER) real(a, b, c, d, e, f);
    if (ABORTS) abort();
    for (;;) pause();
}
"""
"""It sleeps for ever or aborts, before or after its work."""

REFUSAL = """
static unsigned long instead(long a, long b, long c, long d, long e, long f) {
    return 0x54; /* CKR_FUNCTION_NOT_SUPPORTED */
}
"""

READERS_NAME = """
/* CK_TOKEN_INFO up to its flags, and room for the rest. */
struct token { unsigned char names[96]; unsigned long flags, rest[32]; };

static unsigned long instead(long id, long told, long c, long d, long e, long f) {
    struct token token;
    unsigned long result = real(id, told, c, d, e, f);
    any token_info = (any) own.function[TOKEN_INFO];
    if (result || token_info(id, (long) &token, c, d, e, f)) return result;
    if (token.flags & 0x400 /* CKF_TOKEN_INITIALIZED */) {
        memset((char *) told, ' ', 64);
        memcpy((char *) told, READER, strlen(READER));
    }
    return result;
}
"""
"""It tells of the slot with the token by the name of a reader, as a maker's module does."""

FUNCTIONS = {
    "C_Initialize": 0,
    "C_GetSlotList": 4,
    "C_GetSlotInfo": 5,
    "C_GetTokenInfo": 6,
    "C_InitPIN": 10,
    "C_SetPIN": 11,
    "C_OpenSession": 12,
    "C_Login": 18,
    "C_Logout": 19,
    "C_Sign": 43,
}


@dataclass(frozen=True)
class Token:
    """A token of SoftHSM, in its own directory."""

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


def running(worker: str) -> list[psutil.Process]:
    """Return the children of this process that run ``worker``, and live."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended since
            if worker in child.cmdline():
                found.append(child)
    return found


def new_token(directory: Path, pin: Sensitive = PIN, so_pin: Sensitive = SO_PIN) -> Token:
    """Make a token with a user's PIN and a security officer's."""
    (directory / "tokens").mkdir(parents=True)
    conf = directory / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\n")
    environ = {**os.environ, "SOFTHSM2_CONF": str(conf)}
    pins = ("--so-pin", so_pin.reveal(), "--pin", pin.reveal())
    _softhsm(environ, "--init-token", "--free", "--label", "kiosk", *pins)
    shown = _softhsm(environ, "--show-slots")
    serial = next(
        line.split(":")[1].strip() for line in shown.splitlines() if "Serial number:" in line
    )
    reader = f"SoftHSM slot ID 0x{int(serial[-8:], 16) & 0x7FFFFFFF:x}"
    return Token(directory, reader, serial, environ=environ)


def _softhsm(environ: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ("softhsm2-util", *arguments),
        env=dict(environ), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def faulty_module(directory: Path, function: str, *, aborts: bool, after: bool = False) -> Path:
    """Build a module that is SoftHSM but for one function, which fails."""
    defines = {"ABORTS": int(aborts), "AFTER": int(after)}
    return _build(directory / f"{function}{aborts}{after}.so", function, FAULT, defines)


def refusing_module(directory: Path, function: str) -> Path:
    """Build a module that is SoftHSM but for one function, which it does not support."""
    return _build(directory / f"{function}.so", function, REFUSAL, {})


def named_module(directory: Path, reader: str) -> Path:
    """Build a module that is SoftHSM, with its token in a slot of ``reader``'s name."""
    defines = {"READER": f'"{reader}"', "TOKEN_INFO": FUNCTIONS["C_GetTokenInfo"]}
    return _build(directory / "named.so", "C_GetSlotInfo", READERS_NAME, defines)


def _build(module: Path, function: str, instead: str, more: Mapping[str, object]) -> Path:
    source = module.with_suffix(".c")
    source.write_text(SHIM + instead)
    defines = {"REAL": f'"{SOFTHSM}"', "WHERE": FUNCTIONS[function], **more}
    words = [f"-D{name}={value}" for name, value in defines.items()]
    command = ["cc", "-shared", "-fPIC", "-w", *words, "-o", str(module), str(source), "-ldl"]
    subprocess.run(command, check=True, timeout=60)
    return module
