"""A simulated MQTT weather sensor of the container yard: JSON on a topic of the platform's broker."""

import json
from typing import Any

from broker.session import BrokerAddress, Session, stay_connected
from firmware_sim.clock import WorldClock
from firmware_sim.weather import rain_today
from firmware_sim.world import World
from telemetry import format_utc

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


async def publish(world: World, clock: WorldClock, broker: BrokerAddress, every: float = EVERY) -> None:
    """Publishes every so many seconds of the world, for ever, and through the broker's restarts."""

    async def converse(session: Session) -> None:
        while True:
            now = clock.now()
            said = payload(world, now, timed=clock.real)
            await session.publish(TOPIC, json.dumps(said, separators=(",", ":")).encode())
            await clock.until(now + every)

    await stay_connected(broker, "firmware-sim-yard-sensor", converse)
