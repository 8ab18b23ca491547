"""What every link is made of: an inbox between the wire and its one reader, and a way to send."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from telemetry import LinkError

LARGEST_READ = 65_536  # bytes
PIECE = 4_096
"""Bytes of a stream handed to its reader at once: worth some milliseconds of work at worst."""
_COST_OF_A_CHUNK = 64  # bytes each chunk counts beyond its content, so that tiny ones are bounded too


class Inbox:
    """Chunks that have arrived and are not read yet, bounded as long as its wire waits when it must.

    room: called when there is room again after the inbox was full.
    """

    __slots__ = ("_chunks", "_failure", "_held_back", "_waiter", "dropped", "room", "size")

    def __init__(self, room: Callable[[], None] | None = None) -> None:
        self.room = room
        self.size = 0
        self.dropped = 0
        self._chunks: deque[tuple[bytes, str]] = deque()
        self._failure: LinkError | None = None
        self._held_back = False
        self._waiter: asyncio.Future[None] | None = None

    def must_wait(self) -> bool:
        """Whether the wire is to hold back; if so, `room` is called when it may go on."""
        self._held_back = self._held_back or self.size >= LARGEST_READ
        return self._held_back

    def put(self, chunk: bytes, origin: str = "", piece: int = LARGEST_READ) -> None:
        """Bytes came in, to be read in pieces of so many; none at all are nothing."""
        for start in range(0, len(chunk), piece):
            part = chunk[start : start + piece]
            self._chunks.append((part, origin))
            self.size += len(part) + _COST_OF_A_CHUNK
        if chunk:
            self._stir()

    def offer(self, chunk: bytes, origin: str) -> None:
        """As put, for a wire that cannot hold back: what finds no room is dropped and counted."""
        if self.size >= LARGEST_READ:
            self.dropped += 1
        else:
            self.put(chunk, origin)

    def fail(self, error: LinkError) -> None:
        """The wire broke: the reader gets what came before, then this error."""
        self._failure = self._failure or error
        self._stir()

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

    def _take(self) -> tuple[bytes, str]:
        chunk = self._chunks.popleft()
        self.size -= len(chunk[0]) + _COST_OF_A_CHUNK
        if self._held_back and self.size < LARGEST_READ // 2:
            self._held_back = False
            if self.room is not None:
                self.room()
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


class Link:
    """An open byte pipe with one reader."""

    __slots__ = ("_send", "inbox", "read")

    def __init__(self, inbox: Inbox, send: Callable[[bytes], None]) -> None:
        self.inbox = inbox
        self.read = inbox.read
        self._send = send

    def write(self, chunk: bytes) -> None:
        """Sends without waiting. Raises LinkError when the other side does not take it."""
        self._send(chunk)
