"""Turns readings into the stores' column-wise points. This is the hot path: one pass, no objects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stores.contract import Points
from telemetry import Quality, Reading, Value


@dataclass(frozen=True, slots=True)
class Observation:
    """What a station heard of a ship at one instant (UTC nanoseconds): a row of a vessel measurement."""

    measurement: str
    mmsi: int
    station: str
    time: int
    fields: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Intake:
    """One batch on its way to the store, with what was derived from it."""

    gateway: str
    site: str
    readings: Sequence[Reading]
    observations: Sequence[Observation] = ()


@dataclass(slots=True)
class _Rows:
    times: list[int] = field(default_factory=list[int])
    tags: tuple[list[str], ...] = ()
    values: list[Iterable[Value]] = field(default_factory=list[Iterable[Value]])


def columns(intakes: Sequence[Intake]) -> list[Points]:
    """Points of all batches, grouped by measurement and set of fields.

    Tags are device, gateway and site, for ships mmsi too. Quality is a field only where it is not good.
    """
    groups: dict[tuple[str, ...], _Rows] = {}
    for intake in intakes:
        _add_readings(groups, intake)
    points = [_points(key[0], key[1:], rows, ("device", "gateway", "site")) for key, rows in groups.items()]
    ships: dict[tuple[str, ...], _Rows] = {}
    for intake in intakes:
        _add_observations(ships, intake)
    tags = ("mmsi", "device", "gateway", "site")
    return points + [_points(key[0], key[1:], rows, tags) for key, rows in ships.items()]


def _add_readings(groups: dict[tuple[str, ...], _Rows], intake: Intake) -> None:
    gateway, site = intake.gateway, intake.site
    for reading in intake.readings:
        values = reading.values
        if reading.quality is not Quality.GOOD:
            values = {**values, "quality": reading.quality.value}
        key = (reading.kind, *values)
        rows = groups.get(key)
        if rows is None:
            rows = groups[key] = _Rows(tags=([], [], []))
        rows.times.append(reading.observed_at)
        devices, gateways, sites = rows.tags
        devices.append(reading.device)
        gateways.append(gateway)
        sites.append(site)
        rows.values.append(values.values())


def _add_observations(groups: dict[tuple[str, ...], _Rows], intake: Intake) -> None:
    for seen in intake.observations:
        rows = groups.setdefault((seen.measurement, *seen.fields), _Rows(tags=([], [], [], [])))
        rows.times.append(seen.time)
        for tag, text in zip(
            rows.tags, (str(seen.mmsi), seen.station, intake.gateway, intake.site), strict=True
        ):
            tag.append(text)
        rows.values.append(seen.fields.values())


def _points(measurement: str, names: Sequence[str], rows: _Rows, tags: Sequence[str]) -> Points:
    fields = zip(names, zip(*rows.values, strict=True), strict=True)
    return Points(measurement, rows.times, dict(zip(tags, rows.tags, strict=True)), dict(fields))
