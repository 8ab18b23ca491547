"""A simulated NMEA 0183 instrument that says its profile's values in the sentences for them. No I/O here.

Source: IEC 61162-1, clause 8.3 (DPT, GGA, GSA, GST, HDG, HDT, MTW, MWD, RMC, ROT, XDR, ZDA).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from drivers.contract import Outgoing
from drivers.nmea.fields import KNOT
from drivers.nmea.sentences import encode
from telemetry import Instant, Profile, Value

Look = Callable[[], Mapping[str, Value | None]]
EVERY = 1.0
_QUALITIES = (
    "none",
    "gps",
    "differential",
    "precise",
    "rtk",
    "rtk_float",
    "estimated",
    "manual",
    "simulator",
)
_FIXES = {"none": "1", "2d": "2", "3d": "3"}
_TRANSDUCERS: Mapping[str, tuple[str, str, str, float]] = {
    "air_temperature": ("C", "C", "AIRTEMP", 1.0),
    "air_pressure": ("P", "B", "BARO", 0.001),
    "humidity": ("H", "P", "RELHUM", 1.0),
    "water_level": ("D", "M", "TIDE", 1.0),
    "distance": ("D", "M", "RANGE", 1.0),
    "pressure": ("P", "B", "PRESSURE", 1.0),
    "battery_voltage": ("U", "V", "BATT", 1.0),
    "roll": ("A", "D", "ROLL", 1.0),
    "pitch": ("A", "D", "PITCH", 1.0),
}
"""Metric → transducer type, unit letter, name, and the factor from the metric's unit."""


class NmeaInstrument:
    """Says everything its profile's metrics need, every so many seconds, the first at once."""

    def __init__(self, profile: Profile, look: Look, every: float = EVERY) -> None:
        self._names = frozenset(metric.name for metric in profile.metrics)
        self._look, self._every = look, every
        self.wake_at: float | None = 0.0

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """It does not listen."""
        return ()

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """The sentences that are due, each a frame of its own."""
        if self.wake_at is None or now.monotonic < self.wake_at:
            return ()
        self.wake_at = max(self.wake_at + self._every, now.monotonic)
        values = {name: value for name, value in self._look().items() if name in self._names}
        return [Outgoing(sentence) for sentence in sentences(values, now)]


def sentences(values: Mapping[str, Value | None], now: Instant) -> Iterator[bytes]:
    """What says these values, by the names that the shipped profiles give them; others are left out.

    clock_offset: seconds by which the instrument's clock is ahead.
    """
    if "latitude" in values and "longitude" in values:
        yield from _position(values, now)
    if "clock_offset" in values:
        clock = _clock(values, now)
        yield encode("GP", "ZDA", [_time(clock), f"{clock:%d}", f"{clock:%m}", f"{clock:%Y}", "00", "00"])
    for talker, formatter, fields in _instruments(values):
        yield encode(talker, formatter, fields)
    groups = [
        field
        for name, (kind, letter, transducer, factor) in _TRANSDUCERS.items()
        if (value := _number(values, name)) is not None
        for field in (kind, round(value * factor, 6), letter, transducer)
    ]
    for start in range(0, len(groups), 12):
        yield encode("WI", "XDR", groups[start : start + 12])


def degrees_and_minutes(degrees: float, digits: int) -> str:
    """A latitude (digits 2) or longitude (digits 3) without its sign: `2050.3400`."""
    whole, minutes = divmod(round(abs(degrees) * 600_000), 600_000)
    return f"{whole:0{digits}d}{minutes / 10_000:07.4f}"


def _position(values: Mapping[str, Value | None], now: Instant) -> Iterator[bytes]:
    latitude, longitude = _number(values, "latitude") or 0.0, _number(values, "longitude") or 0.0
    where = [degrees_and_minutes(latitude, 2), "S" if latitude < 0 else "N"]
    where += [degrees_and_minutes(longitude, 3), "W" if longitude < 0 else "E"]
    clock = _clock(values, now)
    quality = values.get("fix_quality", "gps")
    number = _QUALITIES.index(quality) if isinstance(quality, str) and quality in _QUALITIES else 1
    satellites, hdop, age = (values.get(name) for name in ("satellites", "hdop", "correction_age"))
    altitude = values.get("altitude")
    yield encode(
        "GP", "GGA", [_time(clock), *where, number, satellites, hdop, altitude, "M", None, "M", age, None]
    )
    knots, course = values.get("speed_over_ground"), values.get("course_over_ground")
    yield encode("GP", "RMC", [_time(clock), "A", *where, knots, course, f"{clock:%d%m%y}", None, None, "A"])
    if fix := _FIXES.get(str(values.get("fix"))):
        yield encode("GP", "GSA", ["A", fix, *[None] * 12, None, hdop, None])
    errors = [values.get(f"{name}_error") for name in ("latitude", "longitude", "altitude")]
    if any(error is not None for error in errors):
        yield encode("GP", "GST", [_time(clock), None, None, None, None, *errors])


def _instruments(values: Mapping[str, Value | None]) -> Iterator[tuple[str, str, list[Value | None]]]:
    if (depth := values.get("depth")) is not None:
        below, keel = _number(values, "depth_below_surface"), _number(values, "depth_below_keel")
        other = below if below is not None else keel
        offset = None if other is None else round(other - float(depth), 3)
        yield "SD", "DPT", [depth, offset, None]
    if (warmth := values.get("water_temperature")) is not None:
        yield "YX", "MTW", [warmth, "C"]
    if (heading := values.get("heading_true")) is not None:
        yield "HE", "HDT", [heading, "T"]
    if (heading := values.get("heading_magnetic")) is not None:
        variation = _number(values, "magnetic_variation")
        side = None if variation is None else "W" if variation < 0 else "E"
        yield "HC", "HDG", [heading, None, None, None if variation is None else abs(variation), side]
    if (turn := values.get("rate_of_turn")) is not None:
        yield "TI", "ROT", [turn, "A"]
    if (direction := values.get("wind_direction")) is not None:
        speed = _number(values, "wind_speed")
        knots = None if speed is None else round(speed / KNOT, 4)
        yield "WI", "MWD", [direction, "T", None, "M", knots, "N", speed, "M"]


def _clock(values: Mapping[str, Value | None], now: Instant) -> datetime:
    return datetime.fromtimestamp(now.utc / 1e9 + (_number(values, "clock_offset") or 0.0), UTC)


def _time(clock: datetime) -> str:
    return f"{clock:%H%M%S}.{clock.microsecond // 10_000:02}"


def _number(values: Mapping[str, Value | None], name: str) -> float | None:
    value = values.get(name)
    return None if value is None or isinstance(value, str) else float(value)
