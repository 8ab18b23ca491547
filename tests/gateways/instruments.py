"""A TCP instrument for tests, and a pump that reads it."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from drivers.contract import Driver
from gateways import clock
from gateways.background import background
from gateways.bus import Seat
from gateways.device_record import DeviceRecord
from gateways.links import parse_link
from gateways.pump import Pump
from telemetry import Device, Reading
from tests.gateways.polling import LineListener, Poller


@dataclass
class Instrument:
    """A TCP server that answers `name?` with a number, says what it is told, and hangs up when asked."""

    port: int
    dead: set[str] = field(default_factory=set[str])
    asked: list[str] = field(default_factory=list[str])
    calls: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        self.writers.append(writer)
        while line := await reader.readline():
            name = re.split("[?!]", line.decode())[0]
            self.asked.append(line.decode().strip().rstrip("?"))
            if name not in self.dead:
                writer.write(f"{name}={len(self.asked)}\n".encode())

    def say(self, chunk: bytes) -> None:
        self.writers[-1].write(chunk)

    def hang_up(self) -> None:
        self.writers[-1].transport.abort()


@asynccontextmanager
async def instrument(port: int = 0) -> AsyncGenerator[Instrument]:
    one = Instrument(port)
    server = await asyncio.start_server(one.serve, "127.0.0.1", port)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield one
        finally:
            for writer in one.writers:
                writer.transport.abort()
            await asyncio.sleep(0)


@dataclass
class Rig:
    """Drivers on one link, their records, and the readings that came out."""

    url: str
    records: dict[str, DeviceRecord] = field(default_factory=dict[str, DeviceRecord])
    readings: list[Reading] = field(default_factory=list[Reading])
    full: bool = False

    def __post_init__(self) -> None:
        self.pump = Pump(parse_link(self.url), self.take)

    def take(self, readings: Sequence[Reading]) -> bool:
        self.readings.extend(readings)
        return not self.full

    def add(self, driver: Poller | LineListener) -> None:
        device = Device(id=driver.name, profile="test", link=self.url)
        self.records[driver.name] = record = DeviceRecord(device, "file", silence=60)
        self.pump.add(Seat(driver.name, partial(_again, driver), driver), record)

    def state(self, name: str) -> str:
        return self.records[name].state(clock.now())

    def of(self, name: str) -> list[Reading]:
        return [reading for reading in self.readings if reading.device == name]


def _again(driver: Driver) -> Driver:
    return driver


@asynccontextmanager
async def pumping(url: str, *drivers: Poller | LineListener) -> AsyncGenerator[Rig]:
    rig = Rig(url)
    for driver in drivers:
        rig.add(driver)
    async with background(rig.pump.run()):
        yield rig
