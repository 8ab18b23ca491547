"""`/vessels`: the live picture and tracks."""

import pytest

from stores.contract import Points
from telemetry import format_utc
from telemetry.times import NANOSECONDS
from tests.api.running import NOW, Running, ship

pytestmark = pytest.mark.asyncio(loop_scope="module")
VESSELS = "/api/v1/vessels"
FIELDS = [
    *("mmsi", "name", "call_sign", "imo", "ship_type", "class", "lat", "lon", "sog", "cog", "heading"),
    *("nav_status", "destination", "eta", "draught", "length", "beam", "stations", "last_seen"),
]


async def test_a_ship_has_exactly_these_fields_and_null_for_what_is_not_available(api: Running) -> None:
    name = "<script>alert(1)</script>"
    await api.publish_ships(
        ship(574001230, name=name, sog=12.3, stations=("ais-1", "ais-2")), ship(574001231, None, None)
    )
    shown = await api.get(f"{VESSELS}/574001230")
    assert list(shown) == FIELDS
    assert (shown["mmsi"], shown["name"], shown["sog"]) == (574001230, name, 12.3)
    assert shown["stations"] == ["ais-1", "ais-2"]
    assert shown["last_seen"] == format_utc(NOW)
    unknown = await api.get(f"{VESSELS}/574001231")
    assert {unknown[field] for field in ("name", "lat", "lon", "sog", "heading", "draught")} == {None}


async def test_a_ship_nobody_heard_is_not_found(api: Running) -> None:
    assert "999999999" in (await api.get(f"{VESSELS}/999999999", 404))["detail"]
    for wrong in ("0", "1000000000", "HAIPHONG"):
        assert (await api.get(f"{VESSELS}/{wrong}", 422))["errors"][0]["where"] == "path/mmsi"


async def test_ships_are_listed_in_a_box_as_json_and_as_geojson(api: Running) -> None:
    await api.publish_ships(
        ship(1001, 10.0, 20.0), ship(1002, 10.5, 20.5), ship(1003, 12.0, 20.0), ship(1004, None, None)
    )
    box = "19.9,9.9,20.6,10.6"
    page = await api.get(VESSELS, bbox=box)
    assert [one["mmsi"] for one in page["items"]] == [1001, 1002]
    answer = await api.ask("GET", VESSELS, params={"bbox": box, "format": "geojson"})
    assert answer.headers["content-type"] == "application/geo+json"
    collection = answer.json()
    assert collection["type"] == "FeatureCollection"
    assert collection["features"][0] == {
        "type": "Feature",
        "id": 1001,
        "geometry": {"type": "Point", "coordinates": [20.0, 10.0]},
        "properties": page["items"][0],
    }
    everywhere = await api.get(VESSELS, format="geojson", limit=10_000)
    assert [one["geometry"] for one in everywhere["features"] if one["id"] == 1004] == [None]


async def test_a_box_may_cross_the_antimeridian(api: Running) -> None:
    await api.publish_ships(ship(2001, -17.0, 179.5), ship(2002, -17.0, -179.5), ship(2003, -17.0, 0.0))
    page = await api.get(VESSELS, bbox="179,-18,-179,-16")
    assert [one["mmsi"] for one in page["items"]] == [2001, 2002]


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "0,10,10,0", "-181,0,0,1", "nan,0,1,1", "0,0,1,91"])
async def test_an_impossible_box_is_refused(api: Running, box: str) -> None:
    assert (await api.get(VESSELS, 422, bbox=box))["errors"][0]["where"] == "query/bbox"


async def test_pages_of_ships_join_to_the_whole(api: Running) -> None:
    await api.publish_ships(*(ship(number, 60.0, 5.0) for number in range(3001, 3012)))
    pages = await api.pages(VESSELS, bbox="4,59,6,61", limit=5)
    assert [len(page) for page in pages] == [5, 5, 1]
    assert [one["mmsi"] for page in pages for one in page] == list(range(3001, 3012))


