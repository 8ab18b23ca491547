"""How a simulated value goes with time: constant, ramp, sine, noise, steps, a recording. Pure functions.

In a scenario a value is a number, a text, true, false or null, or one of these words with its own:

    power: {sine: {mean: 4000, amplitude: 900, period: 10min, noise: 50}}
"""

import csv
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from firmware_sim.noise import smooth
from telemetry import ConfigurationError, Metric, Value
from telemetry.devices import Duration

Course = Callable[[float], Value | None]
"""Seconds since the start → the value then."""

Finite = Field(allow_inf_nan=False)


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ramp(_Words):
    """From one value to another over so long; then it holds, begins again, or goes back and forth."""

    start: float = Finite
    end: float = Finite
    over: Duration
    then: Literal["hold", "again", "back"] = "hold"
    noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def at(self, age: float) -> float:
        """The value without noise."""
        turns = age / self.over
        if self.then == "hold":
            share = min(turns, 1.0)
        elif self.then == "again":
            share = turns % 1.0
        else:
            share = 1.0 - abs(turns % 2.0 - 1.0)
        return self.start + (self.end - self.start) * share


class Sine(_Words):
    """mean ± amplitude; phase: the share of a period by which it is ahead."""

    mean: float = Finite
    amplitude: float = Finite
    period: Duration
    phase: float = Field(default=0.0, ge=0, le=1)
    noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def at(self, age: float) -> float:
        """The value without noise."""
        return self.mean + self.amplitude * math.sin(math.tau * (age / self.period + self.phase))


class Noise(_Words):
    """Wanders between mean - spread and mean + spread, a new direction every so often."""

    mean: float = Finite
    spread: float = Field(ge=0, allow_inf_nan=False)
    every: Duration = 10.0


class Steps(_Words):
    """Values, each from its second on. again: after so long from the beginning."""

    values: tuple[tuple[float, bool | int | float | str | None], ...] = Field(min_length=1)
    again: Duration | None = None

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        times = [time for time, _ in self.values]
        if times != sorted(set(times)) or times[0] != 0 or (self.again or math.inf) <= times[-1]:
            raise ValueError("steps are [second, value], from second 0 on, ascending, again after the last")
        return self


class Recording(_Words):
    """A column of a CSV file with a header; time: the column of its seconds. Played again at its end."""

    file: str
    column: str
    time: str = "time"


class Varying(_Words):
    """One of the ways."""

    ramp: Ramp | None = None
    sine: Sine | None = None
    noise: Noise | None = None
    steps: Steps | None = None
    csv: Recording | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("write one of ramp, sine, noise, steps or csv")
        return self


def course_of(spec: object, name: str, seed: int, folder: Path) -> Course:
    """The course that a scenario's value describes.

    name, seed: of its noise. folder: where its CSV is looked for. Raises pydantic's ValidationError for
    wrong words, ConfigurationError for a file that cannot be used.
    """
    if isinstance(spec, Mapping):
        return _varying(Varying.model_validate(spec), name, seed, folder)
    if isinstance(spec, Sequence) and not isinstance(spec, str):
        raise ConfigurationError("a value is a number, a text, true, false, null, or one of ramp, sine …")
    constant: Any = spec
    return lambda _: constant


def _varying(said: Varying, name: str, seed: int, folder: Path) -> Course:
    if said.csv is not None:
        return _recorded(said.csv, folder)
    if said.steps is not None:
        return _stepped(said.steps)
    if said.noise is not None:
        way = said.noise
        return lambda age: way.mean + way.spread * smooth(seed, name, age, way.every)
    base = said.ramp or said.sine
    if base is None:
        raise ConfigurationError("this way needs its words")
    return lambda age: base.at(age) + (base.noise * smooth(seed, name, age, 5.0) if base.noise else 0.0)


def _stepped(steps: Steps) -> Course:
    times = [time for time, _ in steps.values]

    def at(age: float) -> Value | None:
        return steps.values[bisect_right(times, age % steps.again if steps.again else age) - 1][1]

    return at


def _recorded(recording: Recording, folder: Path) -> Course:
    times, values = _columns(folder / recording.file, recording)
    whole = times[-1] - times[0] + (times[-1] - times[0]) / max(1, len(times) - 1) or 1.0

    def at(age: float) -> float:
        return values[max(0, bisect_right(times, times[0] + age % whole) - 1)]

    return at


def _columns(path: Path, recording: Recording) -> tuple[list[float], list[float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                (float(row[recording.time]), float(row[recording.column])) for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{path} needs columns {recording.time} and {recording.column} of numbers: {error}"
        ) from error
    times = [time for time, _ in rows]
    if not rows or times != sorted(times) or not all(math.isfinite(number) for row in rows for number in row):
        raise ConfigurationError(f"{path} needs rows in the order of their {recording.time}, finite numbers")
    return times, [value for _, value in rows]


_USUAL: Mapping[str, tuple[float, float]] = {
    "%": (55, 15), "deg": (120, 30), "Cel": (28, 3), "K": (301, 3), "m": (2.1, 0.8), "mm": (4, 2),
    "m/s": (6, 3), "[kn_i]": (8, 3), "mm/h": (1, 1), "hPa": (1010, 4), "bar": (4, 0.4), "Pa": (101_000, 300),
    "V": (230, 3), "mV": (400, 20), "A": (16, 6), "mA": (12, 4), "W": (3600, 900), "kW": (36, 9),
    "V.A": (3900, 900), "kV.A": (39, 9), "var": (700, 200), "kvar": (7, 2), "Hz": (50, 0.04),
    "lx": (20_000, 8000), "W/m2": (450, 200), "min": (42, 4), "s": (600, 60), "h": (1200, 1),
    "d": (40, 1), "A.h": (60, 10),
}  # fmt: skip
"""Unit → a value one would expect at a port, and how far it wanders."""
_COUNTERS = frozenset({"W.h", "kW.h", "V.A.h", "kV.A.h", "var.h", "kvar.h"})


def usual_course(metric: Metric, seed: int) -> Course | None:
    """A believable course for a metric nobody gave one; None where there is no telling."""
    if metric.unit in _COUNTERS:
        first = 1000.0 + abs(smooth(seed, metric.name, 0.0, 1.0)) * 90_000
        return lambda age: round(first + age / 100, 2)
    if metric.unit not in _USUAL:
        return None
    mean, spread = _USUAL[metric.unit]
    return lambda age: round(mean + spread * smooth(seed, metric.name, age, 20.0), 4)
