"""What a profile wants of an instrument's sentences: its words, checked and made into a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from drivers.nmea.fields import FieldError, Fields, Value, number
from drivers.nmea.values import TABLE, TRANSDUCERS
from drivers.words import Words, once_a_profile, place, read_of, several
from telemetry import Metric, Profile, ProfileError
from telemetry import Value as Measured
from telemetry.units import check_unit, conversion

TRANSDUCER = "XDR"
_DECIMALS = 9
"""Values are rounded here: what the conversion of units adds beyond is noise."""


class Settings(Words):
    """What holds for every sentence.

    checksum: `optional` accepts sentences of old instruments that send none; a wrong one never.
    talkers: one or several talkers, such as `WI`, where many speak on one line; the others pass silently.
    """

    checksum: Literal["required", "optional"] = "required"
    talkers: Annotated[tuple[str, ...], BeforeValidator(several)] = ()


def _check_known(code: str) -> str:
    return check_unit(code) if code else code


class Read(Words):
    """Where a metric comes from: a `value` of a `formatter`, or an `xdr` transducer by its name.

    value: a name of drivers/nmea/values.py, such as `wind_speed` of `MWD`.
    xdr: one or several names under which makers send this transducer, in any case. type: its letter.
    sent_in: the UCUM code of what an xdr transducer sends, over what its unit letter means; for makers who
    have letters of their own.
    talker: only from this talker. scale, offset: value × scale + offset, in the metric's unit.
    any_of: several such places, for one quantity that different models send in different sentences.
    """

    formatter: str = ""
    value: str = ""
    xdr: Annotated[tuple[str, ...], BeforeValidator(several)] = ()
    type: str = ""
    sent_in: Annotated[str, AfterValidator(_check_known)] = ""
    talker: str = ""
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)
    any_of: tuple["Read", ...] = ()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        ways = [bool(self.formatter and self.value), bool(self.xdr), bool(self.any_of)]
        if sum(ways) != 1 or (self.formatter and not self.value) or any(r.any_of for r in self.any_of):
            raise ValueError("say either formatter and value, or xdr, or a list any_of of such places")
        return self


@dataclass(frozen=True, slots=True)
class Named:
    """A metric read from a named value. scale and offset include the conversion of units."""

    metric: str
    talker: str
    value: Value
    scale: float
    offset: float

    def read(self, fields: Fields) -> Measured | None:
        """The metric's value, None where the sentence has none. Raises FieldError."""
        found = self.value.read(fields)
        if found is None or isinstance(found, bool | str):
            return found
        result = round(found * self.scale + self.offset, _DECIMALS)
        return result % 360 if self.value.circular else result


@dataclass(frozen=True, slots=True)
class Transducer:
    """A metric read from XDR's groups of type, value, unit letter and name (IEC 61162-1, XDR)."""

    metric: str
    talker: str
    names: frozenset[str]
    type: str
    unit: str
    sent_in: str
    scale: float
    offset: float

    def read(self, fields: Fields) -> float | None:
        """The metric's value, None where no such transducer is in the sentence. Raises FieldError."""
        for start in range(0, len(fields.texts), 4):
            kind, text, letter, name = (fields.text(start + place) for place in range(4))
            if text and name.strip().upper() in self.names and self.type in {"", kind}:
                return self._value(kind, text, letter)
        return None

    def _value(self, kind: str, text: str, letter: str) -> float:
        source = self.sent_in or (TRANSDUCERS.get((kind, letter), "") if letter else self.unit)
        line = conversion(source, self.unit)
        if line is None:
            raise FieldError(f"transducer type {kind[:8]!r}, unit {letter[:8]!r}: cannot become {self.unit}")
        factor, offset = line
        return round((number(text) * factor + offset) * self.scale + self.offset, _DECIMALS)


Plan = Mapping[str, tuple[Named | Transducer, ...]]
"""Formatter → what the profile wants of it."""


@once_a_profile
def plan_of(profile: Profile) -> Plan:
    """The profile's metrics by formatter. Raises ProfileError naming the metric and the remedy."""
    plan: dict[str, tuple[Named | Transducer, ...]] = {}
    for metric in profile.metrics:
        read = read_of(profile, metric, Read)
        for one in read.any_of or (read,):
            formatter = TRANSDUCER if one.xdr else one.formatter
            wanted = _transducer(metric, one) if one.xdr else _named(profile, metric, one)
            plan[formatter] = (*plan.get(formatter, ()), wanted)
    return plan


def _transducer(metric: Metric, read: Read) -> Transducer:
    names = frozenset(name.strip().upper() for name in read.xdr)
    return Transducer(
        metric.name, read.talker, names, read.type, metric.unit, read.sent_in, read.scale, read.offset
    )


def _named(profile: Profile, metric: Metric, read: Read) -> Named:
    where = place(profile, metric)
    if read.formatter not in TABLE:
        known = ", ".join(sorted(TABLE))
        raise ProfileError(f"{where}: no formatter {read.formatter!r} is read; there are {known}, and xdr")
    values = TABLE[read.formatter]
    if read.value not in values:
        known = ", ".join(values)
        raise ProfileError(f"{where}: {read.formatter} has no value {read.value!r}; it has {known}")
    value = values[read.value]
    if value.textual and (metric.unit, read.scale, read.offset) != ("1", 1.0, 0.0):
        raise ProfileError(f"{where}: {read.value} is no number: leave unit, scale and offset out")
    line = conversion(value.unit, metric.unit)
    if line is None:
        raise ProfileError(
            f"{where}: {read.value} comes in {value.unit}, which cannot become {metric.unit}: change the unit"
        )
    factor, offset = line
    return Named(metric.name, read.talker, value, factor * read.scale, offset * read.scale + read.offset)
