"""Links over IP: a TCP client, a TCP server for devices that dial in, and a UDP server."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import structlog

from gateways.inbox import LARGEST_READ, PIECE, Inbox, Link
from telemetry import LinkError

log = structlog.get_logger()

CONNECT_TIME = 5.0  # seconds
CLOSE_TIME = 1.0  # seconds
MOST_SENDERS = 64  # at once on one tcp-listen link
LONGEST_TAIL = 4096  # bytes
TAIL_TIME = 0.2  # seconds an unfinished line is held back
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """`tcp://host:port`: we dial."""

    host: str
    port: int
    exclusive = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TcpListenAddress:
    """`tcp-listen://[host]:port`: devices dial us. An empty host is every interface."""

    host: str
    port: int

    @property
    def exclusive(self) -> str:
        """What only one link can have."""
        return f"TCP port {self.port}"


@dataclass(frozen=True, slots=True)
class UdpListenAddress:
    """`udp-listen://[host]:port`: devices send us datagrams. An empty host is every interface."""

    host: str
    port: int

    @property
    def exclusive(self) -> str:
        """What only one link can have."""
        return f"UDP port {self.port}"


class Pipe(asyncio.Protocol):
    """A stream of bytes into an inbox, held back while the inbox is full."""

    def __init__(self, inbox: Inbox, name: str = "the other side") -> None:
        self.inbox = inbox
        self.name = name
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        self.transport = cast("asyncio.Transport", transport)
        keep_alive(transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self.inbox.put(data, piece=PIECE)
        if self.inbox.must_wait() and self.transport is not None:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        if not self.closed.done():
            self.closed.set_result(None)
        self.inbox.fail(LinkError(f"{self.name} closed the connection{f': {exc}' if exc else ''}"))

    def resume(self) -> None:
        """The inbox has room again."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def send(self, chunk: bytes) -> None:
        """Sends; what the other side does not take for long breaks the link."""
        if self.transport is None or self.transport.is_closing():
            raise LinkError(f"{self.name} closed the connection")
        self.transport.write(chunk)
        if self.transport.get_write_buffer_size() > LARGEST_READ:
            raise LinkError(f"{self.name} takes nothing of what is sent to it")

    async def close(self) -> None:
        """Ends the connection at once."""
        if self.transport is not None:
            self.transport.abort()
            await asyncio.wait({self.closed}, timeout=CLOSE_TIME)


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Makes the system notice a peer that vanished, within half a minute. Nothing for other transports."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def reason(error: Exception) -> str:
    """Why a link does not open, in words; a time-out has none of its own."""
    return f"no answer within {CONNECT_TIME:g} s" if isinstance(error, TimeoutError) else str(error)


@asynccontextmanager
async def open_tcp(address: TcpAddress) -> AsyncGenerator[Link]:
    """A connection to a device or a converter."""
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIME):
            _, pipe = await loop.create_connection(
                lambda: Pipe(inbox, str(address)), address.host, address.port
            )
    except (OSError, ValueError) as error:  # ValueError: no host can be called so
        raise LinkError(f"cannot connect to {address}: {reason(error)}") from error
    inbox.room = pipe.resume
    try:
        yield Link(inbox, pipe.send)
    finally:
        await pipe.close()


class _Sender(Pipe):
    """One of the devices that dialled in. Its going away is its own affair, not the link's.

    While it is the only one its bytes go on as they come. Beside others it holds an unfinished line
    back for a moment, so that two senders' lines are not mixed.
    """

    def __init__(self, inbox: Inbox, senders: "dict[str, _Sender]") -> None:
        super().__init__(inbox)
        self.senders = senders
        self._tail = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: somebody dialled in."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")  # none for one that hung up at once
        self.name = f"{peer[0]}:{peer[1]}" if peer else f"sender {id(self):x}"
        if len(self.senders) >= MOST_SENDERS:
            log.warning("link.too_many_senders", sender=self.name, most=MOST_SENDERS)
            cast("asyncio.Transport", transport).abort()
        else:
            self.senders[self.name] = self

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        data, self._tail = self._tail + data, b""
        end = data.rfind(b"\n") + 1
        if len(self.senders) > 1 and len(data) - end <= LONGEST_TAIL:
            data, self._tail = data[:end], data[end:]
        self._restart_timer()
        if data:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it hung up."""
        self._deliver_tail()
        if not self.closed.done():
            self.closed.set_result(None)
        self.senders.pop(self.name, None)

    def _restart_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._tail:
            self._timer = asyncio.get_running_loop().call_later(TAIL_TIME, self._deliver_tail)

    def _deliver_tail(self) -> None:
        tail, self._tail = self._tail, b""
        self._restart_timer()
        if tail:
            self.inbox.put(tail, piece=PIECE)


@asynccontextmanager
async def open_tcp_listen(address: TcpListenAddress) -> AsyncGenerator[Link]:
    """A port for devices to dial; what is written goes to the one that dialled last."""
    senders: dict[str, _Sender] = {}

    def resume() -> None:
        for sender in senders.values():
            sender.resume()

    def send(chunk: bytes) -> None:
        for sender in list(senders.values())[-1:]:
            sender.send(chunk)

    inbox = Inbox(resume)
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            lambda: _Sender(inbox, senders), address.host or None, address.port, reuse_address=True
        )
    except (OSError, ValueError) as error:
        raise LinkError(f"cannot listen on {address.exclusive}: {error}") from error
    try:
        yield Link(inbox, send)
    finally:
        server.close()
        for sender in list(senders.values()):
            await sender.close()
        await server.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.last_sender: tuple[str, int] | None = None
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.last_sender = addr
        self.inbox.offer(data, f"{addr[0]}:{addr[1]}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.inbox.fail(LinkError(f"the UDP port was closed: {exc}"))

    def send(self, chunk: bytes) -> None:
        if self.transport is not None and self.last_sender is not None:
            self.transport.sendto(chunk, self.last_sender)


@asynccontextmanager
async def open_udp_listen(address: UdpListenAddress) -> AsyncGenerator[Link]:
    """A port for datagrams; what is written goes to whoever sent last."""
    loop = asyncio.get_running_loop()
    inbox = Inbox()
    try:
        transport, datagrams = await loop.create_datagram_endpoint(
            lambda: _Datagrams(inbox),
            local_addr=(address.host or "0.0.0.0", address.port),  # noqa: S104 - what an empty host asks for
        )
    except (OSError, ValueError) as error:
        raise LinkError(f"cannot listen on {address.exclusive}: {error}") from error
    try:
        yield Link(inbox, datagrams.send)
    finally:
        transport.abort()
