"""The air over the quay: gusty wind, and temperature, pressure, humidity and rain through the day."""

import math
from dataclasses import dataclass

from firmware_sim.noise import smooth

LOCAL_TIME = 7 * 3600
"""Seconds that Asia/Ho_Chi_Minh is ahead of UTC."""
HOUR, DAY = 3600.0, 86400.0
RAIN_STEP = 600.0
"""Seconds of one tip of the rain gauge."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Wind in m/s and degrees it comes from, true; air °C, hPa, % of humidity; rain mm/h; water °C."""

    wind_speed: float
    wind_direction: float
    temperature: float
    pressure: float
    humidity: float
    rain: float
    water_temperature: float


def weather(seed: int, at: float) -> Weather:
    """The weather at an instant, seconds of UTC since 1970."""
    clock = 2 * math.pi * ((at + LOCAL_TIME) % DAY) / DAY
    rain = max(0.0, smooth(seed, "shower", at, 2 * HOUR) - 0.55) * 40
    temperature = 25.5 - 3.2 * math.cos(clock - 0.6) + 2.5 * smooth(seed, "air", at, 9 * HOUR) - rain * 0.1
    humidity = 88 - 3.2 * (temperature - 24) + 6 * smooth(seed, "damp", at, 5 * HOUR) + rain
    tides = 1.1 * math.cos(2 * clock - 2.6)
    return Weather(
        wind_speed=_wind_speed(seed, at, clock),
        wind_direction=_wind_direction(seed, at),
        temperature=temperature,
        pressure=1012.5 + tides + 5 * smooth(seed, "pressure", at, 2 * DAY),
        humidity=min(max(humidity, 35.0), 100.0),
        rain=rain,
        water_temperature=26.0 + 1.5 * smooth(seed, "water", at, 5 * DAY) - 0.3 * math.cos(clock - 1.2),
    )


def rain_today(seed: int, at: float) -> float:
    """Millimetres since local midnight."""
    midnight = (at + LOCAL_TIME) // DAY * DAY - LOCAL_TIME
    steps = int((at - midnight) // RAIN_STEP)
    return sum(weather(seed, midnight + step * RAIN_STEP).rain for step in range(steps)) * RAIN_STEP / HOUR


def _wind_speed(seed: int, at: float, clock: float) -> float:
    mean = 4.5 + 2.5 * smooth(seed, "wind", at, 4 * HOUR) - 1.2 * math.cos(clock - 0.8)
    gust = 0.22 * smooth(seed, "gust", at, 23.0) + 0.12 * smooth(seed, "puff", at, 5.0)
    return max(0.2, mean) * (1 + gust)


def _wind_direction(seed: int, at: float) -> float:
    mean = 110 + 60 * smooth(seed, "veer", at, 8 * HOUR)
    return (mean + 12 * smooth(seed, "shift", at, 40.0) + 5 * smooth(seed, "flutter", at, 7.0)) % 360
