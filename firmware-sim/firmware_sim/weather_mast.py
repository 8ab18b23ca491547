"""A simulated weather mast: NMEA 0183 sentences on a serial line at 4800 baud.

Source: IEC 61162-1 for MWV, MWD, XDR, MTW, HDT and ZDA.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from drivers.contract import Outgoing
from drivers.nmea.sentences import encode
from firmware_sim.clock import WorldClock
from firmware_sim.passage import KNOT
from firmware_sim.world import World
from telemetry import Instant

BAUDRATE = 4800
TALKER = "WI"
ZERO = 35.0
"""True degrees to which the instrument's zero mark points."""
VARIATION = -1.6
"""Degrees to add to a magnetic direction here; rounded."""


def wind(world: World, at: float) -> bytes:
    """MWV as the instrument feels it, MWD as on the compass."""
    air = world.weather(at)
    angle, speed = round((air.wind_direction - ZERO) % 360, 1) % 360, round(air.wind_speed, 1)
    true, magnetic = (round(d % 360, 1) % 360 for d in (air.wind_direction, air.wind_direction - VARIATION))
    knots = round(speed / KNOT, 1)
    return encode(TALKER, "MWV", [angle, "R", speed, "M", "A"]) + encode(
        TALKER, "MWD", [true, "T", magnetic, "M", knots, "N", speed, "M"]
    )


def air(world: World, at: float) -> bytes:
    """XDR with temperature, pressure and relative humidity."""
    now = world.weather(at)
    temperature = ["C", f"{now.temperature:.1f}", "C", "AIRTEMP"]
    pressure = ["P", f"{now.pressure / 1000:.4f}", "B", "BARO"]
    return encode(TALKER, "XDR", [*temperature, *pressure, "H", f"{now.humidity:.1f}", "P", "RELHUM"])


def water(world: World, at: float) -> bytes:
    """MTW."""
    return encode(TALKER, "MTW", [f"{world.weather(at).water_temperature:.1f}", "C"])


def bearings(_world: World, at: float) -> bytes:
    """HDT, where the mast looks, and ZDA, what its clock says."""
    now = datetime.fromtimestamp(at, UTC)
    clock = [now.strftime("%H%M%S.") + f"{now.microsecond // 10_000:02}", *now.strftime("%d %m %Y").split()]
    return encode("HE", "HDT", [ZERO, "T"]) + encode(TALKER, "ZDA", [*clock, "00", "00"])


SAID: tuple[tuple[int, Callable[[World, float], bytes]], ...] = (
    (1, wind),
    (2, air),
    (5, water),
    (10, bearings),
)
"""What the mast says, each every so many seconds."""


def said_in(world: World, second: int, at: float) -> Iterator[bytes]:
    """What is due in the given second of the mast's life."""
    return (say(world, at) for every, say in SAID if second % every == 0)


class WeatherMast:
    """Speaks once a second for ever; of a faster world it tells a second of ours at a time."""

    def __init__(self, world: World, clock: WorldClock) -> None:
        self.wake_at: float | None = 0.0
        self._world, self._clock = world, clock
        self._second, self._due = 0, clock.now()

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """A mast has no ears."""
        return ()

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """What is due in this second."""
        at = self._clock.now()
        said = [Outgoing(sentences) for sentences in said_in(self._world, self._second, at)]
        self._second += 1
        self._due = max(self._due + self._clock.speed, at - self._clock.speed)
        self.wake_at = now.monotonic + max(0.0, (self._due - at) / self._clock.speed)
        return said
