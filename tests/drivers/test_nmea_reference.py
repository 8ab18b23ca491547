"""A recorded bus beside what gpsd made of it, field by field."""

import json
from typing import Any

import pytest

from drivers.contract import Driver
from tests.drivers.listening import faults, feed, listener, listener_of, readings, values
from tests.reference import reference

KNOT = 1852 / 3600
BUS = "nmea/bundg-zeus9.log"
ORACLE = "nmea/bundg-zeus9.chk"

SAME = {
    "lat": ("latitude", 5e-10),
    "lon": ("longitude", 5e-10),
    "altMSL": ("altitude", 5e-5),
    "depth": ("depth", 5e-4),
    "wanglet": ("wind_direction", 0.05),
    "wanglem": ("wind_direction_magnetic", 0.05),
    "wangler": ("wind_angle_relative", 0.05),
    "wspeedt": ("wind_speed", 0.051),
    "wspeedr": ("wind_speed_relative", 0.051),
}
"""gpsd's name → ours, and the rounding of its text (wind speeds to 0.1 m/s)."""


def magnetic_wind() -> Driver:
    """The one value of the recording that no shipped profile lists, and the course by compass."""
    return listener_of(
        "driver: nmea\nkind: test\nmetrics:\n"
        "- {name: wind_direction_magnetic, title: {en: a, vi: a}, unit: deg,"
        " read: {formatter: MWD, value: wind_direction_magnetic}}\n"
        "- {name: course_magnetic, title: {en: a, vi: a}, unit: deg,"
        " read: {formatter: VTG, value: course_over_ground_magnetic}}\n"
    )


def beside_gpsd() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each position report of gpsd with all that our drivers had read by then."""
    drivers = [listener("nmea-weather"), listener("nmea-navigation"), magnetic_wind()]
    known: dict[str, Any] = {}
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for line in reference(ORACLE).read_bytes().splitlines(keepends=True):
        if line.startswith(b"{"):
            report = json.loads(line)
            if report["class"] == "TPV":
                pairs.append((report, dict(known)))
            continue
        for driver in drivers:
            known |= values(feed(driver, [line]))
    return pairs


@pytest.mark.parametrize("field", sorted(SAME))
def test_every_value_agrees_with_gpsd_wherever_gpsd_reports_it(field: str) -> None:
    name, rounding = SAME[field]
    reports = [(report[field], known[name]) for report, known in beside_gpsd() if field in report]
    assert len(reports) > 100
    assert [pair for pair in reports if pair[0] != pytest.approx(pair[1], abs=rounding)] == []


def test_course_and_heading_agree_with_gpsd_which_reports_one_for_the_other() -> None:
    """gpsd's `track` is the course, or the compass heading plus its own model of variation (four
    decimals); its `magtrack` is the heading by compass, or the magnetic course."""
    tracks = compasses = 0
    for report, known in beside_gpsd():
        track = report.get("track")
        if track is not None and round(track, 1) == track:
            tracks += 1
            assert track == pytest.approx(known["course_over_ground"], abs=0.05)
        if "magtrack" in report:
            compasses += 1
            near = [known["heading_magnetic"], known["course_magnetic"]]
            assert min(abs(report["magtrack"] - value) for value in near) <= 0.051
    assert (tracks, compasses) > (1000, 1200)


def test_the_recording_holds_no_fault_and_as_many_values_as_sentences() -> None:
    data = reference(BUS).read_bytes()
    weather = feed(listener("nmea-weather"), [data])
    navigation = feed(listener("nmea-navigation"), [data])
    assert faults(weather) == faults(navigation) == []
    counts = {
        name: sum(name in reading.values for reading in readings(weather + navigation))
        for name in (
            "wind_direction",
            "wind_angle_relative",
            "depth_below_surface",
            "heading_true",
            "heel",
            "rudder",
        )
    }
    assert counts == {
        "wind_direction": 150,
        "wind_angle_relative": 150,
        "depth_below_surface": 149,
        "heading_true": 1457,
        "heel": 148,
        "rudder": 148,
    }
    assert "water_temperature" not in values(weather)


def test_the_ships_bus_mixed_with_ais_reads_its_weather_too() -> None:
    """Its XDR sentences are one field out of step, so their transducers have no known name."""
    events = feed(listener("nmea-weather"), [reference("ais/merrimac-ais-and-weather.log").read_bytes()])
    assert faults(events) == []
    told = values(events)
    assert {"wind_direction", "wind_speed", "water_temperature", "clock_offset"} <= set(told)
    assert "air_temperature" not in told
    assert len(readings(events)) == 141 + 282 + 142 + 142
