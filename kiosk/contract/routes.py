"""The ``Authority`` port over HTTP: one table of routes, made of the port's own type hints.

Each method is ``POST /v2/<its name>`` with a JSON object of its parameters; the body of the answer
is its result. Server, client and the OpenAPI document follow from this table.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Annotated, Any, Final, get_type_hints

import msgspec
from msgspec import Meta, Struct

from kiosk.contract.errors import AuthorityError, AuthorityUnavailable, StepRefused
from kiosk.contract.messages import LONGEST_SECRET, JournalId, Purpose, Reason, RouteId, VisitId
from kiosk.contract.ports import Authority
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import LONGEST_WORDS

VERSION: Final = "v2"
"""Of the protocol: another one where a station of the version before could not go on."""

OPENAPI: Final = f"/{VERSION}/openapi.json"

VERSION_HEADER: Final = "Kiosk-Version"
"""Either side's program version, for the other's log; the protocol version is in the path."""

LONGEST_REQUEST: Final = 64 * 1024
LONGEST_REPLY: Final = 256 * 1024

STATUS_OF: Final[dict[type[AuthorityError], int]] = {
    StepRefused: 409,
    AuthorityUnavailable: 503,
}
"""The errors of the port; their texts are not sent.

Where the authority is busy, the answer (408, 429 or 503) has ``Retry-After``.
"""

_HEX = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
_PARAMETERS: Final[dict[object, Any]] = {
    VisitId: _HEX,
    JournalId: _HEX,
    RouteId: _HEX,
    "attempt": Annotated[str, Meta(pattern="^[!-~]{1,64}$")],
    "email": Annotated[str, Meta(max_length=1000, pattern="^[^\\x00]*$")],
    "reason": Annotated[str, Meta(max_length=64)],
    "words": Annotated[str, Meta(max_length=LONGEST_WORDS, pattern="^[^\\x00]*$")],
}
"""Constraints of a parameter beyond its type: by its type, or by its name."""


class Route(Struct, frozen=True):
    """One method: the struct of its parameters, and the type of what it returns."""

    name: str
    request: type[Struct]
    reply: Any
    about: str

    @property
    def path(self) -> str:
        return f"/{VERSION}/{self.name}"


@cache
def routes() -> dict[str, Route]:
    """Return the routes by the names of their methods, in the order of the port."""
    made: dict[str, Route] = {}
    for name, method in vars(Authority).items():
        if not inspect.isfunction(method) or name.startswith("_"):
            continue
        hints = get_type_hints(method)
        fields: list[Any] = []
        for parameter in list(inspect.signature(method).parameters.values())[1:]:
            hint = hints[parameter.name]
            kind = _PARAMETERS.get(hint) or _PARAMETERS.get(parameter.name) or hint
            default = () if parameter.default is parameter.empty else (parameter.default,)
            fields.append((parameter.name, kind, *default))
        title = "".join(word.capitalize() for word in name.split("_"))
        # Defaults are left out: an older authority refuses a field that it does not know.
        request = msgspec.defstruct(
            f"{title}Request",
            fields,
            frozen=True,
            forbid_unknown_fields=True,
            omit_defaults=True,
            module=__name__,
        )
        about = (inspect.getdoc(method) or "").splitlines()[0]
        made[name] = Route(name, request, hints["return"], about)
    return made


def _encoded(value: object) -> str:
    if isinstance(value, Sensitive):
        return value.reveal()
    raise NotImplementedError(type(value).__name__)


def _decoded(kind: type, value: object) -> Sensitive:
    if kind is not Sensitive:
        raise NotImplementedError(kind.__name__)
    if not isinstance(value, str):
        raise TypeError("is not text")
    if len(value) > LONGEST_SECRET:
        raise ValueError("is longer than any")  # folding takes a time that grows with its square
    return Sensitive(value)


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_encoded)


def encode(message: object) -> bytes:
    """Return ``message`` as JSON with its secrets in clear: it goes to the other process alone."""
    return _ENCODER.encode(message)


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=_decoded)


def decode(kind: Any, message: bytes) -> Any:
    """Return the ``kind`` that is in ``message``.

    Raises ``msgspec.DecodeError``, whose text may repeat what is in the message.
    """
    return _decoder(kind).decode(message)


def decode_reply(kind: Any, message: bytes) -> Any:
    """Decode at a station whose authority may be of a newer release.

    A refusal for an unknown reason stays a refusal, and an unknown purpose is not offered. Any
    other unknown word is an error. The authority never uses this: it refuses what it does not know.
    """
    try:
        return decode(kind, message)
    except msgspec.ValidationError:
        reply = msgspec.json.decode(message)
    match reply:
        case {"is": "Refusal", "reason": str(reason)} if reason not in set(Reason):
            reply = {**reply, "reason": Reason.UNLISTED}
        case {"is": "VisitOpened", "offers": [*offers]}:
            purposes = [purpose.value for purpose in Purpose]
            named = [each for each in offers if isinstance(each, dict)]
            known = [each for each in named if each.get("purpose") in purposes]
            reply = {**reply, "offers": known} if known else None
    return decode(kind, msgspec.json.encode(reply))
