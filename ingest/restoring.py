"""After a restart: the last values and the traffic picture, read back from the store."""

from collections.abc import Mapping, Sequence

from broker.wire import LiveReading
from stores.contract import Store, Table
from telemetry import Value
from telemetry.times import NANOSECONDS
from vessels.picture import Picture, Vessel

LOOK_BACK = 24 * 3600 * NANOSECONDS
_SHIPS = ("vessel_static", "vessel")
_HEALTH = "gateway"
_NOT_VALUES = frozenset({"time", "device", "gateway", "site", "quality"})
"""Quality too: the last one stored may be older than the last reading, since good ones carry none."""
Row = Mapping[str, Value | None]


async def restore_picture(store: Store, picture: Picture, now: int) -> Sequence[Vessel]:
    """Fills the picture with the ships of the last day. now: UTC nanoseconds. Raises StoreError."""
    for measurement in _SHIPS:
        for row in _rows(await store.latest(measurement, "mmsi", now - LOOK_BACK)):
            picture.restore(_present(row))
    return picture.vessels()


async def restore_readings(store: Store, now: int) -> Sequence[LiveReading]:
    """The newest reading of every device of the last day. now: UTC nanoseconds. Raises StoreError."""
    return [
        _reading(measurement, row)
        for measurement in await store.measurements()
        if measurement not in {*_SHIPS, _HEALTH}
        for row in _rows(await store.latest(measurement, "device", now - LOOK_BACK))
    ]


def _rows(table: Table) -> list[Row]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _present(row: Row) -> dict[str, Value]:
    return {name: value for name, value in row.items() if value is not None}


def _reading(measurement: str, row: Row) -> LiveReading:
    present = _present(row)
    time = int(present["time"])
    return LiveReading(
        gateway=str(present.get("gateway", "")),
        device=str(present["device"]),
        kind=measurement,
        observed_at=time,
        received_at=time,
        values={name: value for name, value in present.items() if name not in _NOT_VALUES},
    )
