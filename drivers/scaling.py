"""From what stands on a wire to a metric's value: not available, bits, texts of numbers, scale and offset."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Self

from pydantic import Field, model_validator

from drivers.words import Words
from telemetry import Value

Line = tuple[int, int, int]
"""(a, b, c) such that value = (raw·a + b) / c in whole numbers."""
_DECIMALS = 9
"""Converted values are rounded here: what the conversion of units adds beyond is noise."""


class Scaling(Words):
    """How a raw number or text becomes a metric's value: raw × scale + offset, in the metric's unit.

    scale, offset: of a number. nulls: raw values that mean "not available". enum: texts of raw values;
    one it lacks is given as it is, in text. bit: one bit of a whole number, as true or false.
    mask: some bits of a whole number, shifted down to the lowest of them.
    """

    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, ge=-1e12, le=1e12)
    nulls: tuple[int | float | str, ...] = ()
    enum: dict[int | str, str] = Field(default_factory=dict)
    bit: int | None = Field(default=None, ge=0, le=63)
    mask: int | None = Field(default=None, ge=1, lt=2**64)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if not 1e-12 <= abs(self.scale) <= 1e12:
            raise ValueError(f"scale {self.scale} is outside ±1e-12 to ±1e12")
        if (self.bit is not None or self.enum) and (self.scale != 1 or self.offset):
            raise ValueError("bit and enum give no number to scale: leave scale and offset out")
        if self.bit is not None and (self.enum or self.mask):
            raise ValueError("bit gives true or false: leave enum and mask out")
        return self

    @property
    def textual(self) -> bool:
        """Whether the value is a text or true or false, and has no unit."""
        return bool(self.enum) or self.bit is not None

    def line(self, factor: float = 1.0, shift: float = 0.0) -> Line:
        """The way from raw number to value. factor, shift: as of `compiled`."""
        scale, offset = exact(self.scale), exact(self.offset)
        return exact_line(scale * exact(factor), offset * exact(factor) + exact(shift))

    def compiled(self, factor: float = 1.0, shift: float = 0.0) -> Callable[[int | float], Value | None]:
        """The way from a raw number to the value, None for "not available".

        factor, shift: a conversion of units, applied to the number after scale and offset.
        """
        nulls = frozenset(null for null in self.nulls if not isinstance(null, str))
        line = self.line(factor, shift)

        def value(raw: float) -> Value | None:
            if raw in nulls or not math.isfinite(raw):
                return None
            if self.bit is not None:
                return bool(int(raw) >> self.bit & 1)
            if self.mask is not None:
                raw = (int(raw) & self.mask) >> ((self.mask & -self.mask).bit_length() - 1)
            if self.enum:
                return self.enum.get(int(raw), str(raw))
            if line == (1, 0, 1):
                return raw
            told = on_line(raw, line)
            return told if (factor, shift) == (1.0, 0.0) or told is None else round(told, _DECIMALS)

        return value


def exact(number: float) -> Fraction:
    """What a number says in decimals: 0.1 is a tenth, not its nearest binary fraction."""
    return Fraction(str(number))


def exact_line(scale: Fraction, offset: Fraction = Fraction()) -> Line:
    """raw × scale + offset as a Line, so that 2301 × 0.1 is 230.1."""
    divisor = math.lcm(scale.denominator, offset.denominator)
    return int(scale * divisor), int(offset * divisor), divisor


def on_line(raw: float, line: Line) -> float | None:
    """The value of a raw number, rounded once; None past all 64-bit floats."""
    a, b, c = line
    try:
        value = float((exact(raw) * a + b) / c)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None
