"""Secrets that only one account of this machine opens, sealed by systemd-creds(1).

systemd keeps the key: in the TPM where there is one, and in /var/lib/systemd/credential.secret. The
call goes over Varlink (https://varlink.org), so that a process that may start no program can make
it, too. The key is bound to no PCR of the TPM: an update of the firmware must not lock it out.
"""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Final

from kiosk.contract.errors import ConfigError

SUFFIX: Final = ".cred"
"""Of the name of a sealed file."""

SERVICE: Final = Path("/run/systemd/io.systemd.Credentials")
_NULL_KEY: Final = bytes.fromhex("058469daf6f54324800549da0f8ea2fb")
"""First bytes of a credential that anybody can open.

It was sealed without a TPM and without a host key (sd-id128 ``CRED_AES256_GCM_BY_NULL``, systemd
257).
"""
_WAITS_S: Final = 30.0


def seal(name: str, plain: bytes) -> bytes:
    """Seal for the account of this process, under ``name``; raises ``ConfigError``."""
    sealed = str(_ask("Encrypt", name, "blob", data=base64.b64encode(plain).decode()))
    _refuse_null_key(name, sealed)
    return f"{sealed}\n".encode()


def unseal(name: str, sealed: bytes) -> bytes:
    """Open what ``seal`` made on this machine; raises ``ConfigError``."""
    text = sealed.decode("ascii", "replace").strip()
    _refuse_null_key(name, text)
    return base64.b64decode(str(_ask("Decrypt", name, "data", blob=text)))


def _refuse_null_key(name: str, sealed: str) -> None:
    try:
        is_open = base64.b64decode(sealed).startswith(_NULL_KEY)
    except ValueError:
        raise ConfigError(f"{name}: is not sealed by systemd-creds") from None
    if is_open:
        raise ConfigError(f"{name}: is sealed with the null key, which anybody opens")


def _ask(method: str, name: str, wanted: str, **given: str) -> object:
    """Call a method of the service; no error repeats its parameters."""
    question = {
        "method": f"io.systemd.Credentials.{method}",
        "parameters": {"name": name, "scope": "user", **given},
    }
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as service:
            service.settimeout(_WAITS_S)
            service.connect(str(SERVICE))
            service.sendall(json.dumps(question).encode() + b"\0")
            while not answer.endswith(b"\0"):
                more = service.recv(65536)
                if not more:
                    raise ConfigError(f"{name}: systemd's credential service broke off")
                answer += more
    except OSError as error:
        raise ConfigError(f"{name}: {SERVICE}: {error.strerror or error}") from None
    reply = json.loads(answer[:-1])
    if "error" in reply:
        why = str(reply["error"]).rpartition(".")[2]
        raise ConfigError(
            f"{name}: systemd does not open or seal it ({why}); it may be another machine's or "
            "another account's: bring the copy of the plain file, as systemd/README.md says"
        )
    return reply["parameters"][wanted]
