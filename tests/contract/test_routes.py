"""The table of routes, what is refused on which side, and the OpenAPI document."""

from __future__ import annotations

import enum
import json
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import Struct

from kiosk.authority import openapi
from kiosk.contract.enrolment import RENEW, WITHOUT_CERTIFICATE
from kiosk.contract.language import Language
from kiosk.contract.messages import (
    LONGEST_SECRET,
    CardId,
    CardReport,
    Code,
    Factor,
    Heartbeat,
    PinState,
    Purpose,
    Refusal,
    VisitOpened,
)
from kiosk.contract.routes import Route, decode, encode, routes
from kiosk.contract.sensitive import Sensitive

ROUTES = tuple(routes().values())
VISIT = "0" * 31 + "a"
ROUTE = "0" * 31 + "b"
REPORT = CardReport(CardId("piv", "aa"), PinState(blocked=True))
PLAIN = json.loads(encode(REPORT))


def structs_in(kind: Any) -> set[type[Struct]]:
    """Return every struct that can be in a ``kind``."""
    found: set[type[Struct]] = set()
    waiting = [kind]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, Struct):
            if one not in found:
                found.add(one)
                waiting.extend(get_type_hints(one).values())
        elif get_origin(one) in (Union, UnionType, tuple):
            waiting.extend(get_args(one))
    return found


def sample(kind: Any) -> Any:
    """Return some value of a ``kind``, with all of its fields filled."""
    origin = get_origin(kind)
    if kind == Language:
        return "cy"
    if origin is Annotated:
        return sample(get_args(kind)[0])
    if origin in (Union, UnionType):
        return sample(next(one for one in get_args(kind) if one is not NoneType))
    if origin is tuple:
        of = [one for one in get_args(kind) if one is not Ellipsis]
        return tuple(sample(one) for one in of)
    if hasattr(kind, "__supertype__"):
        return VISIT
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind(**{name: sample(hint) for name, hint in get_type_hints(kind).items()})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[-1]
    made: dict[Any, Any] = {
        str: "näme", int: 3, float: 1.5, bool: True, bytes: b"\0\xff",
        datetime: datetime(2030, 5, 4, 3, 2, 1, tzinfo=UTC), Sensitive: Sensitive("482916"),
    }  # fmt: skip
    return made[kind]


ALL = sorted(
    set().union(*(structs_in(route.reply) | structs_in(route.request) for route in ROUTES)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_message_crosses_the_wire_whole(kind: type[Struct]) -> None:
    ids = {name: VISIT for name in ("visit", "journal", "attempt", "route") if hasattr(kind, name)}
    hints = {one.name: one.type for one in msgspec.structs.fields(kind)}
    message = kind(**{name: ids.get(name) or sample(hint) for name, hint in hints.items()})
    assert decode(kind, encode(message)) == message


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_authority_alone_refuses_fields_that_it_does_not_know(route: Route) -> None:
    asked = structs_in(route.request)
    assert all(kind.__struct_config__.forbid_unknown_fields for kind in asked)
    answered = structs_in(route.reply)
    assert not any(kind.__struct_config__.forbid_unknown_fields for kind in answered)


def test_an_older_authority_is_not_sent_what_has_its_default() -> None:
    request = routes()["choose"].request
    assert encode(request(VISIT, Purpose.UNLOCK)).count(b"anew") == 0
    assert encode(request(VISIT, Purpose.UNLOCK, anew=True)).count(b"anew") == 1


def test_an_older_station_passes_over_what_a_newer_authority_adds() -> None:
    newer = {"is": "Refusal", "reason": "leaver", "retry_at": None, "hint": {"new": True}}
    reply = decode(routes()["begin"].reply, json.dumps(newer).encode())
    assert isinstance(reply, Refusal)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"visit": VISIT},
        {"visit": "nonsense", "report": PLAIN},
        {"visit": VISIT + "\0", "report": PLAIN},
        {"visit": VISIT, "report": PLAIN, "station": "Main entrance"},
        {"visit": VISIT, "report": {**PLAIN, "genuine": True}},
        {"visit": VISIT, "report": {**PLAIN, "secret_tries": -1}},
        {"visit": VISIT, "report": {**PLAIN, "secret_tries": 256}},
        {"visit": VISIT, "report": {**PLAIN, "secret_tries": 10**30}},
        {"visit": VISIT, "report": {**PLAIN, "expires_at": "2030-01-01T00:00:00"}},
        {"visit": VISIT, "report": {**PLAIN, "card": {"driver": "p\0", "identifier": "1"}}},
        {"visit": VISIT, "report": json.loads(encode(Heartbeat()))},
    ],
)
def test_a_request_that_does_not_fit_is_not_read(wrong: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(routes()["begin"].request, json.dumps(wrong).encode())


@pytest.mark.parametrize("attempt", ["", "x" * 65, "a b", "a\0"])
def test_an_attempt_has_an_id_of_1_to_64_signs(attempt: str) -> None:
    request = routes()["prepare"].request
    assert decode(request, encode(request(VISIT, "x" * 64, Factor.EMAIL_CODE, ROUTE))) == request(
        VISIT, "x" * 64, Factor.EMAIL_CODE, ROUTE
    )
    with pytest.raises(msgspec.ValidationError):
        decode(request, encode(request(VISIT, attempt, Factor.EMAIL_CODE, ROUTE)))


@pytest.mark.parametrize("wrong", [{}, {"anything": 1}, {"is": "ProvePin2"}, {"is": "CardReport"}])
def test_a_union_is_read_by_its_tag_alone(wrong: object) -> None:
    asked = json.dumps({"visit": VISIT, "journal": VISIT, "outcome": wrong}).encode()
    with pytest.raises(msgspec.ValidationError):
        decode(routes()["record_outcome"].request, asked)


def test_bytes_and_secrets_are_left_out_of_a_repr() -> None:
    shown = repr(msgspec.structs.replace(REPORT, certificate=b"der"))
    assert "aa" in shown
    assert "der" not in shown
    opened = VisitOpened(VISIT, "Asha", ())  # type: ignore[arg-type]
    assert "Asha" in repr(opened)
    asked = routes()["submit"].request(VISIT, "1", Code(Sensitive("12345678")))
    assert "12345678" not in repr(asked)


def test_docs_openapi_json_is_the_ports() -> None:
    """``make openapi`` prints it anew; look at what has changed: stations in use rely on it."""
    kept = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert kept.read_text() == openapi.text()


def test_the_document_is_openapi() -> None:
    document = openapi.document()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) - set(WITHOUT_CERTIFICATE) - {RENEW.path} == {
        route.path for route in ROUTES
    }
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used == set(schemas)
    assert schemas["Grant"]["properties"]["secret"] == {
        "type": "string",
        "format": "password",
        "maxLength": LONGEST_SECRET,
    }
    assert schemas["BeginRequest"]["additionalProperties"] is False
    assert "station" not in text.split('"BeginRequest"')[1].split("}")[0]
