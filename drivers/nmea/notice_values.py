"""Alarms and notices in NMEA 0183, and the sentences of single makers that their manuals publish.

Source: IEC 61162-1, clause 8.3 (ALF, ALR, TXT); Valeport, TideMaster operating manual, section 9.4.5
(PVTM0 to PVTM2); Gill, MaxiMet manual 1957-PS-021, section 6.6 (PGILT).
"""

from collections.abc import Mapping

from drivers.nmea.fields import FieldError, Fields, Value, angle, numbered, said, text, word

_PRIORITIES = {"E": "emergency", "A": "alarm", "W": "warning", "C": "caution"}
_STATES = {
    "V": "active",
    "S": "silenced",
    "A": "acknowledged",
    "O": "transferred",
    "U": "rectified",
    "N": "normal",
}
_HEIGHTS = {"1": 1.0, "2": 0.3048}
_SPEEDS = {"0": 1852 / 3600, "1": 1.0, "2": 1609.344 / 3600}


def _flag(index: int, letter: str) -> Value:
    return said(lambda fields: fields.text(index) == letter if fields.text(index) else None)


def _other_than(index: int, letter: str) -> Value:
    return said(lambda fields: fields.text(index) != letter if fields.text(index) else None)


def _in(index: int, unit: int, factors: Mapping[str, float], fields: Fields) -> float | None:
    """A number in the unit whose number stands in another field."""
    if not fields.text(index):
        return None
    if fields.text(unit) not in factors:
        raise FieldError(f"unit {fields.text(unit)[:8]!r} is not one of {', '.join(factors)}")
    return fields.number(index, factors[fields.text(unit)])


def _tide(index: int) -> Value:
    """A height; there is none while the gauge sends pressure (unit 0)."""
    return Value("m", lambda f: None if f.text(5) == "0" else _in(index, 5, _HEIGHTS, f))


def _wind(index: int) -> Value:
    return Value("m/s", lambda f: _in(index, 6, _SPEEDS, f))


def _celsius(index: int, unit: int) -> Value:
    def read(fields: Fields) -> float | None:
        degrees = fields.number(index)
        fahrenheit = fields.text(unit) == "1"
        return (degrees - 32) / 1.8 if degrees is not None and fahrenheit else degrees

    return Value("Cel", read)


def _clock_offset(fields: Fields) -> float | None:
    date = fields.text(1)
    return fields.clock_offset(fields.text(2), date[:2], date[2:4], date[4:])


_CLOCK = Value("s", _clock_offset)

NOTICES: Mapping[str, Mapping[str, Value]] = {
    "ALF": {
        "alert_active": _other_than(6, "N"),
        "alert_priority": word(5, _PRIORITIES),
        "alert_state": word(6, _STATES),
        "alert_number": text(8),
        "alert_text": text(12),
    },
    "ALR": {
        "alarm": _flag(2, "A"),
        "alarm_acknowledged": _flag(3, "A"),
        "alarm_number": text(1),
        "alarm_text": text(4),
    },
    "TXT": {"notice": text(3), "notice_number": text(2)},
}
MAKERS: Mapping[str, Mapping[str, Value]] = {
    "PGILT": {
        "tilt_east": numbered(1, "deg"),
        "tilt_north": numbered(3, "deg"),
        "upright": said(lambda f: f.number(5) == 1.0 if f.text(5) else None),
    },
    "PVTM0": {
        "water_level": _tide(3),
        "water_level_deviation": _tide(4),
        "pressure": Value("bar", lambda f: f.number(3, 0.1) if f.text(5) == "0" else None),
        "battery_voltage": numbered(6, "V"),
        "status": text(7),
        "clock_offset": _CLOCK,
    },
    "PVTM1": {
        "wind_speed": _wind(3),
        "wind_gust": _wind(5),
        "wind_direction": angle(lambda f: f.circle(7)),
        "air_pressure": numbered(9, "hPa"),
        "air_temperature": _celsius(11, 12),
        "dew_point": _celsius(13, 12),
        "relative_humidity": numbered(14, "%"),
        "clock_offset": _CLOCK,
    },
    "PVTM2": {"water_temperature": _celsius(3, 4), "clock_offset": _CLOCK},
}
"""Address field of a proprietary sentence → value name → unit and where it stands."""
