"""InfluxQL as text, and its answers as tables. No I/O.

Source: InfluxQL specification 1.x. The same statements are understood by InfluxDB 1.x, 2.x and 3.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from stores.contract import Aggregate, RangeQuery, Source, Table
from stores.questions import answering_fields, known_tags, only_numbers
from stores.screening import RESERVED, Kind, Kinds, clamp
from telemetry import StoreError, Value

Cell = float | int | bool | str | None

_KINDS = {"float": Kind.NUMBER, "string": Kind.TEXT, "boolean": Kind.TRUTH, "integer": Kind.INTEGER}
_NUMBERS = (Kind.NUMBER, Kind.INTEGER)
_STRING = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})
_IDENTIFIER = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


class Series(msgspec.Struct):
    """One series of an answer."""

    columns: list[str]
    name: str = ""
    tags: dict[str, str] = {}
    values: list[list[Cell]] = []


class Result(msgspec.Struct):
    """The answer to one statement."""

    series: list[Series] = []
    error: str = ""


class Answer(msgspec.Struct):
    """What `/query` says; one result for each statement."""

    results: list[Result] = []
    error: str = ""


def decode(body: bytes) -> Answer:
    """The answer in a response. Raises StoreError when it is none."""
    try:
        answer = msgspec.json.decode(body, type=Answer)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the answer is not InfluxDB's ({error}): check host and port of [store] url"
        ) from error
    if not answer.results and not answer.error:
        raise StoreError("the answer is not InfluxDB's (no results): check host and port of [store] url")
    return answer


def name(text: str) -> str:
    """The text as an identifier."""
    return f'"{text.translate(_IDENTIFIER)}"'


def string(text: str) -> str:
    """The text as a string literal."""
    return f"'{text.translate(_STRING)}'"


def show_policies(database: str) -> str:
    """Name, duration and whether default, of every retention policy."""
    return f"SHOW RETENTION POLICIES ON {name(database)}"


def create_database(database: str, policy: str, retention: float | None) -> str:
    """Makes the database, with its default policy where one is asked for."""
    statement = f"CREATE DATABASE {name(database)}"
    if retention is not None or policy:
        statement += f" WITH DURATION {_duration(retention)} REPLICATION 1"
    return statement + (f" NAME {name(policy)}" if policy else "")


def create_policy(database: str, policy: str, retention: float | None) -> str:
    """Makes a retention policy beside the database's default."""
    terms = f"DURATION {_duration(retention)} REPLICATION 1"
    return f"CREATE RETENTION POLICY {name(policy)} ON {name(database)} {terms}"


def policies(result: Result) -> dict[str, tuple[float | None, bool]]:
    """Policy → seconds it keeps (None for ever) and whether it is the default."""
    found: dict[str, tuple[float | None, bool]] = {}
    for row in _records(result):
        found[str(row["name"])] = _seconds(str(row["duration"])), bool(row["default"])
    return found


def show_columns(measurement: str | None = None) -> str:
    """Two statements: the fields with their types, the tags."""
    source = f" FROM {name(measurement)}" if measurement is not None else ""
    return f"SHOW FIELD KEYS{source}; SHOW TAG KEYS{source}"


def columns(fields: Result, tags: Result) -> dict[str, dict[str, Kind]]:
    """Measurement → its columns. A field that has several types keeps one this program can write."""
    found: dict[str, dict[str, Kind]] = {}
    for series in tags.series:
        found.setdefault(series.name, {}).update({str(row[0]): Kind.TAG for row in series.values})
    for series in fields.series:
        kinds = found.setdefault(series.name, {})
        for field, kind in series.values:
            known = _KINDS.get(str(kind), Kind.INTEGER)
            if kinds.get(str(field), Kind.INTEGER) is Kind.INTEGER:
                kinds[str(field)] = known
    return found


def in_range(query: RangeQuery, kinds: Kinds) -> str | None:
    """The points or buckets of a range; None when there can be none."""
    fields = answering_fields(query, kinds)
    present = [field for field, usable in fields.items() if usable]
    tags = known_tags(query, kinds)
    if tags is None or not present:
        return None
    grouping, expression = "", "{}"
    if query.every is not None:
        grouping, expression = f" GROUP BY time({query.every}ns) fill(none)", query.aggregate + "({})"
    values = ", ".join(f"{expression.format(name(field))} AS {name(field)}" for field in present)
    condition = "".join(f" AND {name(tag)} = {string(text)}" for tag, text in tags.items())
    where = _span(query.start, query.end) + condition + grouping
    return _select(values, query.measurement, where, f"ORDER BY time ASC LIMIT {query.limit}")


