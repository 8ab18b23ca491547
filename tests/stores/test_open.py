"""Which store a URL stands for."""

from pathlib import Path

import pytest

from stores.contract import Points
from stores.embedded import EmbeddedStore
from stores.influx import InfluxStore
from stores.influx_address import InfluxAddress, parse_address
from stores.open import open_store
from telemetry import ConfigurationError


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def test_no_url_is_the_embedded_store_in_a_folder_of_its_own(tmp_path: Path) -> None:
    async with open_store(None, tmp_path, 3600.0) as store:
        assert isinstance(store, EmbeddedStore)
        assert len(await store.write([Points("m", [1, 2**62], {}, {"x": [1.0, 2.0]})])) == 1
    assert names_in(tmp_path) == ["series"]


async def test_an_influxdb_url_is_reached_for_by_the_first_call_only(tmp_path: Path, influx_url: str) -> None:
    url = influx_url.replace("http://", "influxdb://") + "/opened"
    async with open_store(url, tmp_path) as store:
        assert isinstance(store, InfluxStore)
        assert await store.measurements() == []
    async with open_store("influxdb://192.0.2.1/nowhere", tmp_path):
        pass
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("url", ["postgres://host/db", "http://host:8086/db", "/var/lib/file", "", "memory:"])
async def test_a_url_that_names_no_store_is_told_the_forms(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"influxdb://user:token@host:8086/database"):
        async with open_store(url, tmp_path):
            pass


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("influxdb://host/db", InfluxAddress("http://host:8086", "db")),
        ("influxdbs://host:443/db/", InfluxAddress("https://host:443", "db")),
        ("influxdb://[::1]:9/db", InfluxAddress("http://[::1]:9", "db")),
        (
            "influxdb://us%40er:p%2Fw:x@h/my%20db?rp=long%20one&retention=90d",
            InfluxAddress("http://h:8086", "my db", "us@er", "p/w:x", "long one", 90 * 86400.0),
        ),
    ],
)
def test_an_address_is_read_from_its_url(url: str, address: InfluxAddress) -> None:
    assert parse_address(url) == address
    assert address.password not in repr(address) or not address.password
    assert address.password not in str(address) or not address.password


@pytest.mark.parametrize(
    "url",
    [
        "influxdb://u:secret@host",
        "influxdb://u:secret@/db",
        "influxdb://u:secret@host/a/b",
        "influxdb://u:secret@host:port/db",
        "influxdb://u:secret@host:99999/db",
        "influxdb://u:secret@host/db?retention=5m",
        "influxdb://u:secret@host/db?retention=long",
        "influxdb://u:secret@host/db?policy=x",
        "influxdb://u:secret@[host/db",
    ],
)
def test_a_wrong_address_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)


def test_the_urls_own_retention_comes_before_the_configured_one() -> None:
    assert parse_address("influxdb://h/db?retention=2h", 9000.0).retention == 7200.0
    assert parse_address("influxdb://h/db", 9000.0).retention == 9000.0
