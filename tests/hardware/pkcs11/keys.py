"""``python keys.py MODULE REQUESTS``: put keys on a token; a separate process loads the module.

REQUESTS is JSON: the user's PIN, and for each object its attributes by their names in PKCS#11,
bytes in hexadecimal.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.contract.sensitive import Sensitive
from tests.hardware.pkcs11.tokens import PIN, SOFTHSM, Token

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_CURVES = {"secp256r1": "06082a8648ce3d030107", "secp384r1": "06052b81040022"}
_LABELLED = {"RSA": 0, "EC": 3}


@dataclass(frozen=True)
class TokenKey:
    """A private key with its public key object, and a certificate where it is given."""

    private: Private
    identifier: str = "01"
    certificate: bytes | None = None
    public_object: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other attributes of the private key."""

    def objects(self) -> list[dict[str, Any]]:
        """Return what is created for it."""
        common = {"ID": self.identifier, "TOKEN": True, "KEY_TYPE": self._type}
        private = {"CLASS": 3, "SIGN": True, "PRIVATE": True, "SENSITIVE": True, **common}
        made = [{**private, **self._secret(), **self.more}]
        if self.public_object:
            made.append({"CLASS": 2, "VERIFY": True, "PRIVATE": False, **common, **self._public()})
        if self.certificate is not None:
            made.append(
                {"CLASS": 1, "CERTIFICATE_TYPE": 0, "TOKEN": True, "PRIVATE": False,
                 "ID": self.identifier, "VALUE": self.certificate.hex(), "SUBJECT": "3000"}
            )  # fmt: skip
        return made

    @property
    def _type(self) -> int:
        return _LABELLED["RSA" if isinstance(self.private, rsa.RSAPrivateKey) else "EC"]

    def _secret(self) -> dict[str, str]:
        if isinstance(self.private, rsa.RSAPrivateKey):
            own = self.private.private_numbers()
            numbers = {"MODULUS": own.public_numbers.n, "PUBLIC_EXPONENT": own.public_numbers.e,
                       "PRIVATE_EXPONENT": own.d, "PRIME_1": own.p, "PRIME_2": own.q,
                       "EXPONENT_1": own.dmp1, "EXPONENT_2": own.dmq1,
                       "COEFFICIENT": own.iqmp}  # fmt: skip
            return {name: _hex(number) for name, number in numbers.items()}
        value = self.private.private_numbers().private_value
        size = (self.private.key_size + 7) // 8
        return {"EC_PARAMS": _CURVES[self.private.curve.name], "VALUE": value.to_bytes(size).hex()}

    def _public(self) -> dict[str, str]:
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.public_key().public_numbers()
            return {"MODULUS": _hex(numbers.n), "PUBLIC_EXPONENT": _hex(numbers.e)}
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        wrapped = bytes((0x04, len(point))) + point
        return {"EC_PARAMS": _CURVES[self.private.curve.name], "EC_POINT": wrapped.hex()}


def put_keys(token: Token, *keys: TokenKey, pin: Sensitive = PIN) -> None:
    """Create the objects on a token of SoftHSM."""
    requests = {"pin": pin.reveal(), "objects": [one for key in keys for one in key.objects()]}
    subprocess.run(
        (sys.executable, __file__, str(SOFTHSM), json.dumps(requests)),
        env=dict(token.environ) | {"PYTHONPATH": ":".join(sys.path)},
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def _hex(number: int) -> str:
    return number.to_bytes((number.bit_length() + 7) // 8).hex()


def _main() -> None:
    import pkcs11

    module, requests = sys.argv[1], json.loads(sys.argv[2])
    (token,) = (
        slot.get_token()
        for slot in pkcs11.lib(module).get_slots()
        if slot.get_token().flags & pkcs11.TokenFlag.TOKEN_INITIALIZED
    )
    with token.open(rw=True, user_pin=requests["pin"]) as session:
        for wanted in requests["objects"]:
            session.create_object({
                getattr(pkcs11.Attribute, name): _value(pkcs11, name, value)
                for name, value in wanted.items()
            })  # fmt: skip


def _value(pkcs11: Any, name: str, value: Any) -> Any:
    enums = {"CLASS": "ObjectClass", "KEY_TYPE": "KeyType", "CERTIFICATE_TYPE": "CertificateType"}
    if name in enums:
        return getattr(pkcs11, enums[name])(value)
    return bytes.fromhex(value) if isinstance(value, str) else value


if __name__ == "__main__":
    _main()
