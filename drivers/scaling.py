"""From what stands on a wire to a metric's value: not available, bits, texts of numbers, scale and offset."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Self

from pydantic import Field, model_validator

from drivers.words import Words
from telemetry import Value

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

    def compiled(self, factor: float = 1.0, shift: float = 0.0) -> Callable[[int | float], Value | None]:
        """The way from a raw number to the value, None for "not available".

        factor, shift: a conversion of units, applied to the number after scale and offset.
        """
        nulls = frozenset(null for null in self.nulls if not isinstance(null, str))
        a, b, c = exact_line(self, factor, shift)

        def value(raw: float) -> Value | None:
            if raw in nulls or not math.isfinite(raw):
                return None
            if self.bit is not None:
                return bool(int(raw) >> self.bit & 1)
            if self.mask is not None:
                raw = (int(raw) & self.mask) >> ((self.mask & -self.mask).bit_length() - 1)
            if self.enum:
                return self.enum.get(int(raw), str(raw))
            if (a, b, c) == (1, 0, 1):
                return raw
            told = _divided(raw, a, b, c)
            return told if (factor, shift) == (1.0, 0.0) or told is None else round(told, _DECIMALS)

        return value


def exact_line(scaling: Scaling, factor: float = 1.0, shift: float = 0.0) -> tuple[int, int, int]:
    """(a, b, c) such that value = (raw·a + b) / c in whole numbers, so that 2301 × 0.1 is 230.1."""
    scale = Fraction(str(scaling.scale)) * Fraction(str(factor))
    offset = Fraction(str(scaling.offset)) * Fraction(str(factor)) + Fraction(str(shift))
    divisor = math.lcm(scale.denominator, offset.denominator)
    return int(scale * divisor), int(offset * divisor), divisor


def _divided(raw: float, a: int, b: int, c: int) -> float | None:
    """Decimal numbers stay exact on their way: 22.4 as text is 224/10, not its nearest binary fraction."""
    exact = (Fraction(str(raw)) if isinstance(raw, float) else raw) * a + b
    value = float(Fraction(exact, c)) if isinstance(exact, int) else float(exact / c)
    return value if math.isfinite(value) else None
