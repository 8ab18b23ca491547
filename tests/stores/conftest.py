"""Stores for the tests of this room: one of each kind, empty."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stores.contract import Store
from stores.embedded import EmbeddedStore
from stores.influx import InfluxStore
from stores.influx_address import InfluxAddress


@pytest.fixture
def influx_address(influx_url: str) -> InfluxAddress:
    """A database that does not exist yet, on a real server."""
    return InfluxAddress(influx_url, f"test_{uuid.uuid4().hex}")


@pytest.fixture(params=["embedded", "influx"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store, once of each kind."""
    if request.param == "embedded":
        async with EmbeddedStore(tmp_path / "series") as embedded:
            yield embedded
    else:
        address: InfluxAddress = request.getfixturevalue("influx_address")
        async with InfluxStore(address) as influx:
            yield influx
