"""Both brokers the product runs on; the same tests pass on both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from broker.embedded import embedded_broker
from broker.session import BrokerAddress
from tests.servers import free_port, mosquitto

BOTH = ("embedded", "mosquitto")


@asynccontextmanager
async def broker_named(name: str, folder: Path, port: int | None = None) -> AsyncGenerator[BrokerAddress]:
    """The embedded broker or Mosquitto, on this port if one is given."""
    port = port or free_port()
    if name == "embedded":
        async with embedded_broker(port) as address:
            yield address
    else:
        with mosquitto(folder / "mosquitto", port=port):
            yield BrokerAddress("127.0.0.1", port)
