"""A link that replays a recording line by line, then stays quiet."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from gateways.background import background
from gateways.links.contract import LARGEST_READ, Home, Receiver
from gateways.links.gate import Gate
from gateways.links.urls import number_in, settings_in, shown, split
from telemetry import ConfigurationError, LinkError

SENSIBLE_RATE = 10_000.0  # lines a second; a small machine's outbox keeps up with it
_STEPS = 20  # a second


@dataclass(frozen=True, slots=True)
class FileAddress:
    """`file:///log.nmea?rate=N`: N lines a second."""

    path: Path
    rate: float = SENSIBLE_RATE
    exclusive = ""

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """The file from its beginning."""
        try:
            file = await asyncio.to_thread(self.path.open, "rb")
        except (OSError, ValueError) as error:  # ValueError: no path has a NUL in it
            raise LinkError(f"cannot replay {self.path}: {error}") from error
        link = _Recording()
        with file:
            receiver.opened(link)
            async with background(_replay(file, self.rate, link, receiver)):
                yield


def parse_file(url: str) -> FileAddress:
    """Raises ConfigurationError."""
    parts = split(url)
    if parts.netloc or not parts.path.startswith("/") or len(parts.path) < 2:
        raise ConfigurationError(
            f"{shown(url)!r} names no file: write three slashes and its path, file:///var/log/quay.nmea?rate=50"
        )
    rate = number_in(url, settings_in(url, parts, "rate"), "rate", SENSIBLE_RATE)
    if not 0 < rate <= 1_000_000:
        raise ConfigurationError(f"{shown(url)!r}: rate is lines a second, above 0 and at most 1000000")
    return FileAddress(Path(unquote(parts.path)), rate)


class _Recording(Gate):
    def write(self, payload: bytes, to: str = "") -> None:
        """A recording answers nothing."""


async def _replay(file: BinaryIO, rate: float, gate: Gate, receiver: Receiver) -> None:
    begun, sent = time.monotonic(), 0
    try:
        while lines := await asyncio.to_thread(_some_lines, file, rate):
            for line in lines:
                await gate.passed()
                receiver.receive(line)
            sent += len(lines)
            await asyncio.sleep(begun + sent / rate - time.monotonic())
    except OSError as error:
        receiver.broke(LinkError(f"the recording cannot be read on: {error}"))


def _some_lines(file: BinaryIO, rate: float) -> list[bytes]:
    return list(islice(iter(lambda: file.readline(LARGEST_READ), b""), max(1, int(rate / _STEPS))))
