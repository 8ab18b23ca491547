"""What the simulated TCP devices share: a loopback listener that drops whoever does not read."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

LOOPBACK = "127.0.0.1"
UNREAD = 64 * 1024
"""Bytes a client may leave unread before it is dropped."""


class Connection(asyncio.Protocol):
    """One client of a simulated device."""

    def __init__(self, clients: "set[Connection]") -> None:
        self._clients = clients
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=UNREAD)
        self._clients.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._clients.discard(self)

    def pause_writing(self) -> None:
        """The client does not read: a device has no memory to wait for it."""
        self.drop()

    def send(self, payload: bytes) -> None:
        """Hands bytes to the client."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(payload)

    def drop(self) -> None:
        """Ends the connection at once."""
        if self.transport is not None:
            self.transport.abort()


@asynccontextmanager
async def listening(
    connect: Callable[[set[Connection]], Connection], port: int = 0, host: str = LOOPBACK
) -> AsyncGenerator[tuple[int, set[Connection]]]:
    """Listens while the block runs, on loopback unless said; gives the port and the clients of the moment."""
    clients: set[Connection] = set()
    server = await asyncio.get_running_loop().create_server(lambda: connect(clients), host, port)
    try:
        yield int(server.sockets[0].getsockname()[1]), clients
    finally:
        server.close()
        for client in tuple(clients):
            client.drop()
        await server.wait_closed()


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Runs `work` while the block runs; if it fails, so does the block. A single error comes as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            try:
                yield
            finally:
                task.cancel()
    except BaseExceptionGroup as several:
        if len(several.exceptions) == 1:
            raise several.exceptions[0] from None
        raise
