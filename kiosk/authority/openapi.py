"""The OpenAPI 3.1 document of the port, from its routes: ``python -m kiosk.authority.openapi``."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Final

import msgspec

from kiosk.contract.enrolment import RENEW, WITHOUT_CERTIFICATE
from kiosk.contract.messages import LONGEST_SECRET
from kiosk.contract.routes import LONGEST_REQUEST, VERSION, routes
from kiosk.contract.sensitive import Sensitive


def document() -> dict[str, Any]:
    table = {**routes(), **{route.name: route for route in (RENEW, *WITHOUT_CERTIFICATE.values())}}
    kinds = [kind for route in table.values() for kind in (route.request, route.reply)]
    shown, components = msgspec.json.schema_components(
        kinds, schema_hook=_schema_of, ref_template="#/components/schemas/{name}"
    )
    for each in components.values():
        if "description" in each:  # a docstring, which Python indents until 3.12
            each["description"] = inspect.cleandoc(each["description"])
    paths = {
        route.path: {
            "post": {
                "operationId": route.name,
                "summary": route.about,
                **_NEEDS.get(route.path, {}),
                "requestBody": {"required": True, "content": _json(shown[2 * number])},
                "responses": {
                    "200": {"description": "The answer", "content": _json(shown[2 * number + 1])},
                    **_ERRORS,
                },
            }
        }
        for number, route in enumerate(table.values())
    }
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "Unlock Kiosk: what a station asks the authority",
            "version": VERSION,
            "description": (
                "Stations come over a Unix socket or TLS 1.3 with a client certificate, which "
                "names them; no message does. Fields that the authority does not know are "
                "refused. A station ignores those that it does not know."
            ),
        },
        "paths": paths,
        "components": {"schemas": components},
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return plain


_LETS_IN: Final = "Where stations are let in (`enrol_listen`), over TLS without a certificate."
_NEEDS: Final = {
    RENEW.path: {"description": "Over TLS alone."},
    **{path: {"description": _LETS_IN} for path in WITHOUT_CERTIFICATE},
}

_ERRORS: Final = {
    str(status): {"description": text}
    for status, text in (
        (400, "The request does not fit the schema"),
        (403, "The connection is no station's"),
        (408, "The body did not come in time: again after Retry-After"),
        (409, "StepRefused: the call does not fit the recorded progress of the visit"),
        (413, f"The body is longer than {LONGEST_REQUEST} bytes"),
        (429, "Too many calls of this station: again after Retry-After"),
        (500, "The authority failed; it is in its log"),
        (503, "AuthorityUnavailable: repeat the call, which counts once; full with Retry-After"),
    )
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _schema_of(kind: type) -> dict[str, Any]:
    if kind is Sensitive:
        return {"type": "string", "format": "password", "maxLength": LONGEST_SECRET}
    raise NotImplementedError(kind.__name__)


def text() -> str:
    """Return the document as ``docs/openapi.json`` has it."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
