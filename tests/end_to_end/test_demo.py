"""`haidang up --demo`: the simulated port on real wires, as somebody sees it who tries it out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.end_to_end.live import live
from tests.end_to_end.platform import Platform, places, platform, run
from tests.waiting import until

DEVICES = {"ais-dinh-vu", "berth-camera", "level-radar", "quay-power", "weather-mast", "yard-sensor"}
PATIENCE = 60.0  # seconds until the port is awake
NAMED_SHIPS = 10
Page = Mapping[str, Any]


async def test_the_demo_shows_every_device_and_moving_ships_within_a_minute(tmp_path: Path) -> None:
    async with platform(tmp_path, "", "--demo") as running:
        await every_device_reads(running)
        before = await running.until("/api/v1/vessels", has_ships, PATIENCE, limit="500")
        await the_live_stream_tells_all_and_goes_on(running)
        await running.until("/api/v1/vessels", lambda now: has_moved(before, now), PATIENCE, limit="500")
        await nobody_else_may_use_its_folder(tmp_path)
        assert not running.complaints


async def every_device_reads(running: Platform) -> None:
    page = await running.until("/api/v1/devices", all_are_well, PATIENCE)
    assert {device["id"] for device in page["items"]} == DEVICES
    for device in DEVICES:
        latest = await running.until(f"/api/v1/devices/{device}/latest", lambda one: one.get("values"))
        assert latest["quality"] == "good"


def all_are_well(page: Page) -> bool:
    return len(page["items"]) == len(DEVICES) and {one["state"] for one in page["items"]} == {"ok"}


def has_ships(page: Page) -> bool:
    return sum(ship["name"] is not None for ship in page["items"]) >= NAMED_SHIPS


def has_moved(before: Page, now: Page) -> bool:
    """Whether a ship is elsewhere than it was."""
    there = {ship["mmsi"]: (ship["lat"], ship["lon"]) for ship in before["items"] if ship["lat"] is not None}
    return any(
        ship["mmsi"] in there and (ship["lat"], ship["lon"]) != there[ship["mmsi"]] for ship in now["items"]
    )


async def the_live_stream_tells_all_and_goes_on(running: Platform) -> None:
    async with live(running.address) as told:
        await until(lambda: {"readings", "vessels", "gateways"} <= {message["type"] for message in told})
        first = {message["type"]: message["items"] for message in reversed(told)}
        assert {reading["device"] for reading in first["readings"]} == DEVICES
        assert has_ships({"items": first["vessels"]})
        assert [(one["id"], one["online"]) for one in first["gateways"]] == [("demo", True)]
        snapshot = len(told)
        await until(lambda: {"readings", "vessels"} <= {message["type"] for message in told[snapshot:]})


async def nobody_else_may_use_its_folder(folder: Path) -> None:
    code, output = await run("up", *places(folder, ""), "--port", "0")
    assert code == 1
    assert "another haidang process holds it" in output.splitlines()[-1]
    assert "Traceback" not in output
