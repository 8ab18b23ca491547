"""What a profile says of an instrument that speaks lines: its words, checked and made into patterns."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from drivers.checksums import ALGORITHMS, Kind
from drivers.scaling import Scaling
from drivers.timed_patterns import Groups, PatternError, TimedPattern
from drivers.words import Words, place, read_of, several
from telemetry import Device, HaidangError, Metric, Profile, ProfileError, Value
from telemetry.devices import Duration
from telemetry.units import conversion

LONGEST_LINE = 1024
LONGEST_TEXT = 200
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,3})?\s*")
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,15}\s*")
_PLACEHOLDER = re.compile(r"\{(unit_id|unit_letter)\}")


class LineError(HaidangError):
    """A group of a line that is not what the profile says."""


class Checksum(Words):
    """The checksum of a line.

    kind: how it is computed. over: the group of the pattern that holds what it covers.
    told: the group that holds it. format: how it is written there; sdi12 is three characters of six bits.
    """

    kind: Kind
    over: str = "body"
    told: str = "checksum"
    format: Literal["hex", "decimal", "sdi12"] = "hex"

    def is_right(self, match: Groups) -> bool:
        """Whether the line's own checksum is that of its text."""
        check = ALGORITHMS[self.kind]((match[self.over] or "").encode("latin-1"))
        told = match[self.told] or ""
        if self.format == "sdi12":
            return told == "".join(chr(0x40 | check >> shift & 0x3F) for shift in (12, 6, 0))
        try:
            return int(told, 16 if self.format == "hex" else 10) == check
        except ValueError:
            return False


class Settings(Words):
    r"""How the instrument speaks.

    patterns: one or several regular expressions, each for a whole line without its end; named groups,
    `(?P<name>...)`, are what metrics read. The first that fits counts. ignore: patterns of lines to pass
    over in silence. line_end: the one character that ends a line; CR, LF or both unless said.
    checksum: where a line carries one. ask: what to send for one answer, with its line end (`"0R0\r\n"`
    in double quotes); empty for an instrument that speaks by itself. answers: how many lines answer one
    question. timeout: seconds until a question counts as unanswered. time_limit: seconds of processor
    time that a pattern may take for one line.
    In `patterns` and `ask`, `{unit_id}` stands for the device's number, `{unit_letter}` for A where it is 1.
    """

    patterns: Annotated[tuple[str, ...], Field(min_length=1, max_length=20), BeforeValidator(several)]
    ignore: Annotated[tuple[str, ...], BeforeValidator(several)] = ()
    line_end: str = Field(default="", max_length=1)
    checksum: Checksum | None = None
    ask: str = Field(default="", max_length=LONGEST_TEXT)
    answers: int = Field(default=1, ge=1, le=20)
    timeout: Duration = 1.0
    time_limit: float = Field(default=0.005, ge=0.001, le=0.1)


class Read(Scaling):
    """Which group of the line is the metric's value.

    group: its name; the metric's own unless said. type: what the group's text is.
    units: for instruments that say the unit themselves, the letter they write → its UCUM code; the value
    then becomes one in the metric's unit. unit_group: the group that holds the letter.
    """

    group: str = ""
    type: Literal["number", "hex", "text"] = "number"
    units: dict[str, str] = Field(default_factory=dict)
    unit_group: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.units) != bool(self.unit_group):
            raise ValueError("units and unit_group go together: the letters, and the group that holds them")
        numeric = self.scale != 1 or self.offset or self.bit is not None or self.mask or self.units
        if self.type == "text" and numeric:
            raise ValueError("a text has no scale, offset, bit, mask or units: leave them out")
        return self


Take = Callable[[Groups], Value | None]
"""From a line that fits to a metric's value, None for "not available". Raises LineError."""


