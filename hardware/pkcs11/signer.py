"""A login that stays open, so that a key that needs it signs directly afterwards.

Only the module's process imports this (OASIS PKCS #11, 4.4 to 4.9, 5.13).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from typing import Any, Final

from pkcs11 import Attribute, Mechanism, ObjectClass, PKCS11Error

from hardware import public_keys, tlv
from hardware.driver import PinKey
from hardware.public_keys import read_certificate
from kiosk.contract.messages import RSA_KINDS, KeyKind
from kiosk.system.module_process import Message

_CURVES: Final = {
    bytes.fromhex("06082a8648ce3d030107"): KeyKind.P_256,
    bytes.fromhex("06052b81040022"): KeyKind.P_384,
}
"""By CKA_EC_PARAMS."""

_MECHANISMS: Final = {
    **dict.fromkeys(RSA_KINDS.values(), Mechanism.RSA_PKCS),
    KeyKind.P_256: Mechanism.ECDSA,
    KeyKind.P_384: Mechanism.ECDSA,
}
_OCTET_STRING: Final = 0x04


class Signer:
    """Logs in as the user and stays logged in until the process ends."""

    def __init__(self) -> None:
        self._session: Any = None
        self._without_login: frozenset[bytes] = frozenset()

    def login(self, token: Any, request: Mapping[str, str]) -> None:
        """C_Login as the user; first note which private keys can be used without a login."""
        self._without_login = frozenset()
        with suppress(PKCS11Error), closing(token.open(rw=True)) as session:
            self._without_login = frozenset(identifier for _, identifier in _private_keys(session))
        self._session = token.open(rw=True, user_pin=request["old"])

    def sign(self, _token: Any, request: Mapping[str, str]) -> Message | None:
        """C_Sign with the first key that needs the login; None where there is none."""
        if self._session is None:
            return None
        for private, identifier in _private_keys(self._session):
            key = _public_key(self._session, identifier)
            if identifier in self._without_login or key is None or key.kind not in _MECHANISMS:
                continue
            data = public_keys.to_sign(key.kind, bytes.fromhex(request["message"]))
            answer = bytes(private.sign(data, mechanism=_MECHANISMS[key.kind]))
            signature = public_keys.signature(key.kind, answer)
            if signature is not None:
                return {
                    "signature": signature.hex(),
                    "public_key": key.public_key.hex(),
                    "certificate": (key.certificate or b"").hex(),
                }
        return None


def _private_keys(session: Any) -> list[tuple[Any, bytes]]:
    """Return the keys that sign only after the login, and their CKA_ID, in a fixed order."""
    wanted = {
        Attribute.CLASS: ObjectClass.PRIVATE_KEY,
        Attribute.PRIVATE: True,
        Attribute.SIGN: True,
    }
    found = [(one, _attribute(one, Attribute.ID) or b"") for one in session.get_objects(wanted)]
    fitting = [pair for pair in found if not _attribute(pair[0], Attribute.ALWAYS_AUTHENTICATE)]
    return sorted(fitting, key=lambda pair: pair[1])


def _public_key(session: Any, identifier: bytes) -> PinKey | None:
    """Return the public key of the certificate, or else the public key object, with this CKA_ID.

    The search has to end before the session signs: it ends when the generator is dropped here.
    """
    return next((key for key in _keys_with(session, identifier) if key is not None), None)


def _keys_with(session: Any, identifier: bytes) -> Iterator[PinKey | None]:
    of_this = {Attribute.ID: identifier}
    for one in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE, **of_this}):
        der = _attribute(one, Attribute.VALUE) or b""
        yield public_keys.in_certificate(read_certificate(der))
    for one in session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, **of_this}):
        yield _in_object(one)


def _in_object(one: Any) -> PinKey | None:
    modulus, exponent = (
        _attribute(one, which) for which in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT)
    )
    if modulus and exponent:
        return public_keys.from_rsa_numbers(modulus, exponent)
    kind = _CURVES.get(_attribute(one, Attribute.EC_PARAMS) or b"")
    point = _attribute(one, Attribute.EC_POINT) or b""
    # The standard wraps the point in an OCTET STRING, some modules do not.
    wrapped = tlv.find(point, _OCTET_STRING) or b""
    return public_keys.from_point(kind, point) or public_keys.from_point(kind, wrapped)


def _attribute(one: Any, which: Attribute) -> Any:
    """Return the attribute; None where the object has none or does not reveal it."""
    try:
        value = one[which]
    except PKCS11Error:
        return None
    return bytes(value) if isinstance(value, bytes | bytearray) else value
