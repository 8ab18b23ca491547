"""Which device models a Modbus unit could be, judged by what its registers say. No I/O.

Registers carry no names, so a model is believed when the values it reads there are ones that such a
device measures: 230 V, 50 Hz, 28 °C. Zeros say little, for half of all registers are zero.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from telemetry import Metric, Profile, Value

_ZERO_COUNTS = 0.25
_LIKELY = 0.75
_LEAST = 0.25
"""Of all values read, zeros too: a model that explains one register of twenty explains nothing."""
_RANGES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "V": ((-1500.0, -0.5), (0.5, 1_000_000.0)),
    "A": ((-6300.0, -0.001), (0.001, 6300.0)),
    "Hz": ((15.0, 18.0), (45.0, 66.0), (380.0, 420.0)),
    "Cel": ((-60.0, 200.0),),
    "K": ((150.0, 500.0),),
    "%": ((-100.0, 150.0),),
    "deg": ((-180.0, 360.0),),
    "m/s": ((0.01, 100.0),),
    "hPa": ((500.0, 1100.0),),
    "Pa": ((50_000.0, 110_000.0),),
    "m": ((-100.0, 1000.0),),
    "mm": ((-10_000.0, 100_000.0),),
    "W": ((-1e9, -0.1), (0.1, 1e9)),
    "kW": ((-1e6, -0.001), (0.001, 1e6)),
    "W.h": ((0.1, 1e12),),
    "kW.h": ((0.001, 1e9),),
    "h": ((0.0, 1e6),),
    "min": ((0.0, 1e6),),
    "W/m2": ((0.1, 2000.0),),
    "lx": ((0.1, 200_000.0),),
}
"""UCUM code → what a device in a port measures; for other units any sane number will do."""
_PRIOR = 2.0
"""Values that make no sense, added to every count: 8 of 9 that do are worth more than 3 of 3."""
_SANE = (1e-6, 1e12)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a model explains a unit.

    plausible, zero, doubtful: values read that it could have measured, that are 0, that it could not.
    refused: values whose registers the unit does not have.
    """

    profile: str
    plausible: int
    zero: int
    doubtful: int
    refused: int

    @property
    def score(self) -> float:
        """From 0 to 1: how much speaks for it, of all that could."""
        total = self.plausible + self.zero + self.doubtful + self.refused
        return (self.plausible + _ZERO_COUNTS * self.zero) / (total + _PRIOR)

    @property
    def likely(self) -> bool:
        """Whether it is worth proposing: most of what is not zero fits, and something does."""
        told = self.plausible + self.doubtful + self.refused
        return self.plausible >= max(_LIKELY * told, _LEAST * (told + self.zero)) and self.plausible > 0


def judge(profile: Profile, values: Mapping[str, Value], refused: int = 0) -> Fit:
    """Counts the values of one poll of a unit as this model.

    refused: metrics the unit has no register for.
    """
    verdicts = [_verdict(metric, values[metric.name]) for metric in profile.metrics if metric.name in values]
    zero, doubtful = verdicts.count(None), verdicts.count(False)
    return Fit(profile.id, len(verdicts) - zero - doubtful, zero, doubtful, refused)


def best(fits: list[Fit]) -> list[Fit]:
    """Those worth proposing, best first."""
    return sorted(
        (fit for fit in fits if fit.likely), key=lambda fit: (-fit.score, -fit.plausible, fit.profile)
    )


def _verdict(metric: Metric, value: Value) -> bool | None:
    """True for a value that could have been measured, None for one that says nothing."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        # An enumeration's driver gives an unknown number as that number in text.
        return not value.lstrip("-").isdecimal() and value.isprintable() and any(map(str.isalnum, value))
    if value == 0:
        return None
    ranges = _RANGES.get(metric.unit)
    if ranges is None:
        return math.isfinite(value) and _SANE[0] <= abs(value) <= _SANE[1]
    return any(low <= value <= high for low, high in ranges)
