"""The one place where statements meet the database and its errors become the house's own."""

from __future__ import annotations


class Gateway:
    """Runs statements in one transaction."""
