"""What ``[texts]`` needs, by who sends."""

from __future__ import annotations

from typing import Any

import pytest

from kiosk.config.loading import read_settings


def problems(**given: Any) -> list[str]:
    return [f"{'.'.join(names)}: {reason}" for names, reason in read_settings({"texts": given})[1]]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"service": "notify"}, "texts.credential: has to be given for this service"),
        (
            {"service": "notify", "credential": "key"},
            "texts.template: has to be given for this service",
        ),
        ({"service": "gateway"}, "texts.url: has to be given for this service"),
        (
            {"service": "gateway", "url": "https://x.example/", "login": "basic"},
            "texts.credential: has to be given for this service",
        ),
        ({"service": "command"}, "texts.command: has to be given for this service"),
        ({"regions": []}, "texts.regions: has to name one at least"),
        ({"body": "{to} {text}"}, "texts.body: is not JSON"),
        ({"body": '["{to}", "{text}"]'}, "texts.body: has to be an object with {to} and {text}"),
        ({"body": '{"to": "{to}"}'}, "texts.body: has to be an object with {to} and {text}"),
        (
            {"encoding": "form", "body": '{"to": ["{to}"], "text": "{text}"}'},
            "texts.body: a form has texts alone",
        ),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], problem: str) -> None:
    assert problems(**given) == [problem]


@pytest.mark.parametrize(
    "url",
    ["http://x.example/", "x.example", "https://jo:secret@x.example/", "https://x.example/#a"],
)
def test_gateway_has_an_address_with_tls_and_without_a_login(url: str) -> None:
    [problem] = problems(service="gateway", url=url)
    assert "allowed: an address that begins with https://" in problem


def test_numbers_are_taken_where_somebody_sends() -> None:
    texts = read_settings({"texts": {"regions": ["GB", "IE"]}})[0].texts
    assert texts.taken_regions == ()
    given = {"service": "command", "command": "/usr/bin/x", "regions": "GB,IE"}
    settings, wrong = read_settings({"texts": given})
    assert (wrong, settings.texts.taken_regions) == ([], ("GB", "IE"))
