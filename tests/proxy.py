"""A TCP proxy that does to connections what networks do: cuts them, swallows what is sent, refuses."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_CHUNK = 65_536


class FaultProxy:
    """Forwards to a loopback port.

    silent: what is sent either way is swallowed and connections stay open: a half-open connection, or
    a server that accepts and never answers. refusing: whoever connects is hung up on at once.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.silent = False
        self.refusing = False
        self.connections = 0
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamReader] = set()

    @property
    def open_connections(self) -> int:
        """How many clients are connected now and have not hung up."""
        return len(self._clients)

    @property
    def relays(self) -> int:
        """How many sockets it still holds."""
        return len(self._open)

    def cut(self) -> None:
        """Breaks every connection, both ways, without a goodbye."""
        for writer in self._open:
            writer.transport.abort()

    async def cut_at_random(self, chance: random.Random, longest: float) -> None:
        """Breaks every connection again and again, after at most so many seconds each time."""
        while True:
            await asyncio.sleep(chance.uniform(0, longest))
            self.cut()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        self.connections += 1
        if self.refusing:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._open |= pair
        self._clients.add(reader)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forward(reader, far_writer))
                both.create_task(self._forward(far_reader, writer))
        finally:
            self._clients.discard(reader)
            self._open -= pair
            for one in pair:
                one.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                if not self.silent:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            self._clients.discard(reader)
            if not self.silent:
                writer.transport.abort()


@asynccontextmanager
async def fault_proxy(target: int) -> AsyncGenerator[FaultProxy]:
    """A proxy before this loopback port, on a port of its own."""
    proxy = FaultProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield proxy
        finally:
            server.close()
            proxy.silent = False
            while proxy.relays:
                proxy.cut()
                await asyncio.sleep(0.01)
