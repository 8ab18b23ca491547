"""The quay's power feed: three phases that carry lighting, reefers and cranes.

Energy is the exact integral of power, so a meter's counter and its watts agree at any instant.
"""

import math
from dataclasses import dataclass

INSTALLED = 1_735_689_600.0
"""The meter's counters began at 2025-01-01T00:00Z."""
SWINGS = (("day", 86400.0, 9_000.0), ("reefers", 1_260.0, 4_000.0), ("cranes", 95.0, 14_000.0))
"""Name, period in seconds, amplitude in watts of each swing of one phase's load."""
BASE = 31_000.0
"""Watts of one phase on average."""
EXPORTED = 0.0015
"""The share of the energy that lowering cranes give back."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: volts, amperes, watts, power factor, kWh taken since installation."""

    voltage: float
    current: float
    power: float
    power_factor: float
    energy: float


@dataclass(frozen=True, slots=True)
class Feed:
    """The whole feed: its phases, hertz, and kWh taken and given back since installation."""

    phases: tuple[Phase, Phase, Phase]
    frequency: float
    imported: float
    exported: float

    @property
    def power(self) -> float:
        """Watts of all phases."""
        return sum(phase.power for phase in self.phases)


def feed(seed: int, at: float) -> Feed:
    """The feed at an instant, seconds of UTC since 1970."""
    one, two, three = (_phase(seed, number, at) for number in range(3))
    taken = one.energy + two.energy + three.energy
    frequency = 50 + 0.02 * math.sin(at / 37 + seed) + 0.008 * math.sin(at / 5.3)
    return Feed((one, two, three), frequency, taken, taken * EXPORTED)


def _phase(seed: int, number: int, at: float) -> Phase:
    power, joules = BASE, BASE * (at - INSTALLED)
    for index, (_, period, amplitude) in enumerate(SWINGS):
        rate, shift = 2 * math.pi / period, seed + number * 0.35 + index
        power += amplitude * math.sin(rate * at + shift)
        joules += amplitude / rate * (math.cos(rate * INSTALLED + shift) - math.cos(rate * at + shift))
    factor = 0.91 + 0.03 * math.sin(at / 300 + number)
    voltage = 231.5 + 1.8 * math.sin(at / 613 + 2 * number) - power / 60_000
    return Phase(voltage, power / voltage / factor, power, factor, joules / 3.6e6)
