"""Expands queries of boards as Grafana does, and asks InfluxDB as Grafana asks.

First its page fills in the variables, then its server the macros, in this order: `$timeFilter`,
`$interval`, `$__interval_ms`, `$__interval`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")
_PATTERN = re.compile(r"/(?:[^/\\\s]|\\.|\$\w+)(?:[^/\\]|\\.)*/")
_STEPS = (
    *((10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500)),
    *((1_500, 1_000), (3_500, 2_000), (7_500, 5_000), (12_500, 10_000), (17_500, 15_000)),
    *((25_000, 20_000), (45_000, 30_000), (90_000, 60_000), (210_000, 120_000), (450_000, 300_000)),
    *((750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000), (2_700_000, 1_800_000)),
    *((5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000)),
    *((32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000)),
)
"""Up to this many ms a step is rounded to so many."""
_WEEK = 604_800_000
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


@dataclass(frozen=True)
class All:
    """`All` is picked, and the board says what to put there; it goes in as it is."""

    value: str


Picked = str | Sequence[str] | All
"""The value of a variable that takes one, the values of one that takes several, or All."""


def with_variables(query: str, picked: Mapping[str, Picked]) -> str:
    """What Grafana's page makes of a query; what is no variable of the board stays."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return _put(picked[name], _in_pattern(query, match.start())) if name in picked else match[0]

    return _VARIABLE.sub(value, query)


@dataclass(frozen=True)
class Span:
    """What a panel looks at: from and to in ms since 1970, and how fine."""

    start: int
    end: int
    max_data_points: int = 1000
    least_interval: int = 10_000

    @property
    def interval(self) -> int:
        """ms of one step."""
        exact = (self.end - self.start) / self.max_data_points
        rounded = next((step for limit, step in _STEPS if exact <= limit), _WEEK)
        return max(self.least_interval, rounded)

    def expand(self, query: str) -> str:
        """What Grafana's server makes of what its page sent."""
        text = duration(self.interval)
        query = query.replace("$timeFilter", f"time >= {self.start}ms and time <= {self.end}ms")
        query = query.replace("$interval", text)
        return query.replace("$__interval_ms", str(self.interval)).replace("$__interval", text)


@dataclass(frozen=True)
class Influx:
    """An InfluxDB as the data source knows it."""

    url: str
    database: str

    def ask(self, query: str, policy: str = "") -> list[dict[str, Any]]:
        """The series that answer one statement; fails on what Grafana would show as an error."""
        target = {"db": self.database, "epoch": "ms"} | ({"rp": policy} if policy else {})
        response = httpx.post(f"{self.url}/query", params=target, data={"q": query}, trust_env=False)
        assert response.status_code == 200, f"{query}: {response.text}"
        (result,) = response.json()["results"]
        assert "error" not in result, f"{query}: {result}"
        series: list[dict[str, Any]] = result.get("series", [])
        return series


Row = dict[str, Any]


def rows(series: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows of one table, under the names that Grafana gives its columns: `Time`, tags, values."""
    return [
        dict(each.get("tags", {}))
        | {("Time" if name == "time" else name): v for name, v in zip(each["columns"], row, strict=True)}
        for each in series
        for row in each["values"]
    ]


def duration(milliseconds: int) -> str:
    """As InfluxQL reads it: `20s`."""
    unit, length = next((unit, length) for unit, length in _UNITS if milliseconds % length == 0)
    return f"{milliseconds // length}{unit}"


def _put(picked: Picked, in_pattern: bool) -> str:
    if isinstance(picked, All):
        return picked.value
    if isinstance(picked, str):
        return _escaped(picked) if in_pattern else picked
    values = [_escaped(value) for value in picked]
    return values[0] if len(values) == 1 else f"({'|'.join(values)})"


def _escaped(value: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", value)


def _in_pattern(query: str, place: int) -> bool:
    return any(match.start() < place < match.end() for match in _PATTERN.finditer(query))
