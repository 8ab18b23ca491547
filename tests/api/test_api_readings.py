"""`/devices/{id}/latest` and `/devices/{id}/readings`."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from broker.wire import LiveReading
from stores.contract import Points
from telemetry import Quality, Value, format_utc
from telemetry.times import NANOSECONDS
from tests.api.running import NOW, Running, meter, reading
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEVICES = "/api/v1/devices"
MINUTE = 60 * NANOSECONDS
START = NOW // (60 * MINUTE) * 60 * MINUTE - 60 * MINUTE  # a full hour, an hour ago or two


async def given(api: Running, device: str) -> None:
    """A power meter on a gateway."""
    if (await api.ask("GET", "/api/v1/gateways/quay")).status_code == 404:
        await api.send("POST", "/api/v1/gateways", {"id": "quay"}, 201)
    await api.send("POST", DEVICES, meter(device, "quay"), 201)


async def stored(api: Running, device: str, rows: Mapping[int, Mapping[str, Value]]) -> None:
    """Readings in the store, by time."""
    for time, values in rows.items():
        tags = {"device": [device], "gateway": ["quay"], "site": ["VNHPH"]}
        fields: dict[str, Sequence[Value | None]] = {name: [value] for name, value in values.items()}
        assert not await api.parts.store.write([Points("power", [time], tags, fields)])


async def test_latest_gathers_the_newest_of_every_value_over_several_readings(api: Running) -> None:
    await given(api, "meter-1")
    assert "Nothing was heard" in (await api.get(f"{DEVICES}/meter-1/latest", 404))["detail"]
    await api.publish_readings(
        reading("meter-1", -5 * NANOSECONDS, voltage_l1=229.5, power=900.0),
        reading("meter-1", -1 * NANOSECONDS, power=1500.0),
        reading("meter-1", -9 * NANOSECONDS, power=7.0, voltage_l2=231.0),
    )
    await until(lambda: (known := api.parts.live.current.latest("meter-1")) and "voltage_l2" in known.values)
    latest = await api.get(f"{DEVICES}/meter-1/latest")
    assert latest["values"] == {"voltage_l1": 229.5, "power": 1500.0, "voltage_l2": 231.0}
    assert latest["observed_at"] == format_utc(NOW - NANOSECONDS)
    assert latest["earlier"] == {
        "voltage_l1": format_utc(NOW - 5 * NANOSECONDS),
        "voltage_l2": format_utc(NOW - 9 * NANOSECONDS),
    }
    assert latest["units"] == {"voltage_l1": "V", "power": "W", "voltage_l2": "V"}


async def test_what_the_store_knew_is_there_before_anything_is_heard(api: Running) -> None:
    await given(api, "seeded")
    api.parts.live.seed([LiveReading("quay", "seeded", "power", NOW, NOW, {"power": 3.0})], [])
    assert (await api.get(f"{DEVICES}/seeded/latest"))["values"] == {"power": 3.0}


async def test_readings_come_oldest_first_with_quality_where_it_is_not_good(api: Running) -> None:
    await given(api, "meter-2")
    await stored(
        api,
        "meter-2",
        {
            START + MINUTE: {"power": 2.0, "quality": Quality.UNCERTAIN.value},
            START: {"power": 1.0, "voltage_l1": 230.0},
        },
    )
    page = await api.get(f"{DEVICES}/meter-2/readings", start=format_utc(START))
    assert page["items"] == [
        {"time": format_utc(START), "values": {"power": 1.0, "voltage_l1": 230.0}},
        {"time": format_utc(START + MINUTE), "values": {"power": 2.0}, "quality": "uncertain"},
    ]
    assert page["units"] == {"power": "W", "voltage_l1": "V"}
    some = await api.get(f"{DEVICES}/meter-2/readings", start=format_utc(START), metrics="voltage_l1")
    assert [item["values"] for item in some["items"]] == [{"voltage_l1": 230.0}]


async def test_a_value_that_a_device_announced_itself_can_be_asked_for(api: Running) -> None:
    await given(api, "meter-9")
    node = meter("node-1", "quay") | {"profile": "sparkplug-node", "link": "mqtt:spBv1.0/#"}
    await api.send("POST", DEVICES, node, 201)
    tags = {"device": ["node-1"], "gateway": ["quay"], "site": ["VNHPH"]}
    fields: dict[str, Sequence[Value | None]] = {"tank_level": [4.2]}
    assert not await api.parts.store.write([Points("sparkplug", [START], tags, fields)])
    page = await api.get(f"{DEVICES}/node-1/readings", start=format_utc(START), metrics="tank_level")
    assert [item["values"] for item in page["items"]] == [{"tank_level": 4.2}]


async def test_readings_are_aggregated_by_time_bucket(api: Running) -> None:
    await given(api, "meter-3")
    await stored(api, "meter-3", {START + n * 20 * NANOSECONDS: {"power": float(n)} for n in range(6)})

    async def asked(**more: Any) -> Any:
        page = await api.get(
            f"{DEVICES}/meter-3/readings", metrics="power", every="1m", start=format_utc(START), **more
        )
        return [(item["time"], item["values"]["power"]) for item in page["items"]]

    first, second = format_utc(START), format_utc(START + MINUTE)
    assert await asked() == [(first, 1.0), (second, 4.0)]
    assert await asked(aggregate="max") == [(first, 2.0), (second, 5.0)]
    assert await asked(aggregate="count") == [(first, 3.0), (second, 3.0)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_of_readings_join_to_the_whole(api: Running, limit: int) -> None:
    device = f"paged-{limit}"
    await given(api, device)
    await stored(api, device, {START + n * NANOSECONDS: {"power": float(n)} for n in range(7)})
    pages = await api.pages(f"{DEVICES}/{device}/readings", start=format_utc(START), limit=limit)
    assert all(len(page) <= limit for page in pages)
    assert [item["values"]["power"] for page in pages for item in page] == [float(n) for n in range(7)]


async def test_two_points_of_one_instant_are_both_given_across_a_page_border(api: Running) -> None:
    await given(api, "double")
    for gateway in ("quay", "other"):
        tags = {"device": ["double"], "gateway": [gateway], "site": ["VNHPH"]}
        await api.parts.store.write([Points("power", [START], tags, {"power": [1.0]})])
    pages = await api.pages(f"{DEVICES}/double/readings", start=format_utc(START), limit=1)
    assert [len(page) for page in pages] == [1, 1]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"metrics": "power,steam"}, "query/metrics"),
        ({"metrics": 'power"; DROP'}, "query/metrics"),
        ({"start": "yesterday"}, "query/start"),
        ({"start": "now", "end": "-1h"}, "query/start"),
        ({"end": "2500-01-01T00:00:00Z"}, "query/end"),
        ({"every": "0s"}, "query/every"),
        ({"every": "400d"}, "query/every"),
        ({"aggregate": "median"}, "query/aggregate"),
        ({"limit": "0"}, "query/limit"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_told_where_it_is_wrong(
    api: Running, query: dict[str, str], where: str
) -> None:
    if (await api.ask("GET", f"{DEVICES}/asked")).status_code == 404:
        await given(api, "asked")
    refused = await api.get(f"{DEVICES}/asked/readings", 422, **query)
    assert [flaw["where"] for flaw in refused["errors"]] == [where]


async def test_an_offset_may_lose_its_plus_sign_on_the_way(api: Running) -> None:
    await given(api, "zoned")
    await stored(api, "zoned", {START: {"power": 1.0}})
    hanoi = format_utc(START + 7 * 60 * MINUTE).removesuffix("Z")
    answer = await api.ask("GET", f"{DEVICES}/zoned/readings?start={hanoi}+07:00")
    assert [item["time"] for item in answer.json()["items"]] == [format_utc(START)]


async def test_readings_of_nobody_are_not_found(api: Running) -> None:
    assert "no device" in (await api.get(f"{DEVICES}/nobody/readings", 404))["detail"]
    assert "no device" in (await api.get(f"{DEVICES}/nobody/latest", 404))["detail"]


async def test_an_aggregate_without_buckets_is_refused_and_not_left_out_silently(api: Running) -> None:
    await given(api, "meter-unbucketed")
    answer = await api.get(f"{DEVICES}/meter-unbucketed/readings", 422, aggregate="max")
    assert answer["errors"][0]["where"] == "query/aggregate"
    assert "add every" in answer["detail"]
