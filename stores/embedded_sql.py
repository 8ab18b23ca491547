"""The embedded store's SQL, as text. Names are checked by `screening` and quoted here all the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stores.contract import Aggregate, RangeQuery
from stores.questions import answering_fields, known_tags
from stores.screening import Kind, Kinds, clamp

FORMAT = 1
"""Of the file: raised when an older program could not read it any more."""

LAYOUT = """
CREATE SCHEMA haidang;
CREATE TABLE haidang.about (format INTEGER);
CREATE TABLE haidang.columns (measurement VARCHAR, name VARCHAR, kind VARCHAR);
CREATE TABLE haidang.watermarks (gateway VARCHAR, epoch VARCHAR, seq BIGINT, PRIMARY KEY (gateway, epoch));
"""

ADVANCE = """
INSERT INTO haidang.watermarks BY NAME SELECT * FROM incoming
ON CONFLICT DO UPDATE SET seq = greatest(seq, excluded.seq)
"""

_TYPES = {Kind.TAG: "VARCHAR", Kind.TEXT: "VARCHAR", Kind.NUMBER: "DOUBLE", Kind.TRUTH: "BOOLEAN"}
_AGGREGATES = {
    Aggregate.MEAN: "avg({})",
    Aggregate.MIN: "min({})",
    Aggregate.MAX: "max({})",
    Aggregate.SUM: "sum({})",
    Aggregate.COUNT: "nullif(count({}), 0)",
    Aggregate.FIRST: "arg_min({}, time)",
    Aggregate.LAST: "arg_max({}, time)",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that reads, its parameters, and the names of the columns it gives."""

    sql: str
    parameters: Sequence[object]
    columns: tuple[str, ...]


def quoted(name: str) -> str:
    """The name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def growth(measurement: str, before: Kinds | None, after: Kinds) -> Iterator[tuple[str, Sequence[object]]]:
    """The statements that give the measurement's table the columns it lacks; None before: no table yet."""
    if before is None:
        yield f"CREATE TABLE {quoted(measurement)} (time BIGINT NOT NULL)", ()
    for name in (each for each in after if each not in (before or {})):
        kind = after[name]
        yield f"ALTER TABLE {quoted(measurement)} ADD COLUMN {quoted(name)} {_TYPES[kind]}", ()
        yield "INSERT INTO haidang.columns VALUES (?, ?, ?)", (measurement, name, kind.value)


def insert(measurement: str) -> str:
    """Takes the Arrow table registered as `incoming`."""
    return _sql("INSERT INTO", quoted(measurement), "BY NAME SELECT * FROM incoming")


def in_range(query: RangeQuery, kinds: Kinds) -> Question | None:
    """The points or buckets of a range; None when there can be none."""
    fields = answering_fields(query, kinds)
    tags = known_tags(query, kinds)
    present = [quoted(name) for name, usable in fields.items() if usable]
    if tags is None or not present:
        return None
    tagged = "".join(f" AND {quoted(tag)} {'= ?' if text else 'IS NULL'}" for tag, text in tags.items())
    any_value = " OR ".join(f"{name} IS NOT NULL" for name in present)
    where = f"time >= ? AND time < ?{tagged} AND ({any_value})"
    expression = "{}" if query.every is None else _AGGREGATES[query.aggregate]
    values = ", ".join(
        expression.format(quoted(name)) if usable else "NULL" for name, usable in fields.items()
    )
    time, grouping = "time", ""
    if query.every is not None:
        time, grouping = f"time - ((time % {query.every}) + {query.every}) % {query.every}", "GROUP BY 1"
    parameters = [clamp(query.start), clamp(query.end), *filter(None, tags.values()), query.limit]
    table = quoted(query.measurement)
    select = _sql(
        "SELECT", f"{time}, {values}", "FROM", table, "WHERE", where, grouping, "ORDER BY 1 LIMIT ?"
    )
    return Question(select, parameters, ("time", *fields))


def newest(measurement: str, by: str, since: int, kinds: Kinds) -> Question:
    """For each text of the tag `by`: time and tags of the newest point, the last value of every field."""
    tags = sorted(name for name, kind in kinds.items() if kind is Kind.TAG)
    fields = sorted(kinds.keys() - set(tags))
    parts = [f"arg_max_null({quoted(name)}, time)" for name in tags]
    parts += [f"arg_max({quoted(name)}, time)" for name in fields]
    tag = quoted(by)
    select = _sql("SELECT max(time),", ", ".join(parts), "FROM", quoted(measurement))
    where = f"WHERE time >= ? AND {tag} IS NOT NULL GROUP BY {tag} ORDER BY {tag}"
    return Question(_sql(select, where), [clamp(since)], ("time", *tags, *fields))


def filled(measurements: Sequence[str]) -> str:
    """Which of these hold points. The names are screened, so they can stand as texts too."""
    return " UNION ALL ".join(
        _sql("SELECT", f"'{name}'", "WHERE EXISTS (SELECT 1 FROM", quoted(name), ")") for name in measurements
    )


def count(measurement: str, start: int, end: int) -> Question:
    """How many points lie in the span."""
    select = _sql("SELECT count(*) FROM", quoted(measurement), "WHERE time >= ? AND time < ?")
    return Question(select, [clamp(start), clamp(end)], ("count",))


def forget(measurement: str) -> str:
    """Deletes at most so many (second parameter) points older than the first."""
    table = quoted(measurement)
    oldest = _sql("SELECT rowid FROM", table, "WHERE time < ? LIMIT ?")
    return _sql("DELETE FROM", table, "WHERE rowid IN (", oldest, ")")


def _sql(*parts: str) -> str:
    return " ".join(parts)
