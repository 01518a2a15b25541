"""Cards in the readers of a service that forgets what the tests of a file left open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert


@pytest.fixture(scope="module")
def new_service(pcscd: HotplugPcscd) -> Iterator[None]:
    """Start pcscd again after a file: it has 200 contexts, and each ``PcscCards`` keeps one."""
    yield
    pcscd.stop()
    pcscd.start()


@pytest.fixture
def insert(new_service: None, insert: Insert) -> Insert:
    """Push cards in, as elsewhere."""
    return insert
