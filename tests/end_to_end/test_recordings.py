"""Recorded logs, replayed on a wire into a whole platform: every ship is in the API, as recorded."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyais
import pytest
from pyais.exceptions import AISBaseException

from tests import servers
from tests.end_to_end.platform import Platform, platform, run
from tests.reference import reference

SUPPORTED = {1, 2, 3, 4, 5, 9, 11, 18, 19, 21, 24, 27}
SHIPS = SUPPORTED - {11}


def configuration(port: int, more: str = "") -> str:
    return f"""
[[gateway]]
id = "dinh-vu"
[[gateway.device]]
id = "ais-dinh-vu"
profile = "ais-receiver"
link = "tcp://127.0.0.1:{port}"
{more}"""


async def play(log: Path, port: int) -> None:
    code, output = await run("replay", str(log), "--to", f"tcp-listen://127.0.0.1:{port}")
    assert code == 0, output


async def ships(running: Platform, expected: set[int]) -> Mapping[int, Mapping[str, Any]]:
    """The ships of the API, once all expected ones are there."""
    found: Mapping[int, Mapping[str, Any]] = {}
    for _ in range(200):
        found = {ship["mmsi"]: ship for ship in await running.all("/api/v1/vessels", limit="500")}
        if expected <= found.keys():
            return found
        await running.until("/healthz", lambda _: True)
    raise AssertionError(f"missing: {expected - found.keys()}; found {len(found)}")


async def test_the_ships_of_the_sample_with_every_type_are_in_the_api(tmp_path: Path) -> None:
    log = reference("ais/gpsd-sample.aivdm")
    oracle = [json.loads(line) for line in reference("ais/gpsd-sample.scaled.jsonl").read_text().splitlines()]
    expected = {message["mmsi"] for message in oracle if message["type"] in SHIPS}
    port = servers.free_port()
    async with platform(tmp_path, configuration(port)) as running:
        await play(log, port)
        found = await ships(running, expected)
    voyages = {m["mmsi"]: m for m in oracle if m["type"] == 5}
    assert voyages
    for mmsi, voyage in voyages.items():
        ship = found[mmsi]
        assert ship["name"] == (voyage["shipname"] or None)
        assert ship["call_sign"] == (voyage["callsign"] or None)
        assert ship["imo"] == (voyage["imo"] or None)
        assert ship["destination"] == (voyage["destination"] or None)
        assert ship["class"] == "A"


@pytest.mark.parametrize(("name", "least"), [("norway-tagblocks.nm4", 100), ("denmark-stream.txt", 300)])
async def test_the_ships_of_a_national_recording_are_in_the_api(
    tmp_path: Path, name: str, least: int
) -> None:
    log = reference(f"ais/{name}")
    last = last_positions(log)
    assert len(last) >= least
    port = servers.free_port()
    async with platform(tmp_path, configuration(port)) as running:
        await play(log, port)
        found = await ships(running, set(last))
        await running.drained("dinh-vu")
        for mmsi, (lat, lon) in last.items():
            ship = await running.until(f"/api/v1/vessels/{mmsi}", is_at_latitude(lat))
            assert ship["lon"] == pytest.approx(lon, abs=1e-5)
            assert ship["stations"] == ["ais-dinh-vu"]
    assert found.keys() >= last.keys()


def is_at_latitude(lat: float) -> Callable[[Any], bool]:
    return lambda ship: bool(ship["lat"] == pytest.approx(lat, abs=1e-5))


def last_positions(log: Path) -> Mapping[int, tuple[float, float]]:
    """Where pyais saw each ship of class A last."""
    last: dict[int, tuple[float, float]] = {}
    for line in log.read_bytes().splitlines():
        sentence = line[line.find(b"!") :]
        if b"VDM,1," not in sentence:
            continue
        try:
            message: Any = pyais.decode(sentence, error_if_checksum_invalid=True)
        except AISBaseException:
            continue
        if message.msg_type in {1, 2, 3} and message.lat != 91 and message.lon != 181:
            last[message.mmsi] = (message.lat, message.lon)
    return last
