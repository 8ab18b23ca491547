"""The same platform on a real InfluxDB: points are there by InfluxQL, and the API answers the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from drivers.nmea.sentences import encode
from tests import servers
from tests.end_to_end.platform import Platform, platform
from vessels.codec import encode as encode_ais
from vessels.messages import PositionReport, StaticAndVoyage

WEATHER = 40
SHIPS = {
    574001230: (20.65, 107.02),
    477123400: (20.79, 106.92),
}
SENTENCES = [
    sentence
    for mmsi, (lat, lon) in SHIPS.items()
    for message in (
        PositionReport(1, 0, mmsi, sog=9.5, lon=lon, lat=lat, cog=311.0, heading=310),
        StaticAndVoyage(5, 0, mmsi, name=f"SHIP {mmsi}", destination="VNHPH", draught=7.1),
    )
    for sentence in encode_ais(message)
]


def logs(folder: Path) -> Mapping[str, Path]:
    """A mast's and a receiver's log, made by our own encoders."""
    mast = folder / "mast.log"
    mast.write_bytes(b"".join(encode("YX", "MTW", [f"{20 + n / 8}", "C"]) for n in range(WEATHER)))
    receiver = folder / "receiver.log"
    receiver.write_text("".join(f"{sentence}\r\n" for sentence in SENTENCES))
    return {"mast": mast, "receiver": receiver}


def configuration(files: Mapping[str, Path], store: str = "") -> str:
    return f"""
[site]
name = "Đình Vũ"
[[gateway]]
id = "quay"
[[gateway.device]]
id = "mast"
profile = "nmea-weather"
link = "file://{files["mast"]}"
[[gateway.device]]
id = "receiver"
profile = "ais-receiver"
link = "file://{files["receiver"]}"
{store}"""


async def answers(running: Platform) -> Sequence[Any]:
    """What the API says of the same input, without the times of this run."""
    readings = await running.until(
        "/api/v1/devices/mast/readings", lambda page: len(page.get("items", ())) == WEATHER, limit="1000"
    )
    mean = await running.get(
        "/api/v1/devices/mast/readings", metrics="water_temperature", every="1h", aggregate="mean"
    )
    ships = await running.until("/api/v1/vessels", named)
    tracks = [await running.get(f"/api/v1/vessels/{ship['mmsi']}/track") for ship in ships["items"]]
    total = sum(item["values"]["water_temperature"] for item in mean["items"])
    return [
        [item["values"] for item in readings["items"]],
        total / len(mean["items"]) if len(mean["items"]) == 1 else "across an hour",
        [{k: v for k, v in ship.items() if k != "last_seen"} for ship in ships["items"]],
        [[without_time(item) for item in track["items"]] for track in tracks],
    ]


def named(page: Mapping[str, Any]) -> bool:
    return {ship["name"] for ship in page["items"]} == {f"SHIP {mmsi}" for mmsi in SHIPS}


def without_time(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in item.items() if name not in {"time", "observed_at"}}


async def test_points_are_in_influxdb_and_the_api_answers_as_with_the_embedded_store(
    tmp_path: Path, influx_url: str
) -> None:
    files = logs(tmp_path)
    for name in ("embedded", "influx"):
        (tmp_path / name).mkdir()
    async with platform(tmp_path / "embedded", configuration(files)) as running:
        embedded = await answers(running)
    host = influx_url.removeprefix("http://")
    store = f'[store]\nurl = "influxdb://{host}/end_to_end"\n'
    async with platform(tmp_path / "influx", configuration(files, store)) as running:
        influx = await answers(running)
    assert influx[0] == embedded[0]
    assert influx[2:] == embedded[2:]
    assert len(embedded[3]) == len(SHIPS)
    where = "\"device\" = 'mast' AND \"site\" = 'Đình Vũ'"
    count = f'SELECT count("water_temperature") FROM "weather" WHERE {where}'
    assert (await influxql(influx_url, count))[0]["values"][0][1] == WEATHER
    series = await influxql(influx_url, 'SELECT last("lat") FROM "vessel" GROUP BY "mmsi"')
    assert {one["tags"]["mmsi"] for one in series} == {str(ship["mmsi"]) for ship in embedded[2]}


async def test_a_platform_started_before_its_influxdb_takes_readings_and_hands_them_over_later(
    tmp_path: Path,
) -> None:
    port = servers.free_port()
    store = f'[store]\nurl = "influxdb://127.0.0.1:{port}/late"\n'
    async with platform(tmp_path, configuration(logs(tmp_path), store)) as running:
        await running.until("/api/v1/gateways/quay", lambda one: one.get("accepted", 0) >= WEATHER)
        await running.until("/readyz", lambda answer: answer["parts"]["store"] != "ok")
        with servers.influxd(tmp_path / "influxd", port):
            await running.until("/api/v1/gateways/quay", lambda one: one["backlog"] == 0, seconds=60)
            page = await running.get("/api/v1/devices/mast/readings", limit="1000")
            assert len(page["items"]) == WEATHER


async def influxql(url: str, query: str) -> Sequence[Any]:
    """The series that InfluxDB itself answers with."""
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/query", params={"db": "end_to_end", "q": query})
    series: Sequence[Any] = answer.json()["results"][0]["series"]
    return series
