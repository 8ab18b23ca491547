"""Time stamps of one device's readings: the clock's own, but never one twice."""

from collections import deque

_REMEMBERED = 64
_SET_BACK = 1_000_000
"""Nanoseconds behind the last stamp from which a clock counts as set back rather than as coarse."""


class Stamps:
    """Gives each reading of one device a stamp of its own, in nanoseconds of UTC.

    Readings of one clock tick follow each other by 1 ns. When the clock is set back, by an operator
    or because the device itself says the time, the stamps follow it and avoid the last 64 given.
    """

    __slots__ = ("_highest", "_last", "_recent")

    def __init__(self) -> None:
        self._last = self._highest = -(2**63)
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)

    def next(self, utc: int) -> int:
        """`utc` itself where it is still free, otherwise the next free nanosecond."""
        if utc > self._highest:
            self._highest = stamp = utc
        else:
            stamp = self._after(utc)
        self._last = stamp
        self._recent.append(stamp)
        return stamp

    def _after(self, utc: int) -> int:
        stamp = self._last + 1 if 0 <= self._last - utc < _SET_BACK else utc
        while stamp in self._recent:
            stamp += 1
        self._highest = max(self._highest, stamp)
        return stamp
