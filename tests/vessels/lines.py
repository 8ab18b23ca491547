"""Own AIS lines for tests: messages as sentences, in every variation a wire shows."""

from vessels.codec import encode
from vessels.messages import (
    AidToNavigation,
    ClassBPosition,
    Message,
    PositionReport,
    StaticAndVoyage,
    StaticPartA,
    StaticPartB,
)
from vessels.sentences import checksum

SHIP = 574001230
SECOND = 1_000_000_000
NOW = 1_790_000_000 * SECOND


def fix(mmsi: int = SHIP, lat: float | None = 20.8, lon: float | None = 106.9, sog: float = 9.5) -> Message:
    """A class A ship's position."""
    return PositionReport(1, 0, mmsi, 0, None, sog, True, lon, lat, 311.4, 312, 17)


def class_b(mmsi: int = SHIP) -> Message:
    """A class B ship's position."""
    return ClassBPosition(18, 0, mmsi, 5.1, lon=106.7, lat=20.86, cog=88.0)


def voyage(mmsi: int = SHIP, name: str | None = "HAI PHONG STAR", destination: str = "VNHPH") -> Message:
    """A class A ship's identity and voyage, two sentences long."""
    return StaticAndVoyage(
        *(5, 0, mmsi, 0, 9134270, "XVAB", name, 70, 100, 52, 9, 13, 1, 5, 6, 7, 8, 7.5, destination)
    )


def part_a(mmsi: int = SHIP) -> Message:
    """The name of a class B ship."""
    return StaticPartA(24, 0, mmsi, 0, "CA MAP")


def part_b(mmsi: int = SHIP) -> Message:
    """The rest of a class B ship's identity."""
    return StaticPartB(24, 0, mmsi, 1, 30, "ABC", 1, 77, "XV12", 8, 10, 2, 3)


def mark(name: str = "HAI PHONG FAIRWAY BUOY HP0") -> Message:
    """A buoy whose name needs its extension."""
    return AidToNavigation(21, 0, 995741234, 29, name, True, 107.0235, 20.6526, epfd=1, second=17)


def line(message: Message) -> str:
    """The only sentence of a message."""
    (only,) = encode(message)
    return only


def signed(body: str) -> str:
    """A sentence of these characters with its right checksum."""
    return f"!{body}*{checksum(body.encode()):02X}"


def tagged(block: str, sentence: str) -> str:
    """A sentence behind a tag block with its right checksum."""
    return f"\\{block}*{checksum(block.encode()):02X}\\{sentence}"
