"""`haidang scan serial`: listens on every port at every usual speed until something makes sense."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import serialx

from gateways.links import open_link, parse_link
from haidang.discovery.hearing import Guess, describe, guess
from telemetry import LinkError

BAUDRATES = (9600, 4800, 38400, 19200, 115200, 57600, 2400)
"""Modbus and most sensors, NMEA, AIS, newer Modbus, the rest; likeliest first."""
MOST_HEARD = 8_192  # bytes of one port at one speed


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port of this machine. name: what its adapter calls itself."""

    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Listened:
    """One port at one speed. guess: what it is, None where nothing was recognised; heard: in words."""

    port: Port
    baudrate: int
    guess: Guess | None
    heard: str

    @property
    def link(self) -> str:
        """The link for haidang.toml."""
        return f"serial://{self.port.path}?baudrate={self.baudrate}"


async def ports() -> list[Port]:
    """The serial ports of this machine, adapters before ports that are soldered in."""
    found = await asyncio.to_thread(serialx.list_serial_ports)
    named = [Port(one.device, one.product or one.manufacturer or "") for one in found]
    return sorted(named, key=lambda port: (not port.name, port.path))


async def listen(port: Port, baudrates: Sequence[int], seconds: float) -> AsyncIterator[Listened]:
    """Each speed for so long; ends at the first that is certain, or where the port cannot be opened."""
    for baudrate in baudrates:
        try:
            heard = await _hear(f"serial://{port.path}?baudrate={baudrate}", seconds)
        except LinkError as error:
            yield Listened(port, baudrate, None, str(error))
            return
        found = guess(heard)
        yield Listened(port, baudrate, found, found.evidence if found else describe(heard))
        if found is not None and found.certain:
            return


async def _hear(link: str, seconds: float) -> bytes:
    """What comes within so many seconds, at most MOST_HEARD bytes; ends early on a certain guess."""
    heard = b""
    until = time.monotonic() + seconds
    async with open_link(parse_link(link)) as pipe:
        while len(heard) < MOST_HEARD:
            chunk = await pipe.read(until)
            if chunk is None:
                break
            heard += chunk[0]
            found = guess(heard)
            if found is not None and found.certain:
                break
    return heard
