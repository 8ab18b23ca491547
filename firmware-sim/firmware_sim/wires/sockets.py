"""Simulated devices on sockets: a TCP server, a TCP client that dials in, a UDP port."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import cast

from firmware_sim.simulated import SimulatedDevice
from firmware_sim.wires.connections import LOOPBACK, Connection, alongside, listening
from firmware_sim.wires.faults import Spoiler
from firmware_sim.wires.wire import Conversation, Wire, living
from telemetry import LinkError

AGAIN = 0.2
"""Seconds after which a device that dials in tries again."""

Devices = Sequence[SimulatedDevice]
EachClient = Callable[[], Devices]
"""Makes devices anew for each client, where a conversation belongs to a connection."""


class TcpWire(Wire):
    """A TCP port with any number of clients, or one that dials.

    With one set of devices for all, a chunk's origin is its client, an answer goes to who asked, and
    what a device says by itself goes to everybody. With `each` every client has devices of its own.
    """

    def __init__(self, devices: Devices, each: EachClient | None, spoiler: Spoiler | None) -> None:
        super().__init__("", spoiler)
        self.clients: set[Connection] = set()
        self.each = each
        self.all = Conversation(self, devices, self._put)
        self._plugged = asyncio.Event()
        self._pulled = asyncio.Event()
        self._plugged.set()

    def close(self) -> None:
        """Wakes nobody any more."""
        super().close()
        self.all.close()

    async def serve(self, host: str, port: int, ready: "asyncio.Future[int]") -> None:
        """Listens whenever the port is plugged in, for ever; tells the port once."""
        while True:
            async with listening(lambda clients: _Client(self, clients), port, host) as (bound, clients):
                port, self.clients = bound, clients
                if not ready.done():
                    ready.set_result(bound)
                await self._pulled.wait()
            await self._plugged.wait()

    async def dial(self, host: str, port: int) -> None:
        """Connects, and again whenever the connection is lost, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self._plugged.wait()
            try:
                _, client = await loop.create_connection(lambda: _Client(self, self.clients), host, port)
            except OSError:
                self.counts["unheard"] += 1
            else:
                await client.lost.wait()
            await asyncio.sleep(AGAIN)

    def _put(self, payload: bytes, to: str) -> None:
        told = [client for client in self.clients if not to or cast("_Client", client).name == to]
        for client in told:
            client.send(payload)
        if not told:
            self.counts["unheard"] += 1

    def _drop_clients(self) -> None:
        for client in tuple(self.clients):
            client.drop()

    def _unplug(self) -> None:
        self._plugged.clear()
        self._pulled.set()
        self._drop_clients()

    def _plug(self) -> None:
        self._pulled.clear()
        self._plugged.set()


class _Client(Connection):
    """One connection."""

    def __init__(self, wire: TcpWire, clients: set[Connection]) -> None:
        super().__init__(clients)
        self.name = ""
        self.lost = asyncio.Event()
        self._wire = wire
        self._own: Conversation | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.name = f"{peer[0]}:{peer[1]}"
        self._wire.counts["clients"] += 1
        if self._wire.each is not None:
            self._own = Conversation(self._wire, self._wire.each(), lambda payload, _: self.send(payload))

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        super().connection_lost(exc)
        self.lost.set()
        if self._own is not None:
            self._own.close()

    def data_received(self, data: bytes) -> None:
        """Bytes for the devices."""
        if self._own is not None:
            self._wire.heard(self._own, data)
        else:
            self._wire.heard(self._wire.all, data, self.name)


class UdpWire(Wire):
    """A UDP port. A device answers whoever asked; what it says by itself goes to who spoke last, or `to`."""

    def __init__(self, devices: Devices, spoiler: Spoiler | None, to: str) -> None:
        super().__init__("", spoiler)
        self._last = to
        self._devices = devices
        self._transport: asyncio.DatagramTransport | None = None
        self._conversation: Conversation | None = None

    def begin(self, transport: asyncio.DatagramTransport) -> None:
        """The port is open."""
        self._transport = transport
        self._conversation = Conversation(self, self._devices, self._put)

    def close(self) -> None:
        """Closes the port."""
        super().close()
        if self._conversation is not None:
            self._conversation.close()
        if self._transport is not None:
            self._transport.abort()

    def datagram(self, payload: bytes, origin: str) -> None:
        """A datagram came; a port that is unplugged hears nothing."""
        self._last = origin
        if self._conversation is not None and not self._unplugged:
            self.heard(self._conversation, payload, origin)

    def _put(self, payload: bytes, to: str) -> None:
        host, _, port = (to or self._last).rpartition(":")
        if self._transport is None or not host:
            self.counts["unheard"] += 1
            return
        self._transport.sendto(payload, (host, int(port)))


class _Port(asyncio.DatagramProtocol):
    def __init__(self, wire: UdpWire) -> None:
        self._wire = wire

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._wire.datagram(data, f"{addr[0]}:{addr[1]}")


@asynccontextmanager
async def on_tcp(
    *devices: SimulatedDevice,
    port: int = 0,
    host: str = LOOPBACK,
    each: EachClient | None = None,
    spoiler: Spoiler | None = None,
) -> AsyncGenerator[TcpWire]:
    """Devices behind a TCP port while the block runs, a free one unless one is named.

    each: makes devices for each client, instead of `devices` for all. Raises OSError when the port is taken.
    """
    if spoiler is not None:
        spoiler.check(devices or each() if each else devices)
    wire = TcpWire(devices, each, spoiler)
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with living(wire), alongside(wire.serve(host, port, ready)):
        wire.url = f"tcp://{host}:{await ready}"
        yield wire


@asynccontextmanager
async def dialling(
    host: str, port: int, *devices: SimulatedDevice, spoiler: Spoiler | None = None
) -> AsyncGenerator[TcpWire]:
    """Devices that dial a gateway's tcp-listen link while the block runs, until it answers and ever again."""
    if spoiler is not None:
        spoiler.check(devices)
    wire = TcpWire(devices, None, spoiler)
    wire.url = f"tcp-listen://{host}:{port}"
    async with living(wire), alongside(wire.dial(host, port)):
        try:
            yield wire
        finally:
            for client in tuple(wire.clients):
                client.drop()


@asynccontextmanager
async def on_udp(
    *devices: SimulatedDevice,
    port: int = 0,
    host: str = LOOPBACK,
    to: str = "",
    spoiler: Spoiler | None = None,
) -> AsyncGenerator[UdpWire]:
    """Devices on a UDP port while the block runs, a free one unless one is named.

    to: `host:port` to which the devices speak by themselves. Raises LinkError when the port is taken.
    """
    if spoiler is not None:
        spoiler.check(devices)
    wire = UdpWire(devices, spoiler, to)
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Port(wire), local_addr=(host, port)
        )
    except OSError as error:
        raise LinkError(f"no UDP port {port} on {host}: {error}") from error
    wire.begin(transport)
    wire.url = f"udp://{host}:{transport.get_extra_info('sockname')[1]}"
    async with living(wire):
        yield wire
