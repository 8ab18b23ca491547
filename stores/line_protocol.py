"""InfluxDB line protocol: points as text, one line each.

Source: InfluxDB 1.x line protocol reference. All numbers are written as floats.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat

from stores.screening import Kind, Screened
from telemetry import Value

_KEY = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ "})
_TEXT = str.maketrans({'"': '\\"', "\\": "\\\\"})


def encode(points: Screened) -> list[str]:
    """One line for each point, without line ends. Only a quoted text may hold a line break."""
    series = _series(points.measurement, points.tags, len(points.times))
    columns = [_column(name, points.kinds[name], column) for name, column in points.fields.items()]
    if any(None in column for column in points.fields.values()):
        fields: Iterable[str] = (",".join(filter(None, row)) for row in zip(*columns, strict=True))
    else:
        fields = map(",".join, zip(*columns, strict=True))
    return list(map("%s %s %d".__mod__, zip(series, fields, points.times, strict=True)))


def watermark(gateway: str, epoch: str, seq: int, time: int) -> str:
    """The line that says how far a source's batches are stored."""
    tags = "".join(
        f",{name}={text.translate(_KEY)}" for name, text in (("epoch", epoch), ("gateway", gateway)) if text
    )
    return f"haidang_watermark{tags} seq={seq}i {time}"


def _series(measurement: str, tags: Mapping[str, Sequence[str]], length: int) -> Iterable[str]:
    start = measurement.translate(_MEASUREMENT)
    names = sorted(tags)
    if not names:
        return repeat(start, length)
    keys = [f",{name.translate(_KEY)}=" for name in names]
    known: dict[tuple[str, ...], str] = {}
    rows = list(zip(*(tags[name] for name in names), strict=True))
    for row in set(rows):
        pairs = (key + text.translate(_KEY) for key, text in zip(keys, row, strict=True) if text)
        known[row] = start + "".join(pairs)
    return map(known.__getitem__, rows)


def _column(name: str, kind: Kind, column: Sequence[Value | None]) -> list[str]:
    prefix = name.translate(_KEY) + "="
    write = _WRITERS[kind]
    if None in column:
        return ["" if value is None else prefix + write(value) for value in column]
    return list(map(prefix.__add__, map(write, column)))


def _text(value: object) -> str:
    return f'"{str(value).translate(_TEXT)}"'


def _truth(value: object) -> str:
    return "true" if value else "false"


_WRITERS: Mapping[Kind, Callable[[object], str]] = {Kind.NUMBER: repr, Kind.TEXT: _text, Kind.TRUTH: _truth}
