"""Holds back a wire that a task of its own reads, message by message."""

import asyncio


class Gate:
    """What `pause` and `resume` mean where a task feeds the receiver: it waits here before each message."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pause(self) -> None:
        """Holds the wire back."""
        self._open.clear()

    def resume(self) -> None:
        """Lets it go on."""
        self._open.set()

    async def passed(self) -> None:
        """Returns when the next message may be received; others have their turn before."""
        await asyncio.sleep(0)
        await self._open.wait()