def range_table(query: RangeQuery, kinds: Kinds, result: Result | None) -> Table:
    """The rows that answer, with a column for each field asked for."""
    fields = answering_fields(query, kinds)
    rows: list[tuple[Value | None, ...]] = []
    for record in _records(result) if result else ():
        cells = [_answered(record.get(field), query, kinds.get(field)) for field in fields]
        if any(cell is not None for cell in cells):
            rows.append((int(str(record["time"])), *cells))
    return Table(("time", *fields), rows)


def _answered(cell: Cell, query: RangeQuery, kind: Kind | None) -> Value | None:
    if query.every is not None and query.aggregate is Aggregate.COUNT:
        return cell or None
    return _value(cell, number=only_numbers(query) or kind in _NUMBERS)


def newest(measurement: str, by: str, since: int, kinds: Kinds) -> str:
    """One statement for each field, in order of their names: its last value with that point's tags."""
    tags, fields = _parted(kinds)
    others = "".join(f", {name(tag)}" for tag in tags if tag != by)
    where = f"time >= {clamp(since)}"
    return "; ".join(
        _select(f"last({name(field)}) AS value{others}", measurement, where, f"GROUP BY {name(by)}")
        for field in fields
    )


def newest_table(by: str, kinds: Kinds, results: Sequence[Result] | None) -> Table:
    """Joins the answers to `newest`: time and tags of the newest point, the last value of every field."""
    tags, fields = _parted(kinds)
    rows: dict[str, dict[str, Cell]] = {}
    for field, result in zip(fields, results, strict=True) if results is not None else ():
        for series in result.series:
            text = series.tags[by]
            if not text:
                continue
            found = dict(zip(series.columns, series.values[0], strict=True))
            row = rows.setdefault(text, {"time": -math.inf})
            row[field] = _value(found["value"], number=kinds[field] in _NUMBERS)
            if _time(found) > _time(row):
                row |= {tag: found.get(tag) or None for tag in tags} | {by: text, "time": found["time"]}
    names = ("time", *tags, *fields)
    return Table(names, [tuple(rows[text].get(column) for column in names) for text in sorted(rows)])


def count_fields(measurement: str, start: int, end: int) -> str:
    """How many values each field has."""
    return _select("count(*)", measurement, _span(start, end))


def every_point(measurement: str, start: int, end: int) -> str:
    """All fields of all points."""
    return _select("*::field", measurement, _span(start, end))


def forget(measurement: str, before: int) -> str:
    """Deletes what is older."""
    return " ".join(("DELETE FROM", name(measurement), f"WHERE time < {clamp(before)}"))


SHOW_MEASUREMENTS = "SHOW MEASUREMENTS"
WATERMARKS = 'SELECT max(seq) FROM "haidang_watermark" GROUP BY gateway, epoch'


def measurements(result: Result) -> list[str]:
    """The names in the answer to SHOW MEASUREMENTS, the stores' own left out."""
    names = (str(row[0]) for series in result.series for row in series.values)
    return sorted(each for each in names if not each.startswith(RESERVED))


def watermarks(result: Result) -> dict[Source, int]:
    """The answer to WATERMARKS."""
    return {
        Source(series.tags.get("gateway", ""), series.tags.get("epoch", "")): int(str(series.values[0][1]))
        for series in result.series
    }


def _select(values: str, measurement: str, where: str, *more: str) -> str:
    return " ".join(("SELECT", values, "FROM", name(measurement), "WHERE", where, *more))


def _records(result: Result) -> Iterator[Mapping[str, Cell]]:
    for series in result.series:
        for row in series.values:
            yield dict(zip(series.columns, row, strict=True))


def _parted(kinds: Kinds) -> tuple[list[str], list[str]]:
    tags = sorted(column for column, kind in kinds.items() if kind is Kind.TAG)
    return tags, sorted(kinds.keys() - set(tags))


def _time(row: Mapping[str, Cell]) -> float | int:
    time = row["time"]
    return time if isinstance(time, (int, float)) else 0


def _value(cell: Cell, *, number: bool) -> Value | None:
    return float(cell) if number and isinstance(cell, (int, float)) else cell


def _span(start: int, end: int) -> str:
    return f"time >= {clamp(start)} AND time < {clamp(end)}"


def _duration(seconds: float | None) -> str:
    return "INF" if seconds is None else f"{math.ceil(seconds)}s"


def _seconds(text: str) -> float | None:
    """From InfluxDB's way of writing it, `2160h0m0s`; zero is for ever."""
    total, digits = 0, ""
    for character in text:
        if character.isdigit():
            digits += character
        else:
            total, digits = total + int(digits or 0) * _UNITS.get(character, 0), ""
    return float(total) or None
