"""Acts of staff that are refused: what their member of staff reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from kiosk.authority.errors import AdministrationError
from screens.words.staff.refusals import refusal_words

Error = TypeVar("Error", bound=AdministrationError)


@contextmanager
def refused(kind: type[Error], match: str = "") -> Iterator[pytest.ExceptionInfo[Error]]:
    """Expect a refusal of this kind, whose words hold ``match``, a regular expression."""
    with pytest.raises(kind) as caught:
        yield caught
    said = refusal_words(caught.value)
    assert re.search(match, said), said
