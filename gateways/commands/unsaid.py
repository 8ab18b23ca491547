"""Replies that wait to be said: in order, each command's once, and not more than so many."""

import asyncio

import structlog

from telemetry import Reply

log = structlog.get_logger()


class Unsaid:
    """A bounded queue by command; beyond the bound the oldest reply is given up and logged."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._replies: dict[str, Reply] = {}
        self._news = asyncio.Event()

    def put(self, reply: Reply) -> None:
        """Waits from now on, in the place of an earlier one for the same command."""
        self._replies[reply.command] = reply
        if len(self._replies) > self._most:
            oldest = next(iter(self._replies))
            del self._replies[oldest]
            log.error("reply.given_up", id=oldest, reason=f"{self._most} replies wait for the broker")
        self._news.set()

    async def next(self) -> Reply:
        """The oldest that waits, once there is one, and forgets it."""
        while not self._replies:
            self._news.clear()
            await self._news.wait()
        return self._replies.pop(next(iter(self._replies)))
