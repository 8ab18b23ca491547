"""A real InfluxDB that holds what this product writes: ships, weather, water, power, gateways' health."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from broker.wire import DeviceStatus, GatewayStatus
from ingest.columns import Intake, columns
from ingest.health import health_points
from ingest.stream import Stream
from rules.evaluator import Evaluator
from stores.contract import Points
from stores.influx import InfluxStore
from stores.influx_address import parse_address
from telemetry import Instant, Reading
from telemetry.times import NANOSECONDS
from tests.grafana.expansion import Influx, Span
from vessels.codec import encode
from vessels.messages import (
    AidToNavigation,
    ClassBPosition,
    Message,
    PositionReport,
    StaticAndVoyage,
    StaticPartA,
)
from vessels.picture import Picture

HEADING_SHIP, QUIET_SHIP, BUOY, FAR_SHIP = 574001230, 574002340, 995741001, 477123400
SITES = {"quay": "Đình Vũ (1/2) a.b+c", "outer": "Lạch Huyện", "bare": ""}
"""Gateway → its site: one whose name is full of signs that mean something in patterns, one without."""
STEP, STEPS = 10 * NANOSECONDS, 60
MINUTES = STEP * STEPS // (60 * NANOSECONDS)


@dataclass(frozen=True)
class Written:
    """What was written where. policy: the retention policy. last: of the points, ms since 1970. span: that
    the board shows, the last six hours.
    """

    influx: Influx
    policy: str
    last: int
    span: Span


@pytest.fixture(scope="session", params=["", "year"], ids=["default-policy", "own-policy"])
def port(influx_url: str, request: pytest.FixtureRequest) -> Written:
    """Ten minutes of a port, up to now, in the default or in another retention policy."""
    policy = str(request.param)
    database = f"boards_{uuid.uuid4().hex}"
    url = f"{influx_url.replace('http:', 'influxdb:')}/{database}" + (f"?rp={policy}" if policy else "")
    end = time.time_ns() // STEP * STEP
    asyncio.run(_write(url, end))
    last = end // 1_000_000
    return Written(
        Influx(influx_url, database), policy, last, Span(last + 1_000 - 6 * 3_600_000, last + 1_000)
    )


async def _write(url: str, end: int) -> None:
    async with InfluxStore(parse_address(url)) as store:
        for gateway in SITES:
            assert not await store.write(_points(gateway, end))


def _points(gateway: str, end: int) -> list[Points]:
    times = [end - STEP * step for step in reversed(range(STEPS))]
    stream = Stream(Picture(), Evaluator((), Instant(times[0], 0.0)))
    readings = [reading for number, at in enumerate(times) for reading in _readings(gateway, number, at)]
    meaning = stream.take(readings, Instant(end, 0.0))
    points = columns([Intake(gateway, SITES[gateway], meaning.readings, meaning.observations)])
    return points + [
        health_points(gateway, _status(gateway, number, at), at) for number, at in enumerate(times)
    ]


def _readings(gateway: str, number: int, at: int) -> Sequence[Reading]:
    """What the devices say at one instant; each gateway has its own, named after it."""
    wave = number / STEPS
    said: dict[str, dict[str, float]] = {
        "weather": {
            "wind_speed": 5 + wave, "wind_direction": 358 + wave, "air_temperature": 28 + wave,
            "water_temperature": 25 + wave, "humidity": 80 + wave, "air_pressure": 1008 - wave,
        },
        "water_level": {"distance": 7 - wave, "water_level": 2 + wave, "installation_height": 9.0},
        "power": {
            "power": 41_000 + wave, "energy_import": 7_000 + wave,
            **{f"voltage_l{phase}": 229 + wave for phase in (1, 2, 3)},
        },
        "camera": {"pan": -30 + wave, "tilt": 5 + wave, "zoom": 40 + wave},
    }  # fmt: skip
    measured = [Reading(f"{kind}-{gateway}", kind, at, values) for kind, values in said.items()]
    heard = [
        Reading(f"ais-{gateway}", "ais", at + place, {"sentence": sentence})
        for place, sentence in enumerate(
            sentence for message in _messages(gateway, number) for sentence in encode(message)
        )
    ]
    return measured + heard


def _messages(gateway: str, number: int) -> Sequence[Message]:
    """At the quay a ship with a heading, one without and a buoy; each gateway but that hears the far ship."""
    if gateway != "quay":
        return [PositionReport(1, 0, FAR_SHIP, sog=12.0, lon=107.0, lat=20.7, cog=300.0, heading=301)]
    moving = 20.8 + number / 10_000
    return [
        PositionReport(
            1, 0, HEADING_SHIP, nav_status=0, sog=9.5, lon=106.9, lat=moving, cog=311.0, heading=310
        ),
        StaticAndVoyage(5, 0, HEADING_SHIP, name="HAI PHONG STAR", destination="VNHPH"),
        ClassBPosition(18, 0, QUIET_SHIP, sog=0.1, lon=106.7, lat=20.86, cog=12.0),
        StaticPartA(24, 0, QUIET_SHIP, name="SA LAN 7"),
        AidToNavigation(21, 0, BUOY, name="HP 14", lon=106.95, lat=20.75),
    ]


def _status(gateway: str, number: int, at: int) -> GatewayStatus:
    """The bare gateway vanishes at the end."""
    if gateway == "bare" and number == STEPS - 1:
        return GatewayStatus(online=False, site=SITES[gateway])
    link = "tcp://127.0.0.1:10110"
    devices = [
        DeviceStatus(f"{kind}-{gateway}", "nmea-weather", link, "file", state=state)
        for kind, state in (("weather", "ok"), ("power", "faulty"), ("ais", "ok"))
    ]
    return GatewayStatus(
        online=True,
        version="1",
        site=SITES[gateway],
        backlog=number,
        backlog_bytes=1_000 * number,
        accepted=number,
        clock=at + NANOSECONDS // 2,
        devices=devices,
    )
