"""Opens the store that the configuration names."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from stores.contract import Store
from stores.embedded import EmbeddedStore
from stores.influx import InfluxStore
from stores.influx_address import FORM, SCHEMES, parse_address
from telemetry import ConfigurationError

FOLDER = "series"


@asynccontextmanager
async def open_store(
    url: str | None, directory: Path, retention: float | None = None
) -> AsyncGenerator[Store]:
    """The store while the block runs. Without a URL: embedded, in the folder `series` of `directory`.

    retention: seconds the embedded store accepts points for, and what a new InfluxDB database is made
    with where its URL says nothing. Raises ConfigurationError for a URL that names no store; StoreError
    when the embedded store cannot be opened. An InfluxDB is reached for by the first call only.
    """
    if url is None:
        async with EmbeddedStore(directory / FOLDER, retention=retention) as embedded:
            yield embedded
    elif (scheme := url.partition("://")[0]) in SCHEMES:
        async with InfluxStore(parse_address(url, retention)) as influx:
            yield influx
    else:
        raise ConfigurationError(
            f"[store] url begins with {scheme!r}, which is no store: "
            f"leave it out for the embedded one, or write {FORM}"
        )
