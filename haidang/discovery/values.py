"""A reading as an administrator sees it on the terminal: names, values, units. No I/O."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from telemetry import Profile, Reading, Value, parse_utc
from telemetry.times import NANOSECONDS, VIETNAM
from telemetry.units import display


def clock(nanoseconds: int) -> str:
    """The time of day in Vietnam, to a tenth of a second."""
    moment = datetime.fromtimestamp(nanoseconds / NANOSECONDS, VIETNAM)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 100_000}"


def age(moment: str | None, now: int) -> str:
    """How long ago an RFC 3339 time was, for a table: `12 s`, `3 min`, `5 h`, `2 d`; `never` for none."""
    if moment is None:
        return "never"
    seconds = max(0, now - parse_utc(moment)) // NANOSECONDS
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def harmless(text: str) -> str:
    """Text from a device without what could steer a terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "·" for char in text)


def number(value: Value) -> str:
    """As a person reads it: seven significant figures, without the noise of binary fractions."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return harmless(str(value))
    return f"{value:.1f}" if 1e7 <= abs(value) < 1e15 else f"{value:.7g}"


def sheet(reading: Mapping[str, Value], profile: Profile | None) -> Table:
    """One line for each metric of the model, those that said nothing too; without a model, for each value."""
    metrics = profile.metrics if profile is not None else ()
    table = Table(Column("metric", no_wrap=True), Column("value", justify="right"), "unit", "name", "tên")
    for metric in metrics:
        said = reading.get(metric.name)
        shown = Text("—", "dim") if said is None else Text(number(said))
        titles = escape(metric.title.en), escape(metric.title.vi)
        table.add_row(metric.name, shown, display(metric.unit), *titles)
    known = {metric.name for metric in metrics}
    for name, value in reading.items():
        if name not in known:
            table.add_row(escape(name), escape(number(value)), "", "", "")
    return table


def line(reading: Reading, profile: Profile) -> str:
    """A reading on one line: time, device and everything it says."""
    units = {metric.name: display(metric.unit) for metric in profile.metrics}
    values = "  ".join(_named(reading.values, units))
    quality = "" if reading.quality == "good" else f"  [{reading.quality}]"
    return f"{clock(reading.observed_at)}  {values}{quality}"


def _named(values: Mapping[str, Value], units: Mapping[str, str]) -> Iterator[str]:
    for name, value in values.items():
        unit = units.get(name, "")
        yield f"{name}={number(value)}{f' {unit}' if unit else ''}"
