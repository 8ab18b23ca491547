"""`/gateways`: provisioning, merged with what the gateways report."""

import pytest

from broker import topics
from tests.api.running import NOW, Running, ids, meter, meter_status, status
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
GATEWAYS = "/api/v1/gateways"


async def test_a_gateway_is_created_read_changed_and_deleted(api: Running) -> None:
    created = await api.send("POST", GATEWAYS, {"id": "dinh-vu", "name": "Đình Vũ"}, 201)
    assert created["declared"] == "api"
    assert created["online"] is None
    assert created["configuration"] == {"wanted": 0, "applied": None}
    assert await api.get(f"{GATEWAYS}/dinh-vu") == created
    changed = await api.send("PATCH", f"{GATEWAYS}/dinh-vu", {"site": "VNHPH"})
    assert (changed["name"], changed["site"]) == ("Đình Vũ", "VNHPH")
    twice = await api.send("POST", GATEWAYS, {"id": "dinh-vu"}, 409)
    assert "choose another id" in twice["detail"]
    assert await api.send("DELETE", f"{GATEWAYS}/dinh-vu", status=204) is None
    gone = await api.get(f"{GATEWAYS}/dinh-vu", 404)
    assert gone["detail"] == "there is no gateway 'dinh-vu'"


async def test_a_gateway_with_devices_is_not_deleted(api: Running) -> None:
    await api.send("POST", GATEWAYS, {"id": "occupied"}, 201)
    await api.send("POST", "/api/v1/devices", meter("meter-1", "occupied"), 201)
    refused = await api.send("DELETE", f"{GATEWAYS}/occupied", status=409)
    assert "1 devices" in refused["detail"]


async def test_what_a_gateway_reports_of_itself_is_shown(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.parts.live, "_clock", lambda: NOW - 2_500_000_000)
    await api.report(
        "quay",
        status(
            site="VNHPH",
            configuration=3,
            backlog=2,
            backlog_bytes=900,
            refused={"full": 7},
            alerts={"disk-full": "no room"},
        ),
    )
    shown = await api.get(f"{GATEWAYS}/quay")
    assert shown["online"] is True
    assert shown["declared"] == "file"
    assert shown["site"] == "VNHPH"
    assert (shown["version"], shown["backlog"], shown["backlog_bytes"]) == ("1.0", 2, 900)
    assert shown["refused"] == {"full": 7}
    assert shown["alerts"] == {"disk-full": "no room"}
    assert shown["configuration"] == {"wanted": 0, "applied": 3}
    assert shown["clock_skew"] == 2.5
    assert shown["last_status_at"] is not None
    for method, content in (("PATCH", {"name": "x"}), ("DELETE", None)):
        refused = await api.send(method, f"{GATEWAYS}/quay", content, 409)
        assert "change it there" in refused["detail"]


async def test_a_gateway_that_vanished_is_offline_and_its_devices_are_remembered(api: Running) -> None:
    await api.report("vanishing", status(meter_status("meter-2")))
    await api.report("vanishing", status(online=False))
    assert (await api.get(f"{GATEWAYS}/vanishing"))["online"] is False
    device = await api.get("/api/v1/devices/meter-2")
    assert (device["declared"], device["state"]) == ("file", "unknown")


async def test_a_gateway_whose_retained_status_is_removed_is_forgotten(api: Running) -> None:
    await api.report("removed", status())
    await api.broker.publish(topics.status("removed"), b"", retain=True)
    await until(lambda: "removed" not in api.parts.live.current.gateways)
    await api.get(f"{GATEWAYS}/removed", 404)


async def test_the_list_merges_created_and_reporting_gateways_page_by_page(api: Running) -> None:
    for gateway in ("z-b", "z-d", "z-e"):
        await api.send("POST", GATEWAYS, {"id": gateway}, 201)
    for gateway in ("z-a", "z-c", "z-d", "z-f"):
        await api.report(gateway, status())
    pages = await api.pages(GATEWAYS, limit=2)
    assert all(len(page) == 2 for page in pages[:-1])
    merged = [one for page in pages for one in page]
    assert ids(merged) == sorted(set(ids(merged)))
    ours = [one for one in merged if one["id"].startswith("z-")]
    assert ids(ours) == ["z-a", "z-b", "z-c", "z-d", "z-e", "z-f"]
    assert {one["id"] for one in ours if one["declared"] == "file"} == {"z-a", "z-c", "z-f"}
    named = await api.send("POST", GATEWAYS, {"id": "z-a", "name": "Cổng A"}, 201)
    assert (named["declared"], named["online"]) == ("api", True)
