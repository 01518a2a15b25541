"""A token in software."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hardware.pkcs11.tokens import Token, new_token


@pytest.fixture
def token(tmp_path: Path) -> Token:
    """A token of SoftHSM."""
    return new_token(tmp_path / "softhsm")
