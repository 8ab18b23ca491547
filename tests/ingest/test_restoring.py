"""What is known again after a restart."""

import time
from pathlib import Path

from broker.wire import GatewayStatus
from ingest.columns import Intake, Observation, columns
from ingest.health import health_points
from ingest.restoring import restore_picture, restore_readings
from stores.open import open_store
from telemetry import Quality, Reading
from vessels.picture import Picture


async def test_the_last_values_and_the_ships_come_back_from_the_store(tmp_path: Path) -> None:
    now = time.time_ns()
    readings = [
        Reading("mast", "weather", now - 3, {"wind_speed": 4.0}, Quality.BAD),
        Reading("mast", "weather", now - 2, {"pressure": 1012.0}),
        Reading("mast", "weather", now - 1, {"wind_speed": 5.0}),
    ]
    seen = [
        Observation("vessel_static", 574001230, "ais-1", now - 2, {"name": "HAI DANG", "ship_type": 70}),
        Observation("vessel", 574001230, "ais-1", now - 1, {"lat": 20.8, "lon": 106.8, "sog": 9.5}),
    ]
    picture = Picture()
    async with open_store(None, tmp_path) as store:
        health = health_points("quay", GatewayStatus(online=True), now)
        await store.write([*columns([Intake("quay", "Đình Vũ", readings, seen)]), health])
        (latest,) = await restore_readings(store, now)
        (ship,) = await restore_picture(store, picture, now)
    assert (latest.device, latest.gateway, latest.kind) == ("mast", "quay", "weather")
    assert latest.values == {"wind_speed": 5.0, "pressure": 1012.0}
    assert latest.quality is Quality.GOOD
    assert (ship.mmsi, ship.name, ship.lat, ship.sog, ship.stations) == (
        574001230, "HAI DANG", 20.8, 9.5, ("ais-1",),
    )  # fmt: skip
    assert picture.get(574001230) == ship
