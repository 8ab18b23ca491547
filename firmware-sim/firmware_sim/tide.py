"""The tide of Hai Phong: one high water a day, up to some 3.5 m of range around the moon's declination.

Harmonic sum; constituents' speeds are astronomical, amplitudes and phases are rounded for this sea
and good for a simulation only.
"""

import math

MEAN_LEVEL = 1.9
"""Metres above chart datum."""

CONSTITUENTS = (
    ("K1", 15.0410686, 0.72, 91.0),
    ("O1", 13.9430356, 0.70, 35.0),
    ("P1", 14.9589314, 0.24, 91.0),
    ("Q1", 13.3986609, 0.14, 10.0),
    ("M2", 28.9841042, 0.05, 113.0),
    ("S2", 30.0000000, 0.03, 140.0),
)
"""Name, speed in degrees an hour, amplitude in metres, phase in degrees at 2026-01-01T00:00Z."""

EPOCH = 1_767_225_600.0


def level(at: float) -> float:
    """Water above chart datum in metres; `at` is in seconds of UTC since 1970."""
    hours = (at - EPOCH) / 3600
    return MEAN_LEVEL + sum(
        amplitude * math.cos(math.radians(speed * hours - phase))
        for _, speed, amplitude, phase in CONSTITUENTS
    )


def rise(at: float) -> float:
    """How fast the water rises, metres an hour; negative while it falls."""
    return level(at + 1800) - level(at - 1800)
