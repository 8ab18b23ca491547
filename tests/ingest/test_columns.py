"""Readings become columns."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.columns import Intake, Observation, columns
from telemetry import Quality, Reading

names = st.sampled_from(["speed", "direction", "status"])
values = st.floats(allow_nan=False) | st.integers() | st.booleans() | st.text(max_size=3)
readings = st.lists(
    st.builds(
        Reading,
        device=st.sampled_from(["a", "b"]),
        kind=st.sampled_from(["weather", "power"]),
        observed_at=st.integers(0, 100),
        values=st.dictionaries(names, values, min_size=1),
        quality=st.sampled_from(Quality),
    )
)


@given(readings)
def test_every_reading_is_one_row_and_every_column_is_as_long(given_readings: list[Reading]) -> None:
    rows: list[Reading] = []
    for points in columns([Intake("gw", "site", given_readings)]):
        assert set(points.tags) == {"device", "gateway", "site"}
        assert {len(column) for column in [*points.tags.values(), *points.fields.values()]} == {
            len(points.times)
        }
        for index, time in enumerate(points.times):
            fields = {name: column[index] for name, column in points.fields.items()}
            quality = Quality(str(fields.pop("quality", "good")))
            present = {name: value for name, value in fields.items() if value is not None}
            rows.append(Reading(points.tags["device"][index], points.measurement, time, present, quality))
    assert sorted(map(repr, rows)) == sorted(map(repr, given_readings))


def test_ships_carry_their_mmsi_and_the_station_that_heard_them() -> None:
    seen = Observation("vessel", 574001230, "ais-1", 7, {"lat": 20.8, "lon": 106.8})
    (points,) = columns([Intake("gw", "Dinh Vu", [], [seen])])
    assert points.measurement == "vessel"
    assert dict(points.tags) == {
        "mmsi": ["574001230"], "device": ["ais-1"], "gateway": ["gw"], "site": ["Dinh Vu"],
    }  # fmt: skip
    assert {name: list(column) for name, column in points.fields.items()} == {"lat": [20.8], "lon": [106.8]}
