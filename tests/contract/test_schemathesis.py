"""Requests that fit the OpenAPI document, and requests that do not, over mutual TLS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kiosk.authority.connections import Limits
from kiosk.authority.openapi import document
from kiosk.contract.enrolment import WITHOUT_CERTIFICATE
from tests.attacks.certified import Estate
from tests.contract.wirings import HOST

ROOMY = Limits(calls_a_second=10_000, burst=10_000, tries_a_second=10_000, tries_burst=10_000)
EXAMPLES = 20
"""Of each call, so that the time is bounded."""

PATHS = tuple(document()["paths"])


@cache
def operations() -> dict[str, Any]:
    """Return each call of the document by its path.

    Schemathesis is loaded for these tests alone: each process collects all tests.
    """
    from schemathesis import openapi

    found = [each.ok() for each in openapi.from_dict(document()).get_all_operations()]  # type: ignore[union-attr]
    assert len(found) == len(PATHS), "each path has one method"
    return {each.path: each for each in found}


@pytest.fixture
def estate(folder: Path) -> Iterator[Estate]:
    made = Estate(folder, ROOMY)
    yield made
    made.close()


def statuses_of(path: str, base_url: str, **options: Any) -> Counter[int]:
    """Send requests to a call; each answer has to be one that the document has for it."""
    from schemathesis import GenerationMode, checks

    statuses: Counter[int] = Counter()
    operation = operations()[path]
    judged = checks.CHECKS.get_by_names(["status_code_conformance", "response_schema_conformance"])
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    cases: st.SearchStrategy[Any] = st.one_of(
        *(operation.as_strategy(generation_mode=mode) for mode in modes)
    )
    with requests.Session() as session:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def ask(case: Any) -> None:
            answer = case.call(base_url=base_url, session=session, **options)
            statuses[answer.status_code] += 1
            # 503 is an answer: of two visits whose ids begin with the same 40 bits, and so have
            # one reference number, the second cannot begin.
            assert answer.status_code != 500
            case.validate_response(answer, checks=judged)

        ask()
    return statuses


@pytest.mark.parametrize("path", [path for path in PATHS if path not in WITHOUT_CERTIFICATE])
def test_every_request_is_answered_as_the_document_says(estate: Estate, path: str) -> None:
    card = estate.registered_card()
    before = estate.card(card), estate.registration(card)
    certificate, ca = str(estate.certificate("B")), str(estate.ca_file)
    url = f"https://{HOST}:{estate.address.port}"
    statuses = statuses_of(path, url, cert=certificate, verify=ca)
    assert sum(statuses.values()) >= EXAMPLES / 2
    assert (estate.card(card), estate.registration(card)) == before
    assert estate.relay.sent == []


@pytest.mark.parametrize("path", sorted(WITHOUT_CERTIFICATE))
def test_who_has_no_certificate_is_answered_as_the_document_says(estate: Estate, path: str) -> None:
    url = f"https://{HOST}:{estate.enrol_address.port}"
    statuses = statuses_of(path, url, verify=str(estate.ca_file))
    assert sum(statuses.values()) >= EXAMPLES / 2
    with estate.store.read() as uow:
        assert uow.stations.every() == ()