async def test_a_ship_without_news_for_a_day_is_not_listed(api: Running) -> None:
    day = 24 * 3600 * NANOSECONDS
    old = ship(4001, 70.0, 5.0, last_seen=NOW - day - NANOSECONDS)
    young = ship(4002, 70.0, 5.0, last_seen=NOW - day + 3600 * NANOSECONDS)
    api.parts.live.current.take_vessels([young, old], NOW)
    page = await api.get(VESSELS, bbox="4,69,6,71")
    assert [one["mmsi"] for one in page["items"]] == [4002]
    await api.get(f"{VESSELS}/4001", 404)


async def track(api: Running, mmsi: int, *fixes: tuple[float, str, float, float, float]) -> None:
    """Reports in the store: seconds ago, station, latitude, longitude, speed."""
    for ago, station, lat, lon, sog in fixes:
        tags = {"mmsi": [str(mmsi)], "device": [station], "gateway": ["quay"], "site": ["VNHPH"]}
        at = NOW - round(ago * NANOSECONDS)
        fields = {"lat": [lat], "lon": [lon], "sog": [sog], "cog": [90.0]}
        await api.parts.store.write([Points("vessel", [at], tags, fields)])


async def test_a_track_has_what_several_stations_heard_once(api: Running) -> None:
    await track(
        api,
        5001,
        (600.0, "ais-1", 20.80, 106.70, 9.0),
        (599.5, "ais-2", 20.80, 106.70, 9.0),
        (590.0, "ais-1", 20.81, 106.71, 9.1),
        (580.2, "ais-1", 20.82, 106.72, 9.2),
        (580.1, "ais-2", 20.82, 106.72, 9.2),
        (100.0, "ais-1", 20.82, 106.72, 9.2),
    )
    page = await api.get(f"{VESSELS}/5001/track")
    assert [(one["lat"], one["sog"]) for one in page["items"]] == [
        (20.80, 9.0),
        (20.81, 9.1),
        (20.82, 9.2),
        (20.82, 9.2),
    ]
    assert page["items"][0]["time"] == format_utc(NOW - 600 * NANOSECONDS)
    assert page["items"][0]["heading"] is None
    later = await api.get(f"{VESSELS}/5001/track", start="-5m")
    assert len(later["items"]) == 1


async def test_a_track_is_a_geojson_line_cut_at_the_antimeridian(api: Running) -> None:
    await track(api, 5002, (20, "a", 1.0, 10.0, 5.0), (10, "a", 2.0, 11.0, 5.0))
    await track(api, 5003, (20, "a", 0.0, 179.0, 5.0), (10, "a", 2.0, -179.0, 5.0))
    await track(api, 5004, (20, "a", 1.0, 10.0, 5.0))
    plain = await api.get(f"{VESSELS}/5002/track", format="geojson")
    assert plain["geometry"] == {"type": "LineString", "coordinates": [[10.0, 1.0], [11.0, 2.0]]}
    assert plain["properties"]["mmsi"] == 5002
    assert len(plain["properties"]["times"]) == 2
    cut = await api.get(f"{VESSELS}/5003/track", format="geojson")
    assert cut["geometry"] == {
        "type": "MultiLineString",
        "coordinates": [[[179.0, 0.0], [180.0, 1.0]], [[-180.0, 1.0], [-179.0, 2.0]]],
    }
    assert (await api.get(f"{VESSELS}/5004/track", format="geojson"))["geometry"]["type"] == "Point"
    assert (await api.get(f"{VESSELS}/5005/track", format="geojson"))["geometry"] is None


async def test_pages_of_a_track_join_to_the_whole(api: Running) -> None:
    await track(api, 5006, *((100.0 - n, "a", 10.0 + n / 100, 100.0, 5.0) for n in range(9)))
    pages = await api.pages(f"{VESSELS}/5006/track", limit=4)
    assert [len(page) for page in pages] == [4, 4, 1]
    assert [one["lat"] for page in pages for one in page] == [10.0 + n / 100 for n in range(9)]
