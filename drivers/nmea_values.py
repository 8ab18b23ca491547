"""What each NMEA 0183 sentence says: formatter → named values with their units, as one table.

Source: IEC 61162-1, clause 8.3, one paragraph per formatter (DBK, DBS and MDA: NMEA 0183, older issues).
Adding a formatter is adding its row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.nmea_fields import KNOT, LENGTHS, SPEEDS, Fields

_CELSIUS = {"C": 1.0}
_METRES = {"M": 1.0}
_METRES_PER_SECOND = {"M": 1.0}
_KNOTS = {"N": KNOT}
_KILOMETRES_PER_HOUR = {"K": 1 / 3.6}
_BAR = {"B": 1000.0}
_INCH_OF_MERCURY = {"I": 33.86389}


@dataclass(frozen=True, slots=True)
class Value:
    """One named value: its UCUM unit, how to read it, and whether it counts round a circle."""

    unit: str
    read: Callable[[Fields], float | None]
    circular: bool = False


def _angle(read: Callable[[Fields], float | None]) -> Value:
    return Value("deg", read, circular=True)


def _depth(fields: Fields) -> float | None:
    return fields.either((2, LENGTHS), (0, LENGTHS), (4, LENGTHS))


def _depth_to(fields: Fields, sign: int) -> float | None:
    """DPT's depth plus its offset, which goes to the water line (positive) or to the keel (negative)."""
    depth, offset = fields.number(0), fields.number(1)
    return depth + offset if depth is not None and offset is not None and offset * sign > 0 else None


def _heading_magnetic(fields: Fields) -> float | None:
    sensor = fields.circle(0)
    return None if sensor is None else (sensor + (fields.east(1) or 0.0)) % 360


def _heading_true(fields: Fields) -> float | None:
    magnetic, variation = _heading_magnetic(fields), fields.east(3)
    return None if magnetic is None or variation is None else (magnetic + variation) % 360


def _wind_angle(fields: Fields, reference: str) -> float | None:
    return fields.circle(0) if fields.text(1) == reference else None


def _wind_speed(fields: Fields, reference: str) -> float | None:
    return fields.in_unit(2, SPEEDS) if fields.text(1) == reference else None


def _rmc_clock_offset(fields: Fields) -> float | None:
    date = fields.text(8)
    return fields.clock_offset(fields.text(0), date[:2], date[2:4], date[4:])


