"""The live picture: what is known of every ship now, put together from all that all stations heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from telemetry import Value
from telemetry.times import NANOSECONDS
from vessels.messages import Message, StaticAndVoyage, StaticPartA, StaticPartB
from vessels.points import (
    Position,
    class_of,
    identity_of,
    motion_of,
    position_fields,
    position_of,
    static_fields,
    voyage_of,
)

__all__ = ["Picture", "Vessel", "position_fields", "static_fields"]

MOST_VESSELS = 20_000
KEPT_FOR = 24 * 3600 * NANOSECONDS
FINE_HOLDS = 180 * NANOSECONDS
"""How long a fine position stands against newer coarse ones: the interval of type 27."""
AHEAD = 3600 * NANOSECONDS
"""How far ahead of the clock an observation may be and its ship still be kept."""

_STORED = (
    *("sog", "cog", "heading", "nav_status", "destination", "eta", "draught"),
    *("name", "call_sign", "imo", "ship_type", "length", "beam"),
    *("to_bow", "to_stern", "to_port", "to_starboard"),
)
"""What a stored point may say of a ship besides her position and class."""
_WHOLE = frozenset({"imo", "ship_type", "nav_status"})


_STATIC = (StaticAndVoyage, StaticPartA, StaticPartB)
"""What tells a class only to those of whom nothing else does: rescue aircraft send types 5 and 24 too."""


@dataclass(frozen=True, slots=True)
class Vessel:
    """A ship, aid to navigation, base station or search and rescue craft; None: not available.

    ship_class: "A", "B", "aton", "base" or "sar". Positions in WGS-84 degrees, sog in knots, cog and
    heading in degrees, dimensions in metres, `to_…` from the antenna, eta `MM-DDThh:mmZ`. ship_type and
    nav_status: vessels/names.py. stations: who heard it, the latest first. last_seen, position_at: UTC
    nanoseconds of the newest observation and of the position.
    """

    mmsi: int
    last_seen: int
    name: str | None = None
    call_sign: str | None = None
    imo: int | None = None
    ship_type: int | None = None
    ship_class: str | None = None
    lat: float | None = None
    lon: float | None = None
    sog: float | None = None
    cog: float | None = None
    heading: float | None = None
    nav_status: int | None = None
    destination: str | None = None
    eta: str | None = None
    draught: float | None = None
    length: float | None = None
    beam: float | None = None
    to_bow: float | None = None
    to_stern: float | None = None
    to_port: float | None = None
    to_starboard: float | None = None
    stations: tuple[str, ...] = ()
    position_at: int | None = None


@dataclass(slots=True)
class _Record:
    """A ship and when each thing known of her was observed."""

    vessel: Vessel
    heard: dict[str, int] = field(default_factory=dict[str, int])
    said: dict[str, int] = field(default_factory=dict[str, int])
    coarse: bool = False


class Picture:
    """All ships by MMSI. Observations may come in any order; the newest of each thing counts.

    At most `most` ships are kept, the ones heard of longest ago give way (`dropped` counts them), and
    `expire` forgets those not heard of for `kept_for` nanoseconds.
    """

    def __init__(self, most: int = MOST_VESSELS, kept_for: int = KEPT_FOR) -> None:
        self.dropped = 0
        self._most = most
        self._kept_for = kept_for
        self._records: dict[int, _Record] = {}

    def __len__(self) -> int:
        return len(self._records)

    def vessels(self) -> Sequence[Vessel]:
        """All ships."""
        return [record.vessel for record in self._records.values()]

    def get(self, mmsi: int) -> Vessel | None:
        """The ship of this MMSI, None for one that is not known."""
        record = self._records.get(mmsi)
        return None if record is None else record.vessel

    def heard(self, mmsi: int) -> Mapping[str, int]:
        """Which stations heard this ship, and when last (UTC nanoseconds)."""
        record = self._records.get(mmsi)
        return {} if record is None else dict(record.heard)

    def apply(self, message: Message, station: str, observed_at: int) -> Vessel | None:
        """The ship as changed by what this station heard; None where nothing changed.

        observed_at: UTC nanoseconds. An older observation only fills in what is not known yet.
        """
        record = self._record(message.mmsi, observed_at)
        changes: dict[str, Any] = {}
        position = position_of(message)
        if position is None or not position.coarse or not _is_held(record, observed_at):
            _take(record, motion_of(message), observed_at, changes)
            _move(record, position, observed_at, changes)
        _take(record, identity_of(message), observed_at, changes)
        _take(record, voyage_of(message), observed_at, changes)
        ship_class = class_of(message)
        if ship_class is not None and (record.vessel.ship_class is None or not isinstance(message, _STATIC)):
            _take(record, {"ship_class": ship_class}, observed_at, changes)
        return self._settle(record, changes, station, observed_at)

    def restore(self, row: Mapping[str, Value | None]) -> Vessel | None:
        """The ship as changed by a stored point; None where nothing changed.

        row: `mmsi`, `time` (UTC nanoseconds), `device`, and what `position_fields` or `static_fields` gave.
        A row without a number for mmsi and time is passed over.
        """
        mmsi, observed_at = _whole(row.get("mmsi")), _whole(row.get("time"))
        if mmsi is None or observed_at is None:
            return None
        record = self._record(mmsi, observed_at)
        changes: dict[str, Any] = {}
        known = {name: row[name] for name in _STORED if row.get(name) is not None}
        known |= {name: _whole(known[name]) for name in _WHOLE & known.keys()}
        _take(record, known, observed_at, changes)
        lat, lon = row.get("lat"), row.get("lon")
        if isinstance(lat, float | int) and isinstance(lon, float | int):
            _move(record, Position(lat, lon), observed_at, changes)
        if row.get("class") is not None and record.vessel.ship_class is None:
            _take(record, {"ship_class": str(row["class"])}, observed_at, changes)
        return self._settle(record, changes, str(row.get("device") or ""), observed_at)

    def expire(self, now: int) -> Sequence[int]:
        """Forgets ships not heard of for long enough, and those from a future no clock can mean.

        Returns their MMSIs. now: UTC nanoseconds.
        """
        oldest, newest = now - self._kept_for, now + AHEAD
        gone = [m for m, record in self._records.items() if not oldest <= record.vessel.last_seen <= newest]
        for mmsi in gone:
            del self._records[mmsi]
        for record in self._records.values():
            if min(record.heard.values(), default=oldest) < oldest:
                record.heard = {name: at for name, at in record.heard.items() if at >= oldest}
                record.vessel = replace(record.vessel, stations=_latest_first(record.heard))
        return gone

    def _record(self, mmsi: int, observed_at: int) -> _Record:
        record = self._records.get(mmsi)
        if record is None:
            if len(self._records) >= self._most:
                del self._records[next(iter(self._records))]
                self.dropped += 1
            record = self._records[mmsi] = _Record(Vessel(mmsi, observed_at))
        elif observed_at > record.vessel.last_seen:  # those heard of longest ago stand first
            self._records[mmsi] = self._records.pop(mmsi)
        return record

    def _settle(
        self, record: _Record, changes: dict[str, Any], station: str, observed_at: int
    ) -> Vessel | None:
        vessel = record.vessel
        if observed_at > vessel.last_seen:
            changes["last_seen"] = observed_at
        if station and observed_at > record.heard.get(station, -1):
            record.heard[station] = observed_at
            if vessel.stations[:1] != (station,) and vessel.stations != (
                order := _latest_first(record.heard)
            ):
                changes["stations"] = order
        if not changes:
            return None
        record.vessel = replace(vessel, **changes)
        return record.vessel


def _take(record: _Record, values: Mapping[str, object], observed_at: int, changes: dict[str, Any]) -> None:
    """Those values that are not older than what is known."""
    said = record.said
    for name, value in values.items():
        if observed_at >= said.get(name, -1):
            said[name] = observed_at
            changes[name] = value


def _move(record: _Record, position: Position | None, observed_at: int, changes: dict[str, Any]) -> None:
    before = record.vessel.position_at
    if position is not None and (before is None or observed_at >= before):
        record.coarse = position.coarse
        changes |= {"lat": position.lat, "lon": position.lon, "position_at": observed_at}


def _is_held(record: _Record, observed_at: int) -> bool:
    """Whether the ship's fine position is too young to give way to a coarse one."""
    at = record.vessel.position_at
    return at is not None and not record.coarse and observed_at <= at + FINE_HOLDS


def _latest_first(heard: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(heard, key=heard.__getitem__, reverse=True))


def _whole(value: Value | None) -> int | None:
    """The stores keep every number as a float and every tag as text."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else None
    return None if value is None else int(value)
