"""One gateway that polls many Modbus TCP devices once a second, with its durable outbox and a broker.

    python -m benchmarks.polling [--devices 500] [--seconds 30]

The devices are simulated in a process of their own, each at a loopback address of its own, and it is they
who judge: a poll is late by how far it comes behind its device's grid of one second, and missed when it
does not come. Counting begins when the gateway had its settling time: for its imports, and to open a
thousand links a second. Prints missed polls, lateness, and the gateway's CPU and memory; then the memory of
a gateway with 20 devices.
"""

import argparse
import asyncio
import multiprocessing
import resource
import struct
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import psutil
import uvloop

from broker import topics
from broker.embedded import embedded_broker
from broker.session import BrokerAddress, Session, connect
from broker.wire import Receipt, decode_batch, encode
from drivers.catalogue import Catalogue, parse_profile
from gateways.background import background
from gateways.daemon import Gateway, GatewaySettings
from telemetry import Device

SETTLING = 5.0  # seconds: imports, drivers, first polls; and a second more for every 500 devices
SMALL = 20  # devices of a small gateway
VALUES = 10  # of each device
PROFILE = (
    "id: meter\ntitle: {en: Meter, vi: Công tơ}\ndriver: modbus\nkind: power\nevery: 1s\nmetrics:\n"
) + "".join(
    f"  - name: value_{number}\n    title: {{en: Value, vi: Giá trị}}\n"
    f"    read: {{address: {2 * number}, table: input, type: float32}}\n"
    for number in range(VALUES)
)
REPLY = struct.pack(f">{VALUES}f", *range(VALUES))
spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Figures:
    """Of one run. Lateness in milliseconds, CPU in percent of a core, memory in megabytes."""

    devices: int
    polls: int
    missed: int
    late_median: float
    late_p99: float
    late_most: float
    arrived: int
    cpu: float
    memory: float


class Meter(asyncio.Protocol):
    """One simulated device: answers every request with the same values, and notes when it was asked."""

    def __init__(self, asked: dict[str, list[float]]) -> None:
        self.all_asked = asked
        self.asked: list[float] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the gateway connected; the address it dialled says which device this is."""
        self.transport = cast("asyncio.Transport", transport)
        self.asked = self.all_asked[transport.get_extra_info("sockname")[0]]

    def data_received(self, data: bytes) -> None:
        """asyncio: requests of twelve bytes each."""
        self.asked.append(time.monotonic())
        for start in range(0, len(data), 12):
            transaction, _, _, unit, function = struct.unpack_from(">HHHBB", data, start)
            head = struct.pack(">HHHBBB", transaction, 0, 3 + len(REPLY), unit, function, len(REPLY))
            if self.transport is not None:
                self.transport.write(head + REPLY)


def addresses(devices: int) -> list[str]:
    """A loopback address for each device."""
    return [f"127.1.{number >> 8}.{number & 255}" for number in range(devices)]


def run_meters(pipe: Connection, devices: int) -> None:
    """The process of the devices: gives their port, and when told what each was asked when."""
    more_files()
    uvloop.run(serve_meters(pipe, devices))


async def serve_meters(pipe: Connection, devices: int) -> None:
    """One port for all; each has an address of its own."""
    asked: dict[str, list[float]] = {address: [] for address in addresses(devices)}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Meter, asked), "0.0.0.0", 0, backlog=devices)
    pipe.send(server.sockets[0].getsockname()[1])
    while await loop.run_in_executor(None, pipe.recv):
        pipe.send(list(asked.values()))
        for one in asked.values():
            one.clear()


def run_gateway(broker: BrokerAddress, devices: int, port: int, folder: Path) -> None:
    """The process of the gateway."""
    meters = [
        Device(id=f"meter-{number}", profile="meter", link=f"tcp://{address}:{port}")
        for number, address in enumerate(addresses(devices))
    ]
    settings = GatewaySettings("bench", "bench", tuple(meters), folder, broker)
    uvloop.run(Gateway(settings, Catalogue([parse_profile(PROFILE, "meter.yaml")])).run())


def more_files() -> None:
    """Thousands of connections need thousands of descriptors."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def meters_running(devices: int) -> Generator[tuple[Connection, int]]:
    """The simulated devices, while the block runs."""
    ends: Any = spawn.Pipe()  # its type differs between the type checkers
    pipe, far = ends
    process = spawn.Process(target=run_meters, args=(far, devices), daemon=True)
    process.start()
    yield pipe, pipe.recv()
    process.kill()
    process.join()


@contextmanager
def gateway_running(broker: BrokerAddress, devices: int, port: int) -> Generator[psutil.Process]:
    """The gateway, while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        process = spawn.Process(target=run_gateway, args=(broker, devices, port, Path(folder)), daemon=True)
        process.start()
        yield psutil.Process(process.pid)
        process.kill()
        process.join()


async def take(session: Session, arrived: list[int]) -> None:
    """The centre: takes batches, counts readings, sends receipts."""
    await session.subscribe(topics.ALL_BATCHES)
    async for message in session.messages():
        batch = decode_batch(message.payload)
        arrived[0] += len(batch.readings)
        await session.publish(topics.receipts("bench"), encode(Receipt(batch.epoch, batch.seq)))


def settling(devices: int) -> float:
    """Seconds after which nothing may be missed."""
    return SETTLING + devices / 500


async def measure(devices: int, seconds: float) -> Figures:
    """One run with so many devices."""
    arrived = [0]
    async with embedded_broker() as broker, connect(broker, "centre") as centre:
        with meters_running(devices) as (pipe, port), gateway_running(broker, devices, port) as gateway:
            async with background(take(centre, arrived)):
                await asyncio.sleep(settling(devices))
                await asyncio.to_thread(ask, pipe)
                before, cpu, begun = arrived[0], sum(gateway.cpu_times()[:2]), time.monotonic()
                await asyncio.sleep(seconds)
                asked = await asyncio.to_thread(ask, pipe)
                used = (sum(gateway.cpu_times()[:2]) - cpu) / (time.monotonic() - begun)
                memory = gateway.memory_info().rss / 1e6
                return judged(devices, asked, arrived[0] - before, used * 100, memory)


def ask(pipe: Connection) -> list[list[float]]:
    """When each device was asked since the last time."""
    pipe.send("when")
    return cast("list[list[float]]", pipe.recv())


def judged(devices: int, asked: list[list[float]], arrived: int, cpu: float, memory: float) -> Figures:
    """Each device's own grid is told by its most punctual poll."""
    late: list[float] = []
    missed = 0
    for times in asked:
        if not times:
            missed += 1
            continue
        offsets = [(when - times[0]) - round(when - times[0]) for when in times]
        late += [1000 * (offset - min(offsets)) for offset in offsets]
        missed += round(times[-1] - times[0]) + 1 - len(times)
    late.sort()
    at = len(late) * 99 // 100
    return Figures(devices, len(late), missed, late[len(late) // 2], late[at], late[-1], arrived, cpu, memory)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    more_files()
    for devices, seconds in ((arguments.devices, arguments.seconds), (SMALL, 5)):
        found = uvloop.run(measure(devices, seconds))
        print(
            f"{found.devices} devices at 1 Hz, {VALUES} values each, {seconds:g} s: {found.polls} polls, "
            f"{found.missed} missed; late by {found.late_median:.1f} ms (median), "
            f"{found.late_p99:.1f} (p99), {found.late_most:.1f} (most); {found.arrived} readings arrived; "
            f"settled for {settling(devices):g} s; "
            f"CPU {found.cpu:.0f} % of a core, memory {found.memory:.0f} MB"
        )


if __name__ == "__main__":
    main()
