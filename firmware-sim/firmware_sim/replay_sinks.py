"""Where a replayed log goes: to all clients of a listening port, to a server, or as datagrams."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from telemetry import LinkError

STALLED = 30.0
"""Seconds after which a receiver that reads nothing is given up."""
CONNECT_TIME = 10.0
END = b"\r\n"


class Sink(Protocol):
    """A destination of lines."""

    async def send(self, lines: Sequence[bytes]) -> None:
        """Hands lines over, in order, no faster than they are read. Raises LinkError."""
        ...

    async def drain(self) -> None:
        """Returns when all lines have left this process."""
        ...


class _Audience:
    """All clients of a listening port. Whoever comes later gets the lines from then on."""

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []
        self._came = asyncio.Event()

    def accept(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._came.set()

    async def assembled(self, enough: int) -> None:
        while len(self._writers) < enough:
            self._came.clear()
            await self._came.wait()

    async def send(self, lines: Sequence[bytes]) -> None:
        """To every client; with none left it waits for the next one, so that no line is lost unheard."""
        payload = _joined(lines)
        delivered = not lines
        while not delivered:
            await self.assembled(1)
            for writer in tuple(self._writers):
                delivered = await self._deliver(writer, payload) or delivered

    async def _deliver(self, writer: asyncio.StreamWriter, payload: bytes) -> bool:
        try:
            await _write(writer, payload)
        except LinkError:
            writer.transport.abort()
            self._writers.remove(writer)
            return False
        return True

    async def drain(self) -> None:
        while self._writers:
            await _close(self._writers.pop())

    def abort(self) -> None:
        """Ends every connection at once."""
        for writer in self._writers:
            writer.transport.abort()


class _Server:
    """A server we connected to."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, lines: Sequence[bytes]) -> None:
        await _write(self._writer, _joined(lines))

    async def drain(self) -> None:
        await _close(self._writer)


class _Datagrams(asyncio.DatagramProtocol):
    """One line a datagram; nobody says whether they arrive."""

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport | None = None
        self._free = asyncio.Event()
        self._free.set()

    def pause_writing(self) -> None:
        self._free.clear()

    def resume_writing(self) -> None:
        self._free.set()

    async def send(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            await self._free.wait()
            if self.transport is not None:
                self.transport.sendto(line + END)
        await asyncio.sleep(0)

    async def drain(self) -> None:
        await self._free.wait()


@asynccontextmanager
async def listening(host: str, port: int, clients: int) -> AsyncGenerator[Sink]:
    """Listens, and begins when so many clients are there. Raises LinkError."""
    audience = _Audience()
    try:
        server = await asyncio.start_server(audience.accept, host or None, port)
    except (OSError, ValueError) as error:
        raise LinkError(f"cannot listen on {host}:{port}: {error}") from error
    try:
        await audience.assembled(clients)
        yield audience
    finally:
        server.close()
        audience.abort()
        await server.wait_closed()


@asynccontextmanager
async def connected(host: str, port: int, _clients: int) -> AsyncGenerator[Sink]:
    """Connects. Raises LinkError."""
    try:
        async with asyncio.timeout(CONNECT_TIME):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, ValueError) as error:  # ValueError: no host can be called so
        raise LinkError(f"nobody takes the connection at {host}:{port}: {error}") from error
    try:
        yield _Server(writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def datagrams(host: str, port: int, _clients: int) -> AsyncGenerator[Sink]:
    """Sends datagrams. Raises LinkError when the host has no address."""
    loop = asyncio.get_running_loop()
    try:
        transport, sink = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(host, port))
    except (OSError, ValueError) as error:
        raise LinkError(f"cannot send to {host}:{port}: {error}") from error
    sink.transport = transport
    try:
        yield sink
    finally:
        transport.close()


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + END for line in lines)


async def _write(writer: asyncio.StreamWriter, payload: bytes) -> None:
    try:
        writer.write(payload)
        async with asyncio.timeout(STALLED):
            await writer.drain()
    except OSError as error:
        raise LinkError(f"the receiver went away or reads nothing: {error}") from error


async def _close(writer: asyncio.StreamWriter) -> None:
    """Waits until everything is out, then closes."""
    try:
        async with asyncio.timeout(STALLED):
            writer.close()
            await writer.wait_closed()
    except OSError:
        writer.transport.abort()
