"""Links over UDP: one device that we send to and hear, and a port that any device may send to."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from gateways.links.contract import Home, Receiver
from gateways.links.pipe import CONNECT_TIME, reason
from gateways.links.urls import host_of, number_in, port_of, settings_in, shown, split
from telemetry import ConfigurationError, LinkError

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class UdpAddress:
    """`udp://host:port?local_port=N`: datagrams to one device and its answers.

    local_port: the port we send from, 0 for any; for devices that answer to a fixed one.
    """

    host: str
    port: int
    local_port: int = 0

    @property
    def exclusive(self) -> str:
        """What only one link can have."""
        return f"UDP port {self.local_port}" if self.local_port else ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """A socket that hears this device alone. Whether anybody is there shows when something is sent."""
        loop = asyncio.get_running_loop()
        local = ("::" if ":" in self.host else "0.0.0.0", self.local_port) if self.local_port else None  # noqa: S104 - answers may come by any interface
        try:
            async with asyncio.timeout(CONNECT_TIME):
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: _Correspondent(receiver, str(self)), local, (self.host, self.port)
                )
        except (OSError, ValueError) as error:
            raise LinkError(f"cannot send to {self}: {reason(error)}") from error
        try:
            yield
        finally:
            transport.abort()


def parse_udp(url: str) -> UdpAddress:
    """Raises ConfigurationError."""
    parts = split(url)
    local = number_in(url, settings_in(url, parts, "local_port"), "local_port", 0)
    if local != int(local) or local > 65_535:
        raise ConfigurationError(f"{shown(url)!r}: local_port is a number from 1 to 65535")
    return UdpAddress(host_of(url, parts, "udp://192.168.1.20:52381"), port_of(url, parts), int(local))


@dataclass(frozen=True, slots=True)
class UdpListenAddress:
    """`udp-listen://[host]:port`: devices send us datagrams. An empty host is every interface."""

    host: str
    port: int

    @property
    def exclusive(self) -> str:
        """What only one link can have."""
        return f"UDP port {self.port}"

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """A port for datagrams."""
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Listener(receiver, self.exclusive),
                local_addr=(self.host or "0.0.0.0", self.port),  # noqa: S104 - what an empty host asks for
            )
        except (OSError, ValueError) as error:
            raise LinkError(f"cannot listen on {self.exclusive}: {reason(error)}") from error
        try:
            yield
        finally:
            transport.abort()


def parse_udp_listen(url: str) -> UdpListenAddress:
    """Raises ConfigurationError."""
    parts = split(url)
    settings_in(url, parts)
    return UdpListenAddress(parts.hostname or "", port_of(url, parts))


class _Datagrams(asyncio.DatagramProtocol):
    """Each datagram is received at once; what comes faster than that, the system drops from its own queue."""

    def __init__(self, receiver: Receiver, name: str) -> None:
        self.receiver = receiver
        self.name = name
        self.transport: asyncio.DatagramTransport | None = None
        self._broken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.receiver.opened(self)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if data:
            self.receiver.receive(data, f"{addr[0]}:{addr[1]}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(f"the socket was closed: {exc}")

    def write(self, payload: bytes, to: str = "") -> None:
        raise NotImplementedError

    def pause(self) -> None:
        """Nobody can hold datagrams back."""

    def resume(self) -> None:
        """Nothing was held back."""

    def _break(self, why: str) -> None:
        if not self._broken:
            self._broken = True
            self.receiver.broke(LinkError(f"{self.name}: {why}"))


class _Correspondent(_Datagrams):
    """Datagrams to and from one device."""

    def error_received(self, exc: Exception) -> None:
        """asyncio: the other machine says that nobody listens there, or nothing leads to it."""
        self._break(str(exc))

    def write(self, payload: bytes, to: str = "") -> None:
        if self.transport is None or self.transport.is_closing():
            raise LinkError(f"{self.name}: the socket was closed")
        self.transport.sendto(payload)


class _Listener(_Datagrams):
    """Datagrams from anybody, answers to the one named or to whoever sent last."""

    def __init__(self, receiver: Receiver, name: str) -> None:
        super().__init__(receiver, name)
        self._last_sender: Address | None = None

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._last_sender = addr
        super().datagram_received(data, addr)

    def write(self, payload: bytes, to: str = "") -> None:
        host, _, port = to.rpartition(":")
        address = (host, int(port)) if port.isdecimal() else self._last_sender
        if self.transport is not None and address is not None:
            self.transport.sendto(payload, address)
