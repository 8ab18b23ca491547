"""The live picture: what all stations heard of a ship, put together in time."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vessels.lines import NOW, SECOND, SHIP, class_b, fix, mark, part_a, part_b, voyage
from vessels.messages import (
    BaseStationReport,
    ExtendedClassBPosition,
    LongRangePosition,
    Message,
    PositionReport,
    SarAircraftPosition,
    StaticAndVoyage,
    StaticPartA,
    StaticPartB,
)
from vessels.picture import AHEAD, FINE_HOLDS, KEPT_FOR, Picture, Vessel, position_fields, static_fields

MINUTE = 60 * SECOND


def coarse(lat: float = 21.5, lon: float = 107.5) -> Message:
    """The same ship as a satellite hears it."""
    return LongRangePosition(27, 0, SHIP, lat=lat, lon=lon, sog=9, cog=311, nav_status=0)


def seen(*messages: tuple[Message, str, int]) -> Vessel:
    """The ship after these messages, heard by these stations at these times."""
    picture = Picture()
    for message, station, at in messages:
        picture.apply(message, station, at)
    (vessel,) = picture.vessels()
    return vessel


def at_quay(*messages: Message) -> Vessel:
    """The ship after these messages, a second apart."""
    return seen(*((message, "quay", NOW + place * SECOND) for place, message in enumerate(messages)))


def test_position_identity_and_voyage_come_together() -> None:
    assert at_quay(fix(), voyage()) == Vessel(
        mmsi=SHIP,
        name="HAI PHONG STAR",
        call_sign="XVAB",
        imo=9134270,
        ship_type=70,
        ship_class="A",
        lat=20.8,
        lon=106.9,
        sog=9.5,
        cog=311.4,
        heading=312,
        nav_status=0,
        destination="VNHPH",
        eta="05-06T07:08Z",
        draught=7.5,
        length=152,
        beam=22,
        to_bow=100,
        to_stern=52,
        to_port=9,
        to_starboard=13,
        stations=("quay",),
        last_seen=NOW + SECOND,
        position_at=NOW,
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_the_parts_of_type_24_come_together_in_any_order(order: tuple[int, ...]) -> None:
    messages = [part_a(), part_b(), class_b()]
    vessel = at_quay(*(messages[place] for place in order))
    assert (vessel.name, vessel.call_sign, vessel.ship_type) == ("CA MAP", "XV12", 30)
    assert (vessel.length, vessel.beam, vessel.ship_class, vessel.sog) == (18, 5, "B", 5.1)


def test_a_type_19_tells_position_and_identity_at_once() -> None:
    message = ExtendedClassBPosition(19, 0, SHIP, 4.0, name="SONG CAM", ship_type=37, lat=20.8, lon=106.9)
    vessel = at_quay(message)
    assert (vessel.name, vessel.ship_type, vessel.lat, vessel.ship_class) == ("SONG CAM", 37, 20.8, "B")


def test_the_classes_of_what_is_heard() -> None:
    classes: dict[str | None, list[Message]] = {
        "A": [fix(), voyage()],
        "B": [class_b(), part_a(), part_b()],
        "aton": [mark()],
        "base": [BaseStationReport(4, 0, 5740001, lat=20.8, lon=106.7)],
        "sar": [SarAircraftPosition(9, 0, 111574001), PositionReport(1, 0, 972574001, 14)],
        None: [coarse(), BaseStationReport(11, 0, SHIP)],
    }
    for expected, messages in classes.items():
        assert [at_quay(message).ship_class for message in messages] == [expected] * len(messages)


def test_a_search_and_rescue_aircraft_stays_one_when_it_tells_its_name() -> None:
    aircraft = SarAircraftPosition(9, 0, 111574001, lat=20.8, lon=106.9, sog=110)
    vessel = at_quay(aircraft, StaticPartA(24, 0, 111574001, name="CASA 8982"), aircraft)
    assert (vessel.ship_class, vessel.name, vessel.sog) == ("sar", "CASA 8982", 110)


def test_an_older_position_never_overrides_a_newer_one() -> None:
    vessel = seen((fix(lat=20.8, sog=9.5), "quay", NOW), (fix(lat=20.1, sog=3.0), "quay", NOW - MINUTE))
    assert (vessel.lat, vessel.sog, vessel.last_seen, vessel.position_at) == (20.8, 9.5, NOW, NOW)


def test_a_backlog_fills_in_what_is_not_known_and_nothing_else() -> None:
    vessel = seen(
        (fix(), "quay", NOW),
        (voyage(name="OLD NAME", destination="SGSIN"), "quay", NOW - 60 * MINUTE),
    )
    assert (vessel.name, vessel.destination, vessel.lat) == ("OLD NAME", "SGSIN", 20.8)
    vessel = seen(
        (voyage(), "quay", NOW),
        (voyage(name="OLD NAME", destination="SGSIN"), "quay", NOW - 60 * MINUTE),
    )
    assert (vessel.name, vessel.destination) == ("HAI PHONG STAR", "VNHPH")


def test_a_voyage_that_is_no_longer_given_is_gone_but_a_name_stays() -> None:
    silent = StaticAndVoyage(5, 0, SHIP)
    vessel = at_quay(voyage(), silent)
    assert (vessel.destination, vessel.eta, vessel.draught) == (None, None, None)
    assert (vessel.name, vessel.call_sign, vessel.imo, vessel.length) == (
        "HAI PHONG STAR",
        "XVAB",
        9134270,
        152,
    )


def test_positions_91_and_181_are_never_plotted() -> None:
    lost = fix(lat=None, lon=None, sog=1.0)
    vessel = at_quay(lost)
    assert (vessel.lat, vessel.lon, vessel.position_at, vessel.sog) == (None, None, None, 1.0)
    vessel = at_quay(fix(), lost)
    assert (vessel.lat, vessel.lon, vessel.position_at, vessel.sog) == (20.8, 106.9, NOW, 1.0)
    assert position_fields(lost) is None


def test_a_coarse_position_gives_way_to_a_fine_one_that_is_as_fresh() -> None:
    for later in (-MINUTE, 0, MINUTE, FINE_HOLDS):
        vessel = seen((fix(), "quay", NOW), (coarse(), "satellite", NOW + later))
        assert (vessel.lat, vessel.sog) == (20.8, 9.5)
    vessel = seen((fix(), "quay", NOW), (coarse(), "satellite", NOW + FINE_HOLDS + 1))
    assert (vessel.lat, vessel.sog) == (21.5, 9)


def test_a_coarse_position_is_better_than_none_and_follows_itself() -> None:
    vessel = seen((coarse(21.0), "satellite", NOW), (coarse(21.5), "satellite", NOW + 1))
    assert vessel.lat == 21.5
    vessel = seen((coarse(), "satellite", NOW), (fix(), "quay", NOW + 1))
    assert vessel.lat == 20.8


def test_stations_stand_in_the_order_in_which_they_last_heard() -> None:
    picture = Picture()
    for station, at in [("quay", NOW), ("island", NOW + 5), ("quay", NOW + 9), ("hill", NOW + 2)]:
        picture.apply(fix(), station, at)
    (vessel,) = picture.vessels()
    assert vessel.stations == ("quay", "island", "hill")
    assert picture.heard(SHIP) == {"quay": NOW + 9, "island": NOW + 5, "hill": NOW + 2}
    assert picture.heard(1) == {}


def test_only_what_changes_is_returned() -> None:
    picture = Picture()
    first = picture.apply(fix(), "quay", NOW)
    assert first is not None
    assert first == picture.get(SHIP)
    assert picture.apply(fix(sog=1.0), "quay", NOW - 1) is None
    assert picture.get(1) is None
    assert len(picture) == 1


def test_two_ships_that_share_an_mmsi_do_no_more_harm_than_to_each_other() -> None:
    here, there = fix(lat=20.8), fix(lat=10.3)
    vessel = seen(*((there if place % 2 else here, "quay", NOW + place) for place in range(10)))
    assert vessel.lat == 10.3


def test_a_ship_not_heard_of_for_the_set_time_is_forgotten() -> None:
    picture = Picture()
    picture.apply(fix(1), "quay", NOW)
    picture.apply(fix(2), "quay", NOW + MINUTE)
    assert picture.expire(NOW + KEPT_FOR) == []
    assert picture.expire(NOW + KEPT_FOR + 1) == [1]
    assert [vessel.mmsi for vessel in picture.vessels()] == [2]


def test_a_station_that_no_longer_hears_a_ship_is_forgotten_with_time() -> None:
    picture = Picture()
    picture.apply(fix(), "island", NOW)
    picture.apply(fix(), "quay", NOW + MINUTE)
    assert picture.expire(NOW + KEPT_FOR + 1) == []
    (vessel,) = picture.vessels()
    assert vessel.stations == ("quay",)


def test_a_ship_from_a_clock_years_ahead_does_not_stay_frozen() -> None:
    picture = Picture()
    picture.apply(fix(lat=1.0), "quay", NOW + 10 * 365 * 24 * 60 * MINUTE)
    assert picture.apply(fix(), "quay", NOW) is None
    assert picture.expire(NOW) == [SHIP]
    picture.apply(fix(), "quay", NOW + AHEAD)
    assert picture.expire(NOW) == []


def test_the_ship_heard_of_longest_ago_gives_way_when_the_picture_is_full() -> None:
    picture = Picture(most=100)
    for mmsi in range(100):
        picture.apply(fix(mmsi), "quay", NOW + mmsi)
    picture.apply(fix(0), "quay", NOW + 100)
    for mmsi in range(1000, 1010):
        picture.apply(fix(mmsi), "quay", NOW + mmsi)
    assert (len(picture), picture.dropped) == (100, 10)
    assert {vessel.mmsi for vessel in picture.vessels()}.isdisjoint(range(1, 11))
    assert picture.get(0) is not None


def stored(message: Message, at: int = NOW) -> list[dict[str, Any]]:
    """The points of a message as the store gives them back: numbers as floats, tags as text."""
    tags = {"mmsi": str(message.mmsi), "device": "quay", "gateway": "dinh-vu", "site": "port", "time": at}
    found = [static_fields(message), position_fields(message)]
    return [
        tags | {name: value if isinstance(value, str) else float(value) for name, value in fields.items()}
        for fields in found
        if fields is not None
    ]


@pytest.mark.parametrize(
    "messages", [[voyage(), fix()], [part_a(), part_b(), class_b()], [mark()], [coarse()]], ids=len
)
def test_a_picture_is_restored_from_its_own_points(messages: list[Message]) -> None:
    picture, restored = Picture(), Picture()
    for message in messages:
        picture.apply(message, "quay", NOW)
        for row in stored(message):
            restored.restore(row)
    (before,), (after,) = picture.vessels(), restored.vessels()
    changed = {"ship_class"} if before.ship_class == "A" and len(messages) == 1 else set[str]()
    assert {name for name in Vessel.__slots__ if getattr(before, name) != getattr(after, name)} == changed
    assert isinstance(after.imo, int | None)
    assert isinstance(after.nav_status, int | None)


def test_what_is_heard_live_overrides_what_was_restored_and_not_the_other_way_round() -> None:
    picture = Picture()
    picture.apply(fix(), "quay", NOW)
    (row,) = stored(fix(lat=1.0), NOW - MINUTE)
    assert picture.restore(row) is None
    static, *_ = stored(voyage(), NOW - MINUTE)
    restored = picture.restore(static)
    assert restored is not None
    assert (restored.lat, restored.name, restored.last_seen) == (20.8, "HAI PHONG STAR", NOW)
    picture.apply(voyage(name="NEW NAME"), "quay", NOW)
    (vessel,) = picture.vessels()
    assert vessel.name == "NEW NAME"


@pytest.mark.parametrize(
    "row", [{}, {"mmsi": "x", "time": 1}, {"mmsi": "1"}, {"time": 1}, {"mmsi": None, "time": 1}]
)
def test_a_row_that_names_no_ship_or_time_is_passed_over(row: dict[str, Any]) -> None:
    picture = Picture()
    assert picture.restore(row) is None
    assert len(picture) == 0


def test_the_fields_of_points_are_those_that_are_available() -> None:
    assert position_fields(fix()) == {
        "lat": 20.8,
        "lon": 106.9,
        "sog": 9.5,
        "cog": 311.4,
        "heading": 312,
        "nav_status": 0,
    }
    assert position_fields(class_b()) == {"lat": 20.86, "lon": 106.7, "sog": 5.1, "cog": 88.0}
    assert position_fields(voyage()) is None
    assert position_fields(BaseStationReport(4, 0, 5740001, lat=20.8, lon=106.7)) is None
    assert static_fields(part_a()) == {"name": "CA MAP", "class": "B"}
    assert static_fields(mark("HP0")) == {"name": "HP0", "class": "aton"}
    assert static_fields(fix()) is None
    assert static_fields(StaticAndVoyage(5, 0, SHIP)) is None


@pytest.mark.parametrize(
    ("to", "known"),
    [
        ((0, 0, 0, 0), {}),
        ((0, 30, 0, 8), {"length": 30, "beam": 8}),
        (
            (0, 30, 2, 8),
            {"length": 30, "beam": 10, "to_bow": 0, "to_stern": 30, "to_port": 2, "to_starboard": 8},
        ),
        ((9, 0, 0, 0), {"length": 9, "to_bow": 9, "to_stern": 0, "to_port": 0, "to_starboard": 0}),
    ],
)
def test_dimensions_are_told_as_far_as_they_are_known(
    to: tuple[int, int, int, int], known: dict[str, int]
) -> None:
    message = StaticPartB(24, 0, SHIP, 1, None, None, 0, 0, "XV1", *to)
    assert static_fields(message) == {"call_sign": "XV1", "class": "B", **known}


def test_a_tender_has_no_dimensions() -> None:
    message = StaticPartB(24, 0, 985740001, 1, 50, None, 0, 0, None, 273, 300, 1, 2)
    assert static_fields(message) == {"ship_type": 50, "class": "B"}


MESSAGES = [fix(), fix(lat=None), fix(sog=0.0), class_b(), voyage(), voyage(name=None), part_a(), part_b()]
"""Without the coarse position: how long a fine one holds against it depends on what had come before."""


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(MESSAGES), st.sampled_from(["a", "b"])), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_picture_is_the_same_whatever_order_the_observations_come_in(
    heard: list[tuple[Message, str]], random: Random
) -> None:
    observations = [
        (message, station, NOW + place * SECOND) for place, (message, station) in enumerate(heard)
    ]
    mixed = list(observations)
    random.shuffle(mixed)
    one, other = seen(*observations), seen(*mixed)
    # the first static message may tell the class until a position does
    different = {name for name in Vessel.__slots__ if getattr(one, name) != getattr(other, name)}
    assert different <= {"ship_class"}
