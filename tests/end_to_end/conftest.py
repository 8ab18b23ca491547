"""Fixtures for tests of whole processes."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.end_to_end.platform import Service


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    """A test that fails leaves no process behind."""
    yield
    while Service.running:
        with suppress(ProcessLookupError):
            os.kill(Service.running.pop(), signal.SIGKILL)