TABLE: Mapping[str, Mapping[str, Value]] = {
    "DBK": {"depth_below_keel": Value("m", _depth)},
    "DBS": {"depth_below_surface": Value("m", _depth)},
    "DBT": {"depth": Value("m", _depth)},
    "DPT": {
        "depth": Value("m", lambda f: f.number(0)),
        "depth_below_surface": Value("m", lambda f: _depth_to(f, 1)),
        "depth_below_keel": Value("m", lambda f: _depth_to(f, -1)),
    },
    "GGA": {
        "latitude": Value("deg", lambda f: f.latitude(1)),
        "longitude": Value("deg", lambda f: f.longitude(3)),
        "satellites": Value("1", lambda f: f.number(6)),
        "hdop": Value("1", lambda f: f.number(7)),
        "altitude": Value("m", lambda f: f.in_unit(8, _METRES)),
    },
    "GLL": {
        "latitude": Value("deg", lambda f: f.latitude(0)),
        "longitude": Value("deg", lambda f: f.longitude(2)),
    },
    "HDG": {
        "heading_magnetic": _angle(_heading_magnetic),
        "heading_true": _angle(_heading_true),
        "deviation": Value("deg", lambda f: f.east(1)),
        "variation": Value("deg", lambda f: f.east(3)),
    },
    "HDM": {"heading_magnetic": _angle(lambda f: f.circle(0))},
    "HDT": {"heading_true": _angle(lambda f: f.circle(0))},
    "MDA": {
        "pressure": Value("hPa", lambda f: f.either((2, _BAR), (0, _INCH_OF_MERCURY))),
        "air_temperature": Value("Cel", lambda f: f.in_unit(4, _CELSIUS)),
        "water_temperature": Value("Cel", lambda f: f.in_unit(6, _CELSIUS)),
        "relative_humidity": Value("%", lambda f: f.number(8)),
        "absolute_humidity": Value("%", lambda f: f.number(9)),
        "dew_point": Value("Cel", lambda f: f.in_unit(10, _CELSIUS)),
        "wind_direction_true": _angle(lambda f: f.circle(12)),
        "wind_direction_magnetic": _angle(lambda f: f.circle(14)),
        "wind_speed": Value("m/s", lambda f: f.either((18, _METRES_PER_SECOND), (16, _KNOTS))),
    },
    "MTW": {"water_temperature": Value("Cel", lambda f: f.in_unit(0, _CELSIUS))},
    "MWD": {
        "wind_direction_true": _angle(lambda f: f.circle(0)),
        "wind_direction_magnetic": _angle(lambda f: f.circle(2)),
        "wind_speed": Value("m/s", lambda f: f.either((6, _METRES_PER_SECOND), (4, _KNOTS))),
    },
    "MWV": {
        "wind_angle_relative": _angle(lambda f: _wind_angle(f, "R")),
        "wind_speed_relative": Value("m/s", lambda f: _wind_speed(f, "R")),
        "wind_angle_theoretical": _angle(lambda f: _wind_angle(f, "T")),
        "wind_speed_theoretical": Value("m/s", lambda f: _wind_speed(f, "T")),
    },
    "RMC": {
        "latitude": Value("deg", lambda f: f.latitude(2)),
        "longitude": Value("deg", lambda f: f.longitude(4)),
        "speed_over_ground": Value("m/s", lambda f: f.number(6, KNOT)),
        "course_over_ground": _angle(lambda f: f.circle(7)),
        "variation": Value("deg", lambda f: f.east(9)),
        "clock_offset": Value("s", _rmc_clock_offset),
    },
    "ROT": {"rate_of_turn": Value("deg/min", lambda f: f.number(0))},
    "THS": {"heading_true": _angle(lambda f: f.circle(0))},
    "VDR": {
        "current_set_true": _angle(lambda f: f.circle(0)),
        "current_set_magnetic": _angle(lambda f: f.circle(2)),
        "current_drift": Value("m/s", lambda f: f.in_unit(4, _KNOTS)),
    },
    "VHW": {
        "heading_true": _angle(lambda f: f.circle(0)),
        "heading_magnetic": _angle(lambda f: f.circle(2)),
        "speed_through_water": Value("m/s", lambda f: f.either((4, _KNOTS), (6, _KILOMETRES_PER_HOUR))),
    },
    "VTG": {
        "course_over_ground": _angle(lambda f: f.circle(0)),
        "course_over_ground_magnetic": _angle(lambda f: f.circle(2)),
        "speed_over_ground": Value("m/s", lambda f: f.either((4, _KNOTS), (6, _KILOMETRES_PER_HOUR))),
    },
    "ZDA": {
        "clock_offset": Value("s", lambda f: f.clock_offset(f.text(0), f.text(1), f.text(2), f.text(3))),
    },
}
"""Formatter → value name → unit and where it stands.

MWV: R is the wind as it meets the instrument; T is the wind as if the ship lay still, still measured
from the bow. Neither is a direction on the compass; MWD has that.
"""

_INVALID: Mapping[str, tuple[tuple[int, str], ...]] = {
    "GGA": ((5, "0"),),
    "GLL": ((5, "V"), (6, "N")),
    "MWV": ((4, "V"),),
    "RMC": ((1, "V"), (11, "N")),
    "ROT": ((1, "V"),),
    "THS": ((1, "V"),),
    "VTG": ((8, "N"),),
}
"""Formatter → field and text by which the instrument says that its values are not to be used."""

TRANSDUCERS: Mapping[tuple[str, str], str] = {
    ("A", "D"): "deg",
    ("C", "C"): "Cel",
    ("C", "K"): "K",
    ("D", "M"): "m",
    ("F", "H"): "Hz",
    ("H", "P"): "%",
    ("I", "A"): "A",
    ("P", "B"): "bar",
    ("P", "H"): "hPa",
    ("P", "P"): "Pa",
    ("U", "V"): "V",
    ("V", "P"): "%",
}
"""XDR: transducer type and unit letter → UCUM. `P`,`H` is not in the standard but Vaisala sends it."""


def declared_invalid(formatter: str, fields: Fields) -> bool:
    """Whether the sentence carries status `V`, mode `N` or quality 0."""
    return any(fields.text(index) == text for index, text in _INVALID.get(formatter, ()))
