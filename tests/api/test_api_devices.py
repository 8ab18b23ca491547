"""`/devices`: provisioning, and the configuration that reaches the gateway over MQTT."""

from pathlib import Path

import pytest

from broker.embedded import embedded_broker
from broker.wire import Configuration, DeviceStatus, PushedDevice
from tests import servers
from tests.api.running import Running, ids, meter, meter_status, running, status

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEVICES = "/api/v1/devices"


async def test_a_device_is_created_read_changed_and_deleted(api: Running) -> None:
    await api.send("POST", "/api/v1/gateways", {"id": "quay"}, 201)
    new = meter("meter-1", "quay", every="500ms", unit_id=7, name="Công tơ 1")
    created = await api.send("POST", DEVICES, new, 201)
    assert created["every"] == 0.5
    assert created["declared"] == "api"
    assert created["state"] == "unknown"
    assert await api.get(f"{DEVICES}/meter-1") == created
    changed = await api.send("PATCH", f"{DEVICES}/meter-1", {"every": None, "name": "Công tơ A"})
    assert (changed["every"], changed["name"], changed["unit_id"]) == (None, "Công tơ A", 7)
    again = await api.send("POST", DEVICES, new, 409)
    assert "choose another id" in again["detail"]
    await api.send("DELETE", f"{DEVICES}/meter-1", status=204)
    assert (await api.get(f"{DEVICES}/meter-1", 404))["detail"] == "there is no device 'meter-1'"


async def test_every_change_reaches_the_gateway_as_a_newer_retained_configuration(api: Running) -> None:
    await api.send("POST", "/api/v1/gateways", {"id": "told"}, 201)
    await api.send("POST", DEVICES, meter("told-1", "told"), 201)
    first = await api.configuration("told", lambda found: bool(found.devices))
    assert list(first.devices) == [PushedDevice("told-1", "eastron-sdm630", "tcp://127.0.0.1:502")]
    await api.send("PATCH", f"{DEVICES}/told-1", {"unit_id": 3})
    second = await api.configuration("told", lambda found: found.version > first.version)
    assert [device.unit_id for device in second.devices] == [3]
    await api.send("DELETE", f"{DEVICES}/told-1", status=204)
    third = await api.configuration("told", lambda found: found.version > second.version)
    assert list(third.devices) == []
    wanted = (await api.get("/api/v1/gateways/told"))["configuration"]["wanted"]
    assert wanted == third.version


async def test_a_gateway_ahead_of_a_registry_begun_anew_is_brought_back_by_version_0(api: Running) -> None:
    await api.send("POST", "/api/v1/gateways", {"id": "ahead"}, 201)
    await api.send("POST", DEVICES, meter("ahead-1", "ahead"), 201)
    await api.configuration("ahead", lambda found: found.version == 1)
    async with api.configurations("ahead") as told:
        await told.one(lambda found: found.version == 1)
        await api.report("ahead", status(configuration=9))
        reset = await told.one(lambda _: True)
        again = await told.one(lambda _: True)
    assert (reset.version, again.version) == (0, 1)
    assert [device.id for device in reset.devices] == ["ahead-1"]


async def test_a_device_that_moves_leaves_one_gateway_and_comes_to_the_other(api: Running) -> None:
    for gateway in ("from-here", "to-there"):
        await api.send("POST", "/api/v1/gateways", {"id": gateway}, 201)
    await api.send("POST", DEVICES, meter("mover", "from-here"), 201)
    await api.configuration("from-here", lambda found: len(found.devices) == 1)
    moved = await api.send("PATCH", f"{DEVICES}/mover", {"gateway": "to-there"})
    assert moved["gateway"] == "to-there"
    await api.configuration("from-here", lambda found: not found.devices)
    await api.configuration("to-there", lambda found: len(found.devices) == 1)


async def test_a_gateway_that_only_a_file_names_can_be_given_devices(api: Running) -> None:
    await api.report("by-file", status(site="VNHPH"))
    await api.send("POST", DEVICES, meter("added", "by-file"), 201)
    pushed = await api.configuration("by-file", lambda found: bool(found.devices))
    assert [device.id for device in pushed.devices] == ["added"]
    shown = await api.get("/api/v1/gateways/by-file")
    assert (shown["declared"], shown["site"], shown["online"]) == ("api", "VNHPH", True)


