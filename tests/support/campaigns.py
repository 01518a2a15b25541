"""Campaigns try so much that ``make test`` lives a short version; ``make campaigns`` is whole."""

from __future__ import annotations

import os
from typing import Final

WHOLE: Final = os.environ.get("CAMPAIGNS") == "whole"


def often(short: int, whole: int) -> int:
    """Return how often something is tried in this run."""
    return whole if WHOLE else short
