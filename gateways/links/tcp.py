"""Links over TCP: one where we dial, and one where devices dial us."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import structlog

from gateways.links.contract import Home, Receiver
from gateways.links.pipe import CONNECT_TIME, Pipe, reason
from gateways.links.urls import host_of, port_of, settings_in, split
from telemetry import LinkError

log = structlog.get_logger()

MOST_SENDERS = 64  # at once on one tcp-listen link
LONGEST_TAIL = 4096  # bytes
TAIL_TIME = 0.2  # seconds an unfinished line is held back


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """`tcp://host:port`: we dial."""

    host: str
    port: int
    exclusive = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """A connection to a device or a converter."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIME):
                _, pipe = await loop.create_connection(
                    lambda: Pipe(receiver, str(self)), self.host, self.port
                )
        except (OSError, ValueError) as error:  # ValueError: no host can be called so
            raise LinkError(f"cannot connect to {self}: {reason(error)}") from error
        try:
            yield
        finally:
            await pipe.close()


def parse_tcp(url: str) -> TcpAddress:
    """Raises ConfigurationError."""
    parts = split(url)
    settings_in(url, parts)
    return TcpAddress(host_of(url, parts, "tcp://192.168.1.20:502"), port_of(url, parts))


@dataclass(frozen=True, slots=True)
class TcpListenAddress:
    """`tcp-listen://[host]:port`: devices dial us. An empty host is every interface."""

    host: str
    port: int

    @property
    def exclusive(self) -> str:
        """What only one link can have."""
        return f"TCP port {self.port}"

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """A port for devices to dial."""
        senders = Senders(receiver)
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: Sender(senders),
                self.host or None,
                self.port,
                reuse_address=True,
                start_serving=False,
            )
        except (OSError, ValueError) as error:
            raise LinkError(f"cannot listen on {self.exclusive}: {reason(error)}") from error
        receiver.opened(senders)
        try:
            await server.start_serving()
            yield
        except OSError as error:
            raise LinkError(f"cannot listen on {self.exclusive}: {reason(error)}") from error
        finally:
            server.close()
            for sender in list(senders.present.values()):
                await sender.close()
            await server.wait_closed()


def parse_tcp_listen(url: str) -> TcpListenAddress:
    """Raises ConfigurationError."""
    parts = split(url)
    settings_in(url, parts)
    return TcpListenAddress(parts.hostname or "", port_of(url, parts))


class Senders:
    """The devices that dialled in, as one link: what each says goes to one receiver.

    present: in the order in which they dialled or spoke last.
    """

    def __init__(self, receiver: Receiver) -> None:
        self.present: dict[str, Sender] = {}
        self._receiver = receiver
        self._paused = False

    def write(self, payload: bytes, to: str = "") -> None:
        """To the one named, or whoever dialled or spoke last; to nobody while there is nobody."""
        sender = self.present.get(to) if to else next(reversed(self.present.values()), None)
        if sender is not None:
            sender.write(payload)

    def pause(self) -> None:
        """Holds everybody back."""
        self._paused = True
        for sender in self.present.values():
            sender.pause()

    def resume(self) -> None:
        """Lets everybody go on."""
        self._paused = False
        for sender in list(self.present.values()):
            sender.resume()

    def came(self, sender: "Sender") -> bool:
        """Somebody dialled in; False when there is no room."""
        if len(self.present) >= MOST_SENDERS:
            log.warning("link.too_many_senders", sender=sender.name, most=MOST_SENDERS)
            return False
        self.present[sender.name] = sender
        if self._paused:
            sender.pause()
        return True

    def said(self, sender: "Sender", chunk: bytes) -> None:
        """Somebody spoke."""
        if self.present.pop(sender.name, None) is sender:
            self.present[sender.name] = sender
        self._receiver.receive(chunk)

    def left(self, sender: "Sender") -> None:
        """Somebody hung up, which is its own affair, not the link's."""
        self.present.pop(sender.name, None)


class _Ear:
    """Receives one sender's stream; while others are there an unfinished line is held back for a moment,
    so that two senders' lines are not mixed.
    """

    def __init__(self, senders: Senders, sender: "Sender") -> None:
        self._senders, self._sender = senders, sender
        self._tail = b""
        self._timer: asyncio.TimerHandle | None = None

    def opened(self, link: object) -> None:
        """The link is the listener's, not this one."""

    def receive(self, chunk: bytes, origin: str = "") -> None:
        """Bytes came."""
        chunk, self._tail = self._tail + chunk, b""
        end = chunk.rfind(b"\n") + 1
        if len(self._senders.present) > 1 and len(chunk) - end <= LONGEST_TAIL:
            chunk, self._tail = chunk[:end], chunk[end:]
        self._restart_timer()
        if chunk:
            self._senders.said(self._sender, chunk)

    def broke(self, error: LinkError) -> None:
        """It hung up."""
        self._deliver_tail()
        self._senders.left(self._sender)

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
            self._senders.said(self._sender, tail)


class Sender(Pipe):
    """One of the devices that dialled in."""

    def __init__(self, senders: Senders) -> None:
        super().__init__(_Ear(senders, self))
        self._senders = senders

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: somebody dialled in."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")  # none for one that hung up at once
        self.name = f"{peer[0]}:{peer[1]}" if peer else f"sender {id(self):x}"
        if not self._senders.came(self):
            cast("asyncio.Transport", transport).abort()
