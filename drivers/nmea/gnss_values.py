"""What satellite receivers say in NMEA 0183: positions, their quality, satellites, errors and the clock.

Source: IEC 61162-1, clause 8.3, one paragraph per formatter; gpsd's NMEA Revealed for the modes of receivers.
"""

from collections.abc import Mapping

from drivers.nmea.fields import KNOT, Fields, Value, angle, numbered, said, word

_QUALITIES = {
    "1": "gps",
    "2": "differential",
    "3": "precise",
    "4": "rtk",
    "5": "rtk_float",
    "6": "estimated",
    "7": "manual",
    "8": "simulator",
}
_MODES = {
    "R": "rtk",
    "F": "rtk_float",
    "P": "precise",
    "D": "differential",
    "A": "gps",
    "E": "estimated",
    "M": "manual",
    "S": "simulator",
}
"""Mode letter → the same words as GGA's quality, the best first."""
_FIXES = {"1": "none", "2": "2d", "3": "3d"}
_METRES = {"M": 1.0}


def _mode_at(index: int) -> Value:
    """The best of the modes in this field; GNS has one letter there for each satellite system."""

    def best(fields: Fields) -> str | None:
        return next((mode for letter, mode in _MODES.items() if letter in fields.text(index)), None)

    return said(best)


def _satellites_used(fields: Fields) -> float:
    return float(sum(bool(fields.text(index)) for index in range(2, 14)))


def _satellites_in_view(fields: Fields) -> float | None:
    """GSV comes in several sentences; the first of them speaks for all."""
    return fields.number(2) if fields.text(1) in {"1", "01"} else None


def _rmc_clock_offset(fields: Fields) -> float | None:
    date = fields.text(8)
    return fields.clock_offset(fields.text(0), date[:2], date[2:4], date[4:])


def _zda_clock_offset(fields: Fields) -> float | None:
    return fields.clock_offset(fields.text(0), fields.text(1), fields.text(2), fields.text(3))


GNSS: Mapping[str, Mapping[str, Value]] = {
    "GBS": {
        "latitude_error": numbered(1, "m"),
        "longitude_error": numbered(2, "m"),
        "altitude_error": numbered(3, "m"),
    },
    "GGA": {
        "latitude": Value("deg", lambda f: f.latitude(1)),
        "longitude": Value("deg", lambda f: f.longitude(3)),
        "fix_quality": word(5, _QUALITIES),
        "satellites": numbered(6),
        "hdop": numbered(7),
        "altitude": Value("m", lambda f: f.in_unit(8, _METRES)),
        "geoid_separation": Value("m", lambda f: f.in_unit(10, _METRES)),
        "correction_age": numbered(12, "s"),
    },
    "GLL": {
        "latitude": Value("deg", lambda f: f.latitude(0)),
        "longitude": Value("deg", lambda f: f.longitude(2)),
        "fix_quality": _mode_at(6),
    },
    "GNS": {
        "latitude": Value("deg", lambda f: f.latitude(1)),
        "longitude": Value("deg", lambda f: f.longitude(3)),
        "fix_quality": _mode_at(5),
        "satellites": numbered(6),
        "hdop": numbered(7),
        "altitude": numbered(8, "m"),
        "geoid_separation": numbered(9, "m"),
        "correction_age": numbered(10, "s"),
    },
    "GSA": {
        "fix": word(1, _FIXES),
        "satellites_used": Value("1", _satellites_used),
        "pdop": numbered(14),
        "hdop": numbered(15),
        "vdop": numbered(16),
    },
    "GST": {
        "range_error": numbered(1, "m"),
        "major_error": numbered(2, "m"),
        "minor_error": numbered(3, "m"),
        "latitude_error": numbered(5, "m"),
        "longitude_error": numbered(6, "m"),
        "altitude_error": numbered(7, "m"),
    },
    "GSV": {"satellites_in_view": Value("1", _satellites_in_view)},
    "RMC": {
        "latitude": Value("deg", lambda f: f.latitude(2)),
        "longitude": Value("deg", lambda f: f.longitude(4)),
        "speed_over_ground": numbered(6, "m/s", KNOT),
        "course_over_ground": angle(lambda f: f.circle(7)),
        "variation": Value("deg", lambda f: f.east(9)),
        "clock_offset": Value("s", _rmc_clock_offset),
        "fix_quality": _mode_at(11),
    },
    "ZDA": {"clock_offset": Value("s", _zda_clock_offset)},
}
"""Formatter → value name → unit and where it stands. GSV is of one system: read it with a talker."""
