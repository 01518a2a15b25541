from __future__ import annotations

from pathlib import Path

from kiosk.authority.roles import Action
from tests.authority.administration.roles_page import WORDS, page

DOCS = Path(__file__).parents[3] / "docs"


def test_every_action_has_its_words() -> None:
    assert set(WORDS) == set(Action)


def test_the_docs_show_the_table_that_the_service_asks() -> None:
    assert (DOCS / "roles.md").read_text() == page(), "run `make roles`"
