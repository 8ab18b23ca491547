"""InfluxQL as Grafana's panels and variables ask it, with Grafana's own macros and variables in it.

`$timeFilter` and `$__interval` are filled in by Grafana's server, `$site` and `$device` by its page: one
value as it is, several as `(a|b)`, so every pattern is anchored. A table groups by one tag at most:
Grafana fills the columns of several in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

DATA_SOURCE_UID = "haidang-influxdb"
SITE = '"site" =~ /^$site$/'
DEVICE = '"device" =~ /^$device$/'
SENSORS = f"{SITE} AND {DEVICE}"
"""Which points count: of the sites, of the sites and devices that the user picked."""


def data_source() -> DataSourceRef:
    """What panels and variables call the data source."""
    return DataSourceRef(type_val="influxdb", uid=DATA_SOURCE_UID)


@dataclass(frozen=True, slots=True)
class InfluxQuery(Builder[Dataquery], Dataquery):
    """One query of a panel in InfluxQL; the SDK has no class for it.

    ref: its letter or word within the panel. table: columns as they are named, instead of one series for
    each value. alias: what a series is called, with `$tag_…` and `$col` for its own. policy: the retention
    policy to ask, empty for the database's default.
    """

    ref: str
    text: str
    table: bool = False
    alias: str = ""
    policy: str = ""

    def build(self) -> Dataquery:
        """Itself: panels take builders."""
        return self

    def to_json(self) -> dict[str, object]:
        """As Grafana's InfluxDB plugin reads it."""
        written: dict[str, object] = {
            "refId": self.ref,
            "datasource": data_source(),
            "query": self.text,
            "rawQuery": True,
            "resultFormat": "table" if self.table else "time_series",
        }
        options = {"alias": self.alias, "policy": self.policy}
        return written | {name: text for name, text in options.items() if text}


@dataclass(frozen=True, slots=True)
class Questions:
    """Makes the queries of a board. policy: the retention policy to ask, empty for the default one."""

    policy: str = ""

    def over_time(
        self,
        ref: str,
        measurement: str,
        values: str,
        *,
        scope: str = SENSORS,
        by: str = "device",
        alias: str = "",
        empty: str = "null",
    ) -> InfluxQuery:
        """A course for each value of the tag `by`. values: aggregates, such as `mean("wind_speed")`.

        empty: what an interval without points gives.
        """
        groups = f'GROUP BY time($__interval), "{by}" fill({empty})'
        text = _select(values, f'"{measurement}"', scope, groups)
        return InfluxQuery(ref, text, alias=alias or f"$tag_{by}", policy=self.policy)

    def whole_range(self, ref: str, measurement: str, value: str) -> InfluxQuery:
        """One number for each device over the time that the board shows."""
        text = _select(value, f'"{measurement}"', SENSORS, 'GROUP BY "device"')
        return InfluxQuery(ref, text, alias="$tag_device", policy=self.policy)

    def newest(
        self, ref: str, measurement: str, columns: Sequence[str], *, by: str, scope: str = SITE
    ) -> InfluxQuery:
        """For each value of the tag `by` the newest point that has the first column, with its own time.

        columns: fields and tags of that point, `tag AS "name"` for a tag under another name.
        """
        first, *others = columns
        values = ", ".join([f'last("{first}") AS "{first}"', *(_selected(column) for column in others)])
        text = _select(values, f'"{measurement}"', scope, f'GROUP BY "{by}"')
        return InfluxQuery(ref, text, table=True, policy=self.policy)

    def over_newest(
        self, ref: str, measurement: str, field: str, value: str, *, by: str, scope: str = SITE
    ) -> InfluxQuery:
        """One number made of the newest values of a field, one for each value of the tag `by`."""
        newest = _select(f'last("{field}") AS "{field}"', f'"{measurement}"', scope, f'GROUP BY "{by}"')
        text = _select(value, f"({newest})")
        return InfluxQuery(ref, text, table=True, policy=self.policy)


def _select(values: str, source: str, scope: str = "", groups: str = "") -> str:
    words = ("SELECT", values, "FROM", source, "WHERE $timeFilter", "AND" if scope else "", scope, groups)
    return " ".join(filter(None, words))


def _selected(column: str) -> str:
    return column if " AS " in column else f'"{column}"'


def sites() -> str:
    """The sites there are."""
    return 'SHOW TAG VALUES WITH KEY = "site"'


def devices(measurements: Sequence[str]) -> str:
    """The devices of the picked sites that said something of these kinds."""
    return f'SHOW TAG VALUES FROM /^({"|".join(measurements)})$/ WITH KEY = "device" WHERE {SITE}'
