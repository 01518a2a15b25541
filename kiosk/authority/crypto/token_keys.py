"""The calls to the token's module, in PKCS#11; only its process imports this.

One session stays logged in. A key is found by its label; it is AES of any length, and is only used
for C_Sign with CKM_AES_CMAC.
"""

from __future__ import annotations

from typing import Any, Final

import pkcs11
from pkcs11 import (
    Attribute,
    AttributeTypeInvalid,
    KeyType,
    Mechanism,
    MechanismFlag,
    ObjectClass,
    PKCS11Error,
    TokenFlag,
)

from kiosk.system.module_process import Answer, Message

LAST_TRY: Final = "LastTry"
"""In place of an error: a wrong PIN now would lock the token, or has."""

_LITTLE_LEFT: Final = TokenFlag.USER_PIN_FINAL_TRY | TokenFlag.USER_PIN_LOCKED
_AES: Final = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}
_KEPT_IN: Final = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.PRIVATE: True,
}


def serve(module: Any, label: str) -> Answer:
    return TokenKeys(module, label).answer


class TokenKeys:
    def __init__(self, module: Any, label: str) -> None:
        self._module = module
        self._label = label
        self._found: dict[str, Any] = {}

    def answer(self, request: Message) -> Message:
        """Carry out the request; ``error`` names what went wrong."""
        try:
            match request["act"]:
                case "open":
                    self._token = self._module.get_token(token_label=self._label)
                    if self._token.flags & _LITTLE_LEFT:
                        return {"error": LAST_TRY}
                    self._session = self._token.open(user_pin=request["pin"])
                    return {}
                case "labels":
                    labels = map(_label, self._session.get_objects(_AES))
                    return {"labels": [label for label in labels if label is not None]}
                case "cmac":
                    key = self._key(request["label"])
                    if key is None:
                        return {"absent": True}
                    message = bytes.fromhex(request["message"])
                    return {"mac": key.sign(message, mechanism=Mechanism.AES_CMAC).hex()}
                case "make":
                    # In a read-write session; the login is the token's, not the session's.
                    with self._token.open(rw=True) as session:
                        session.generate_key(
                            KeyType.AES,
                            256,
                            label=request["label"],
                            store=True,
                            capabilities=MechanismFlag.SIGN,
                            template=_KEPT_IN,
                        )
                    return {}
                case other:
                    raise ValueError(other)
        except PKCS11Error as error:
            return {"error": type(error).__name__}

    def _key(self, label: str) -> Any | None:
        if label not in self._found:
            named = list(self._session.get_objects({**_AES, Attribute.LABEL: label}))
            if len(named) > 1:
                raise pkcs11.MultipleObjectsReturned
            if named:
                self._found[label] = named[0]
        return self._found.get(label)


def _label(key: Any) -> str | None:
    """Return the label of a key; None where it is no text: others keep keys in a token, too."""
    try:
        return str(key.label)
    except (UnicodeDecodeError, AttributeTypeInvalid):
        return None
