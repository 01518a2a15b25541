from __future__ import annotations

import uuid

import pytest

from kiosk.contract.messages import VisitId, read_reference, reference_of


@pytest.mark.parametrize("text", ["10AB-9XYZ", "10ab9xyz", " lOab 9xyz ", "IO-AB-9X-YZ"])
def test_reference_is_read_however_it_was_heard(text: str) -> None:
    assert read_reference(text) == "10AB-9XYZ"


@pytest.mark.parametrize("text", ["", "10AB-9XY", "10AB-9XYZ2", "10AB-9XYU", "10AB*9XYZ", "é" * 8])
def test_anything_else_is_none(text: str) -> None:
    assert read_reference(text) is None


def test_every_reference_is_read_as_itself() -> None:
    for _ in range(100):
        reference = reference_of(VisitId(uuid.uuid4().hex))
        assert read_reference(reference.lower()) == reference
