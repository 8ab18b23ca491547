"""A simulated MQTT weather sensor of the container yard: JSON on a topic of the platform's broker."""

import json
from collections.abc import Sequence
from typing import Any

from drivers.contract import Outgoing
from firmware_sim.clock import WorldClock
from firmware_sim.weather import rain_today
from firmware_sim.world import World
from telemetry import Instant, format_utc

TOPIC = "yard/weather-1/state"
EVERY = 5.0
"""Seconds between two messages."""


def payload(world: World, at: float, *, timed: bool) -> dict[str, Any]:
    """What the sensor says, in the form of the profile mqtt-json-weather; with its own time if `timed`."""
    air = world.weather(at)
    gust = max(world.weather(at - second).wind_speed for second in range(0, 60, 5))
    said = {
        "temperature": round(air.temperature + 0.6, 1),
        "humidity": round(air.humidity),
        "pressure": round(air.pressure, 1),
        "wind": {
            "speed": round(air.wind_speed * 0.8, 1),
            "gust": round(gust * 0.8, 1),
            "direction": round(air.wind_direction) % 360,
        },
        "rain": {"rate": round(air.rain, 1), "today": round(rain_today(world.seed, at), 1)},
        "battery": 3.92,
        "raining": air.rain > 0.05,
    }
    return {"time": format_utc(int(at * 1000) * 1_000_000)} | said if timed else said


class YardSensor:
    """Speaks every so many seconds of the world, for ever."""

    def __init__(self, world: World, clock: WorldClock, every: float = EVERY) -> None:
        self.wake_at: float | None = 0.0
        self._world, self._clock, self._every = world, clock, every

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """A sensor has no ears."""
        return ()

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Its next message."""
        self.wake_at = now.monotonic + self._every / self._clock.speed
        said = payload(self._world, self._clock.now(), timed=self._clock.real)
        return (Outgoing(json.dumps(said, separators=(",", ":")).encode(), TOPIC),)
