"""A simulated serial line: a pty whose far end anyone may open by a path, paced like a real UART."""

import asyncio
import os
import termios
import tty
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path

SLICE = 0.05
"""Seconds of line time sent at once."""
BITS_PER_BYTE = 10
"""Start, eight data bits, stop."""

Rest = Callable[[float], Awaitable[None]]


class SerialLine:
    """The device's end of the line. `path` names the other end.

    rest: how to wait so many seconds, `asyncio.sleep` unless a test counts them.
    """

    def __init__(self, path: Path, near: int, far: int, baudrate: int, rest: Rest) -> None:
        self.path = path
        self.baudrate = baudrate
        self._near, self._far, self._rest = near, far, rest

    @property
    def url(self) -> str:
        """The link by which a gateway reads this line."""
        return f"serial://{self.path}?baudrate={self.baudrate}"

    async def send(self, payload: bytes) -> None:
        """Puts bytes on the line no faster than its baud rate. What nobody reads is lost, as on a wire."""
        per_second = self.baudrate / BITS_PER_BYTE
        size = max(1, int(per_second * SLICE))
        for start in range(0, len(payload), size):
            piece = payload[start : start + size]
            self.put(piece)
            await self._rest(len(piece) / per_second)

    def put(self, payload: bytes) -> None:
        """Puts bytes on the line at once; when nobody has read for long, the oldest are forgotten."""
        try:
            written = os.write(self._near, payload)
        except BlockingIOError:
            written = 0
        if written < len(payload):
            termios.tcflush(self._far, termios.TCIFLUSH)

    @contextmanager
    def heard_by(self, receive: Callable[[bytes], None]) -> Generator[None]:
        """While the block runs, calls `receive` with what comes from the other end."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._near, lambda: receive(os.read(self._near, 4096)))
        try:
            yield
        finally:
            loop.remove_reader(self._near)


@contextmanager
def serial_line(path: Path, baudrate: int, rest: Rest = asyncio.sleep) -> Generator[SerialLine]:
    """A line as long as the block runs, its far end at `path`.

    The far end stays open on this side too, so that readers may come and go.
    """
    near, far = os.openpty()
    try:
        tty.setraw(far)
        os.set_blocking(near, False)
        path.symlink_to(os.ttyname(far))
        line = SerialLine(path, near, far, baudrate, rest)
        try:
            yield line
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(near)
        os.close(far)
