"""A stream of bytes as a link: what TCP connections and serial ports have in common."""

import asyncio
import errno
import socket
from typing import cast

from gateways.links.contract import LARGEST_READ, PIECE, Receiver
from telemetry import LinkError

CONNECT_TIME = 5.0  # seconds
CLOSE_TIME = 1.0  # seconds
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})


class Pipe(asyncio.Protocol):
    """An open stream. What comes at once and is longer than PIECE is received in pieces, between which
    everybody else has a turn and the wire is held back.
    """

    def __init__(self, receiver: Receiver, name: str = "the other side") -> None:
        self.name = name
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._receiver = receiver
        self._rest = b""
        self._cutting = self._paused = False
        self._failure: LinkError | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        self.transport = cast("asyncio.Transport", transport)
        keep_alive(transport)
        self._receiver.opened(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        if len(data) <= PIECE and not self._cutting and not self._paused:
            self._receiver.receive(data)
        else:
            self._rest += data
            self._cut()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        if not self.closed.done():
            self.closed.set_result(None)
        self._failure = LinkError(f"{self.name} closed the connection{f': {exc}' if exc else ''}")
        if not self._rest:
            self._break()

    def write(self, payload: bytes, to: str = "") -> None:
        """Sends; what the other side does not take for long breaks the link."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise LinkError(f"{self.name} closed the connection")
        transport.write(payload)
        if transport.get_write_buffer_size() > LARGEST_READ:
            raise LinkError(f"{self.name} takes nothing of what is sent to it")

    def pause(self) -> None:
        """Reads nothing more; what was read and not received yet waits too."""
        self._paused = True
        self._hold_back()

    def resume(self) -> None:
        """Reads on."""
        if self._paused:
            self._paused = False
            self._cut()

    async def close(self) -> None:
        """Ends the connection at once."""
        self._rest = b""
        if self.transport is not None:
            self.transport.abort()
            await asyncio.wait({self.closed}, timeout=CLOSE_TIME)

    def _cut(self) -> None:
        """Hands on a piece of what waits, and the next when the others had their turn."""
        if self._cutting or self._paused:
            self._hold_back()
        elif self._rest:
            self._hold_back()
            self._cutting = True
            piece, self._rest = self._rest[:PIECE], self._rest[PIECE:]
            self._receiver.receive(piece)
            asyncio.get_running_loop().call_soon(self._go_on)
        elif self._failure is not None:
            self._break()
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _go_on(self) -> None:
        self._cutting = False
        self._cut()

    def _break(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            self._receiver.broke(failure)

    def _hold_back(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()


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
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"no answer within {CONNECT_TIME:g} s"
    if isinstance(error, OSError) and error.errno in _NO_FILES:
        return f"{error}: raise the limit of open files (LimitNOFILE= of the service, or ulimit -n)"
    return str(error)
