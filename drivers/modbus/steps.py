"""What is made of a Modbus poll when all its replies are in: scales read from registers, formulas.

And the way back for a simulated device, which needs raw numbers and the registers that scale them.
"""

import math
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from drivers.modbus.compute import Formula, FormulaError, parse_formula
from drivers.modbus.values import EncodingError, MetricRead, ValueCodec
from drivers.words import place
from telemetry import Profile, ProfileError, Value

_FURTHEST = 30
"""Powers of ten past which a scale register cannot be meant."""
_EXPONENTS = (-2, -1, 0, 1, 2, 3, -3)
"""What a simulated device's scale registers say: the first with which all its values fit."""
_SUNSSF_NULL = -0x8000


class Step(Protocol):
    """One step on a poll's values, in place."""

    def apply(self, values: MutableMapping[str, Value]) -> None:
        """Sets, replaces or removes values; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Scale:
    """Registers scaled by another one. source: its name among the values, which no metric can have."""

    source: str
    group: str
    power_of_ten: bool
    metrics: tuple[str, ...]

    def apply(self, values: MutableMapping[str, Value]) -> None:
        """Without a scale that makes sense, there is no value."""
        scale = values.pop(self.source, None)
        for metric in self.metrics:
            raw = values.pop(metric, None)
            if isinstance(raw, int | float) and isinstance(scale, int | float):
                number = self.scaled(raw, scale)
                if number is not None:
                    values[metric] = number

    def scaled(self, raw: float, scale: float) -> float | int | None:
        """The value of a raw number, rounded once; None where there is none."""
        if not self.power_of_ten:
            number = raw * scale
        elif abs(scale) > _FURTHEST:
            return None
        else:
            power: int = 10 ** abs(int(scale))
            number = raw * power if scale >= 0 else raw / power
        return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Computed:
    """A metric that is an arithmetic of others."""

    metric: str
    formula: Formula

    def apply(self, values: MutableMapping[str, Value]) -> None:
        """Where a value is missing, or the arithmetic has no result, there is none."""
        result = self.formula.evaluate(values)
        if result is not None:
            values[self.metric] = result


class Placed(Protocol):
    """What is known here of a place in a table."""

    @property
    def metric(self) -> str:
        """Its name."""
        ...

    @property
    def group(self) -> str:
        """What it is polled with."""
        ...


def scale_spot(read: MetricRead) -> tuple[str, MetricRead]:
    """The register that scales this metric: its name among the values, and how it is read."""
    words = read.scale_from
    if words is None:
        raise ValueError("this metric has no scale_from")
    table, sunssf = words.table or read.table, words.kind == "power_of_ten" and words.type == "int16"
    fields: dict[str, Any] = {
        "table": table,
        "address": words.address,
        "type": words.type,
        "nulls": words.nulls or ((_SUNSSF_NULL,) if sunssf else ()),
        "word_order": read.word_order,
        "byte_order": read.byte_order,
        "group": read.group,
    }
    return f"{read.group}:{words.kind}:{table}:{words.address}", MetricRead.model_validate(fields)


def scales_of(words: Mapping[str, MetricRead], spots: Iterable[Placed]) -> tuple[Scale, ...]:
    """One step for each register that scales some metrics."""
    scaled: dict[str, list[str]] = {}
    for name, read in words.items():
        if read.scale_from is not None:
            scaled.setdefault(scale_spot(read)[0], []).append(name)
    groups = {spot.metric: spot.group for spot in spots}
    return tuple(
        Scale(source, groups[source], ":power_of_ten:" in source, tuple(metrics))
        for source, metrics in scaled.items()
    )


def computed_of(profile: Profile, words: Mapping[str, MetricRead]) -> Mapping[str, list[Computed]]:
    """Group → its computed metrics in the profile's order. Raises ProfileError naming the metric."""
    groups = {name: read.group for name, read in words.items() if not read.compute}
    computed: dict[str, list[Computed]] = {}
    for metric in profile.metrics:
        read = words[metric.name]
        if not read.compute:
            continue
        try:
            formula = parse_formula(read.compute)
        except FormulaError as error:
            raise ProfileError(f"{place(profile, metric)}: compute: {error}") from error
        if unknown := sorted(formula.names - groups.keys()):
            known = ", ".join(sorted(groups)) or "none"
            text = f"compute: no metric {', '.join(unknown)} above it in the profile; there are {known}"
            raise ProfileError(f"{place(profile, metric)}: {text}")
        found = {groups[name] for name in formula.names}
        if len(found) > 1 or (read.group and read.group not in found):
            text = "compute: its metrics are of several groups; they must be polled together"
            raise ProfileError(f"{place(profile, metric)}: {text}")
        group = groups[metric.name] = found.pop()
        computed.setdefault(group, []).append(Computed(metric.name, formula))
    return computed


def unscaled(
    scales: Iterable[Scale], values: Mapping[str, Value | None], codecs: Mapping[str, ValueCodec]
) -> Mapping[str, Value | None]:
    """The values as their registers hold them, and the scale registers; what a simulated device is told.

    Raises EncodingError where no scale makes all values of a scale register fit.
    """
    told = dict(values)
    for scale in scales:
        numbers = {name: told[name] for name in scale.metrics if name in told}
        if numbers:
            told |= _raw(scale, numbers, codecs)
    return told


def _raw(
    scale: Scale, numbers: Mapping[str, Value | None], codecs: Mapping[str, ValueCodec]
) -> dict[str, Value | None]:
    for said in _EXPONENTS if scale.power_of_ten else (1,):
        factor = Fraction(10) ** said if scale.power_of_ten else Fraction(1)
        raw = {name: None if value is None else _divided(value, factor) for name, value in numbers.items()}
        try:
            for name, value in raw.items():
                codecs[name].encode(value)
        except EncodingError:
            continue
        return {**raw, scale.source: said}
    raise EncodingError(f"{dict(numbers)} fit their registers with no scale")


def _divided(value: Value, factor: Fraction) -> Value:
    if isinstance(value, str):
        raise EncodingError(f"{value!r} is no number")
    quotient = Fraction(str(float(value))) / factor
    return int(quotient) if quotient.denominator == 1 else float(quotient)
