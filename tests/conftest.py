"""Fixtures every room's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers


@pytest.fixture(scope="session")
def influx_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real InfluxDB for the whole run; each test takes a database name of its own."""
    with servers.influxd(tmp_path_factory.mktemp("influxd")) as url:
        yield url


@pytest.fixture
def mosquitto_port(tmp_path: Path) -> Iterator[int]:
    """A real Mosquitto on a free loopback port."""
    with servers.mosquitto(tmp_path / "mosquitto") as port:
        yield port
