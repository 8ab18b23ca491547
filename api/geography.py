"""Boxes on the earth and GeoJSON (RFC 7946), both minding the antimeridian."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

LonLat = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees. west > east means that the box crosses the antimeridian (RFC 7946 §5.2)."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `west,south,east,north`. Raises ValueError that says what is wrong."""
        parts = text.split(",")
        if len(parts) != 4 or len(text) > 100:
            raise ValueError("write west,south,east,north in degrees, such as 106.6,20.7,107.0,20.95")
        try:
            west, south, east, north = map(float, parts)
        except ValueError as error:
            raise ValueError("west, south, east and north must be numbers of degrees") from error
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError("longitudes are -180 to 180, latitudes -90 to 90, and south is not above north")
        return cls(west, south, east, north)

    def contains(self, lat: float, lon: float) -> bool:
        """Whether a position lies inside or on the edge."""
        if not self.south <= lat <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= lon <= self.east
        return lon >= self.west or lon <= self.east


def point(lat: float | None, lon: float | None) -> dict[str, Any] | None:
    """The geometry of a position, None where there is none."""
    if lat is None or lon is None:
        return None
    return {"type": "Point", "coordinates": (lon, lat)}


def line(path: Sequence[LonLat]) -> dict[str, Any] | None:
    """The geometry of a path: cut where it crosses the antimeridian (RFC 7946 §3.1.9), a point where
    it has one position only, None where it has none."""
    if len(path) < 2:
        return point(path[0][1], path[0][0]) if path else None
    parts = _cut(path)
    if len(parts) == 1:
        return {"type": "LineString", "coordinates": parts[0]}
    return {"type": "MultiLineString", "coordinates": parts}


def _cut(path: Sequence[LonLat]) -> list[list[LonLat]]:
    parts = [[path[0]]]
    for (lon, lat), (next_lon, next_lat) in pairwise(path):
        if abs(next_lon - lon) > 180:
            side = 180.0 if lon > 0 else -180.0
            unwrapped = next_lon + 2 * side
            share = (side - lon) / (unwrapped - lon) if unwrapped != lon else 0.0
            crossing = lat + share * (next_lat - lat)
            parts[-1].append((side, crossing))
            parts.append([(-side, crossing)])
        parts[-1].append((next_lon, next_lat))
    return parts
