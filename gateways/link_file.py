"""A link that replays a recording line by line, then stays quiet."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from gateways.background import background
from gateways.inbox import LARGEST_READ, Inbox, Link
from telemetry import LinkError

SENSIBLE_RATE = 10_000.0  # lines a second; a small machine's outbox keeps up with it
_STEPS = 20  # a second


@dataclass(frozen=True, slots=True)
class FileAddress:
    """`file:///log.nmea?rate=N`: N lines a second."""

    path: Path
    rate: float = SENSIBLE_RATE
    exclusive = ""


@asynccontextmanager
async def open_file(address: FileAddress) -> AsyncGenerator[Link]:
    """The file from its beginning."""
    try:
        file = await asyncio.to_thread(address.path.open, "rb")
    except (OSError, ValueError) as error:  # ValueError: no path has a NUL in it
        raise LinkError(f"cannot replay {address.path}: {error}") from error
    room = asyncio.Event()
    inbox = Inbox(room.set)
    with file:
        async with background(_replay(file, address.rate, inbox, room)):
            yield Link(inbox, _ignore)


def _ignore(_: bytes) -> None:
    """A recording answers nothing."""


async def _replay(file: BinaryIO, rate: float, inbox: Inbox, room: asyncio.Event) -> None:
    begun, sent = time.monotonic(), 0
    try:
        while lines := await asyncio.to_thread(_some_lines, file, rate):
            for line in lines:
                inbox.put(line)
                while inbox.must_wait():
                    room.clear()
                    await room.wait()
            sent += len(lines)
            await asyncio.sleep(begun + sent / rate - time.monotonic())
    except OSError as error:
        inbox.fail(LinkError(f"the recording cannot be read on: {error}"))


def _some_lines(file: BinaryIO, rate: float) -> list[bytes]:
    return list(islice(iter(lambda: file.readline(LARGEST_READ), b""), max(1, int(rate / _STEPS))))
