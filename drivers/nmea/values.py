"""What each NMEA 0183 sentence says: formatter → named values with their units, as one table.

Source: IEC 61162-1, clause 8.3, one paragraph per formatter (DBK, DBS and MDA: NMEA 0183, older issues).
Adding a formatter is adding its row.
"""

from collections.abc import Callable, Mapping

from drivers.nmea.fields import KNOT, LENGTHS, SPEEDS, Fields, Value, angle, numbered
from drivers.nmea.gnss_values import GNSS
from drivers.nmea.notice_values import MAKERS, NOTICES

_CELSIUS = {"C": 1.0}
_METRES = {"M": 1.0}
_METRES_PER_SECOND = {"M": 1.0}
_KNOTS = {"N": KNOT}
_KILOMETRES_PER_HOUR = {"K": 1 / 3.6}
_BAR = {"B": 1000.0}
_INCH_OF_MERCURY = {"I": 33.86389}


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


def _windangle(fields: Fields, reference: str) -> float | None:
    return fields.circle(0) if fields.text(1) == reference else None


def _wind_speed(fields: Fields, reference: str) -> float | None:
    return fields.in_unit(2, SPEEDS) if fields.text(1) == reference else None


def _side(fields: Fields) -> float | None:
    """VWR's and VWT's angle of up to 180 degrees to the left or right of the bow, once round."""
    degrees, side = fields.circle(0), fields.text(1)
    if degrees is None or side not in {"L", "R"}:
        return None
    return degrees if side == "R" else (360 - degrees) % 360


def _sided_speed(fields: Fields) -> float | None:
    return fields.either((4, _METRES_PER_SECOND), (2, _KNOTS), (6, _KILOMETRES_PER_HOUR))


def _valid(index: int, status: int, factor: float) -> Callable[[Fields], float | None]:
    """A number that has a status of its own."""
    return lambda fields: fields.number(index, factor) if fields.text(status) == "A" else None


def _speed(index: int, status: int) -> Value:
    return Value("m/s", _valid(index, status, KNOT))


def _distance(index: int) -> Value:
    return Value("[nmi_i]", lambda f: f.in_unit(index, {"N": 1.0}))


