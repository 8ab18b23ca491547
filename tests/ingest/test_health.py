"""Gateways' statuses become points that both stores keep."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.wire import DeviceStatus, GatewayStatus
from ingest.health import health_points
from stores.contract import Points, RangeQuery
from stores.embedded import EmbeddedStore
from telemetry import Value
from telemetry.times import NANOSECONDS

NOW = 1_795_000_000 * NANOSECONDS


def device(name: str, state: str) -> DeviceStatus:
    return DeviceStatus(name, "nmea-weather", "tcp://127.0.0.1:1", "file", state=state)


def only_row(points: Points) -> Mapping[str, Value]:
    assert list(points.times) == [NOW]
    return {name: value for name, column in points.fields.items() if (value := column[0]) is not None}


def test_a_status_says_what_waits_what_was_refused_and_how_the_devices_fare() -> None:
    states = ["ok", "ok", "connecting", "silent", "faulty", "refused"]
    status = GatewayStatus(
        online=True,
        version="1",
        site="Đình Vũ",
        backlog=7,
        backlog_bytes=900,
        accepted=1200,
        refused={"disk-full": 3, "too-large": 1},
        clock=NOW + 2 * NANOSECONDS,
        devices=[device(f"d{number}", state) for number, state in enumerate(states)],
        alerts={"disk-full": "the outbox has no space"},
    )
    points = health_points("quay", status, NOW)
    assert points.measurement == "gateway"
    assert dict(points.tags) == {"gateway": ["quay"], "site": ["Đình Vũ"]}
    assert only_row(points) == {
        "online": 1.0,
        "backlog": 7.0,
        "backlog_bytes": 900.0,
        "accepted": 1200.0,
        "refused_total": 4.0,
        "clock_offset": 2.0,
        "devices_ok": 2.0,
        "devices_faulty": 3.0,
        "alerts": 1.0,
    }


@pytest.mark.parametrize("last", [GatewayStatus(online=False), GatewayStatus(online=False, clock=NOW - 9)])
def test_a_gateway_that_is_gone_says_so_and_nothing_that_nobody_knows(last: GatewayStatus) -> None:
    assert only_row(health_points("quay", last, NOW)) == {"online": 0.0}


def test_a_clock_that_was_never_read_has_no_offset() -> None:
    assert "clock_offset" not in only_row(health_points("quay", GatewayStatus(online=True), NOW))


async def test_statuses_with_and_without_counts_are_stored_together(tmp_path: Path) -> None:
    online = health_points("quay", GatewayStatus(online=True, clock=NOW, backlog=2), NOW)
    gone = health_points("quay", GatewayStatus(online=False), NOW + 1)
    async with EmbeddedStore(tmp_path) as store:
        assert list(await store.write([online, gone])) == []
        table = await store.range(RangeQuery("gateway", NOW, NOW + 2, fields=("online", "backlog")))
    assert list(table.rows) == [(NOW, 1.0, 2.0), (NOW + 1, 0.0, None)]
