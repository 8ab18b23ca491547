"""Links over serial lines: a port of this machine, or one behind a converter that speaks RFC 2217."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote

import serialx

from gateways.links.contract import Home, Receiver
from gateways.links.pipe import CONNECT_TIME, Pipe, reason
from gateways.links.serial_port import open_port
from gateways.links.urls import host_of, number_in, port_of, settings_in, shown, split
from telemetry import ConfigurationError, LinkError


@dataclass(frozen=True, slots=True)
class Line:
    """How bits stand on the line."""

    baudrate: int = 9600
    parity: str = "N"
    bytesize: int = 8
    stopbits: float = 1.0


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """`serial:///dev/ttyUSB0?baudrate=9600&parity=N&bytesize=8&stopbits=1`."""

    path: str
    line: Line

    @property
    def exclusive(self) -> str:
        """What only one link can have."""
        return f"serial port {self.path}"

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """The port, for us alone; a plugged-out adapter breaks the link."""
        line = self.line
        try:
            port = serialx.serial_for_url(
                self.path,
                baudrate=line.baudrate,
                parity=serialx.Parity(line.parity),
                stopbits=serialx.StopBits(line.stopbits),
                byte_size=line.bytesize,
            )
        except (ValueError, serialx.SerialException) as error:
            raise LinkError(f"cannot open {self.exclusive}: {error}") from error
        async with open_port(port, self.exclusive, receiver):
            yield


@dataclass(frozen=True, slots=True)
class Rfc2217Address:
    """`rfc2217://host:port?baudrate=…`: a serial port behind a converter."""

    host: str
    port: int
    line: Line

    @property
    def exclusive(self) -> str:
        """What only one link can have."""
        return f"serial port behind {self.host}:{self.port}"

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """The converter's port, set as the line wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        pipe, line = Pipe(receiver, self.exclusive), self.line
        try:
            async with asyncio.timeout(CONNECT_TIME):
                await serialx.create_serial_connection(
                    asyncio.get_running_loop(),
                    lambda: pipe,
                    f"rfc2217://{host}:{self.port}",
                    baudrate=line.baudrate,
                    parity=serialx.Parity(line.parity),
                    stopbits=serialx.StopBits(line.stopbits),
                    byte_size=line.bytesize,
                )
        except (OSError, ValueError, serialx.SerialException) as error:
            raise LinkError(f"cannot open {self.exclusive}: {reason(error)}") from error
        try:
            yield
        finally:
            await pipe.close()


def parse_serial(url: str) -> SerialAddress:
    """Raises ConfigurationError."""
    parts = split(url)
    if parts.netloc or not parts.path.startswith("/") or len(parts.path) < 2:
        raise ConfigurationError(
            f"{shown(url)!r} names no serial port: write three slashes and its path, serial:///dev/ttyUSB0?baudrate=9600"
        )
    return SerialAddress(unquote(parts.path), _line(url, parts))


def parse_rfc2217(url: str) -> Rfc2217Address:
    """Raises ConfigurationError."""
    parts = split(url)
    host = host_of(url, parts, "rfc2217://192.168.1.20:4001?baudrate=9600")
    return Rfc2217Address(host, port_of(url, parts), _line(url, parts))


def _line(url: str, parts: SplitResult) -> Line:
    settings = settings_in(url, parts, "baudrate", "parity", "bytesize", "stopbits")
    line = Line(
        baudrate=int(number_in(url, settings, "baudrate", 9600)),
        parity=settings.get("parity", "N").upper(),
        bytesize=int(number_in(url, settings, "bytesize", 8)),
        stopbits=number_in(url, settings, "stopbits", 1),
    )
    for wrong, remedy in (
        (not 50 <= line.baudrate <= 4_000_000, "baudrate is bits a second, 50 to 4000000"),
        (line.parity not in {"N", "E", "O", "M", "S"}, "parity is N, E, O, M or S"),
        (line.bytesize not in {5, 6, 7, 8}, "bytesize is 5, 6, 7 or 8"),
        (line.stopbits not in {1.0, 1.5, 2.0}, "stopbits is 1, 1.5 or 2"),
    ):
        if wrong:
            raise ConfigurationError(f"{shown(url)!r}: {remedy}")
    return line
