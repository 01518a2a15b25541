"""Make a card for a person: keys, certificates and the objects that name them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import assert_never
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from hardware.virtual import piv
from hardware.virtual.piv import (
    SLOT_CARD_AUTHENTICATION,
    SLOT_PIV_AUTHENTICATION,
    CardProfile,
    CardState,
    PrivateKey,
    Reference,
    VirtualCard,
    padded,
)
from kiosk.contract.messages import KeyKind

_SLOTS = {
    SLOT_PIV_AUTHENTICATION: piv.CERT_PIV_AUTHENTICATION,
    SLOT_CARD_AUTHENTICATION: piv.CERT_CARD_AUTHENTICATION,
}
_DEFAULT_PROFILE = CardProfile()


def new_card(
    *,
    holder_name: str,
    pin: str = "482915",
    puk: str = "73918264",
    guid: bytes | None = None,
    expires: datetime | None = None,
    profile: CardProfile = _DEFAULT_PROFILE,
    keys: Mapping[int, PrivateKey] | None = None,
    blocked: bool = False,
) -> VirtualCard:
    """Make a card; ``expires`` (aware) is three years from now when not given.

    ``keys`` by slot take the place of fresh ones. ``blocked``: its PIN has no try left.
    """
    state = CardState(
        profile=profile,
        holder_name=holder_name,
        guid=guid or uuid4().bytes,
        serial=secrets.randbelow(2**31),
        pin=Reference(padded(pin), profile.pin_tries, 0 if blocked else profile.pin_tries),
        puk=Reference(padded(puk), profile.puk_tries, profile.puk_tries),
    )
    expires = expires or datetime.now(UTC) + timedelta(days=3 * 365)
    state.objects[piv.CHUID] = piv.chuid(state.guid, expires)
    state.objects[piv.CAPABILITY] = piv.capability(state.serial)
    state.objects[piv.DISCOVERY] = piv.discovery()
    for slot, tag in _SLOTS.items():
        key = (keys or {}).get(slot) or _generate(profile)
        state.keys[slot] = key
        state.objects[tag] = piv.certificate(_self_signed(holder_name, key, expires))
    return VirtualCard(state)


def _generate(profile: CardProfile) -> PrivateKey:
    match profile.key:
        case KeyKind.RSA_2048 | KeyKind.RSA_3072 | KeyKind.RSA_4096:
            return rsa.generate_private_key(65537, int(profile.key.removeprefix("rsa-")))
        case KeyKind.P_256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyKind.P_384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyKind.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            assert_never(profile.key)


def _self_signed(holder_name: str, key: PrivateKey, expires: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, holder_name)])
    # A card may be made expired: its certificate then began before it ended.
    starts = min(datetime.now(UTC), expires) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(expires)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    )