async def test_a_device_of_a_gateways_file_is_shown_and_cannot_be_changed(api: Running) -> None:
    await api.report("filed", status(meter_status("in-file", faults={"timeout": 2}, readings=40)))
    shown = await api.get(f"{DEVICES}/in-file")
    assert shown["declared"] == "file"
    assert (shown["gateway"], shown["state"], shown["readings"]) == ("filed", "ok", 40)
    assert shown["faults"] == {"timeout": 2}
    assert shown["created_at"] is None
    for method, path, content in (
        ("POST", DEVICES, meter("in-file", "filed")),
        ("PATCH", f"{DEVICES}/in-file", {"name": "x"}),
        ("DELETE", f"{DEVICES}/in-file", None),
    ):
        refused = await api.send(method, path, content, 409)
        assert "stands in the configuration file of gateway 'filed'" in refused["detail"]


async def test_a_device_no_gateway_could_read_is_refused_with_the_place_and_the_remedy(api: Running) -> None:
    await api.send("POST", "/api/v1/gateways", {"id": "strict"}, 201)
    good = meter("bad", "strict")
    for change, where, remedy in (
        ({"gateway": "nobody"}, "body/gateway", "POST /api/v1/gateways"),
        ({"profile": "eastron-sdm999"}, "body/profile", "eastron-sdm630"),
        ({"link": "tcp://127.0.0.1"}, "body/link", "names no port"),
        ({"link": "carrier-pigeon://loft"}, "body/link", "begin it with one of"),
        ({"id": "Quay Power"}, "body/id", "lower-case letters"),
        ({"every": "soon"}, "body/every", "500ms"),
        ({"every": 0}, "body/every", "greater than 0"),
        ({"unit_id": 256}, "body/unit_id", "less than or equal to 255"),
        ({"baud": 9600}, "body/baud", "not known here"),
    ):
        refused = await api.send("POST", DEVICES, {**good, **change}, 422)
        assert [flaw["where"] for flaw in refused["errors"]] == [where]
        assert remedy in refused["detail"], refused
    await api.get(f"{DEVICES}/bad", 404)


async def test_a_link_is_shown_without_its_password_and_keeps_it_when_it_comes_back(api: Running) -> None:
    await api.send("POST", "/api/v1/gateways", {"id": "secret"}, 201)
    link = "mqtt://user:hunter2@127.0.0.1:1883/sensors/+/state"
    new = {"id": "hidden", "gateway": "secret", "profile": "mqtt-json-weather", "link": link}
    created = await api.send("POST", DEVICES, new, 201)
    assert "hunter2" not in str(created)
    assert created["link"].startswith("mqtt://user:***@")
    await api.send("PATCH", f"{DEVICES}/hidden", {"link": created["link"], "name": "x"})
    pushed = await api.configuration("secret", lambda found: any(one.name for one in found.devices))
    assert [device.link for device in pushed.devices] == [link]


async def test_devices_are_listed_by_gateway_profile_and_state_page_by_page(api: Running) -> None:
    await api.send("POST", "/api/v1/gateways", {"id": "many"}, 201)
    for number in range(5):
        await api.send("POST", DEVICES, meter(f"many-{number}", "many"), 201)
    statuses = [meter_status(f"many-{n}", declared="api", state="faulty") for n in (1, 3)]
    await api.report(
        "many", status(*statuses, meter_status("many-file"), DeviceStatus("many-old", "x", "y", "api"))
    )
    pages = await api.pages(DEVICES, gateway="many", limit=2)
    assert [ids(page) for page in pages] == [
        ["many-0", "many-1"],
        ["many-2", "many-3"],
        ["many-4", "many-file"],
    ]
    faulty = await api.get(DEVICES, gateway="many", state="faulty")
    assert ids(faulty["items"]) == ["many-1", "many-3"]
    meters = await api.pages(DEVICES, profile="eastron-sdm630")
    assert set(ids(pages[0])) <= set(ids([one for page in meters for one in page]))
    assert (await api.get(DEVICES, profile="ais-receiver", gateway="many"))["items"] == []


async def test_a_broker_that_forgot_gets_every_configuration_again(tmp_path: Path) -> None:
    port = servers.free_port()

    def complete(found: Configuration) -> bool:
        return [device.id for device in found.devices] == ["kept"]

    async with embedded_broker(port) as broker, running(tmp_path, broker) as before:
        await before.send("POST", "/api/v1/gateways", {"id": "quay"}, 201)
        await before.send("POST", DEVICES, meter("kept", "quay"), 201)
        await before.configuration("quay", complete)
    async with embedded_broker(port) as broker, running(tmp_path, broker) as after:
        await after.configuration("quay", complete)


async def test_a_device_created_while_the_broker_is_away_is_told_once_it_is_back(tmp_path: Path) -> None:
    async with running(tmp_path, connected=False) as api:
        await api.send("POST", "/api/v1/gateways", {"id": "quay"}, 201)
        await api.send("POST", DEVICES, meter("patient", "quay"), 201)
        async with api.connected():
            found = await api.configuration("quay", lambda found: bool(found.devices))
    assert [device.id for device in found.devices] == ["patient"]
