"""Motion along a way: where a ship is, how fast and on which course, at any second of a passage.

Speed changes steadily along each leg, corners are rounded, and a ship keeps to the right of the
middle. All of it is closed arithmetic, so any instant can be asked for in any order.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from firmware_sim.haiphong import Waypoint

KNOT = 1852 / 3600
"""Metres per second."""
LATITUDE, LONGITUDE = 20.75, 106.9
NORTH_PER_DEGREE, EAST_PER_DEGREE = 110_709.0, 104_140.0
"""Metres per degree at the middle of the port (WGS-84)."""
ROUNDING = 150.0
"""Metres before and after a corner over which a ship turns."""
CREEP = 0.3
"""Knots, the least speed while a passage lasts."""


@dataclass(frozen=True, slots=True)
class Pose:
    """A ship's place and motion: degrees, knots, true course and heading in degrees from 0 to 360."""

    lat: float
    lon: float
    sog: float
    cog: float
    heading: float


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight piece between two points, in metres east and north and metres per second."""

    east: float
    north: float
    along_east: float
    along_north: float
    length: float
    entry: float
    leave: float

    @property
    def duration(self) -> float:
        """Seconds, at steadily changing speed."""
        return 2 * self.length / (self.entry + self.leave)

    def sailed(self, seconds: float) -> float:
        """Metres made good after so many seconds of this leg."""
        gain = (self.leave - self.entry) / self.duration
        return seconds * (self.entry + gain * seconds / 2)


class Passage:
    """A way sailed once from its first to its last point.

    keep_right: metres off the middle, tapering to none at both ends.
    factor: on the points' speeds.
    """

    def __init__(self, points: Sequence[Waypoint], keep_right: float = 0.0, factor: float = 1.0) -> None:
        self.legs = [_leg(a, b, factor) for a, b in pairwise(points)]
        self._keep_right = keep_right
        self._starts = list(accumulate((leg.duration for leg in self.legs), initial=0.0))
        self._metres = list(accumulate((leg.length for leg in self.legs), initial=0.0))
        self._sums = list(accumulate(self.legs, _add_leg, initial=(0.0, 0.0)))
        self.duration = self._starts.pop()
        self.length = self._metres.pop()

    def pose(self, seconds: float) -> Pose:
        """The ship so many seconds after the start; speed and course are those of its very positions."""
        inside = min(max(seconds, 0.0), self.duration)
        east, north = self._place(inside)
        before, after = self._place(inside - 0.5), self._place(inside + 0.5)
        made_east, made_north = after[0] - before[0], after[1] - before[1]
        course = math.degrees(math.atan2(made_east, made_north)) % 360
        return Pose(*degrees(east, north), math.hypot(made_east, made_north) / KNOT, course, course)

    def remaining(self, seconds: float) -> float:
        """Metres still to sail after so many seconds."""
        return self.length - self._sailed(seconds)

    def _sailed(self, seconds: float) -> float:
        """Metres made good along the middle; beyond the ends the last speed is kept."""
        inside = min(max(seconds, 0.0), self.duration)
        index = min(bisect_right(self._starts, inside), len(self.legs)) - 1
        leg = self.legs[index]
        beyond = (seconds - inside) * (leg.entry if seconds < 0 else leg.leave)
        return self._metres[index] + leg.sailed(inside - self._starts[index]) + beyond

    def _place(self, seconds: float) -> tuple[float, float]:
        """Metres east and north: the way averaged over ROUNDING before and after, right of the middle."""
        along = self._sailed(seconds)
        reach = max(min(ROUNDING, along, self.length - along), 1.0)
        behind, ahead = self._along(along - reach), self._along(along + reach)
        chord_east, chord_north = (a - b for a, b in zip(ahead.point, behind.point, strict=True))
        east, north = ((a - b) / (2 * reach) for a, b in zip(ahead.sum, behind.sum, strict=True))
        scale = self._keep_right * _taper(along, self.length) / math.hypot(chord_east, chord_north)
        return east + chord_north * scale, north - chord_east * scale

    def _along(self, along: float) -> "_Along":
        """The point so many metres along, straight on beyond the ends, and the sum of all before it."""
        index = bisect_right(self._metres, min(max(along, 0.0), self.length)) - 1
        leg, over = self.legs[index], along - self._metres[index]
        east, north = leg.east + leg.along_east * over, leg.north + leg.along_north * over
        sum_east, sum_north = self._sums[index]
        half = over / 2
        return _Along(
            (east, north), (sum_east + (leg.east + east) * half, sum_north + (leg.north + north) * half)
        )


@dataclass(frozen=True, slots=True)
class _Along:
    """A point of a way, and the integral of the way's points up to it."""

    point: tuple[float, float]
    sum: tuple[float, float]


def metres(lat: float, lon: float) -> tuple[float, float]:
    """Metres east and north of the middle of the port."""
    return (lon - LONGITUDE) * EAST_PER_DEGREE, (lat - LATITUDE) * NORTH_PER_DEGREE


def degrees(east: float, north: float) -> tuple[float, float]:
    """Latitude and longitude of a point given in metres east and north of the middle of the port."""
    return LATITUDE + north / NORTH_PER_DEGREE, LONGITUDE + east / EAST_PER_DEGREE


def turn_towards(course: float, wanted: float, share: float) -> float:
    """The heading a share (0–1) of the shorter way from one direction to another, in degrees."""
    return (course + ((wanted - course + 180) % 360 - 180) * share) % 360


def _leg(a: Waypoint, b: Waypoint, factor: float) -> Leg:
    (east, north), (to_east, to_north) = metres(a.lat, a.lon), metres(b.lat, b.lon)
    length = math.hypot(to_east - east, to_north - north)
    entry, leave = (max(point.speed * factor, CREEP) * KNOT for point in (a, b))
    return Leg(east, north, (to_east - east) / length, (to_north - north) / length, length, entry, leave)


def _add_leg(before: tuple[float, float], leg: Leg) -> tuple[float, float]:
    middle_east = leg.east + leg.along_east * leg.length / 2
    middle_north = leg.north + leg.along_north * leg.length / 2
    return before[0] + middle_east * leg.length, before[1] + middle_north * leg.length


def _taper(along: float, length: float) -> float:
    return max(0.0, min(1.0, along / 600, (length - along) / 600))
