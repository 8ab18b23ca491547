"""What both stores can take: every point is checked here, column by column, before it is written.

A point is refused alone and with its reason; tag texts are made safe. What passes is what the embedded
store and InfluxDB keep alike, so that both give the same answers.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress
from math import isfinite
from typing import TypeVar

from stores.contract import Points, Rejected
from telemetry import Value

EARLIEST, LATEST = -(2**63) + 2, 2**63 - 2
"""The times InfluxDB can hold, in nanoseconds: from 1677 to 2262."""
LONGEST_TAG = 1024
LONGEST_TEXT = 65_535
RESERVED = "haidang_"
"""Measurements whose names start so belong to the stores themselves."""

_Cell = TypeVar("_Cell")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME_RULE = "use 1 to 64 lower-case letters, digits and _, not starting with a digit, and not time"


class Kind(StrEnum):
    """What a column holds. Integers are found only where another program filled the database."""

    TAG = "tag"
    NUMBER = "number"
    TEXT = "text"
    TRUTH = "truth value"
    INTEGER = "integer"


Kinds = Mapping[str, Kind]
"""The columns of one measurement, tags and fields."""


@dataclass(frozen=True, slots=True)
class Screened:
    """The points of one measurement that can be stored, column by column, and those that cannot.

    tags: safe texts, empty where absent; no column without a text. fields: floats, texts or truth
    values, None where absent. kinds: every column of the measurement, those of this write included.
    """

    measurement: str
    times: Sequence[int]
    tags: Mapping[str, Sequence[str]]
    fields: Mapping[str, Sequence[Value | None]]
    kinds: Kinds
    rejected: Sequence[Rejected]


def clean_tag(text: str) -> str:
    """The text as the stores keep it in a tag.

    Line protocol has no way to write a line break or a backslash at the end of a tag; so a control
    character becomes a space, a backslash at the end is dropped, and half a surrogate pair becomes `?`.
    """
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    return _CONTROL.sub(" ", text).rstrip("\\")


def known_name(name: str) -> bool:
    """Whether a measurement, tag or field may be called so."""
    return name != "time" and _NAME.fullmatch(name) is not None


def clamp(time: int) -> int:
    """The nearest time the stores can hold."""
    return min(max(time, EARLIEST), LATEST)


def screen(points: Points, known: Kinds, oldest: int = EARLIEST) -> Screened:
    """Parts the points into those that can be stored and those that never can.

    known: the measurement's columns so far; a new field takes the kind of its first value.
    oldest: earlier points are beyond the retention.
    """
    return _Screening(points, known).result(oldest)


class _Screening:
    def __init__(self, points: Points, known: Kinds) -> None:
        self._points = points
        self._known = known
        self._kinds = dict(known)
        self._reasons: dict[int, str] = {}

    def result(self, oldest: int) -> Screened:
        measurement = self._points.measurement
        if not known_name(measurement) or measurement.startswith(RESERVED):
            self._refuse_all(f"{measurement!r} cannot name a measurement: {_NAME_RULE} nor {RESERVED}…")
            return self._parted({}, {})
        self._check_times(oldest)
        tags = {name: texts for name in self._points.tags if (texts := self._tag(name))}
        fields = {name: column for name in self._points.fields if (column := self._field(name))}
        self._refuse_empty(fields)
        return self._parted(tags, fields)

    def _refuse(self, row: int, reason: str) -> None:
        self._reasons.setdefault(row, reason)

    def _refuse_all(self, reason: str) -> None:
        self._reasons = dict.fromkeys(range(len(self._points.times)), reason)

    def _refuse_where(self, rows: Iterable[object], reason: str) -> None:
        for row, present in enumerate(rows):
            if present:
                self._refuse(row, reason)

    def _check_times(self, oldest: int) -> None:
        times = self._points.times
        if not times or (oldest <= min(times) and max(times) <= LATEST):
            return
        for row, time in enumerate(times):
            if not EARLIEST <= time <= LATEST:
                self._refuse(row, f"time {time} ns is outside the years 1677 to 2262")
            elif time < oldest:
                self._refuse(row, "older than the retention: the store would forget it at once")

    def _tag(self, name: str) -> Sequence[str] | None:
        column = self._points.tags[name]
        texts = set(column)
        if texts <= {""}:
            return None
        kind = self._kinds.get(name, Kind.TAG)
        if not known_name(name):
            self._refuse_where(column, f"{name!r} cannot name a tag: {_NAME_RULE}")
            return None
        if kind is not Kind.TAG:
            self._refuse_where(column, f"{name} is a field of this measurement ({kind}) and cannot be a tag")
            return None
        self._kinds[name] = kind
        cleaned = {text: clean_tag(text) for text in texts}
        if max(map(len, texts)) > LONGEST_TAG:
            self._refuse_where((len(text) > LONGEST_TAG for text in column), f"tag {name} is too long")
        return column if all(k == v for k, v in cleaned.items()) else [cleaned[text] for text in column]

    def _field(self, name: str) -> Sequence[Value | None] | None:
        column = self._points.fields[name]
        first = next((value for value in column if value is not None), None)
        if first is None:
            return None
        if not known_name(name):
            self._refuse_where((v is not None for v in column), f"{name!r} cannot name a field: {_NAME_RULE}")
            return None
        kind = self._kinds.setdefault(name, _kind(first))
        return _quickly(column, kind) or self._slowly(name, kind, column)

    def _slowly(self, name: str, kind: Kind, column: Sequence[Value | None]) -> Sequence[Value | None]:
        kept: list[Value | None] = []
        for row, value in enumerate(column):
            reason = None if value is None else _objection(value, kind)
            if reason:
                self._refuse(row, f"field {name} {reason}")
            kept.append(None if value is None or reason else _CONVERSIONS[kind](value))
        return kept

    def _refuse_empty(self, fields: Mapping[str, Sequence[Value | None]]) -> None:
        if any(None not in column for column in fields.values()):
            return
        columns = list(fields.values()) or [[None] * len(self._points.times)]
        empty = (all(value is None for value in row) for row in zip(*columns, strict=True))
        self._refuse_where(empty, "no field has a value")

    def _parted(
        self, tags: Mapping[str, Sequence[str]], fields: Mapping[str, Sequence[Value | None]]
    ) -> Screened:
        points = self._points
        rejected = [_rejected(points, row, reason) for row, reason in sorted(self._reasons.items())]
        times = points.times
        if rejected:
            keep = [row not in self._reasons for row in range(len(times))]
            times = list(compress(times, keep))
            tags = {name: column for name, column in _kept(tags, keep).items() if any(column)}
            values = _kept(fields, keep)
            fields = {name: column for name, column in values.items() if any(v is not None for v in column)}
        kinds = {**self._known, **{name: self._kinds[name] for name in (*tags, *fields)}}
        return Screened(points.measurement, times, tags, fields, kinds, rejected)


def _kept(columns: Mapping[str, Sequence[_Cell]], keep: Sequence[bool]) -> Mapping[str, Sequence[_Cell]]:
    return {name: list(compress(column, keep)) for name, column in columns.items()}


def _rejected(points: Points, row: int, reason: str) -> Rejected:
    tags = {name: column[row] for name, column in points.tags.items() if column[row]}
    fields = {name: column[row] for name, column in points.fields.items() if column[row] is not None}
    return Rejected(points.measurement, points.times[row], tags, fields, reason)


_CONVERSIONS: Mapping[Kind, Callable[[Value], Value]] = {Kind.NUMBER: float, Kind.TEXT: str, Kind.TRUTH: bool}


def _kind(value: Value) -> Kind:
    if isinstance(value, bool):
        return Kind.TRUTH
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def _quickly(column: Sequence[Value | None], kind: Kind) -> Sequence[Value | None] | None:
    """The whole column as it can be stored, found out at the speed of C; None where that cannot be said."""
    types = set(map(type, column)) - {type(None)}
    if kind is Kind.NUMBER and types <= {float, int}:
        return _floats(column)
    if kind is Kind.TEXT and types == {str}:
        return column if _short_texts(filter(None, column)) else None
    return column if kind is Kind.TRUTH and types == {bool} else None


def _floats(column: Sequence[Value | None]) -> Sequence[float | None] | None:
    # One value that is not finite makes the sum so; a sum that overflows only costs a second, slower look.
    try:
        floats = [None if value is None else float(value) for value in column]
        return floats if isfinite(sum(filter(None, floats))) else None
    except OverflowError:
        return None


def _short_texts(texts: Iterable[Value]) -> bool:
    present = list(map(str, texts))
    try:
        "".join(present).encode()
    except UnicodeEncodeError:
        return False
    return max(map(len, present), default=0) <= LONGEST_TEXT // 4


def _objection(value: Value, kind: Kind) -> str | None:
    """Why this value cannot stand in a column of this kind, None where it can."""
    if _kind(value) is not kind:
        return f"holds {kind}s since its first value, and {str(value)[:40]!r} is none"
    if isinstance(value, str):
        return _text_objection(value)
    try:
        return None if isfinite(value) else f"is {value}, which is not a finite number"
    except OverflowError:
        return "is an integer too large for a 64-bit float"


def _text_objection(text: str) -> str | None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "holds half a surrogate pair, which is no Unicode text"
    return f"is a text of {size} bytes, and {LONGEST_TEXT} is the most" if size > LONGEST_TEXT else None