@dataclass(frozen=True, slots=True)
class LinePattern:
    """One kind of line: its compiled pattern, and the metrics that its groups hold."""

    pattern: TimedPattern
    takes: Mapping[str, Take]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an instrument says and is asked, for one device."""

    settings: Settings
    patterns: Sequence[LinePattern]
    ignore: Sequence[TimedPattern]
    ask: bytes


def plan_of(device: Device, profile: Profile, settings: Settings) -> Plan:
    """The device's plan. Raises ProfileError naming the setting or the metric, and the remedy."""
    limit = settings.time_limit
    compiled = [_compiled(profile, text, device, limit) for text in settings.patterns]
    ignore = [_compiled(profile, text, device, limit) for text in settings.ignore]
    _check_checksum(profile, settings, compiled)
    takes: dict[str, tuple[set[str], Take]] = {}
    for metric in profile.metrics:
        read = read_of(profile, metric, Read)
        needed = {read.group or metric.name, *([read.unit_group] if read.unit_group else [])}
        if not any(needed <= pattern.groups for pattern in compiled):
            known = ", ".join(sorted({name for pattern in compiled for name in pattern.groups})) or "none"
            wanted = " and ".join(sorted(needed))
            raise ProfileError(
                f"{place(profile, metric)}: no pattern has the group {wanted}; there are {known}"
            )
        takes[metric.name] = (needed, _take(profile, metric, read))
    patterns = [
        LinePattern(one, {name: take for name, (needed, take) in takes.items() if needed <= one.groups})
        for one in compiled
    ]
    return Plan(settings, patterns, ignore, _filled(settings.ask, device).encode("latin-1", "replace"))


def _compiled(profile: Profile, text: str, device: Device, limit: float) -> TimedPattern:
    try:
        return TimedPattern(_filled(text, device), limit)
    except PatternError as error:
        raise ProfileError(f"profile {profile.id}: settings: {error}") from error


def _filled(text: str, device: Device) -> str:
    letter = chr(ord("A") + (device.unit_id - 1) % 26)
    values = {"unit_id": str(device.unit_id), "unit_letter": letter}
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _check_checksum(profile: Profile, settings: Settings, compiled: Sequence[TimedPattern]) -> None:
    checksum = settings.checksum
    if checksum is None:
        return
    for text, pattern in zip(settings.patterns, compiled, strict=True):
        if lacking := {checksum.over, checksum.told} - pattern.groups:
            raise ProfileError(
                f"profile {profile.id}: settings: the pattern {text[:60]!r} lacks the checksum's group "
                f"{' and '.join(sorted(lacking))}"
            )


def _take(profile: Profile, metric: Metric, read: Read) -> Take:
    group = read.group or metric.name
    nulls = frozenset(null for null in read.nulls if isinstance(null, str))
    if read.type == "text":
        return partial(_text, group, read)
    lines: dict[str, Callable[[int | float], Value | None]] = {}
    for letter, unit in read.units.items():
        line = conversion(unit, metric.unit)
        if line is None:
            raise ProfileError(
                f"{place(profile, metric)}: {letter} is {unit}, which cannot become {metric.unit}: change it"
            )
        lines[letter] = read.compiled(*line)
    plain = read.compiled()
    number = _hex if read.type == "hex" else _number

    def take(match: Groups) -> Value | None:
        text = match[group]
        if text is None or text.strip() in nulls:
            return None
        finish = plain
        if read.unit_group:
            letter = match[read.unit_group] or ""
            if letter not in lines:
                raise LineError(f"the unit of {text[:24]!r} is {letter!r}, not one of {', '.join(lines)}")
            finish = lines[letter]
        return finish(number(text))

    return take


def _text(group: str, read: Read, match: Groups) -> str | None:
    text = match[group]
    if text is None or text.strip() in map(str, read.nulls):
        return None
    text = text.strip()[:LONGEST_TEXT]
    return {str(raw): name for raw, name in read.enum.items()}.get(text, text)


def _number(text: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise LineError(f"{text[:24]!r} is not a number")
    if _WHOLE.fullmatch(text):
        return int(text)
    value = float(text)
    if not math.isfinite(value):
        raise LineError(f"{text[:24]!r} is too large a number")
    return value


def _hex(text: str) -> int:
    try:
        return int(text[:16], 16)
    except ValueError as error:
        raise LineError(f"{text[:24]!r} is not a hexadecimal number") from error
