"""The world's clock: follows the real one from its start on, or runs faster."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from telemetry import ConfigurationError

FASTEST = 1000
REFRESH = 0.1
"""Real seconds between two looks of an instrument at the world."""

Said = TypeVar("Said")


class WorldClock:
    """Seconds of UTC in the world; it never jumps, whatever happens to the computer's clock.

    start: where the world begins, None for now. speed: world seconds in a real one. real: whether
    the world's time is everybody's. Raises ConfigurationError for a speed that cannot be.
    """

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        if not 0 < speed <= FASTEST:
            raise ConfigurationError(f"speed {speed} is not above 0 and at most {FASTEST}: 1 is real time")
        self.speed = speed
        self.real = start is None and speed == 1.0
        self._start = time.time() if start is None else start
        self._began = time.monotonic()

    def now(self) -> float:
        """The world's time, seconds of UTC since 1970."""
        return self._start + (time.monotonic() - self._began) * self.speed

    async def until(self, at: float) -> None:
        """Returns when the world's time has come to `at`."""
        await asyncio.sleep(max(0.0, (at - self.now()) / self.speed))


def refreshed(look: Callable[[], Said], every: float = REFRESH) -> Callable[[], Said]:
    """`look`, called no more than every so many seconds; in between it is what it was, as registers are."""
    seen: Said | None = None
    until = 0.0

    def again() -> Said:
        nonlocal seen, until
        now = time.monotonic()
        if seen is None or now >= until:
            seen, until = look(), now + every
        return seen

    return again
