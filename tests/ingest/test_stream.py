"""What a batch of readings means."""

from ingest.stream import Stream
from rules.evaluator import Evaluator
from telemetry import Instant, Reading
from vessels.codec import encode
from vessels.messages import Message, PositionReport, StaticAndVoyage
from vessels.picture import Picture

NOW = Instant(1_795_309_323_000_000_000, 0.0)
STATIC = StaticAndVoyage(5, 0, 574001230, name="TRUONG SON STAR", destination="VNHPH")


def heard(station: str, at: int, sentence: str) -> Reading:
    return Reading(station, "ais", NOW.utc + at, {"sentence": sentence})


def position(mmsi: int) -> str:
    message: Message = PositionReport(1, 0, mmsi, sog=7.5, lat=20.8, lon=106.9)
    (sentence,) = encode(message)
    return sentence


def test_stations_by_turns_are_each_heard_whole_and_in_the_order_of_the_readings() -> None:
    first, second = encode(STATIC, sequence=3)
    readings = [
        heard("west", 1, first),
        heard("east", 2, position(574000001)),
        Reading("mast", "weather", NOW.utc + 3, {"wind_speed": 4.0}),
        heard("east", 4, "!AIVDM,nonsense*00"),
        heard("west", 5, second),
        heard("west", 6, position(574000002)),
    ]
    meaning = Stream(Picture(), Evaluator((), NOW)).take(readings, NOW)
    found = [
        (seen.measurement, seen.mmsi, seen.station, seen.time - NOW.utc) for seen in meaning.observations
    ]
    assert found == [
        ("vessel", 574000001, "east", 2),
        ("vessel_static", 574001230, "west", 5),
        ("vessel", 574000002, "west", 6),
    ]
    assert {vessel.mmsi: vessel.name for vessel in meaning.vessels} == {
        574000001: None,
        574001230: "TRUONG SON STAR",
        574000002: None,
    }
