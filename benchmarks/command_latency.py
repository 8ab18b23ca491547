"""How long a command takes from the API to a Modbus register and back, over loopback.

    python -m benchmarks.command_latency [--commands 500] [--idle 0] [--broker mqtt://127.0.0.1:1883]

API, registry, broker and gateway run as in `haidang up`; the device is one that answers at once, so what is
measured is the road. Prints the times until the device was told, and until the client had the reply.
--idle: so many other devices in the gateway's status, to see what their statuses cost a command.
"""

import argparse
import asyncio
import statistics
import struct
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import uvloop

from api.app import create_app
from api.audience import Interest
from api.current import Topic
from api.live import LiveView
from api.parts import Parts
from api.server import serve
from broker.embedded import embedded_broker
from broker.session import BrokerAddress
from broker.wire import DeviceStatus
from drivers.catalogue import Catalogue, parse_profile
from gateways.background import background
from gateways.daemon import Gateway, GatewaySettings
from registry import open_registry
from stores.embedded import EmbeddedStore
from telemetry import Device

PROFILE = """
id: drive
title: {en: Drive, vi: Biến tần}
driver: modbus
kind: drive
every: 1s
metrics:
  - {name: speed, title: {en: Speed, vi: Tốc độ}, read: {address: 0}}
actions:
  - name: set_speed
    title: {en: Set the speed, vi: Đặt tốc độ}
    arguments: [{name: speed, title: {en: Speed, vi: Tốc độ}, kind: whole, minimum: 0, maximum: 65535}]
    write: {address: 0, value: speed}
"""
WARM_UP = 20  # commands


class Drive:
    """A Modbus TCP device with one register. told: monotonic seconds at which it was written to."""

    def __init__(self) -> None:
        self.told: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers function 3 with one register and the others with an echo."""
        try:
            while request := await reader.readexactly(12):
                if request[7] == 3:
                    writer.write(request[:4] + struct.pack(">HBBBH", 5, request[6], 3, 2, 0))
                else:
                    self.told.append(time.monotonic())
                    writer.write(request)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


@asynccontextmanager
async def platform(folder: Path, port: int, idle: int, url: str | None) -> AsyncGenerator[str]:
    """API, broker and a gateway with the drive, and others that nobody answers; gives the API's address."""
    catalogue = Catalogue([parse_profile(PROFILE, "drive.yaml")])
    drive = Device(id="drive", profile="drive", link=f"tcp://127.0.0.1:{port}")
    others = [
        Device(id=f"idle-{number}", profile="drive", link="tcp://127.0.0.1:9", unit_id=number % 250)
        for number in range(idle)
    ]
    async with AsyncExitStack() as stack:
        broker = BrokerAddress.parse(url) if url else await stack.enter_async_context(embedded_broker())
        registry = await stack.enter_async_context(open_registry(folder / "registry.sqlite3"))
        store = await stack.enter_async_context(EmbeddedStore(folder / "store"))
        live = LiveView(broker, registry)
        parts = Parts(registry, store, catalogue, live, broker)
        await stack.enter_async_context(background(live.run()))
        settings = GatewaySettings("quay", "bench", (drive, *others), folder / "gateway", broker)
        gateway = Gateway(settings, catalogue)
        await stack.enter_async_context(background(gateway.run()))
        address = await stack.enter_async_context(serve(create_app(parts), port=0))
        async with live.seat(Interest(frozenset({Topic.GATEWAYS}))) as seat, asyncio.timeout(30):
            while not any(one.id == "drive" and one.state == "ok" for one in _known(live)):
                await seat.items()
        yield address


def _known(live: LiveView) -> Sequence[DeviceStatus]:
    heard = live.current.gateways.get("quay")
    return heard.status.devices if heard else ()


async def measure(commands: int, idle: int, broker: str | None) -> None:
    """Sends commands one after the other, as an operator's console does."""
    drive = Drive()
    server = await asyncio.start_server(drive.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        async with (
            server,
            platform(Path(folder), port, idle, broker) as address,
            httpx.AsyncClient(base_url=f"{address}/api/v1/devices/drive", timeout=30) as client,
        ):
            told, replied = await _ask(client, drive, commands + WARM_UP)
    show("until the device was told", told[WARM_UP:])
    show("until the client had the reply", replied[WARM_UP:])


async def _ask(client: httpx.AsyncClient, drive: Drive, commands: int) -> tuple[list[float], list[float]]:
    told: list[float] = []
    replied: list[float] = []
    for number in range(commands):
        asked = time.monotonic()
        body = {"action": "set_speed", "arguments": {"speed": number}, "by": "bench"}
        answer = await client.post("/commands", json=body)
        replied.append(time.monotonic() - asked)
        if not answer.json()["done"]:
            raise SystemExit(answer.text)
        told.append(drive.told[-1] - asked)
    return told, replied


def show(what: str, seconds: Sequence[float]) -> None:
    """Median, 99th percentile and the longest, in milliseconds."""
    ordered = sorted(seconds)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(
        f"{what}: median {statistics.median(ordered) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, "
        f"longest {ordered[-1] * 1e3:.1f} ms, of {len(ordered)}"
    )


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--commands", type=int, default=500)
    parser.add_argument("--idle", type=int, default=0)
    parser.add_argument("--broker", help="mqtt://127.0.0.1:1883; left out: the embedded one")
    given = parser.parse_args()
    uvloop.run(measure(given.commands, given.idle, given.broker))


if __name__ == "__main__":
    main()
