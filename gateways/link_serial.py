"""Links over serial lines: a port of this machine, or one behind a converter that speaks RFC 2217."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import serialx

from gateways.inbox import Inbox, Link
from gateways.link_sockets import CONNECT_TIME, Pipe, reason
from telemetry import LinkError


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

    @property
    def url(self) -> str:
        """As the serial library wants it."""
        return self.path


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

    @property
    def url(self) -> str:
        """As the serial library wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rfc2217://{host}:{self.port}"


@asynccontextmanager
async def open_serial(address: SerialAddress | Rfc2217Address) -> AsyncGenerator[Link]:
    """The port, for us alone; a plugged-out adapter breaks the link."""
    inbox = Inbox()
    pipe = Pipe(inbox, address.exclusive)
    line = address.line
    try:
        async with asyncio.timeout(CONNECT_TIME):
            await serialx.create_serial_connection(
                asyncio.get_running_loop(),
                lambda: pipe,
                address.url,
                baudrate=line.baudrate,
                parity=serialx.Parity(line.parity),
                stopbits=serialx.StopBits(line.stopbits),
                byte_size=line.bytesize,
            )
    except (OSError, ValueError, serialx.SerialException) as error:
        raise LinkError(f"cannot open {address.exclusive}: {reason(error)}") from error
    inbox.room = pipe.resume
    try:
        yield Link(inbox, pipe.send)
    finally:
        await pipe.close()
