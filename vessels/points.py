"""What a message says, under the names that the store, the picture and the API share.

position: lat, lon (WGS-84 degrees), sog (knots), cog and heading (degrees), nav_status. identity: name,
call_sign, imo, ship_type, length, beam and the antenna's place (metres). voyage: destination, eta
(`MM-DDThh:mmZ`), draught (metres).
"""

from typing import NamedTuple

from telemetry import Value
from vessels.messages import (
    AidToNavigation,
    BaseStationReport,
    ClassBPosition,
    ExtendedClassBPosition,
    LongRangePosition,
    Message,
    PositionReport,
    SarAircraftPosition,
    StaticAndVoyage,
    StaticPartA,
    StaticPartB,
)

_MOTION: dict[type[Message], tuple[str, ...]] = {
    PositionReport: ("sog", "cog", "heading", "nav_status"),
    BaseStationReport: (),
    SarAircraftPosition: ("sog", "cog"),
    ClassBPosition: ("sog", "cog", "heading"),
    ExtendedClassBPosition: ("sog", "cog", "heading"),
    AidToNavigation: (),
    LongRangePosition: ("sog", "cog", "nav_status"),
}
"""Which messages carry a position, and what else they say of the ship's motion."""
_CLASS: dict[type[Message], str] = {
    PositionReport: "A",
    StaticAndVoyage: "A",
    SarAircraftPosition: "sar",
    ClassBPosition: "B",
    ExtendedClassBPosition: "B",
    StaticPartA: "B",
    StaticPartB: "B",
    AidToNavigation: "aton",
}
_IDENTIFIES = frozenset({StaticAndVoyage, ExtendedClassBPosition, AidToNavigation, StaticPartA, StaticPartB})
_DISTRESS = frozenset({970, 972, 974})
"""Beginnings of the MMSIs of AIS-SART, man overboard and EPIRB devices (ITU-R M.585-8)."""


class Position(NamedTuple):
    """A fix; coarse: to a tenth of a minute only (type 27)."""

    lat: float
    lon: float
    coarse: bool = False


def position_of(message: Message) -> Position | None:
    """The position that a message gives, None for one that gives none."""
    lat, lon = getattr(message, "lat", None), getattr(message, "lon", None)
    if lat is None or lon is None:
        return None
    return Position(lat, lon, isinstance(message, LongRangePosition))


def motion_of(message: Message) -> dict[str, float | None]:
    """Speed, courses and status, as far as this type of message has them; None where not available."""
    return {name: getattr(message, name) for name in _MOTION.get(type(message), ())}


def class_of(message: Message) -> str | None:
    """A, B, aton, base or sar; None where the message does not tell (types 11 and 27)."""
    if message.mmsi // 1_000_000 in _DISTRESS:
        return "sar"
    if isinstance(message, BaseStationReport):
        return "base" if message.type == 4 else None
    return _CLASS.get(type(message))


def identity_of(message: Message) -> dict[str, Value]:
    """What the message says of the ship herself; nothing that is not available."""
    if type(message) not in _IDENTIFIES:
        return {}
    said: dict[str, Value | None] = {}
    if isinstance(message, StaticAndVoyage | ExtendedClassBPosition | AidToNavigation | StaticPartA):
        said["name"] = message.name
    if isinstance(message, StaticAndVoyage | StaticPartB):
        said["call_sign"] = message.call_sign
    if isinstance(message, StaticAndVoyage):
        said["imo"] = message.imo
    if isinstance(message, StaticAndVoyage | ExtendedClassBPosition | StaticPartB):
        said["ship_type"] = message.ship_type
    if not isinstance(message, StaticPartB) or message.mother_ship is None:
        said |= _dimensions(message)
    return {name: value for name, value in said.items() if value is not None}


def voyage_of(message: Message) -> dict[str, Value | None]:
    """Destination, ETA and draught of a type 5, None where not available; empty for other messages."""
    if not isinstance(message, StaticAndVoyage):
        return {}
    return {"destination": message.destination, "eta": message.eta, "draught": message.draught}


def position_fields(message: Message) -> dict[str, Value] | None:
    """The fields of a point of the measurement `vessel`; None for a message without a position.

    Base stations are left out: they do not move.
    """
    position = position_of(message)
    if position is None or isinstance(message, BaseStationReport):
        return None
    fields: dict[str, Value] = {"lat": position.lat, "lon": position.lon}
    return fields | {name: value for name, value in motion_of(message).items() if value is not None}


def static_fields(message: Message) -> dict[str, Value] | None:
    """The fields of a point of the measurement `vessel_static`, identity and voyage together.

    `class` is A, B, aton or sar. None for a message that carries nothing of either.
    """
    voyage = {name: value for name, value in voyage_of(message).items() if value is not None}
    fields = identity_of(message) | voyage
    ship_class = class_of(message)
    if fields and ship_class is not None:
        fields["class"] = ship_class
    return fields or None


def _dimensions(message: Message) -> dict[str, Value | None]:
    """Length and beam, where given, and the antenna's place, where that is given too (3.3, figure 41)."""
    if not isinstance(message, StaticAndVoyage | ExtendedClassBPosition | AidToNavigation | StaticPartB):
        return {}
    bow, stern, port, starboard = message.to_bow, message.to_stern, message.to_port, message.to_starboard
    said: dict[str, Value | None] = {"length": bow + stern or None, "beam": port + starboard or None}
    if bow or port:
        said |= {"to_bow": bow, "to_stern": stern, "to_port": port, "to_starboard": starboard}
    return said
