"""Spreads what thousands would do at once."""

import asyncio
import time

OPENINGS_A_SECOND = 1_000.0
"""Links one gateway opens or reopens in a second."""


class Pace:
    """Turns at an even rate: whoever waits a turn out holds up nobody, however long its own work takes."""

    def __init__(self, rate: float = OPENINGS_A_SECOND) -> None:
        self._interval = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when the caller may begin."""
        now = time.monotonic()
        mine = max(self._next, now)
        self._next = mine + self._interval
        if mine > now:
            await asyncio.sleep(mine - now)
