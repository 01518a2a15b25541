"""Keep a card in a file, so that its PIN, its counters and its keys outlive the program.

The file holds the card's secrets in clear, as the card does: it is for cards that guard
nothing. It is readable by its owner alone and replaced as a whole.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hardware.virtual.pcscd import VirtualHardwareError
from hardware.virtual.piv import CardProfile, CardState, PrivateKey, Reference, VirtualCard
from kiosk.contract.messages import KeyKind

VERSION = 1


def keep(card: VirtualCard, path: Path) -> None:
    """Write ``card`` to ``path``, now and after each command that changes it."""
    card.on_change = lambda state: save(state, path)
    save(card.state, path)


def open_card(path: Path) -> VirtualCard:
    """Return the card that ``path`` keeps; raises ``VirtualHardwareError`` when it is none."""
    card = VirtualCard(load(path))
    keep(card, path)
    return card


def save(state: CardState, path: Path) -> None:
    """Replace the file at ``path``; after a crash it is the old one or the new one."""
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(_encode(state), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load(path: Path) -> CardState:
    """Read a card's memory; raises ``VirtualHardwareError`` when it is not one."""
    try:
        return _decode(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        kind = type(error).__name__  # the text of the error could quote the file
        raise VirtualHardwareError(f"{path} keeps no virtual card ({kind})") from None


def _encode(state: CardState) -> dict[str, Any]:
    return {
        "version": VERSION,
        "profile": asdict(state.profile),
        "holder_name": state.holder_name,
        "guid": state.guid.hex(),
        "serial": state.serial,
        "pin": _encode_reference(state.pin),
        "puk": _encode_reference(state.puk),
        "objects": {f"{tag:X}": content.hex() for tag, content in state.objects.items()},
        "keys": {f"{slot:X}": _pem(key) for slot, key in state.keys.items()},
    }


def _decode(kept: dict[str, Any]) -> CardState:
    if kept["version"] != VERSION:
        raise ValueError("another version")
    return CardState(
        profile=_profile(kept["profile"]),
        holder_name=kept["holder_name"],
        guid=bytes.fromhex(kept["guid"]),
        serial=kept["serial"],
        pin=_decode_reference(kept["pin"]),
        puk=_decode_reference(kept["puk"]),
        objects={int(tag, 16): bytes.fromhex(text) for tag, text in kept["objects"].items()},
        keys={int(slot, 16): _key(pem) for slot, pem in kept["keys"].items()},
    )


def _profile(kept: dict[str, Any]) -> CardProfile:
    return CardProfile(**kept | {"key": KeyKind(kept["key"])})


def _encode_reference(reference: Reference) -> dict[str, Any]:
    former = [body.hex() for body in reference.former]
    counter = {"limit": reference.limit, "left": reference.left}
    return {"body": reference.body.hex(), "former": former, **counter}


def _decode_reference(kept: dict[str, Any]) -> Reference:
    former = [bytes.fromhex(body) for body in kept["former"]]
    return Reference(bytes.fromhex(kept["body"]), kept["limit"], kept["left"], former)


def _pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _key(pem: str) -> PrivateKey:
    key = load_pem_private_key(pem.encode("ascii"), None)
    if not isinstance(key, PrivateKey):
        raise TypeError("a key of another kind")
    return key
