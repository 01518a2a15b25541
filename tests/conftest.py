"""Fixtures that several test packages share."""

from __future__ import annotations

pytest_plugins = ["tests.support.pcsc", "tests.support.clients"]
