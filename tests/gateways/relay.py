"""A relay on TCP that does what it is told, and a catalogue that knows its driver."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from drivers.catalogue import Catalogue
from drivers.contract import Driver
from telemetry import Device, Profile, Title
from tests.gateways.polling import Poller


class RelayCatalogue(Catalogue):
    """One device model, `relay`."""

    def __init__(self) -> None:
        title = Title(en="Relay", vi="Rơ-le")
        super().__init__([Profile(id="relay", title=title, driver="test", kind="relay", every=0.05)])

    def open_driver(self, device: Device) -> Driver:
        return Poller(device.id, self.profile(device.profile).every or 1.0, timeout=5.0)


@dataclass
class Relay:
    """done: the values it was told, in order. holding: it does what it is told, and keeps the answer back."""

    port: int = 0
    done: list[str] = field(default_factory=list[str])
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    def hold(self) -> None:
        self.holding.set()
        self._free.clear()

    def release(self) -> None:
        self.holding.clear()
        self._free.set()

    def device(self, name: str = "relay") -> Device:
        return Device(id=name, profile="relay", link=f"tcp://127.0.0.1:{self.port}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while line := (await reader.readline()).decode().strip():
                name, told, value = line.partition("!")
                if told:
                    self.done.append(value)
                    if self.holding.is_set():
                        await self._free.wait()
                writer.write(f"{name.rstrip('?')}={value or len(self.done)}\n".encode())
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    def hang_up(self) -> None:
        for writer in self._open:
            writer.transport.abort()


@asynccontextmanager
async def relay_running() -> AsyncGenerator[Relay]:
    relay = Relay()
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield relay
        finally:
            relay.release()
            server.close()
            relay.hang_up()