_INSTRUMENTS: Mapping[str, Mapping[str, Value]] = {
    "DBK": {"depth_below_keel": Value("m", _depth)},
    "DBS": {"depth_below_surface": Value("m", _depth)},
    "DBT": {"depth": Value("m", _depth)},
    "DPT": {
        "depth": Value("m", lambda f: f.number(0)),
        "depth_below_surface": Value("m", lambda f: _depth_to(f, 1)),
        "depth_below_keel": Value("m", lambda f: _depth_to(f, -1)),
    },
    "HDG": {
        "heading_magnetic": angle(_heading_magnetic),
        "heading_true": angle(_heading_true),
        "deviation": Value("deg", lambda f: f.east(1)),
        "variation": Value("deg", lambda f: f.east(3)),
    },
    "HDM": {"heading_magnetic": angle(lambda f: f.circle(0))},
    "HDT": {"heading_true": angle(lambda f: f.circle(0))},
    "MDA": {
        "pressure": Value("hPa", lambda f: f.either((2, _BAR), (0, _INCH_OF_MERCURY))),
        "air_temperature": Value("Cel", lambda f: f.in_unit(4, _CELSIUS)),
        "water_temperature": Value("Cel", lambda f: f.in_unit(6, _CELSIUS)),
        "relative_humidity": Value("%", lambda f: f.number(8)),
        "absolute_humidity": Value("%", lambda f: f.number(9)),
        "dew_point": Value("Cel", lambda f: f.in_unit(10, _CELSIUS)),
        "wind_direction_true": angle(lambda f: f.circle(12)),
        "wind_direction_magnetic": angle(lambda f: f.circle(14)),
        "wind_speed": Value("m/s", lambda f: f.either((18, _METRES_PER_SECOND), (16, _KNOTS))),
    },
    "MHU": {
        "relative_humidity": numbered(0, "%"),
        "absolute_humidity": numbered(1, "%"),
        "dew_point": Value("Cel", lambda f: f.in_unit(2, _CELSIUS)),
    },
    "MMB": {"pressure": Value("hPa", lambda f: f.either((2, _BAR), (0, _INCH_OF_MERCURY)))},
    "MTA": {"air_temperature": Value("Cel", lambda f: f.in_unit(0, _CELSIUS))},
    "MTW": {"water_temperature": Value("Cel", lambda f: f.in_unit(0, _CELSIUS))},
    "MWD": {
        "wind_direction_true": angle(lambda f: f.circle(0)),
        "wind_direction_magnetic": angle(lambda f: f.circle(2)),
        "wind_speed": Value("m/s", lambda f: f.either((6, _METRES_PER_SECOND), (4, _KNOTS))),
    },
    "MWV": {
        "wind_angle_relative": angle(lambda f: _windangle(f, "R")),
        "wind_speed_relative": Value("m/s", lambda f: _wind_speed(f, "R")),
        "wind_angle_theoretical": angle(lambda f: _windangle(f, "T")),
        "wind_speed_theoretical": Value("m/s", lambda f: _wind_speed(f, "T")),
    },
    "RSA": {
        "rudder_starboard": Value("deg", _valid(0, 1, 1.0)),
        "rudder_port": Value("deg", _valid(2, 3, 1.0)),
    },
    "ROT": {"rate_of_turn": Value("deg/min", lambda f: f.number(0))},
    "THS": {"heading_true": angle(lambda f: f.circle(0))},
    "VBW": {
        "speed_through_water": _speed(0, 2),
        "speed_through_water_across": _speed(1, 2),
        "speed_over_ground": _speed(3, 5),
        "speed_over_ground_across": _speed(4, 5),
        "stern_speed_through_water_across": _speed(6, 7),
        "stern_speed_over_ground_across": _speed(8, 9),
    },
    "VDR": {
        "current_set_true": angle(lambda f: f.circle(0)),
        "current_set_magnetic": angle(lambda f: f.circle(2)),
        "current_drift": Value("m/s", lambda f: f.in_unit(4, _KNOTS)),
    },
    "VHW": {
        "heading_true": angle(lambda f: f.circle(0)),
        "heading_magnetic": angle(lambda f: f.circle(2)),
        "speed_through_water": Value("m/s", lambda f: f.either((4, _KNOTS), (6, _KILOMETRES_PER_HOUR))),
    },
    "VLW": {
        "distance_through_water": _distance(0),
        "distance_through_water_since_reset": _distance(2),
        "distance_over_ground": _distance(4),
        "distance_over_ground_since_reset": _distance(6),
    },
    "VPW": {"speed_to_windward": Value("m/s", lambda f: f.either((2, _METRES_PER_SECOND), (0, _KNOTS)))},
    "VTG": {
        "course_over_ground": angle(lambda f: f.circle(0)),
        "course_over_ground_magnetic": angle(lambda f: f.circle(2)),
        "speed_over_ground": Value("m/s", lambda f: f.either((4, _KNOTS), (6, _KILOMETRES_PER_HOUR))),
    },
    "VWR": {
        "wind_angle_relative": angle(_side),
        "wind_speed_relative": Value("m/s", _sided_speed),
    },
    "VWT": {
        "wind_angle_theoretical": angle(_side),
        "wind_speed_theoretical": Value("m/s", _sided_speed),
    },
}

TABLE: Mapping[str, Mapping[str, Value]] = dict(sorted({**_INSTRUMENTS, **GNSS, **NOTICES, **MAKERS}.items()))
"""Formatter → value name → unit and where it stands; a proprietary sentence by its whole address field.

MWV: R is the wind as it meets the instrument; T is the wind as if the ship lay still, still measured
from the bow. Neither is a direction on the compass; MWD has that.
"""

_INVALID: Mapping[str, tuple[tuple[int, str], ...]] = {
    "GGA": ((5, "0"),),
    "GLL": ((5, "V"), (6, "N")),
    "GNS": tuple((5, "N" * systems) for systems in range(1, 9)),
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
    ("C", "F"): "[degF]",
    ("C", "K"): "K",
    ("D", "M"): "m",
    ("F", "H"): "Hz",
    ("H", "P"): "%",
    ("I", "A"): "A",
    ("L", "S"): "[ppth]",
    ("N", "N"): "N",
    ("P", "B"): "bar",
    ("P", "H"): "hPa",
    ("P", "P"): "Pa",
    ("R", "L"): "l/s",
    ("S", "K"): "km/h",
    ("S", "M"): "m/s",
    ("S", "N"): "[kn_i]",
    ("S", "S"): "[mi_i]/h",
    ("T", "R"): "/min",
    ("U", "V"): "V",
    ("V", "M"): "m3",
    ("V", "P"): "%",
}
"""XDR: transducer type and unit letter → UCUM. Pressure in hPa and speeds are not in the standard, but
weather stations send them; generic ones (G) and switches (S) say no unit."""


def declared_invalid(formatter: str, fields: Fields) -> bool:
    """Whether the sentence carries status `V`, mode `N` or quality 0."""
    return any(fields.text(index) == text for index, text in _INVALID.get(formatter, ()))
