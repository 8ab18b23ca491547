"""The water of Hai Phong: mid-channel points from the sea to the berths, berths, anchorages, marks.

Approximate, WGS-84. Good for a simulation, not for navigation. Points are named after the mark they
lie near, so that the way can be followed on a chart.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A mid-channel point; `speed` is what ships make there, in knots."""

    name: str
    lat: float
    lon: float
    speed: float


@dataclass(frozen=True, slots=True)
class Place:
    """A named position in degrees, WGS-84."""

    name: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Berth:
    """Where a ship lies along a quay; `heading` is the quay's direction, `leaves` its channel point."""

    name: str
    lat: float
    lon: float
    heading: float
    leaves: str


@dataclass(frozen=True, slots=True)
class Aid:
    """A floating mark; `kind` is its type in ITU-R M.1371, table 74."""

    name: str
    lat: float
    lon: float
    kind: int


CHANNEL = (
    Waypoint("SEA", 20.5800, 107.1000, 12.0),
    Waypoint("HP0", 20.6526, 107.0235, 11.0),
    Waypoint("HP3", 20.6825, 107.0003, 10.5),
    Waypoint("HP9", 20.7173, 106.9731, 10.5),
    Waypoint("HP14", 20.7402, 106.9550, 10.0),
    Waypoint("HP17", 20.7641, 106.9368, 9.5),
    Waypoint("HP22", 20.7845, 106.9205, 9.0),
    Waypoint("HP28", 20.8090, 106.9048, 8.5),
    Waypoint("HP31", 20.8190, 106.8913, 8.0),
    Waypoint("HP41", 20.8150, 106.8520, 7.5),
    Waypoint("HP43", 20.8143, 106.8425, 7.0),
    Waypoint("HP49", 20.8300, 106.8222, 7.0),
    Waypoint("HP51", 20.8312, 106.8100, 7.0),
    Waypoint("HP57", 20.8344, 106.7854, 6.5),
    Waypoint("HP59", 20.8400, 106.7755, 6.0),
    Waypoint("HP64", 20.8515, 106.7513, 6.0),
    Waypoint("HP65", 20.8614, 106.7292, 5.5),
    Waypoint("HP69", 20.8728, 106.7163, 5.0),
    Waypoint("SC3", 20.8772, 106.7078, 5.0),
    Waypoint("SC7", 20.8755, 106.6985, 4.5),
)
"""From the open sea to the city, in order."""

BERTHS = (
    Berth("LACH HUYEN 1", 20.7956, 106.9111, 320.0, "HP22"),
    Berth("LACH HUYEN 2", 20.7932, 106.9137, 320.0, "HP22"),
    Berth("NAM DINH VU 1", 20.8260, 106.8220, 305.0, "HP43"),
    Berth("NAM DINH VU 2", 20.8242, 106.8247, 305.0, "HP43"),
    Berth("DINH VU", 20.8365, 106.7783, 302.0, "HP57"),
    Berth("TAN VU", 20.8390, 106.7740, 302.0, "HP57"),
    Berth("HOANG DIEU 1", 20.8690, 106.6900, 290.0, "SC7"),
    Berth("HOANG DIEU 2", 20.8683, 106.6925, 290.0, "SC7"),
)

ANCHORAGES = (
    Place("CAT HAI", 20.7900, 106.9250),
    Place("HON DAU", 20.6000, 106.9700),
    Place("LONG CHAU WEST", 20.7000, 107.1600),
    Place("LONG CHAU", 20.6300, 107.2400),
)

PILOT_STATION = Place("HON DAU PILOTS", 20.6670, 106.8200)
PILOT_BOARDING = Place("PILOT BOARDING", 20.6595, 107.0010)
TUG_BASE = Place("DINH VU TUGS", 20.8378, 106.7765)
TUG_STATION = Place("BACH DANG", 20.8290, 106.8230)
BEN_BINH = Place("BEN BINH", 20.8745, 106.6900)
CAT_BA_BAY = (
    Place("CAT BA ROADS", 20.6990, 107.0330),
    Place("CAT BA BAY", 20.7060, 107.0470),
    Place("CAT BA PIER", 20.7200, 107.0490),
)
FISHING_GROUNDS = (
    Place("DO SON EAST", 20.6900, 106.9000),
    Place("NAM TRIEU", 20.7500, 106.8800),
    Place("LONG CHAU BANK", 20.6450, 107.1200),
    Place("HP0 SOUTH", 20.6150, 107.0000),
)

AIDS = (
    Aid("HP0", 20.6526, 107.0235, 30),
    Aid("HP5", 20.6945, 106.9918, 25),
    Aid("HP14", 20.7398, 106.9541, 24),
    Aid("HP22", 20.7811, 106.9219, 24),
    Aid("HP51", 20.8319, 106.8099, 25),
)
"""Marks whose transponders the simulated receiver hears."""
FIRST_AID = 995_740_001
"""MMSI of the first of them; the others follow."""


def waypoint(name: str) -> int:
    """The position in CHANNEL of the point with this name."""
    return next(index for index, point in enumerate(CHANNEL) if point.name == name)


def way_to(berth: Berth) -> tuple[Waypoint, ...]:
    """The points from the open sea to a berth; the last one is the berth, where speed is 0."""
    along = CHANNEL[: waypoint(berth.leaves) + 1]
    return (*along, Waypoint(berth.name, berth.lat, berth.lon, 0.0))
