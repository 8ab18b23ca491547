"""A link to converse with directly: what came waits in an inbox until it is read."""

import asyncio
import time
from collections import deque

from gateways.links.contract import LARGEST_READ, Link
from telemetry import LinkError

_COST_OF_A_CHUNK = 64  # bytes each chunk counts beyond its content, so that tiny ones are bounded too


class Conversation:
    """An open link with one reader, for asking something once.

    waiting: bytes that came and were not read. While it is full the wire is held back; what comes over a
    wire that cannot be held back (UDP) is dropped and counted.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.dropped = 0
        self._chunks: deque[tuple[bytes, str]] = deque()
        self._link: Link | None = None
        self._failure: LinkError | None = None
        self._held_back = False
        self._waiter: asyncio.Future[None] | None = None

    def write(self, payload: bytes, to: str = "") -> None:
        """Sends without waiting, to an origin or topic where the link carries whole messages.

        Raises LinkError when the other side does not take it.
        """
        if self._failure is not None:
            raise LinkError(str(self._failure)) from self._failure
        if self._link is not None:
            self._link.write(payload, to)

    async def read(self, until: float | None = None) -> tuple[bytes, str] | None:
        """The next chunk and where it came from; None when the monotonic second `until` came first.

        Raises LinkError once the wire broke and everything before was read.
        """
        if not self._chunks and self._failure is None:
            await self._wait(until)
        if self._chunks:
            return self._take()
        if self._failure is not None:
            raise LinkError(str(self._failure)) from self._failure
        return None

    def opened(self, link: Link) -> None:
        """The pipe stands."""
        self._link = link

    def receive(self, chunk: bytes, origin: str = "") -> None:
        """Bytes came in."""
        if self.waiting >= 2 * LARGEST_READ:
            self.dropped += 1
            return
        self._chunks.append((chunk, origin))
        self.waiting += len(chunk) + _COST_OF_A_CHUNK
        if self.waiting >= LARGEST_READ and self._link is not None and not self._held_back:
            self._held_back = True
            self._link.pause()
        self._stir()

    def broke(self, error: LinkError) -> None:
        """The wire broke: the reader gets what came before, then this error."""
        self._failure = self._failure or error
        self._stir()

    def _take(self) -> tuple[bytes, str]:
        chunk = self._chunks.popleft()
        self.waiting -= len(chunk[0]) + _COST_OF_A_CHUNK
        if self._held_back and self.waiting < LARGEST_READ // 2 and self._link is not None:
            self._held_back = False
            self._link.resume()
        return chunk

    async def _wait(self, until: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = None
        if until is not None:
            timer = loop.call_later(max(0.0, until - time.monotonic()), self._stir)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _stir(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
